"""The commands under test: what each finds, and what is true when it has succeeded."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.conftest import DEVENV, INVOKE
from tests.faults import after, before
from tests.faults.sample import Kind
from tests.faults.world import Step, World
from tests.relay import Fault

#: What an environment has.
ENVIRONMENT = ("cache", "data", "state", "tvim-lock")
#: A command with an effect inside, which its check finds.
_WRITE = "sh -c 'echo {n} >> ~/.local/state/ran'"


def nothing(_: World) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Case:
    """A command, ``prepare`` before it, and ``check`` after its success.

    In words ``{p}`` is the prefix, ``{out}`` a directory, ``{archive}`` an archive in it, ``{n}``
    another number each time, ``{project}`` the project's directory. ``quick`` is for the
    ``devenv`` command, without a setting, ``plain`` for one without that of an image.
    ``volumes`` are those that are there afterwards, by what follows the prefix, ``containers`` how
    many.
    ``already`` is what a second run of it may say that finds the first one's work done. What one
    that only ``looks`` shows is always the same. ``sample`` is how many trials `dev.test` has of
    it, 0 as many as it takes of one of its length. ``spared`` are faults that are not tried.
    """

    words: str
    prepare: Step
    volumes: Sequence[str] = ()
    containers: int = 0
    check: Step = nothing
    already: str = ""
    looks: bool = False
    quick: bool = False
    plain: bool = False
    sample: int = 0
    spared: Collection[Kind] = ()

    @property
    def on_host(self) -> bool:
        """Whether it reads or writes where archives and copies are."""
        return "{out}" in self.words or "{archive}" in self.words

    def line(self, world: World) -> list[str]:
        """Return the command line, another one each time."""
        prefix = world.workspace.prefix
        archive = next(world.out.glob(f"{prefix}-data-*.tar*[!n]"), "")
        world.turns += 1
        known = {"p": prefix, "out": world.out, "archive": archive, "n": world.turns}
        words = [w.format(**known, project=world.workspace.path) for w in shlex.split(self.words)]
        return [*([str(DEVENV)] if self.quick else INVOKE), *words]

    def unset(self) -> Collection[str]:
        """Return the variables that the command does not have."""
        return ("DEVENV_IMAGE",) if self.quick or self.plain else ()


_RESTORED = Case(
    "volume.restore --from {archive} --name {p}-new",
    before.absent,
    ("new",),
    check=after.like_data("new"),
    already="is not empty",
)
CASES: Mapping[str, Case] = {
    "run, new": Case("run --detach", before.fresh, ENVIRONMENT, 1, after.usable),
    "run, running": Case("run --detach", before.has_run, ENVIRONMENT, 1, after.same),
    "run, stopped": Case("run --detach", before.stopped, ENVIRONMENT, 1, after.same),
    "run, own image": Case(
        "run --detach", before.own_image, ENVIRONMENT, 1, after.own_built, plain=True, sample=1
    ),
    "build": Case("build", before.own_image, check=after.built, plain=True, sample=1),
    "run, recreate": Case(
        "run --detach --recreate --force", before.running, ENVIRONMENT, 1, after.usable
    ),
    "exec": Case(
        f"exec -- {_WRITE}", before.has_run, ENVIRONMENT, 1, after.both(after.same, after.ran)
    ),
    "exec, new": Case(
        f"exec -- {_WRITE}", before.fresh, ENVIRONMENT, 1, after.both(after.usable, after.ran)
    ),
    "exec, stopped": Case(
        f"exec -- {_WRITE}",
        before.stopped,
        ENVIRONMENT,
        1,
        after.both(after.same, after.ran),
        sample=1,
    ),
    "exec, quick": Case(
        f"exec {{project}} -- {_WRITE}",
        before.has_run,
        ENVIRONMENT,
        1,
        after.both(after.same, after.ran),
        quick=True,
        sample=2,
    ),
    "stop": Case("stop", before.running, ENVIRONMENT),
    "stop, keep": Case("stop --keep", before.running, ENVIRONMENT, 1, after.kept),
    "stop, all": Case("stop --all", before.running, ENVIRONMENT, sample=1),
    "list, all": Case(
        "list --all", before.stopped, ENVIRONMENT, 1, after.kept, looks=True, sample=1
    ),
    "ssh-config": Case(
        "ssh-config", before.has_run, ENVIRONMENT, 1, after.there, looks=True, sample=1
    ),
    "list": Case("list", before.has_run, ENVIRONMENT, 1, after.there, looks=True),
    "mounts": Case("mounts", before.fresh, looks=True),
    "volume.list": Case("volume.list", before.data, looks=True),
    "volume.rm": Case(
        "volume.rm --name {p}-one --force", before.one_doomed, already="there is no such volume"
    ),
    "volume.rm, all": Case("volume.rm --all --force", before.all_doomed),
    "volume.rm, orphans": Case("volume.rm --orphans --force", before.orphan, sample=1),
    "volume.rm, backup": Case(
        "volume.rm --name {p}-one --force --backup {out}",
        before.saved_doomed,
        check=after.one_saved,
        already="there is no such volume",
    ),
    "volume.adopt": Case("volume.adopt --name {p}-mine", before.mine, check=after.labelled),
    "volume.backup": Case(
        "volume.backup --name {p}-data --to {out}", before.no_copy, check=after.one_archive
    ),
    "volume.backup, in use": Case(
        "volume.backup --name {p}-data --to {out}",
        before.written,
        ENVIRONMENT,
        1,
        check=after.one_archive,
    ),
    "volume.backup, all": Case(
        "volume.backup --all --to {out}", before.two, check=after.all_archived, sample=1
    ),
    # An engine that does not answer any more cannot let the environment go on.
    "volume.backup, pause": Case(
        "volume.backup --name {p}-data --to {out} --pause",
        before.written,
        ENVIRONMENT,
        1,
        after.both(after.one_archive, after.same),
        sample=1,
        spared=(Fault.DIES,),
    ),
    "volume.restore, empty": replace(_RESTORED, prepare=before.vacant, sample=1),
    "volume.restore, absent": _RESTORED,
    "volume.restore, replace": Case(
        "volume.restore --from {archive} --name {p}-old --replace",
        before.full,
        ("old",),
        check=after.replaced,
    ),
    "volume.clone": Case(
        "volume.clone --name {p}-data --to {p}-new",
        before.absent,
        ("new",),
        check=after.like_data("new"),
        already="There is a volume",
    ),
    "volume.cp, out": Case(
        "volume.cp --name {p}-data --file . --to {out}",
        before.no_copy,
        check=after.copied_out,
        already="is there already",
    ),
    "volume.cp, in": Case(
        "volume.cp --name {p}-data --from {out}/file --file in --replace",
        before.changed,
        check=after.copied_in,
    ),
    "volume.cp, directory": Case(
        "volume.cp --name {p}-data --from {out}/tree --file in",
        before.directory,
        check=after.copied_tree,
        already="is there already",
        sample=1,
    ),
    "volume.usage": Case("volume.usage --name {p}-data", before.data, looks=True),
    "volume.repair": Case("volume.repair --name {p}-data --force", before.root, check=after.given),
    "volume.repair, all": Case(
        "volume.repair --all --force", before.root, check=after.given, sample=1
    ),
    "doctor": Case("doctor", before.has_run, ENVIRONMENT, 1, after.there, looks=True),
    "doctor, fix": Case("doctor --fix --force", before.root, check=after.given, sample=1),
    "check": Case("check", before.has_run, ENVIRONMENT, 1, after.there, looks=True),
    "check, own": Case(
        "check --trust", before.own_check, ENVIRONMENT, 1, after.there, looks=True, sample=1
    ),
}
#: Tasks without a case, and why.
ELSEWHERE: Mapping[str, str] = {
    "setup": "installs the host's packages, and makes the image that all tests use",
}
