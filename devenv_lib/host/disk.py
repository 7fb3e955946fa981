"""How much room is left where an engine on this machine keeps its data."""

from __future__ import annotations

import os

from devenv_lib.plans.health.engine import Disk


def disk(path: str) -> Disk | None:
    """Return what is left on the file system at ``path``, or ``None`` if it is not here."""
    try:
        found = os.statvfs(path)
    except (OSError, ValueError):
        return None
    free, total = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    return Disk(path, free, total, found.f_favail, found.f_files)
