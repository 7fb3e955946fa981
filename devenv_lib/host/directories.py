"""Which machine this is, and whether the directories of projects are still there."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

from devenv_lib.plans.orphans import Directories, State, places

_MACHINE_ID = Path("/etc/machine-id")


def machine_digest(file: Path = _MACHINE_ID) -> str:
    """Return twelve hex digits that tell this machine from others.

    The machine's id is confidential, and machine-id(5) asks for a keyed hash of it that is the
    application's own. Where there is none (on macOS, or before the first boot's end), it is the
    host's name.
    """
    try:
        secret = file.read_text().strip()
    except (OSError, ValueError):
        secret = ""
    if not re.fullmatch("[0-9a-f]{32}", secret):
        secret = os.uname().nodename
    return hmac.new(secret.encode(errors="replace"), b"devenv", hashlib.sha256).hexdigest()[:12]


def mount_point(path: PurePosixPath) -> PurePosixPath:
    """Return where the file system is mounted that a resolved path is on."""
    return next(p for p in (path, *path.parents) if p == p.parent or os.path.ismount(p))


def directories(volumes: Iterable[Mapping[str, str]]) -> Directories:
    """Look at what says whether volumes with these labels are orphans."""
    machine = machine_digest()
    wanted = [places(labels, machine) for labels in volumes]
    states: dict[str, State] = {}
    for path, parent, *mounts in filter(None, wanted):
        # What a project was turned into, a symlink to elsewhere say, is still something.
        states[path] = _state(path, os.lstat)
        states.setdefault(parent, _state(parent, os.stat))
        states.update({mount: _state(mount, os.stat) for mount in mounts if mount not in states})
    return Directories(machine, states, frozenset(filter(_is_mounted, states)))


def _state(path: str, look: Callable[[str], os.stat_result]) -> State:
    try:
        return "directory" if stat.S_ISDIR(look(path).st_mode) else "other"
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    except (OSError, ValueError):
        return "unknown"


def _is_mounted(path: str) -> bool:
    try:
        return os.path.ismount(path)
    except ValueError:
        return False
