"""A file that comes under its name when it is whole, beside a manifest, and over no other."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shlex
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from devenv_lib.below import FILE
from devenv_lib.errors import DevenvError

#: What is not whole yet, or was left by a process that was killed.
_PARTIAL = re.compile(r"\.[a-zA-Z0-9_.-]+\.[0-9a-f]{12}\.devenv-partial")


class Sink:
    """A file that is written from its beginning, and what was written: size and SHA-256."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> int:
        """Write all of ``data``."""
        rest = memoryview(data)
        self._digest.update(rest)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self.size += len(data)
        return len(data)

    def sync(self) -> None:
        """Have the disk take what was written."""
        os.fsync(self._descriptor)

    def flush(self) -> None:
        """Do nothing: nothing is kept back. Compressors call it."""

    def close(self) -> None:
        """Do nothing: whoever opened the file closes it."""

    @property
    def sha256(self) -> str:
        """The digest of all that was written, in hexadecimal."""
        return self._digest.hexdigest()


@contextmanager
def partial_file(directory: Path, name: str) -> Iterator[tuple[Path, Sink]]:
    """Give a new file for ``name`` in ``directory``, and remove it unless it was renamed.

    Only its owner may read it: volumes hold secrets. It is locked while somebody writes it, by
    which the next one knows what was left behind.

    Raises:
        DevenvError: it cannot be written.
    """
    try:
        path, descriptor = _make(directory, name)
        try:
            yield path, Sink(descriptor)
        finally:
            os.close(descriptor)
            path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(directory, error) from None


def _make(directory: Path, name: str) -> tuple[Path, int]:
    """Return a new file and a descriptor of it, which has its lock."""
    while True:
        path = directory / f".{name}.{uuid.uuid4().hex[:12]}.devenv-partial"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return path, descriptor
        os.close(descriptor)  # another process took it for one that was left


def finish(path: Path, final: Path) -> None:
    """Give a partial file, which is on the disk (`Sink.sync`), its name.

    Raises:
        FileExistsError: something has that name.
    """
    if os.path.lexists(final):
        raise FileExistsError(final)
    path.rename(final)
    sync_names(final.parent)


def sync_names(directory: Path) -> None:
    """Have the disk take the names in a directory, where it can be asked to.

    It may be one that may be written to and not read, or of a file system that syncs none.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOTSUP):
            raise


def remove_left(directory: Path) -> list[str]:
    """Remove files that killed processes left half-written, and return their names.

    In a directory that may be written to and not listed, none is seen.
    """
    try:
        there = sorted(directory.iterdir())
    except PermissionError:
        return []
    return [path.name for path in there if _remove_left(path)]


def _remove_left(path: Path) -> bool:
    if not _PARTIAL.fullmatch(path.name):
        return False
    with suppress(OSError):
        descriptor = os.open(path, FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(descriptor)
        return True
    return False


def unwritable(directory: Path, error: OSError) -> DevenvError:
    """Return the failure of writing into a directory."""
    hint = "Name another directory."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        room = f"See how much room there is: df -h {shlex.quote(str(directory))}"
        hint = f"{room}; or name another directory."
    return DevenvError(f"{directory} could not be written to: {error.strerror or error}.", hint)
