"""What is true when a command under test has succeeded."""

from __future__ import annotations

from devenv_lib.names import ours
from tests.conftest import docker
from tests.faults.world import Step, World, archived, digest_of


def both(*steps: Step) -> Step:
    """Return all of the steps as one."""

    def check(world: World) -> None:
        for step in steps:
            step(world)

    return check


def ran(world: World) -> None:
    """What the last command line was to write inside is there."""
    assert world.workspace.sh("tail -n 1 ~/.local/state/ran") == str(world.turns)


def usable(world: World) -> None:
    """The environment runs, and its user can write to every volume."""
    world.workspace.sh("touch ~/.local/share/x ~/.cache/x ~/.local/state/x ~/.config/tvim/l* && id")


def kept(world: World) -> None:
    """The container is there, and does not run."""
    (found,) = world.workspace.engine.containers([f"devenv.prefix={world.workspace.prefix}"])
    assert (found.id, found.state) == (world.container, "exited")


def same(world: World) -> None:
    """It is the container that it was, and it runs."""
    there(world)
    assert world.runs()


def there(world: World) -> None:
    """It is the container that it was; one whose engine ended does not run any more."""
    (found,) = world.workspace.engine.containers([f"devenv.prefix={world.workspace.prefix}"])
    assert (found.id, found.name) == (world.container, world.workspace.name)
    assert found.state == "running" or (world.engine_ended and found.state == "exited")


def like_data(suffix: str) -> Step:
    def check(world: World) -> None:
        name, data = world.volume(suffix), world.volume("data")
        assert world.scan([name])[name] == world.trees[data]

    return check


def labelled(world: World) -> None:
    volume = world.workspace.engine.volume(world.volume("mine"))
    assert volume is not None
    assert ours(volume.labels, world.workspace.prefix)


def one_archive(world: World) -> None:
    """Every archive is whole; what was in the volume is in one of them."""
    found = [archived(path) for path in world.out.glob("*.tar*") if not path.match("*.json")]
    wanted = world.trees[world.volume("data")].items()
    assert found
    assert all(wanted <= tree.items() for tree in found)


def one_saved(world: World) -> None:
    """What was in the volume that is gone is in an archive."""
    found = [archived(path) for path in world.out.glob("*.tar*") if not path.match("*.json")]
    assert world.before in found


def replaced(world: World) -> None:
    """The volume has the new, and the old is in an archive."""
    like_data("old")(world)
    saved = world.out.glob(f"{world.volume('old')}-*.tar*")
    assert world.before in [archived(path) for path in saved if not path.match("*.json")]


def copied_out(world: World) -> None:
    top, tree = world.out / world.volume("data"), world.trees[world.volume("data")]
    files = [path for path in top.rglob("*") if path.is_file()]
    found = {str(path.relative_to(top)): digest_of(path.read_bytes()) for path in files}
    assert found == {path: entry[-1] for path, entry in tree.items() if entry[-1]}


def copied_in(world: World) -> None:
    assert world.workspace.in_volume("data", "cat in") == "written" * 99_999


def given(world: World) -> None:
    assert world.workspace.in_volume("data", "stat -c %u . made made/deep") == "1000\n1000\n1000"


def built(world: World) -> None:
    """The project's image is there, by its Dockerfile."""
    prefix, name = world.workspace.prefix, world.workspace.project.image
    form = '{{index .Config.Labels "built-for"}}'
    assert docker("image", "inspect", f"--format={form}", name).stdout.strip() == prefix


def own_built(world: World) -> None:
    """The environment runs, from the project's image."""
    built(world)
    usable(world)
    (found,) = world.workspace.engine.containers([f"devenv.prefix={world.workspace.prefix}"])
    assert found.image == world.workspace.project.image


def all_archived(world: World) -> None:
    """What was in each of the volumes is in an archive of it."""
    for suffix in ("data", "two"):
        name = world.volume(suffix)
        found = world.out.glob(f"{name}-*.tar*[!n]")
        assert world.trees[name] in [archived(path) for path in found]


def copied_tree(world: World) -> None:
    """The directory is in the volume, as the user's."""
    script = "cd in && cat a deep/b && stat -c %u . a deep deep/b"
    uids = "\n1000" * 4
    wanted = "a" * 9_999 + "deep/b" * 9_999 + uids[1:]
    assert world.workspace.in_volume("data", script) == wanted
