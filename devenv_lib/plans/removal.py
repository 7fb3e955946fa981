"""Which volumes a removal would remove, and which it refuses and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from devenv_lib.names import ours
from devenv_lib.plans.orphans import Directories, is_orphan
from devenv_lib.plans.pending import Pending, pending
from devenv_lib.plans.refusal import Refusal, in_hand, not_ours, not_there, with_prefix
from devenv_lib.plans.remedies import freeing
from devenv_lib.project import check_name
from devenv_lib.records import Container, Snapshot, Volume


@dataclass(frozen=True)
class RemovalPlan:
    """Volumes to remove, in order, and refusals. One refusal refuses all of it.

    ``spared`` are volumes of a whole prefix that are protected: they are gone round.
    ``orphans`` says that only orphans are removed.
    """

    volumes: tuple[Volume, ...]
    refusals: tuple[Refusal, ...]
    spared: tuple[str, ...] = ()
    orphans: bool = False


def removal(
    snapshot: Snapshot,
    prefix: str,
    names: Sequence[str] | None,
    protected: Sequence[str] = (),
    seen: Directories | None = None,
) -> RemovalPlan:
    """Return what removing ``names`` would do; ``None`` is every volume of the prefix.

    ``protected`` are names or patterns (`fnmatch`) of volumes that are not to be removed. With
    ``seen``, what the machine says about projects, only orphans are.

    Raises:
        UsageError: a name that an engine cannot take literally.
    """
    spared: tuple[str, ...] = ()
    if names is None:
        every = sorted(
            v.name
            for v in snapshot.volumes
            if ours(v.labels, prefix) and (seen is None or is_orphan(v.labels, seen))
        )
        spared = tuple(name for name in every if protecting(name, protected))
        names = [name for name in every if name not in spared]
    wanted = tuple(dict.fromkeys(check_name(name) for name in names))
    hands = pending(snapshot.volumes, prefix)
    refusals = tuple(
        refusal
        for name in wanted
        for refusal in _refusals(snapshot, prefix, name, protected, seen, hands.get(name))
    )
    refused = {refusal.volume for refusal in refusals}
    found = (snapshot.volume(name) for name in wanted if name not in refused)
    return RemovalPlan(
        tuple(volume for volume in found if volume), refusals, spared, seen is not None
    )


def protecting(name: str, protected: Sequence[str]) -> str:
    """Return the pattern that protects a volume, or an empty string."""
    return next((pattern for pattern in protected if fnmatchcase(name, pattern)), "")


def _refusals(
    snapshot: Snapshot,
    prefix: str,
    name: str,
    protected: Sequence[str],
    seen: Directories | None,
    under_way: Pending | None,
) -> Iterator[Refusal]:
    volume = snapshot.volume(name)
    unlabelled = f"docker volume rm {name}   (if you are sure: devenv did not make it)"
    elsewhere = with_prefix(f"inv volume.rm --name {name}")
    if volume is None:  # one that is still to be made, perhaps
        yield in_hand(name, under_way) if under_way else not_there(name)
    elif refusal := not_ours(volume, prefix, unlabelled, elsewhere):
        yield refusal
    else:
        if pattern := protecting(name, protected):
            remedy = "Take it out of that setting: ~/.invoke.yaml or DEVENV_VOLUMES_PROTECTED"
            reason = f"it is protected by '{pattern}' in devenv.volumes.protected"
            yield Refusal(name, reason, remedy)
        if under_way:
            yield in_hand(name, under_way)
        if seen is not None and not is_orphan(volume.labels, seen):
            yield Refusal(name, "it is no orphan, as far as can be seen here", "inv volume.list")
        yield from (_in_use(name, user, prefix) for user in snapshot.users(name))


def _in_use(name: str, user: Container, prefix: str) -> Refusal:
    if user.running:
        reason = f"it is mounted by the running container {user.name}"
    else:
        reason = f"the stopped container {user.name} still references it"
    return Refusal(name, reason, freeing(user, prefix))
