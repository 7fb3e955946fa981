"""Which volumes a backup saves, and which it refuses and why."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from devenv_lib.names import LABEL, LABEL_TEMPORARY, ours, prefix_of
from devenv_lib.plans.pending import Pending, pending
from devenv_lib.plans.removal import Refusal
from devenv_lib.project import check_name
from devenv_lib.records import Container, Snapshot


@dataclass(frozen=True)
class SavingPlan:
    """Volumes to save, in order, and refusals. One refusal refuses all of it."""

    names: tuple[str, ...]
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
    return SavingPlan(tuple(n for n in wanted if n not in refused), tuple(refusals))


def _refusals(
    snapshot: Snapshot, prefix: str, name: str, under_way: Mapping[str, Pending]
) -> Iterator[Refusal]:
    volume = snapshot.volume(name)
    if volume is None:
        yield Refusal(name, "there is no such volume", "inv volume.list")
    elif volume.labels.get(LABEL) != "true":
        remedy = f"inv volume.adopt --name {name}"
        yield Refusal(name, "it does not carry the label devenv=true", remedy)
    elif not ours(volume.labels, prefix):
        other = prefix_of(volume.labels)
        remedy = f"DEVENV_PREFIX={shlex.quote(other)} inv volume.backup --name {name} --to DIR"
        yield Refusal(name, f"it belongs to the prefix {other}, not to {prefix}", remedy)
    elif found := under_way.get(name):
        yield Refusal(name, f"it {found.why}", f"Carry on first: {found.remedy}")


def writers(snapshot: Snapshot, name: str) -> tuple[Container, ...]:
    """Return the running containers that can write into a volume now, helpers left out."""
    return tuple(
        user
        for user in snapshot.users(name)
        if user.running
        and LABEL_TEMPORARY not in user.labels
        and any(m.source == name and not m.read_only for m in user.mounts)
    )
