"""The commands under test: what each finds, and what is true when it has succeeded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from devenv_lib import volumes
from devenv_lib.names import ours
from tests.faults.world import World, archived, digest_of

#: What an environment has.
ENVIRONMENT = ("cache", "data", "state", "tvim-lock")
Step = Callable[[World], None]


def nothing(_: World) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Case:
    """A command, ``prepare`` before it, and ``check`` after its success.

    In words ``{p}`` is the prefix, ``{out}`` a directory, ``{archive}`` an archive in it.
    ``volumes`` are those that are there afterwards, by what follows the prefix, ``containers`` how
    many.
    ``already`` is what a second run of it may say that finds the first one's work done. What one
    that only ``looks`` shows is always the same.
    """

    words: str
    prepare: Step
    volumes: Sequence[str] = ()
    containers: int = 0
    check: Step = nothing
    already: str = ""
    looks: bool = False

    @property
    def on_host(self) -> bool:
        """Whether it reads or writes where archives and copies are."""
        return "{out}" in self.words or "{archive}" in self.words

    def line(self, world: World) -> list[str]:
        """Return the words of the command line."""
        prefix = world.workspace.prefix
        archive = next(world.out.glob(f"{prefix}-data-*.tar*[!n]"), "")
        return [w.format(p=prefix, out=world.out, archive=archive) for w in self.words.split()]


def _environment(world: World) -> None:
    world.stop()
    for suffix in ("data", "state"):
        world.fill(suffix)


def _fresh(world: World) -> None:
    _environment(world)
    world.forget_images()


def _running(world: World) -> None:
    _environment(world)
    world.up()


def _has_run(world: World) -> None:
    """A running environment, which a command that only looks leaves as it is."""
    if not world.runs():
        _running(world)


def _stopped(world: World) -> None:
    _environment(world)
    world.up(running=False)


def _data(world: World) -> None:
    world.fill("data")


def _mine(world: World) -> None:
    """A volume of ours without labels."""
    world.remove("mine")
    world.fill("mine", labels={"mine": "1"})


def _one_doomed(world: World) -> None:
    world.trees.pop(world.fill("one"))
    world.fill("data")


def _saved_doomed(world: World) -> None:
    """A volume that goes, and no archive of it yet."""
    world.before = world.trees.pop(world.fill("one"))
    world.empty()


def _all_doomed(world: World) -> None:
    """Nothing but what is to go; the foreign ones stay."""
    for suffix in ("one", "two"):
        world.trees.pop(world.fill(suffix))


def _saved(world: World) -> None:
    """A volume, and an archive of it on the host."""
    world.fill("data")
    if not list(world.out.glob("*.tar*")):
        world.empty()
        _backup(world, "data")


def _backup(world: World, suffix: str) -> None:
    engine, settings = world.workspace.engine, world.workspace.settings
    volumes.backup(engine, settings.prefix, world.volume(suffix), world.out, settings.image)


def _absent(world: World) -> None:
    _saved(world)
    world.remove("new")


def _full(world: World) -> None:
    """A volume with something in it, and beside it an archive of another."""
    world.remove("old")
    world.fill("old")
    world.fill("data")
    world.empty()
    _backup(world, "data")
    world.before = world.trees.pop(world.volume("old"))


def _no_copy(world: World) -> None:
    world.fill("data")
    world.empty()


def _written(world: World) -> None:
    """A volume that somebody may be writing to."""
    _has_run(world)
    world.empty()


def _changed(world: World) -> None:
    """A volume that is written to, and a file of the host for it."""
    world.fill("data")
    world.empty()
    (world.out / "file").write_text("written" * 99_999)


def _root(world: World) -> None:
    """A volume whose root is root's, and a directory in it."""
    world.fill("data")
    world.workspace.in_volume("data", "chown 0:0 . && chmod 755 . && mkdir -p -m 755 made/deep")


def _usable(world: World) -> None:
    """The environment runs, and its user can write to every volume."""
    world.workspace.sh("touch ~/.local/share/x ~/.cache/x ~/.local/state/x ~/.config/tvim/l* && id")


def _kept(world: World) -> None:
    """The container is there, and does not run."""
    (found,) = world.workspace.engine.containers([f"devenv.prefix={world.workspace.prefix}"])
    assert (found.id, found.state) == (world.container, "exited")


def _same(world: World) -> None:
    """It is the container that it was, and it runs."""
    _there(world)
    assert world.runs()


def _there(world: World) -> None:
    """It is the container that it was; one whose engine ended does not run any more."""
    (found,) = world.workspace.engine.containers([f"devenv.prefix={world.workspace.prefix}"])
    assert (found.id, found.name) == (world.container, world.workspace.name)
    assert found.state == "running" or (world.engine_ended and found.state == "exited")


def _like_data(suffix: str) -> Step:
    def check(world: World) -> None:
        name, data = world.volume(suffix), world.volume("data")
        assert world.scan([name])[name] == world.trees[data]

    return check


def _labelled(world: World) -> None:
    volume = world.workspace.engine.volume(world.volume("mine"))
    assert volume is not None
    assert ours(volume.labels, world.workspace.prefix)


def _one_archive(world: World) -> None:
    """Every archive is whole; what was in the volume is in one of them."""
    found = [archived(path) for path in world.out.glob("*.tar*") if not path.match("*.json")]
    wanted = world.trees[world.volume("data")].items()
    assert found
    assert all(wanted <= tree.items() for tree in found)


def _one_saved(world: World) -> None:
    """What was in the volume that is gone is in an archive."""
    found = [archived(path) for path in world.out.glob("*.tar*") if not path.match("*.json")]
    assert world.before in found


def _replaced(world: World) -> None:
    """The volume has the new, and the old is in an archive."""
    _like_data("old")(world)
    saved = world.out.glob(f"{world.volume('old')}-*.tar*")
    assert world.before in [archived(path) for path in saved if not path.match("*.json")]


def _copied_out(world: World) -> None:
    top, tree = world.out / world.volume("data"), world.trees[world.volume("data")]
    files = [path for path in top.rglob("*") if path.is_file()]
    found = {str(path.relative_to(top)): digest_of(path.read_bytes()) for path in files}
    assert found == {path: entry[-1] for path, entry in tree.items() if entry}


def _copied_in(world: World) -> None:
    assert world.workspace.in_volume("data", "cat in") == "written" * 99_999


def _given(world: World) -> None:
    assert world.workspace.in_volume("data", "stat -c %u . made made/deep") == "1000\n1000\n1000"


CASES: Mapping[str, Case] = {
    "run, new": Case("run --detach", _fresh, ENVIRONMENT, 1, _usable),
    "run, running": Case("run --detach", _has_run, ENVIRONMENT, 1, _same),
    "run, stopped": Case("run --detach", _stopped, ENVIRONMENT, 1, _same),
    "run, recreate": Case("run --detach --recreate --force", _running, ENVIRONMENT, 1, _usable),
    "exec": Case("exec -- true", _has_run, ENVIRONMENT, 1, _same),
    "exec, new": Case("exec -- true", _fresh, ENVIRONMENT, 1, _usable),
    "stop": Case("stop", _running, ENVIRONMENT),
    "stop, keep": Case("stop --keep", _running, ENVIRONMENT, 1, _kept),
    "list": Case("list", _has_run, ENVIRONMENT, 1, _there, looks=True),
    "mounts": Case("mounts", _fresh, looks=True),
    "volume.list": Case("volume.list", _data, looks=True),
    "volume.rm": Case(
        "volume.rm --name {p}-one --force", _one_doomed, already="there is no such volume"
    ),
    "volume.rm, all": Case("volume.rm --all --force", _all_doomed),
    "volume.rm, backup": Case(
        "volume.rm --name {p}-one --force --backup {out}",
        _saved_doomed,
        check=_one_saved,
        already="there is no such volume",
    ),
    "volume.adopt": Case("volume.adopt --name {p}-mine", _mine, check=_labelled),
    "volume.backup": Case("volume.backup --name {p}-data --to {out}", _no_copy, check=_one_archive),
    "volume.backup, in use": Case(
        "volume.backup --name {p}-data --to {out}", _written, ENVIRONMENT, 1, check=_one_archive
    ),
    "volume.restore, absent": Case(
        "volume.restore --from {archive} --name {p}-new",
        _absent,
        ("new",),
        check=_like_data("new"),
        already="is not empty",
    ),
    "volume.restore, replace": Case(
        "volume.restore --from {archive} --name {p}-old --replace", _full, ("old",), check=_replaced
    ),
    "volume.clone": Case(
        "volume.clone --name {p}-data --to {p}-new",
        _absent,
        ("new",),
        check=_like_data("new"),
        already="There is a volume",
    ),
    "volume.cp, out": Case(
        "volume.cp --name {p}-data --file . --to {out}",
        _no_copy,
        check=_copied_out,
        already="is there already",
    ),
    "volume.cp, in": Case(
        "volume.cp --name {p}-data --from {out}/file --file in --replace",
        _changed,
        check=_copied_in,
    ),
    "volume.usage": Case("volume.usage --name {p}-data", _data, looks=True),
    "volume.repair": Case("volume.repair --name {p}-data --force", _root, check=_given),
    "doctor": Case("doctor", _has_run, ENVIRONMENT, 1, _there),
    "check": Case("check", _has_run, ENVIRONMENT, 1, _there),
}
