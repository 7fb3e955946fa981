"""Make sure that an environment's volumes are there, with their labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from devenv_lib.errors import Refused
from devenv_lib.mounts import Mount
from devenv_lib.names import ours
from devenv_lib.plans.claims import claimed
from devenv_lib.plans.pending import pending
from devenv_lib.records import Volume

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def ensure(engine: Engine, prefix: str, mounts: Sequence[Mount]) -> None:
    """Create the volumes that are missing, labelled. Existing ones stay as they are.

    Raises:
        Refused: one of them is in the hands of a command that is not finished.
    """
    volumes = engine.volumes()
    refuse_pending(volumes, prefix, [mount.source for mount in mounts])
    there = {volume.name for volume in volumes}
    for mount in mounts:
        if mount.source not in there:
            engine.create_volume(mount.source, mount.labels)


def check_claims(
    engine: Engine, prefix: str, names: Iterable[str], path: str = ""
) -> tuple[str, ...]:
    """Refuse volumes that are not this project's to use; return those without devenv's labels.

    ``path`` is the project's whose environment has them.

    Creating a volume under an existing name succeeds and keeps that one's labels, so this is
    asked once a container references the volumes: from then on they cannot be replaced.

    Raises:
        Refused: one carries those of another prefix, whose environments use it, is another
            project's own, or is in the hands of a command that is not finished.
    """
    volumes, wanted = engine.volumes(), set(names)
    refuse_pending(volumes, prefix, wanted)
    found = [volume for volume in volumes if volume.name in wanted]
    for volume in found:
        if refused := claimed(volume, prefix, path):
            raise refused
    missing = [volume for volume in found if not ours(volume.labels, prefix)]
    return tuple(volume.name for volume in missing)


def refuse_pending(volumes: Iterable[Volume], prefix: str, names: Iterable[str]) -> None:
    """Refuse volumes that a command has in its hands, or had when it was killed.

    Whoever uses volumes asks once a container of theirs references them, and whoever takes one
    in hand makes the marker before they look for such containers: so one of the two refuses.

    Raises:
        Refused: with the command that carries on.
    """
    under_way = pending(volumes, prefix)
    for name in names:
        if name in under_way:
            found = under_way[name]
            raise Refused(f"The volume {name} {found.why}.", f"Carry on first: {found.remedy}")
