"""Write what is copied into a volume to a helper: a file's bytes, or a directory as an archive."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import IO

from devenv_lib.below import FILE, Below
from devenv_lib.errors import DevenvError, UsageError
from devenv_lib.plans.contents import Tally

_CHUNK = 1 << 18
_ODD = {stat.S_IFSOCK: "a socket", stat.S_IFIFO: "a fifo"}


class Pipe:
    """A program's stdin; once it reads no more, what is written goes nowhere.

    Why it ended is known when it is waited for. An archive writes once more when it is forgotten.
    """

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._stream = stream
        self.broken = stream is None

    def write(self, data: bytes) -> int:
        """Write all of ``data``."""
        if self._stream and not self.broken:
            try:
                self._stream.write(data)
            except BrokenPipeError:
                self.broken = True
        return len(data)


@contextmanager
def reading(path: str) -> Iterator[IO[bytes]]:
    """Give a file to read from.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        # Without waiting for a writer, should it be a fifo by now.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
        file = os.fdopen(os.open(path, flags), "rb", buffering=0)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}.", "Name a file or a directory: --from PATH"
        ) from None
    with file:
        yield file


def send_file(source: IO[bytes], pipe: Pipe, tally: Tally) -> None:
    """Write all that a file or a stream has.

    Raises:
        DevenvError: it could not be read.
    """
    try:
        while not pipe.broken and (chunk := source.read(_CHUNK)):
            pipe.write(chunk)
            tally.bytes += len(chunk)
    except OSError as error:
        raise DevenvError(
            f"The source could not be read: {error.strerror}.",
            "See what is wrong with it; then run the same command again.",
        ) from None
    tally.files += 1


def send_tree(top: str, pipe: Pipe, owner: tuple[int, int], tally: Tally) -> None:
    """Write an archive of a directory, in which all is ``owner``'s; symlinks as they are.

    Raises:
        DevenvError: something in it could not be read, or changed meanwhile.
    """
    archive = tarfile.open(  # noqa: SIM115 - closing would write an end after a failure
        fileobj=pipe,  # type: ignore[call-overload]
        mode="w|",
        bufsize=_CHUNK,
        format=tarfile.GNU_FORMAT,
        encoding="utf-8",
        errors="surrogateescape",
    )
    with _directory(top) as directory, closing(Below(directory)) as below:
        try:
            found, names = os.fstat(directory), _names(directory)
        except OSError as error:
            raise _unreadable(top, error) from None
        _send_directory(archive, found, ".", owner)
        waiting: list[tuple[str, ...]] = [(name,) for name in names]
        while waiting and not pipe.broken:
            parts = waiting.pop()
            try:
                if _send(archive, below, parts, owner, tally):
                    waiting += [(*parts, name) for name in _names(below.directory(parts))]
            except OSError as error:
                raise _unreadable(f"{top}/{'/'.join(parts)}", error) from None
            archive.members = []  # which would keep all of them
    archive.close()


@contextmanager
def _directory(path: str) -> Iterator[int]:
    """Give the directory that a person named."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, error) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _unreadable(path: str, error: OSError) -> DevenvError:
    return DevenvError(
        f"{path} could not be read: {error.strerror or 'it changed meanwhile'}.",
        "Nothing was copied; run the same command again once it can be.",
    )


def _names(directory: int) -> list[str]:
    return sorted(os.listdir(directory))


def _send(
    archive: tarfile.TarFile,
    below: Below,
    parts: tuple[str, ...],
    owner: tuple[int, int],
    tally: Tally,
) -> bool:
    """Write what is at ``parts``, and return whether it is a directory, with more in it."""
    at, name = below.directory(parts[:-1]), parts[-1]
    inside = "/".join(parts)
    found = os.stat(name, dir_fd=at, follow_symlinks=False)
    if stat.S_ISDIR(found.st_mode):
        _send_directory(archive, found, f"./{inside}", owner)
        return True
    member = _member(found, f"./{inside}", owner)
    if stat.S_ISREG(found.st_mode):
        with os.fdopen(os.open(name, FILE, dir_fd=at), "rb", buffering=0) as file:
            member.size = os.fstat(file.fileno()).st_size
            archive.addfile(member, file)
        tally.files += 1
        tally.bytes += member.size
    elif stat.S_ISLNK(found.st_mode):
        member.type, member.linkname = tarfile.SYMTYPE, os.readlink(name, dir_fd=at)
        archive.addfile(member)
    else:
        tally.omit(inside, _ODD.get(stat.S_IFMT(found.st_mode), "a device"))
    return False


def _send_directory(
    archive: tarfile.TarFile, found: os.stat_result, name: str, owner: tuple[int, int]
) -> None:
    member = _member(found, name, owner)
    member.type = tarfile.DIRTYPE
    archive.addfile(member)


def _member(found: os.stat_result, name: str, owner: tuple[int, int]) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode = found.st_mode & 0o777
    member.uid, member.gid = owner
    return member
