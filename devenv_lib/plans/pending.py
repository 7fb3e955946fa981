"""Which volumes are in the hands of a command that is under way, or was killed half-way.

Its markers, empty volumes, say so. Until it is carried on nobody else may use these volumes,
nor remove them: one of them may be the only complete copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from devenv_lib.names import (
    LABEL_COMPLETE,
    LABEL_UNFINISHED,
    adopting_name,
    complete_name,
    ours,
    removing_name,
    unfinished_name,
)
from devenv_lib.records import Volume


@dataclass(frozen=True)
class Pending:
    """What is under way: ``why`` completes "it …", ``verb`` carries on, and ``remedy`` calls it."""

    why: str
    verb: Literal["adopt", "repair"]
    name: str

    @property
    def remedy(self) -> str:
        """The command that carries on."""
        return f"inv volume.{self.verb} --name {self.name}"


def pending(volumes: Iterable[Volume], prefix: str) -> dict[str, Pending]:
    """Return what is under way, by the names of all volumes that it concerns."""
    found: dict[str, Pending] = {}
    for volume in volumes:
        if not ours(volume.labels, prefix):
            continue
        if name := volume.labels.get(LABEL_COMPLETE):
            why = f"is part of the adoption of {name}, which is not finished"
            names = [name, adopting_name(name), complete_name(name), removing_name(name)]
            found |= dict.fromkeys(names, Pending(why, "adopt", name))
        if name := volume.labels.get(LABEL_UNFINISHED):
            why = f"is part of a restore or a clone to {name}, which is not finished"
            names = [name, unfinished_name(name)]
            found |= dict.fromkeys(names, Pending(why, "repair", name))
    return found


def unfinished(volumes: Iterable[Volume], prefix: str, name: str) -> bool:
    """Whether a restore or a clone to ``name`` is not finished."""
    return any(
        ours(volume.labels, prefix) and volume.labels.get(LABEL_UNFINISHED) == name
        for volume in volumes
    )
