"""Read the archive of what is copied out of a volume: its names and links are nobody's promise.

No byte is written through a symlink: symlinks are made last, and those alone that lead nowhere
but to what is copied with them.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EILSEQ, ENAMETOOLONG
from pathlib import Path
from typing import IO, cast

from devenv_lib.plans.contents import Tally, link_stays, member_parts
from devenv_lib.volumes.tar import END, Counted

CHUNK = 1 << 18
_ZEROS = bytes(CHUNK)


def opened(source: Counted) -> tarfile.TarFile:
    """Return the archive that a stream brings."""
    return tarfile.open(
        fileobj=cast("IO[bytes]", source),
        mode="r|",
        bufsize=CHUNK,
        encoding="utf-8",
        errors="surrogateescape",
    )


def ended(archive: tarfile.TarFile, source: Counted) -> bool:
    """Read what is left of a stream, and return whether the archive's end is in it.

    ``tarfile`` takes the end of the stream for that, where a member could begin.
    """
    while source.read(CHUNK):
        pass
    return source.count - archive.offset >= END


def pour(archive: tarfile.TarFile, to: IO[bytes], tally: Tally) -> bool:
    """Write the content of the one file of an archive to a stream; return whether it was there."""
    for member in _members(archive):
        content = archive.extractfile(member) if member.isreg() else None
        if content is None:
            return False
        while chunk := content.read(CHUNK):
            to.write(chunk)
            tally.bytes += len(chunk)
        to.flush()
        tally.files += 1
    return tally.files == 1


def write_file(archive: tarfile.TarFile, to: Path, tally: Tally) -> bool:
    """Write the one file of an archive to ``to``; return whether it was there."""
    for member in _members(archive):
        if not member.isreg():
            return False
        _write(archive, member, str(to), tally)
    return tally.files == 1


def write_tree(archive: tarfile.TarFile, to: Path, tally: Tally) -> bool:
    """Write the directory that an archive has to ``to``; return whether it was there."""
    tree = _Tree(archive, str(to), tally)
    for member in _members(archive):
        tree.write(member)
    tree.make_links()
    return to.is_dir()


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the members, and keep none, as ``tarfile`` would do."""
    while member := archive.next():
        yield member
        archive.members = []  # type: ignore[attr-defined]


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str, tally: Tally) -> None:
    """Write a file as the caller's, with the mode that the umask leaves; holes stay holes."""
    content = archive.extractfile(member)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600 | member.mode & 0o777)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        while content and (chunk := content.read(CHUNK)):
            if chunk == _ZEROS:
                file.seek(len(chunk), os.SEEK_CUR)
            else:
                rest = memoryview(chunk)
                while rest:
                    rest = rest[file.write(rest) :]
            tally.bytes += len(chunk)
        file.truncate()
    tally.files += 1


class _Tree:
    """A directory that is being written, at a path that nobody else can reach."""

    def __init__(self, archive: tarfile.TarFile, top: str, tally: Tally) -> None:
        self._archive, self._top, self._tally = archive, top, tally
        self._links: list[tuple[tuple[str, ...], str]] = []

    def write(self, member: tarfile.TarInfo) -> None:
        parts = member_parts(member.name)
        if parts is None:
            self._tally.omit(member.name, "that is no name below the copy")
        elif member.issym():
            self._note_link(parts, member.linkname)
        elif member.isdir():
            with self._leaving_out(parts) as path:
                Path(path).mkdir(0o700 | member.mode & 0o777)
        elif member.isreg() and parts:
            with self._leaving_out(parts) as path:
                _write(self._archive, member, path, self._tally)
        else:
            self._tally.omit("/".join(parts), _kind(member))

    def make_links(self) -> None:
        for parts, text in self._links:
            with self._leaving_out(parts) as path:
                Path(path).symlink_to(text)

    def _note_link(self, parts: tuple[str, ...], text: str) -> None:
        if link_stays(parts, text):
            self._links.append((parts, text))
        else:
            self._tally.omit("/".join(parts), f"a symlink out of what is copied: {text}")

    @contextmanager
    def _leaving_out(self, parts: tuple[str, ...]) -> Iterator[str]:
        """Give a member's path, and leave out what this file system has no such name for."""
        try:
            yield "/".join((self._top, *parts))
        except OSError as error:
            nameless = isinstance(error, FileExistsError | FileNotFoundError)
            if not parts or not (nameless or error.errno in (EILSEQ, ENAMETOOLONG)):
                raise
            self._tally.omit("/".join(parts), f"it cannot be here: {error.strerror}")


def _kind(member: tarfile.TarInfo) -> str:
    if member.isfifo():
        return "a fifo"
    return "a device" if member.isdev() else "nothing that can be copied"
