"""Make sure that an environment's volumes are there, with their labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from devenv_lib.errors import Refused
from devenv_lib.names import LABEL, common_labels, ours, prefix_of

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def ensure(engine: Engine, prefix: str, names: Iterable[str]) -> None:
    """Create the volumes that are missing. Existing ones stay as they are."""
    there = {volume.name for volume in engine.volumes()}
    for name in names:
        if name not in there:
            engine.create_volume(name, common_labels(prefix))


def unlabelled(engine: Engine, prefix: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the volumes that do not carry devenv's labels.

    Creating a volume under an existing name succeeds and keeps that one's labels, so this is
    asked once a container references the volumes: from then on they cannot be replaced.

    Raises:
        Refused: one carries those of another prefix, whose environments use it.
    """
    wanted = set(names)
    found = [volume for volume in engine.volumes() if volume.name in wanted]
    missing = [volume for volume in found if not ours(volume.labels, prefix)]
    for volume in missing:
        if volume.labels.get(LABEL) == "true":
            raise Refused(
                f"The volume {volume.name} belongs to the prefix {prefix_of(volume.labels)}, "
                f"not to {prefix}.",
                "Use another prefix: DEVENV_PREFIX=NAME inv run",
            )
    return tuple(volume.name for volume in missing)
