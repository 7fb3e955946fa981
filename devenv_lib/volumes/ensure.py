"""Make sure that an environment's volumes are there, with their labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from devenv_lib.project import common_labels
from devenv_lib.records import ours

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def ensure(engine: Engine, prefix: str, names: Iterable[str]) -> None:
    """Create the volumes that are missing. Existing ones stay as they are."""
    for name in names:
        engine.create_volume(name, common_labels(prefix))


def unlabelled(engine: Engine, prefix: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the volumes that do not carry the prefix's labels.

    Creating a volume under an existing name succeeds and keeps that one's labels, so this is
    asked once a container references the volumes: from then on they cannot be replaced.
    """
    volumes = {name: engine.volume(name) for name in names}
    return tuple(n for n, volume in volumes.items() if volume and not ours(volume.labels, prefix))
