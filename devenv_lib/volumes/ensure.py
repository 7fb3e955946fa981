"""Make sure that an environment's volumes are there, with their labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from devenv_lib.errors import Refused
from devenv_lib.mounts import Mount
from devenv_lib.names import LABEL, LABEL_PATH, ours, prefix_of

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def ensure(engine: Engine, mounts: Iterable[Mount]) -> None:
    """Create the volumes that are missing, labelled. Existing ones stay as they are."""
    there = {volume.name for volume in engine.volumes()}
    for mount in mounts:
        if mount.source not in there:
            engine.create_volume(mount.source, mount.labels)


def unlabelled(
    engine: Engine, prefix: str, names: Iterable[str], path: str = ""
) -> tuple[str, ...]:
    """Return the volumes that do not carry devenv's labels.

    ``path`` is the project's whose environment has them.

    Creating a volume under an existing name succeeds and keeps that one's labels, so this is
    asked once a container references the volumes: from then on they cannot be replaced.

    Raises:
        Refused: one carries those of another prefix, whose environments use it, or is another
            project's own: the name of one can be chosen, be it by who makes directories.
    """
    wanted = set(names)
    found = [volume for volume in engine.volumes() if volume.name in wanted]
    missing = [volume for volume in found if not ours(volume.labels, prefix)]
    for volume in found:
        owner = volume.labels.get(LABEL_PATH) or path
        if volume not in missing and path and owner != path:
            raise Refused(
                f"The volume {volume.name} is the own one of the project {owner}, not of {path}.",
                "Choose another name in devenv.volumes.extra; or, if that project is gone: "
                f"inv volume.rm --name {volume.name}",
            )
    for volume in missing:
        if volume.labels.get(LABEL) == "true":
            raise Refused(
                f"The volume {volume.name} belongs to the prefix {prefix_of(volume.labels)}, "
                f"not to {prefix}.",
                "Use another prefix: DEVENV_PREFIX=NAME inv run",
            )
    return tuple(volume.name for volume in missing)
