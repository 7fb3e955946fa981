"""Which volumes are orphans: a project's own, whose project is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from devenv_lib.names import LABEL_HOST, LABEL_MOUNT, LABEL_PARENT, LABEL_PATH

#: What is at a path: ``unknown`` where it may not be looked at, or the file system fails.
State = Literal["directory", "other", "missing", "unknown"]


@dataclass(frozen=True)
class Directories:
    """What this machine says about the projects that volumes belong to.

    ``machine`` is the digest of this machine. ``states`` has what is at each path that was
    looked at, ``mount_points`` are those of them at which a file system is mounted, and
    ``identities`` tell which directory each project would be in.
    """

    machine: str
    states: Mapping[str, State] = field(default_factory=dict)
    mount_points: frozenset[str] = frozenset()
    identities: Mapping[str, str] = field(default_factory=dict)


def places(labels: Mapping[str, str], machine: str) -> tuple[str, ...]:
    """Return the paths that `is_orphan` wants to know about: none, if that cannot be said here."""
    path = PurePosixPath(labels.get(LABEL_PATH, ""))
    if not path.is_absolute() or labels.get(LABEL_HOST) != machine:
        return ()
    mount = labels.get(LABEL_MOUNT)
    return (str(path), str(path.parent), *([mount] if mount else []))


def is_orphan(labels: Mapping[str, str], seen: Directories) -> bool:
    """Whether labels are those of a volume whose project's directory is gone.

    That is known only on the machine where the volume was made, and only if the very directory
    that the project was in is there, and its file system is mounted: a disk that is away orphans
    nothing, also where its mount point stays behind as an empty directory, or has another disk.
    """
    wanted = places(labels, seen.machine)
    if not wanted:
        return False
    path, parent, *mount = wanted
    was, now = labels.get(LABEL_PARENT), seen.identities.get(parent)
    return (
        seen.states.get(path) == "missing"
        and seen.states.get(parent) == "directory"
        and bool(now)
        and was == now
        and seen.mount_points.issuperset(mount)
    )
