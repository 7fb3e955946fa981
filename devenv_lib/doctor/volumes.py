"""Look at the volumes of a prefix, and into all of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from devenv_lib import host
from devenv_lib.doctor.grounds import Grounds
from devenv_lib.doctor.parts import Parts
from devenv_lib.mounts import MountPlan
from devenv_lib.names import ours
from devenv_lib.plans.health.volumes import Seen, VolumeFacts, own_volumes
from devenv_lib.plans.pending import pending
from devenv_lib.records import MountPoint, Snapshot
from devenv_lib.volumes.look_all import look_into_all

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def volumes(engine: Engine, at: Grounds, parts: Parts) -> VolumeFacts:
    """Return everything about the volumes of a prefix.

    That they cannot be looked into is a finding, and what else is known of them is reported.
    """
    snapshot, prefix = engine.snapshot(), at.settings.prefix
    labels = [v.labels for v in snapshot.volumes if ours(v.labels, prefix)]
    looks = parts.look("volumes", _looks, engine, at, snapshot) or {}
    return VolumeFacts(
        snapshot=snapshot,
        prefix=prefix,
        directories=host.directories(labels),
        path=str(at.project.path) if at.project else "",
        planned=_planned(at.mounts),
        protected=at.settings.volumes.protected,
        who=at.who,
        image=at.choice.name if at.choice else "",
        looks=looks,
    )


def _planned(mounts: MountPlan | None) -> Sequence[MountPoint]:
    found = mounts.mounts if mounts else ()
    return [m.point for m in found]


def _looks(engine: Engine, at: Grounds, snapshot: Snapshot) -> Mapping[str, Seen]:
    prefix, image = at.settings.prefix, at.helpers
    under_way = pending(snapshot.volumes, prefix)
    own = (volume.name for volume in own_volumes(snapshot, prefix))
    names = [name for name in own if name not in under_way]
    if image is None or at.who is None:
        return {}
    return look_into_all(engine, prefix, names, image, at.who)
