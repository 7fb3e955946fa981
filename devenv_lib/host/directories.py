"""Which machine this is, and whether the directories of projects are still there."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import stat
from array import array
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

from devenv_lib.plans.orphans import Directories, State, places

_MACHINE_ID = Path("/etc/machine-id")
_MOUNTS = Path("/proc/self/mountinfo")
#: Linux's request for a file's flags (``FS_IOC_GETFLAGS``), and the one of encrypted directories.
_GET_FLAGS, _ENCRYPTED = 0x80086601, 0x800


def machine_digest(file: Path = _MACHINE_ID) -> str:
    """Return twelve hex digits that tell this machine from others.

    The machine's id is confidential, and machine-id(5) asks for a keyed hash of it that is the
    application's own. The host's name is in it too: containers of one image, and clones of a
    machine, often have one id, and macOS has none.
    """
    try:
        identity = file.read_text().strip()
    except (OSError, ValueError):
        identity = ""
    known = identity if re.fullmatch("[0-9a-f]{32}", identity) else ""
    secret = f"{known} {os.uname().nodename}".encode(errors="replace")
    return hmac.new(secret, b"devenv", hashlib.sha256).hexdigest()[:12]


def mounted_places(file: Path = _MOUNTS) -> frozenset[str]:
    """Return where the kernel says that something is mounted; empty, where it does not say.

    `os.path.ismount` compares devices, and so misses a directory of the same file system.
    """
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return frozenset()
    fields = (line.split(b" ") for line in lines)
    return frozenset(_unescaped(each[4]) for each in fields if len(each) > 4)


def _unescaped(field: bytes) -> str:
    """Return a path in which blanks, newlines and backslashes are no longer octal."""
    return os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), field))


def mount_point(path: PurePosixPath) -> PurePosixPath:
    """Return where the file system is mounted that a resolved path is on."""
    known = mounted_places()
    above = (path, *path.parents)
    return next(p for p in above if p == p.parent or str(p) in known or os.path.ismount(p))


def which(directory: str) -> str:
    """Return what tells a directory from any other on this machine: its file system and inode.

    Empty where that cannot be said for sure: the file system has no number, or what is in the
    directory is not to be seen while its key is away (fscrypt).
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    except (OSError, ValueError):
        return ""
    try:
        number, inode = os.fstatvfs(descriptor).f_fsid, os.fstat(descriptor).st_ino
        return f"{number:x}-{inode:x}" if number and not _is_encrypted(descriptor) else ""
    finally:
        os.close(descriptor)


def _is_encrypted(descriptor: int) -> bool:
    """Whether a directory's names are encrypted; a file system without such flags has none."""
    flags = array("L", [0])
    try:
        fcntl.ioctl(descriptor, _GET_FLAGS, flags)
    except OSError:
        return False
    return bool(flags[0] & _ENCRYPTED)


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
    known = mounted_places()
    mounted = frozenset(p for p in states if p in known or _is_mounted(p))
    identities = {parent: which(parent) for parent in {each[1] for each in wanted if each}}
    return Directories(machine, states, mounted, identities)


def state(path: PurePosixPath) -> State:
    """Return what is at the path of a project."""
    return _state(str(path), os.lstat)


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
