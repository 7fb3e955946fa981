"""Findings about volumes: whose they are, by label and by owner, and what is half-done."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from devenv_lib import texts
from devenv_lib.names import LABEL_ADOPTING, LABEL_PATH, MARKS, is_helper, ours
from devenv_lib.plans.claims import claimed
from devenv_lib.plans.health.finding import Finding, Mend, failing
from devenv_lib.plans.leftovers import ROOT, Findings, quoted
from devenv_lib.plans.orphans import Directories, is_orphan
from devenv_lib.plans.pending import Pending, pending
from devenv_lib.plans.remedies import freeing, holding, repair_command
from devenv_lib.plans.removal import protecting
from devenv_lib.plans.repair import repairing
from devenv_lib.records import Identity, MountPoint, Snapshot, Volume


@dataclass(frozen=True)
class Seen:
    """What a look into a volume has shown. ``whole`` is false if it ended before all was seen."""

    findings: Findings
    whole: bool = True


@dataclass(frozen=True)
class VolumeFacts:
    """What is known about the volumes of a prefix.

    ``planned`` are the mounts that the project at ``path`` has, or would have. ``protected`` are
    patterns of the settings. ``looks`` has what was seen in volumes, for the user ``who`` of
    ``image``; those in the hands of another command are none of its.
    """

    snapshot: Snapshot
    prefix: str
    directories: Directories
    path: str = ""
    planned: Sequence[MountPoint] = ()
    protected: Sequence[str] = ()
    who: Identity | None = None
    image: str = ""
    looks: Mapping[str, Seen] = field(default_factory=dict)

    @property
    def own(self) -> tuple[Volume, ...]:
        """The labelled volumes of the prefix, without those that only help a command."""
        return own_volumes(self.snapshot, self.prefix)

    @property
    def under_way(self) -> Mapping[str, Pending]:
        """What is in the hands of another command, or of one that was killed."""
        return pending(self.snapshot.volumes, self.prefix)

    @property
    def repair(self) -> str:
        """How the command begins that repairs a volume for the user."""
        return repair_command(self.prefix, self.image)


def own_volumes(snapshot: Snapshot, prefix: str) -> tuple[Volume, ...]:
    """Return the labelled volumes of a prefix, without those that only help a command."""
    found = (v for v in snapshot.volumes if ours(v.labels, prefix))
    plain = (v for v in found if not any(mark in v.labels for mark in MARKS))
    return tuple(sorted(plain, key=lambda volume: volume.name))


def volume_findings(facts: VolumeFacts) -> Iterator[Finding]:
    """Yield what there is, then what is not as it should be."""
    own, under_way = facts.own, facts.under_way
    count = texts.counted(len(own), "labelled volume")
    yield Finding("volumes", "OK", f"{count} of the prefix {facts.prefix}")
    yield from _names(facts)
    yield from _half_done(facts)
    for volume in own:
        if is_orphan(volume.labels, facts.directories):
            why = f"an orphan: its project {volume.labels[LABEL_PATH]} is gone"
            yield Finding(
                volume.name, "WARN", why, "To remove the orphans: inv volume.rm --orphans"
            )
    yield from _protected(facts)
    for name, seen in sorted(facts.looks.items()):
        if name not in under_way:  # whose it is in the end, is not known before
            yield from _owners(name, seen, facts)
    if [volume for volume in own if volume.name not in under_way] and not facts.looks:
        why = "whose their entries are was not looked at, for want of an image or of a helper"
        yield Finding("volumes", "OK", why)


def _names(facts: VolumeFacts) -> Iterator[Finding]:
    """Yield what has one of the environment's names and is not its own."""
    for name in sorted({m.source for m in facts.planned if m.kind == "volume"}):
        volume = facts.snapshot.volume(name)
        if volume is None:
            continue
        if refused := claimed(volume, facts.prefix, facts.path):
            yield failing(name, refused)
        elif not ours(volume.labels, facts.prefix):
            yield _unlabelled(volume, facts)


def _unlabelled(volume: Volume, facts: VolumeFacts) -> Finding:
    why = "it does not carry devenv's labels: it is used, and neither listed nor removed by devenv"
    if not volume.plain:  # which no adoption takes
        why = f"{why}; it has a driver or options of its own"
        by_hand = f"To make it anew by hand, with labels: docker volume inspect {volume.name}"
        return Finding(volume.name, "WARN", why, by_hand)
    remedy, mend = f"inv volume.adopt --name {volume.name}", Mend("adopt", volume.name)
    if users := facts.snapshot.users(volume.name):
        remedy = f"First: {freeing(users[0], facts.prefix)}; then: {remedy}"
        return Finding(volume.name, "WARN", f"{why}; it is {holding(users[0])}", remedy)
    return Finding(volume.name, "WARN", why, remedy, mend)


def _half_done(facts: VolumeFacts) -> Iterator[Finding]:
    """Yield the adoptions, restores and clones that are not finished, each once."""
    under_way = facts.under_way
    for one in dict.fromkeys(under_way.values()):
        names = [name for name, found in under_way.items() if found == one]
        users = (user for name in names for user in facts.snapshot.users(name))
        if any(is_helper(user.name, user.labels, facts.prefix) and user.running for user in users):
            yield Finding(names[0], "OK", f"{one.why}: a command is at work on it")
        else:
            yield Finding(names[0], "FAIL", f"{one.why}; until then it is refused", one.remedy)
    yield from _copies(facts, under_way)


def _copies(facts: VolumeFacts, under_way: Collection[str]) -> Iterator[Finding]:
    """Yield the copies of adoptions that nobody goes on with: the volumes are as they were."""
    for volume in facts.snapshot.volumes:
        name = volume.labels.get(LABEL_ADOPTING, "")
        idle = name and volume.name not in under_way and not facts.snapshot.users(volume.name)
        if idle and ours(volume.labels, facts.prefix):
            why = f"a copy that an adoption of {name} left, which takes room"
            remedy = f"To adopt {name}, with the copy made anew: inv volume.adopt --name {name}"
            yield Finding(volume.name, "WARN", why, remedy)


def _protected(facts: VolumeFacts) -> Iterator[Finding]:
    """Yield what is protected, and patterns that protect nothing."""
    names = [volume.name for volume in facts.own]
    if protected := [name for name in names if protecting(name, facts.protected)]:
        yield Finding("volumes", "OK", f"protected from inv volume.rm: {', '.join(protected)}")
    for pattern in facts.protected:
        if not any(protecting(name, [pattern]) for name in names):
            why = f"'{pattern}' in devenv.volumes.protected protects no volume that there is"
            yield Finding("volumes", "WARN", why, "See their names: inv volume.list --no-size")


def _owners(name: str, seen: Seen, facts: VolumeFacts) -> Iterator[Finding]:
    """Yield whose a volume and its entries are, where that is not the user."""
    who, found = facts.who, seen.findings
    if who is None:
        return
    look = f"{facts.repair} --dry --name {name}"
    snapshot, prefix = facts.snapshot, facts.prefix
    plan = repairing(name, found, who, snapshot, prefix, owner=False, image=facts.image)
    if plan.refusal:
        yield Finding(name, "FAIL", plan.refusal.reason, plan.refusal.remedy)
        return
    expected = _mount_points(name, facts)
    left = [path for path in plan.given if path not in expected]
    if left:
        yield _leftovers(name, left, facts)
    if found.owners:
        counts = ", ".join(
            f"uid {uid}: {n} ({quoted(found.first[uid])}, …)" for uid, n in found.owners.items()
        )
        why = f"entries in it are not {who.name}'s, {counts}"
        remedy = f"If they are to be: {facts.repair} --owner --name {name}"
        yield Finding(name, "WARN", why, remedy)
    if not seen.whole:
        yield Finding(name, "OK", "it has too many entries to look at each here", look)


def _leftovers(name: str, left: Sequence[bytes], facts: VolumeFacts) -> Finding:
    who = facts.who.name if facts.who else ""
    if ROOT in left:
        why = f"it is root's, and {who} cannot write it"
    else:
        more = "" if len(left) == 1 else f" and {len(left) - 1} more"
        why = f"an engine left what is root's in it, {quoted(left[0])}{more}"
    mend = None if facts.snapshot.users(name) else Mend("repair", name)
    return Finding(name, "WARN", why, f"{facts.repair} --name {name}", mend)


def _mount_points(name: str, facts: VolumeFacts) -> set[bytes]:
    """Return the places in a volume at which something is mounted, or would be.

    What an engine made for these is hidden, and has to be there.
    """
    sets = [facts.planned, *(user.mounts for user in facts.snapshot.users(name))]
    return {path for mounts in sets for path in _nested(name, mounts)}


def _nested(name: str, mounts: Iterable[MountPoint]) -> Iterator[bytes]:
    mounts = list(mounts)
    for top in (m for m in mounts if m.kind == "volume" and m.source == name):
        for mount in mounts:
            path = PurePosixPath(mount.target)
            if path != PurePosixPath(top.target) and path.is_relative_to(top.target):
                inside = path.relative_to(top.target)
                yield str(inside).encode(errors="surrogateescape")
