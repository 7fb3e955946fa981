"""Which volumes a backup saves, and which it refuses and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from devenv_lib.names import is_helper, ours
from devenv_lib.plans.pending import Pending, pending
from devenv_lib.plans.refusal import Refusal, in_hand, not_ours, not_there, with_prefix
from devenv_lib.project import check_name
from devenv_lib.records import Container, Snapshot, Volume


@dataclass(frozen=True)
class SavingPlan:
    """Volumes to save, in order, and refusals. One refusal refuses all of it."""

    volumes: tuple[Volume, ...]
    refusals: tuple[Refusal, ...]


def saving(
    snapshot: Snapshot, prefix: str, names: Sequence[str] | None, *, held: bool = False
) -> SavingPlan:
    """Return what saving ``names`` would do; ``None`` is every volume of the prefix.

    ``held`` is for who has them in hand, and made their markers.

    Raises:
        UsageError: a name that an engine cannot take literally.
    """
    if names is None:
        names = sorted(v.name for v in snapshot.volumes if ours(v.labels, prefix))
    wanted = tuple(dict.fromkeys(check_name(name) for name in names))
    under_way = {} if held else pending(snapshot.volumes, prefix)
    refusals = [r for name in wanted for r in _refusals(snapshot, prefix, name, under_way)]
    refused = {refusal.volume for refusal in refusals}
    found = (snapshot.volume(name) for name in wanted if name not in refused)
    return SavingPlan(tuple(volume for volume in found if volume), tuple(refusals))


def _refusals(
    snapshot: Snapshot, prefix: str, name: str, under_way: Mapping[str, Pending]
) -> Iterator[Refusal]:
    volume = snapshot.volume(name)
    unlabelled = f"inv volume.adopt --name {name}"
    elsewhere = with_prefix(f"inv volume.backup --name {name} --to DIR")
    if volume is None:
        yield not_there(name)
    elif refusal := not_ours(volume, prefix, unlabelled, elsewhere):
        yield refusal
    elif found := under_way.get(name):
        yield in_hand(name, found)


def between(before: Sequence[Container], after: Sequence[Container]) -> tuple[Container, ...]:
    """Return who could write into a volume between two looks, of which each is what `writers` saw.

    One is ``paused`` if it was in both looks; any other one counts as running.
    """
    still = {one.id for one in before if one.state == "paused"}
    still &= {one.id for one in after if one.state == "paused"}
    found = {one.id: one for one in (*before, *after)}.values()
    return tuple(one if one.id in still else replace(one, state="running") for one in found)


def writers(snapshot: Snapshot, prefix: str, name: str) -> tuple[Container, ...]:
    """Return the running containers that can write into a volume now, helpers left out."""
    return tuple(
        user
        for user in snapshot.users(name)
        if user.running
        and not is_helper(user.name, user.labels, prefix)
        and any(m.source == name and not m.read_only for m in user.mounts)
    )
