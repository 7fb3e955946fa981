"""Write what is copied into a volume to a helper: a file's bytes, or a directory as an archive."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

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
    """Write an archive of a directory, in which all is ``owner``'s.

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
    waiting = [""]
    while waiting and not pipe.broken:
        inside = waiting.pop()
        path = f"{top}/{inside}" if inside else top
        try:
            found = Path(path).stat(follow_symlinks=not inside)
            _send(archive, path, inside, found, owner, tally)
            if stat.S_ISDIR(found.st_mode):
                below = sorted(entry.name for entry in Path(path).iterdir())
                waiting += [f"{inside}/{name}" if inside else name for name in below]
        except OSError as error:
            raise DevenvError(
                f"{path} could not be read: {error.strerror or 'it changed meanwhile'}.",
                "Nothing was copied; run the same command again once it can be.",
            ) from None
        archive.members = []  # which would keep all of them
    archive.close()


def _send(
    archive: tarfile.TarFile,
    path: str,
    inside: str,
    found: os.stat_result,
    owner: tuple[int, int],
    tally: Tally,
) -> None:
    member = tarfile.TarInfo(f"./{inside}" if inside else ".")
    member.mode = found.st_mode & 0o777
    member.uid, member.gid = owner
    if stat.S_ISREG(found.st_mode):
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        with os.fdopen(os.open(path, flags), "rb", buffering=0) as file:
            member.size = os.fstat(file.fileno()).st_size
            archive.addfile(member, file)
        tally.files += 1
        tally.bytes += member.size
    elif stat.S_ISDIR(found.st_mode):
        member.type = tarfile.DIRTYPE
        archive.addfile(member)
    elif stat.S_ISLNK(found.st_mode):
        member.type, member.linkname = tarfile.SYMTYPE, str(Path(path).readlink())
        archive.addfile(member)
    else:
        tally.omit(inside, _ODD.get(stat.S_IFMT(found.st_mode), "a device"))
