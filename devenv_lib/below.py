"""What is below a directory, reached by descriptors, one directory after the other.

Whatever runs in an environment can write the project, and others what they share with this user. A
path is followed anew each time it is named, through a symlink that was put in a directory's place
meanwhile. So each directory is opened below the one that holds it, and no symlink is followed: what
is read, written or removed is in the directory that was opened first.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: How a directory is opened, and a file to read, of which nobody knows what it is by then.
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
#: How a file is made that is written.
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened(name: str, at: int | None = None) -> Iterator[int]:
    """Give a directory in the one that is open as ``at``, or at a path that is trusted up to it.

    Raises:
        OSError: it is none, or a symlink.
    """
    descriptor = os.open(name, DIRECTORY, dir_fd=at)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def into(descriptor: int, name: str) -> int:
    """Open a directory below an open one, made if it is missing, and close the latter.

    A symlink of that name is not followed: that is an error, and the latter stays open.
    """
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=descriptor)
    below = os.open(name, DIRECTORY, dir_fd=descriptor)
    os.close(descriptor)
    return below


class Below:
    """The directories below an open one, ``top``. The last one that was asked for is kept open.

    So what lies in it, or further down, is not looked up from the top each time; all else is.
    """

    def __init__(self, top: int) -> None:
        self._top = top
        self._parts: tuple[str, ...] = ()
        self._at = top

    def directory(self, parts: tuple[str, ...]) -> int:
        """Return the directory at ``parts``, which the next call may close.

        Raises:
            OSError: one of them is no directory, or a symlink.
        """
        if parts[: len(self._parts)] != self._parts:
            self.close()
        for part in parts[len(self._parts) :]:
            below = os.open(part, DIRECTORY, dir_fd=self._at)
            self._leave()
            self._at, self._parts = below, (*self._parts, part)
        return self._at

    def close(self) -> None:
        """Close what is open, but for the top."""
        self._leave()
        self._at, self._parts = self._top, ()

    def _leave(self) -> None:
        if self._at != self._top:
            os.close(self._at)


def empty(top: int) -> None:
    """Remove what is in an open directory, however deep: level by level, it comes up to the top.

    What cannot be removed, or opened (it has a mode of its own), stays and does not keep the rest.
    """
    waiting = _without_files(top)
    while waiting:
        name = waiting.pop()
        with suppress(OSError):
            with opened(name, top) as directory:
                waiting += _lifted(directory, top)
            os.rmdir(name, dir_fd=top)


def _without_files(directory: int) -> list[str]:
    """Remove what is in a directory, as far as it can be, and return the directories in it."""
    with suppress(OSError):  # some file systems have but one mode
        os.fchmod(directory, 0o700)
    below = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.name)
            else:
                with suppress(OSError):
                    os.unlink(entry.name, dir_fd=directory)
    return below


def _lifted(directory: int, top: int) -> Iterator[str]:
    """Remove the files in a directory, and yield the directories in it by new names at the top."""
    for name in _without_files(directory):
        lifted = uuid.uuid4().hex
        with suppress(OSError):
            with opened(name, directory) as below, suppress(OSError):
                os.fchmod(below, 0o700)  # to change what is above it
            os.rename(name, lifted, src_dir_fd=directory, dst_dir_fd=top)
            yield lifted
