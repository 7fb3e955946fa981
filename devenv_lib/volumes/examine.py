"""Look at the volumes of a prefix: size, age, who uses them and where they are mounted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devenv_lib import host
from devenv_lib.names import LABEL_PATH, LABEL_PROJECT, ours
from devenv_lib.plans import Directories, is_orphan
from devenv_lib.records import Snapshot, Volume

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


@dataclass(frozen=True)
class VolumeReport:
    """One volume, as ``volume.list`` shows it.

    ``size`` is in bytes, or ``None`` when the engine does not tell it; ``used_by`` names the
    containers that reference it, running ones first; ``in_use`` says whether one of them
    runs; ``target`` is where environments mount it, or ``None``; ``created`` is ISO 8601, or empty;
    ``engine`` is the context's name or the engine's address. ``project`` (as in the label) and
    ``path`` say whose it is, or are ``None`` where all environments share it; ``orphan`` says
    that this directory is gone.
    """

    name: str
    size: int | None
    used_by: tuple[str, ...]
    in_use: bool
    target: str | None
    created: str
    engine: str
    project: str | None = None
    path: str | None = None
    orphan: bool = False


def examine(engine: Engine, prefix: str, *, sizes: bool = True) -> tuple[VolumeReport, ...]:
    """Return the labelled volumes of ``prefix``, sorted by name.

    Measuring reads every file in them; without ``sizes`` the answer comes at once, and every
    ``size``, which is in bytes, is ``None``.

    Raises:
        EngineFailure: the engine stopped answering.

    Example::

        assert devenv.examine(engine, settings.prefix) == ()
        with devenv.environment(settings=settings) as inside:
            volumes = devenv.examine(engine, settings.prefix)
            assert all(volume.used_by == (inside.name,) for volume in volumes)
        assert not any(volume.in_use for volume in devenv.examine(engine, settings.prefix))
    """
    snapshot = engine.snapshot(labelled=True, sizes=sizes)
    found = sorted(snapshot.volumes, key=lambda volume: volume.name)
    mine = [volume for volume in found if ours(volume.labels, prefix)]
    seen = host.directories(volume.labels for volume in mine)
    return tuple(report(snapshot, volume, prefix, engine.endpoint.name, seen) for volume in mine)


def report(
    snapshot: Snapshot, volume: Volume, prefix: str, engine: str, seen: Directories
) -> VolumeReport:
    """Return what a snapshot, and the machine, say about one volume."""
    users = snapshot.users(volume.name)
    # Somebody else may mount a volume anywhere: environments say where it belongs.
    environments = [
        user for user in users if LABEL_PATH in user.labels and ours(user.labels, prefix)
    ]
    targets = (m.target for user in environments for m in user.mounts if m.source == volume.name)
    return VolumeReport(
        name=volume.name,
        size=snapshot.sizes.get(volume.name),
        used_by=tuple(user.name for user in users),
        in_use=any(user.running for user in users),
        target=next(targets, None),
        created=volume.created,
        engine=engine,
        project=volume.labels.get(LABEL_PROJECT) or volume.labels.get(LABEL_PATH) or None,
        path=volume.labels.get(LABEL_PATH) or None,
        orphan=is_orphan(volume.labels, seen),
    )
