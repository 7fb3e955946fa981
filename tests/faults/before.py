"""What a command under test finds."""

from __future__ import annotations

from devenv_lib import volumes
from devenv_lib.host.directories import machine_digest, which
from devenv_lib.names import LABEL_HOST, LABEL_PARENT, LABEL_PATH, common_labels
from tests.conftest import give, own_base, remove_image
from tests.faults.world import World


def environment(world: World) -> None:
    world.stop()
    for suffix in ("data", "state"):
        world.fill(suffix)


def fresh(world: World) -> None:
    environment(world)
    world.forget_images()


def running(world: World) -> None:
    environment(world)
    world.up()


def has_run(world: World) -> None:
    """A running environment, which a command that only looks leaves as it is."""
    if not world.runs():
        running(world)


def stopped(world: World) -> None:
    environment(world)
    world.up(running=False)


def data(world: World) -> None:
    world.fill("data")


def mine(world: World) -> None:
    """A volume of ours without labels."""
    world.remove("mine")
    world.fill("mine", labels={"mine": "1"})


def one_doomed(world: World) -> None:
    world.trees.pop(world.fill("one"))
    world.fill("data")


def saved_doomed(world: World) -> None:
    """A volume that goes, and no archive of it yet."""
    world.before = world.trees.pop(world.fill("one"))
    world.empty()


def all_doomed(world: World) -> None:
    """Nothing but what is to go; the foreign ones stay."""
    for suffix in ("one", "two"):
        world.trees.pop(world.fill(suffix))


def saved(world: World) -> None:
    """A volume, and an archive of it on the host."""
    world.fill("data")
    if not list(world.out.glob("*.tar*")):
        world.empty()
        _archive(world, "data")


def _archive(world: World, suffix: str) -> None:
    engine, settings = world.workspace.engine, world.workspace.settings
    volumes.backup(engine, settings.prefix, world.volume(suffix), world.out, settings.image)


def absent(world: World) -> None:
    saved(world)
    world.remove("new")


def full(world: World) -> None:
    """A volume with something in it, and beside it an archive of another."""
    world.remove("old")
    world.fill("old")
    world.fill("data")
    world.empty()
    _archive(world, "data")
    world.before = world.trees.pop(world.volume("old"))


def no_copy(world: World) -> None:
    world.fill("data")
    world.empty()


def written(world: World) -> None:
    """A volume that somebody may be writing to."""
    has_run(world)
    world.empty()


def changed(world: World) -> None:
    """A volume that is written to, and a file of the host for it."""
    world.fill("data")
    world.empty()
    (world.out / "file").write_text("written" * 99_999)


def root(world: World) -> None:
    """A volume whose root is root's, and a directory in it."""
    world.fill("data")
    world.workspace.in_volume("data", "chown 0:0 . && chmod 755 . && mkdir -p -m 755 made/deep")


def own_image(world: World) -> None:
    """A project with an image of its own, which is not built yet."""
    environment(world)
    world.forget_images()
    remove_image(world.workspace.project.image)
    world.write(".devenv/Dockerfile", f"{own_base(world.workspace)}\n")


def orphan(world: World) -> None:
    """A volume of a project that is gone, and another one."""
    world.remove("orphan")
    gone = {LABEL_PATH: str(world.out / "gone"), LABEL_HOST: machine_digest()}
    gone[LABEL_PARENT] = which(str(world.out))
    prefix = world.workspace.prefix
    world.trees.pop(world.fill("orphan", labels={**common_labels(prefix), **gone}))
    world.fill("data")


def two(world: World) -> None:
    """Two volumes, and no archive of them."""
    world.fill("two")
    no_copy(world)


def vacant(world: World) -> None:
    """An archive, and an empty volume."""
    absent(world)
    world.workspace.make_volume("new")


def directory(world: World) -> None:
    """A volume without what is to be copied in, and a directory of the host for it."""
    world.fill("data")
    world.workspace.in_volume("data", "rm -rf in")
    world.empty()
    for name in ("a", "deep/b"):
        file = world.out / "tree" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name * 9_999)
    for path in (world.out / "tree", *(world.out / "tree").rglob("*")):
        give(path)


def own_check(world: World) -> None:
    """A running environment, and a check of the project's own."""
    has_run(world)
    world.write(".devenv/checks/test_own.py", "def test_own() -> None:\n    assert True\n")
