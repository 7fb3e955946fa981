"""Repair volumes: give the user what a wrong start left as root's, and on request a foreign uid's.

A look is one walk through the volume in a helper that has it read-only. What is changed is
changed in place, by ``chown -h``: nothing is unlinked, since unlinking a mount point would unmount
what other environments have there, and no mode is changed. A helper sees the volumes alone, so
whoever swaps a path for a symlink meanwhile can lead it to nothing else.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devenv_lib import texts
from devenv_lib.errors import Refused
from devenv_lib.plans.leftovers import quoted
from devenv_lib.plans.repair import RepairPlan, before_the_look, repairing, to_repair
from devenv_lib.scripts import script
from devenv_lib.volumes.filling import settle
from devenv_lib.volumes.owners import (
    capable,
    inodes,
    listed_file,
    look_for_leftovers,
    owner_words,
)
from devenv_lib.volumes.tree import TO, looking, volume_at

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.engine.helper import Helper
    from devenv_lib.records import Identity

#: Where a dry run's commands have the volume.
_PLACE = "/v"
#: The words of `owner_words` that come behind the conditions.
_ENDING = 7
#: xargs' status when a program that it ran has failed: a look afterwards shows what of it counts.
_SOME_FAILED = 123


@dataclass(frozen=True)
class Repair:
    """What became of one volume.

    ``given`` says how many entries became the user's; ``settled`` what became of an unfinished
    restore or clone, or is empty; ``failure`` is empty when all was done.
    """

    name: str
    given: int = 0
    settled: str = ""
    failure: str = ""


def plan_repair(
    engine: Engine,
    prefix: str,
    names: Sequence[str] | None,
    image: str,
    who: Identity,
    *,
    owner: bool = False,
) -> tuple[RepairPlan, ...]:
    """Look into volumes (``names``, or ``None`` for all), and return what repairing each would do.

    ``image`` is what helpers are made from, ``who`` the user that has to be able to write.
    Without ``owner`` a plan gives away only what an engine made: roots of volumes, and mount
    points and their parents. With it, everything that is root's or another uid's.

    Raises:
        UsageError: a name that an engine cannot take literally.
        EngineFailure: a volume could not be read, or the engine stopped answering.

    Example::

        with devenv.environment(settings=settings):
            plan = devenv.draft(engine, project, settings, host)
            who = plan.identity
            found = devenv.plan_repair(engine, settings.prefix, None, plan.image, who)
            assert all(one.refusal is None for one in found)
    """
    snapshot = engine.snapshot()
    wanted = to_repair(snapshot, prefix, names)
    plans = {name: before_the_look(snapshot, prefix, name) for name in wanted}
    unseen = [name for name, plan in plans.items() if plan is None]
    if unseen:
        with looking(engine, prefix, unseen, image) as (helper, places):
            for name, place in places.items():
                found = look_for_leftovers(helper, place, who, owner=owner)
                plans[name] = repairing(
                    name, found, who, snapshot, prefix, owner=owner, image=image
                )
    return tuple(plan for plan in plans.values() if plan)


def repair(engine: Engine, prefix: str, plan: RepairPlan, image: str, who: Identity) -> Repair:
    """Carry out the plan for one volume, and return what became of it.

    It is looked at again first: what is no longer as it was planned for is left as it is. Killed
    at any moment, the next call does the rest.

    Raises:
        Refused: the plan has a refusal, or the volume is no longer as it was planned for.
        EngineFailure: the engine refused.

    Example::

        with devenv.environment(settings=settings):
            plan = devenv.draft(engine, project, settings, host)
        image, who = plan.image, plan.identity
        for found in devenv.plan_repair(engine, settings.prefix, None, image, who):
            assert devenv.repair(engine, settings.prefix, found, image, who).failure == ""
    """
    if plan.refusal:
        raise Refused(f"{plan.name}: {plan.refusal.reason}.", plan.refusal.remedy)
    if plan.unfinished:
        return Repair(plan.name, settled=settle(engine, prefix, plan.name, image))
    if not plan.needed:
        return Repair(plan.name)
    if engine.volume(plan.name) is None:  # which a helper would make again
        raise _changed(plan)
    mount = volume_at(plan.name, TO, read_only=False)
    with engine.helper(image, [mount], prefix, plan.name) as helper:
        return _Work(engine, prefix, plan, who, helper, image).carry_out()


class _Work:
    """The repair of one volume, in a helper that has it and keeps other commands off."""

    def __init__(
        self,
        engine: Engine,
        prefix: str,
        plan: RepairPlan,
        who: Identity,
        helper: Helper,
        image: str,
    ) -> None:
        self._engine, self._prefix, self._plan = engine, prefix, plan
        self._who, self._helper, self._image = who, helper, image

    def carry_out(self) -> Repair:
        now, name = self._plan_now(), self._plan.name
        if now.refusal:
            raise Refused(f"{name}: {now.refusal.reason}.", now.refusal.remedy)
        if now.unfinished or now.owners != self._plan.owners or _kept(now) != _kept(self._plan):
            raise _changed(self._plan)
        given = [path for path in self._plan.given if path in now.given]
        said = self._give(given)
        for uid in now.owners:
            spared = inodes(self._helper, capable(self._helper, TO, self._who.uid))
            self._helper.run(owner_words(TO, uid, self._who, spared))
        left = self._plan_now()
        failed = [path for path in given if path in left.given]
        remaining = len(failed) + (left.entries if self._plan.owners else 0)
        done = len(given) + now.entries - len(now.given)
        if remaining:
            return Repair(name, done - remaining, failure=_failure(remaining, said))
        return Repair(name, done)

    def _plan_now(self) -> RepairPlan:
        owner, snapshot = bool(self._plan.owners), self._engine.snapshot()
        name, prefix, who = self._plan.name, self._prefix, self._who
        if refused := before_the_look(snapshot, prefix, name):
            return refused
        found = look_for_leftovers(self._helper, TO, who, owner=owner)
        return repairing(name, found, who, snapshot, prefix, owner=owner, image=self._image)

    def _give(self, paths: Sequence[bytes]) -> str:
        """Give places of root's to the user, and return what was said about those that failed."""
        if not paths:
            return ""
        words = ["xargs", "-0", "sh", "-c", script("volumes/repair.sh"), "devenv"]
        words += [TO, self._who.user]
        with (
            listed_file(paths) as listed,
            self._helper.stream(words, listed, tolerated=(_SOME_FAILED,)) as program,
        ):
            pass
        return program.said


def _kept(plan: RepairPlan) -> tuple[bytes, ...]:
    return plan.findings.kept if plan.findings else ()


def _changed(plan: RepairPlan) -> Refused:
    return Refused(
        f"{plan.name} changed since it was looked at; nothing was changed in it.",
        f"Look again: inv volume.repair --name {plan.name}",
    )


def _failure(remaining: int, said: str) -> str:
    entries = texts.counted(remaining, "entry", "entries")
    return f"{entries} could not be given away{f': {said}' if said else ''}"


def rehearse_repair(plan: RepairPlan, image: str, who: Identity) -> Iterator[str]:
    """Yield the commands that stand for what `repair` would do, and comments."""
    if plan.unfinished:
        yield f"# the restore or clone to {plan.name} is carried on or rolled back"
        return
    run = ["docker", "run", "--rm", "--user=0", "--network=none"]
    run += [f"--mount=type=volume,src={plan.name},dst={_PLACE},volume-nocopy"]
    if plan.given:
        chown = shlex.join([*run, "--entrypoint=chown", image, "-h", who.user, "--"])
        yield " ".join([chown, *(_at_place(path) for path in plan.given)])
    for uid in plan.owners:
        found, *words = owner_words(_PLACE, uid, who)
        kept = [word for path in _kept(plan) for word in ("'!'", "-samefile", _at_place(path))]
        line = [shlex.join([*run, f"--entrypoint={found}", image, *words[:-_ENDING]]), *kept]
        yield " ".join([*line, shlex.join(words[-_ENDING:])])


def _at_place(path: bytes) -> str:
    return quoted(_PLACE.encode() + b"/" + path)
