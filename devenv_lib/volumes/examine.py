"""Look at the volumes of a prefix: size, age, who uses them and where they are mounted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devenv_lib.records import LABEL, Snapshot, Volume, ours

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


@dataclass(frozen=True)
class VolumeReport:
    """One volume, as ``volume.list`` shows it.

    ``size`` is in bytes, or ``None`` when the engine does not tell it; ``used_by`` names the
    containers that reference it, running ones first; ``in_use`` says whether one of them
    runs; ``target`` is where it is mounted, or ``None``; ``created`` is ISO 8601, or empty;
    ``engine`` is the context's name or the engine's address.
    """

    name: str
    size: int | None
    used_by: tuple[str, ...]
    in_use: bool
    target: str | None
    created: str
    engine: str


def examine(engine: Engine, prefix: str, *, sizes: bool = True) -> tuple[VolumeReport, ...]:
    """Return the labelled volumes of ``prefix``, by name."""
    snapshot = engine.snapshot(labelled=True, sizes=sizes)
    found = sorted(snapshot.volumes, key=lambda volume: volume.name)
    return tuple(
        report(snapshot, volume, engine.endpoint.name)
        for volume in found
        if ours(volume.labels, prefix)
    )


def report(snapshot: Snapshot, volume: Volume, engine: str) -> VolumeReport:
    """Return what a snapshot says about one volume."""
    users = snapshot.users(volume.name)
    # A helper of somebody's may mount a volume anywhere: environments say where it belongs.
    by_ours = sorted(users, key=lambda user: user.labels.get(LABEL) != "true")
    targets = (m.target for user in by_ours for m in user.mounts if m.source == volume.name)
    return VolumeReport(
        name=volume.name,
        size=snapshot.sizes.get(volume.name),
        used_by=tuple(user.name for user in users),
        in_use=any(user.running for user in users),
        target=next(targets, None),
        created=volume.created,
        engine=engine,
    )
