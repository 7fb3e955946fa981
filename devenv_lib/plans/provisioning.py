"""What has to be put right after a start, before anyone gets in.

An engine makes missing mount points and their parents as root's, and a fresh volume takes the
owner of whatever the image has at its place. So the places in the volumes that matter are
looked at from inside, and what is missing or root's becomes the user's. Nothing that is
somebody else's is touched, no mode is changed, no symlink followed or replaced, and nothing
outside the volumes named.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from devenv_lib.mounts import MountPlan, nested_parents
from devenv_lib.plans.creation import HISTORY, EnvironmentPlan

#: Kind and mode, links, owner, group, size.
_LISTED = re.compile(r"(\S)[-rwxsStT]{9}\S* \d+ (\d+) \d+ (?:(\d+)$)?")


@dataclass(frozen=True)
class Step:
    """One place in a volume, and what has to be true of it. ``words`` begin with the place.

    ======  ========================  ====================================================
    root    VOLUME-TARGET             the user's; another ordinary user's is refused
    dir     PATH                      there; the user's, if it was missing or root's
    stub    PATH                      the user's, if it is root's: a directory or empty file
    lock    PATH HOST-FILE            the user's file, at first a copy of the host's
    ======  ========================  ====================================================
    """

    verb: Literal["root", "dir", "stub", "lock"]
    words: tuple[str, ...]

    @property
    def place(self) -> str:
        """The path inside that the step is about."""
        return self.words[0]


@dataclass(frozen=True)
class Place:
    """What is at a step's place: ``kind`` as ``ls -l`` shows it, owner, size in bytes.

    A kind of ``?`` is a place that is missing or cannot be seen by the user; an empty kind one
    that nothing needs to be done about.
    """

    kind: str
    uid: int = -1
    size: int = 0


@dataclass(frozen=True)
class Gifts:
    """What is left to do: nothing, when all three are empty.

    ``given`` are places of root's that become the user's. ``foreign`` maps volume roots of
    other users to their uids. ``unseen`` are places that could not be looked at yet.
    """

    given: tuple[str, ...] = ()
    foreign: Mapping[str, int] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()


def provisioning(plan: EnvironmentPlan, mounted: Collection[str] | None = None) -> tuple[Step, ...]:
    """Return the steps for an environment, parents before children.

    ``mounted`` are the targets that its container really has, where that may be another one
    than the plan's: what it does not have mounted is not its to put right.
    """
    steps = _steps(plan.mounts, plan.identity.home)
    if mounted is None:
        return tuple(steps)
    missing = [mount.target for mount in plan.mounts.volumes if str(mount.target) not in mounted]
    return tuple(s for s in steps if not any(_is_in(s.place, target) for target in missing))


def _steps(mounts: MountPlan, home: PurePosixPath) -> Iterator[Step]:
    yield from (Step("root", (str(mount.target),)) for mount in mounts.volumes)
    for parent in nested_parents(mounts, [*_targets(mounts), home / HISTORY]):
        yield Step("dir", (str(parent),))
    absent = [left.target for left in mounts.left_out if left.target not in _targets(mounts)]
    for path in (*nested_parents(mounts, absent), *absent):
        if nested_parents(mounts, [path / "inside"]):
            yield Step("stub", (str(path),))
    for lock in mounts.locks:
        for name in lock.files:
            yield Step("lock", (str(lock.lock / name), str(lock.config / name)))


def _targets(mounts: MountPlan) -> list[PurePosixPath]:
    return [mount.target for mount in mounts.mounts]


def _is_in(place: str, target: PurePosixPath) -> bool:
    return PurePosixPath(place).is_relative_to(target)


def gifts(steps: Sequence[Step], places: Sequence[Place], uid: int) -> Gifts:
    """Return what is left to do, from what a look at every step's place showed."""
    pairs = list(zip(steps, places, strict=True))
    return Gifts(
        given=tuple(s.place for s, p in pairs if p.uid == 0 != uid and _may_be_given(s, p)),
        foreign={
            s.place: p.uid for s, p in pairs if s.verb == "root" and p.uid not in (-1, 0, uid)
        },
        unseen=tuple(s.place for s, p in pairs if p.kind == "?" and s.verb != "stub"),
    )


def _may_be_given(step: Step, place: Place) -> bool:
    """Whether something of root's is what the step means: never a symlink or other content."""
    if step.verb == "lock":
        return place.kind == "-"
    return place.kind == "d" or (step.verb == "stub" and place.kind == "-" and not place.size)


def read_place(line: str) -> Place:
    """Read the first five fields of a line of ``ls -ldn``, or ``?``, or ``absent``."""
    fields = _LISTED.match(line)
    if not fields:
        return Place("" if line == "absent" else "?")
    # A device has "major," in the size's place: anything but 0, which only a stub has.
    return Place(fields[1], int(fields[2]), int(fields[3] or 1))
