"""Read the archive of what is copied out of a volume: its names and links are nobody's promise.

No byte is written through a symlink: symlinks are made last, and those alone that lead nowhere
but to what is copied with them. Of those that others put there meanwhile none is followed either
(`devenv_lib.below`).
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from errno import EILSEQ, ENAMETOOLONG, ENOENT
from typing import IO, cast

from devenv_lib.below import NEW_FILE, Below
from devenv_lib.below import opened as opened_below
from devenv_lib.plans.archive import LONGEST_PATH
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


def write_file(archive: tarfile.TarFile, at: int, name: str, tally: Tally) -> bool:
    """Write the one file of an archive as ``name`` in an open directory, and to the disk.

    Returns whether it was there.
    """
    for member in _members(archive):
        if not member.isreg():
            return False
        _write(archive, member, at, name, tally, durable=True)
    return tally.files == 1


def write_tree(archive: tarfile.TarFile, at: int, name: str, tally: Tally) -> bool:
    """Write the directory that an archive has as ``name`` in an open one.

    Returns whether it was there.
    """
    with ExitStack() as kept:
        tree = _Tree(archive, at, name, tally, kept)
        for member in _members(archive):
            tree.write(member)
        tree.make_links()
        return tree.is_there


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the members, and keep none, as ``tarfile`` would do."""
    while member := archive.next():
        yield member
        archive.members = []  # type: ignore[attr-defined]


def _write(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    at: int,
    name: str,
    tally: Tally,
    *,
    durable: bool = False,
) -> None:
    """Write a file as the caller's, with the mode that the umask leaves; holes stay holes."""
    content = archive.extractfile(member)
    descriptor = os.open(name, NEW_FILE, 0o600 | member.mode & 0o777, dir_fd=at)
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
        if durable:
            os.fsync(descriptor)
    tally.files += 1


class _Tree:
    """A directory that is being written, whose ``name`` is in the one that is open as ``at``."""

    def __init__(
        self, archive: tarfile.TarFile, at: int, name: str, tally: Tally, kept: ExitStack
    ) -> None:
        self._archive, self._at, self._name, self._tally = archive, at, name, tally
        self._kept = kept
        self._below: Below | None = None
        self._links: list[tuple[tuple[str, ...], str]] = []

    @property
    def is_there(self) -> bool:
        """Whether the archive had the directory itself."""
        return self._below is not None

    def write(self, member: tarfile.TarInfo) -> None:
        parts = member_parts(member.name)
        if parts is None:
            self._tally.omit(member.name, "that is no name below the copy")
        elif len(os.fsencode(member.name)) > LONGEST_PATH:  # no path would reach it
            self._tally.omit("/".join(parts), f"it cannot be here: {os.strerror(ENAMETOOLONG)}")
        elif member.issym():
            self._note_link(parts, member.linkname)
        elif member.isdir():
            self._make_directory(parts, 0o700 | member.mode & 0o777)
        elif member.isreg() and parts:
            with self._leaving_out(parts):
                _write(self._archive, member, self._around(parts), parts[-1], self._tally)
        else:
            self._tally.omit("/".join(parts), _kind(member))

    def make_links(self) -> None:
        for parts, text in self._links:
            with self._leaving_out(parts):
                os.symlink(text, parts[-1], dir_fd=self._around(parts))

    def _make_directory(self, parts: tuple[str, ...], mode: int) -> None:
        if parts:
            with self._leaving_out(parts):
                os.mkdir(parts[-1], mode, dir_fd=self._around(parts))
            return
        os.mkdir(self._name, mode, dir_fd=self._at)
        self._below = Below(self._kept.enter_context(opened_below(self._name, self._at)))
        self._kept.callback(self._below.close)

    def _note_link(self, parts: tuple[str, ...], text: str) -> None:
        if parts and link_stays(parts, text):
            self._links.append((parts, text))
        else:
            self._tally.omit("/".join(parts), f"a symlink out of what is copied: {text}")

    def _around(self, parts: tuple[str, ...]) -> int:
        """Return the directory that a member comes into."""
        if self._below is None:
            raise FileNotFoundError(ENOENT, os.strerror(ENOENT))
        return self._below.directory(parts[:-1])

    @contextmanager
    def _leaving_out(self, parts: tuple[str, ...]) -> Iterator[None]:
        """Leave a member out that this file system has no such name for."""
        try:
            yield
        except OSError as error:
            nameless = isinstance(error, FileExistsError | FileNotFoundError)
            if not (nameless or error.errno in (EILSEQ, ENAMETOOLONG)):
                raise
            self._tally.omit("/".join(parts), f"it cannot be here: {error.strerror}")


def _kind(member: tarfile.TarInfo) -> str:
    if member.isfifo():
        return "a fifo"
    return "a device" if member.isdev() else "nothing that can be copied"
