"""What is at one path, and by which symlinks it leads there."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from devenv_lib.records import Found

#: How many symlinks the kernel follows on one path (`path_resolution(7)`).
_MOST_LINKS = 40


def find(path: PurePosixPath, *, entries: bool = False) -> Found:
    """Return what is at ``path`` and where it really is; with ``entries``, also what is in it."""
    real = PurePosixPath(os.path.realpath(path))
    try:
        mode, found = Path(path).stat().st_mode, tuple(links(path))
    except OSError:
        return Found(path, real, "dangling" if os.path.islink(path) else "missing")
    if stat.S_ISDIR(mode):
        return Found(path, real, "directory", _names(path) if entries else (), found)
    if stat.S_ISREG(mode):
        return Found(path, real, "file", links=found)
    return Found(path, real, "socket" if stat.S_ISSOCK(mode) else "other", links=found)


def links(path: PurePosixPath) -> Iterator[PurePosixPath]:
    """Yield the symlinks by which an absolute path is resolved, as far as it leads to something.

    They are as real paths, each but for its own name.

    Raises:
        OSError: they are more than the kernel follows, as where one leads to itself.
    """
    at, rest, followed = "/", list(path.parts[1:]), 0
    while rest:
        part = rest.pop(0)
        here = posixpath.join(at, part)
        if part == "..":
            at = posixpath.dirname(at)
        elif os.path.islink(here):
            followed += 1
            if followed > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            yield PurePosixPath(here)
            text = link_text(here)
            at = "/" if text.startswith("/") else at
            rest = [name for name in text.split("/") if name not in ("", ".")] + rest
        else:
            at = here


def link_text(link: str) -> str:
    """Return what a symlink says."""
    return os.readlink(link)  # noqa: PTH115 - a sixth of the time, and there may be hundreds


def _names(directory: PurePosixPath) -> tuple[str, ...]:
    try:
        return tuple(sorted(entry.name for entry in Path(directory).iterdir()))
    except OSError:  # not readable for us, so not for the environment's user either
        return ()
