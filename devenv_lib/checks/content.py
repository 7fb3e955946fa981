"""Everything in a project's ``.devenv/checks``, read once: what is judged is what is run.

An environment can write the project, at any moment and also while it is read. So each file is
opened once, following no symlink, and its bytes are kept; a copy of these bytes is what pytest
gets to see.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from devenv_lib.below import DIRECTORY, FILE
from devenv_lib.errors import Refused
from devenv_lib.plans.contents import link_stays

#: Where a project's own checks are.
PLACE = PurePosixPath(".devenv/checks")
#: Entries, bytes of one file and of all, and levels: checks are text that people read.
_MOST, _LARGEST, _ALL, _DEEPEST = 1000, 1 << 20, 1 << 24, 10
#: Made by interpreters, never by people. They are not copied, so nothing can load them.
_COMPILED = "__pycache__"


@dataclass(frozen=True)
class Entry:
    """One entry: ``kind`` with the mode's nine bits, and a file's bytes or a symlink's text."""

    kind: str
    mode: int
    data: bytes = b""

    @property
    def digest(self) -> str:
        """A digest of all of it, in hexadecimal (SHA-256)."""
        head = f"{self.kind} {self.mode:o} ".encode()
        return hashlib.sha256(head + self.data).hexdigest()


@dataclass(frozen=True)
class Content:
    """What is in a directory of checks, by path relative to it; empty if there is none."""

    entries: Mapping[str, Entry] = field(default_factory=dict)

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files, sorted."""
        return tuple(name for name, entry in sorted(self.entries.items()) if entry.kind == "file")

    @property
    def digests(self) -> dict[str, str]:
        """A digest of each entry, by name."""
        return {name: entry.digest for name, entry in sorted(self.entries.items())}


def read_content(project: PurePosixPath) -> Content:
    """Return what is in the ``.devenv/checks`` of the project at ``project``.

    Raises:
        Refused: something in it could be, or lead to, what is not in it; it cannot be read; or
            it is more than checks are.
    """
    reader = _Reader(Path(project / PLACE))
    try:
        descriptor = _open_place(project)
        if descriptor is not None:
            reader.directory(descriptor, PurePosixPath())
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise _refusal(f"{reader.place} is not a directory in the project") from None
        raise _refusal(f"{reader.place} cannot be read: {error.strerror}") from None
    return Content(reader.entries)


def _open_place(project: PurePosixPath) -> int | None:
    """Open the directory, none of whose parts may be a symlink; ``None`` if there is none."""
    descriptor = os.open(project, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in PLACE.parts:
        try:
            below = os.open(part, DIRECTORY, dir_fd=descriptor)
        except FileNotFoundError:
            return None
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


class _Reader:
    """Reads a directory, and keeps count of what it has read."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.entries: dict[str, Entry] = {}
        self._bytes = 0

    def directory(self, descriptor: int, at: PurePosixPath) -> None:
        """Read what is in an open directory, and close it."""
        try:
            for name in sorted(os.listdir(descriptor)):
                if name != _COMPILED and not name.endswith(".pyc"):
                    self._entry(descriptor, name, at / name)
        finally:
            os.close(descriptor)

    def _entry(self, parent: int, name: str, path: PurePosixPath) -> None:
        if len(self.entries) >= _MOST or len(path.parts) > _DEEPEST:
            raise self._too_much()
        key, found = str(path), os.lstat(name, dir_fd=parent)
        if stat.S_ISLNK(found.st_mode):
            self.entries[key] = self._link(os.readlink(name, dir_fd=parent), path)
        elif stat.S_ISDIR(found.st_mode):
            descriptor = os.open(name, DIRECTORY, dir_fd=parent)
            self.entries[key] = Entry("directory", _mode(os.fstat(descriptor)))
            self.directory(descriptor, path)
        else:
            self.entries[key] = self._file(parent, name, path)

    def _file(self, parent: int, name: str, path: PurePosixPath) -> Entry:
        descriptor = os.open(name, FILE, dir_fd=parent)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise _refusal(f"{self.place / path} is no ordinary file")
            data = file.read(_LARGEST + 1)
        self._bytes += len(data)
        if len(data) > _LARGEST or self._bytes > _ALL:
            raise self._too_much()
        return Entry("file", _mode(found), data)

    def _link(self, text: str, path: PurePosixPath) -> Entry:
        """Return a symlink that stays in the directory, whatever the others in it lead to.

        It may go up only at its beginning and no further than the top: the directories that it
        is in are real ones, and whatever it reaches from there is an entry with its own turn.
        """
        if not link_stays(path.parts, text):
            raise _refusal(f"{self.place / path} is a symlink that leads out of it, to {text}")
        return Entry("symlink", 0o777, os.fsencode(text))

    def _too_much(self) -> Refused:
        return _refusal(
            f"{self.place} holds more than checks do: {_MOST} entries, {_LARGEST >> 20} MiB in "
            f"a file, {_ALL >> 20} MiB in all, {_DEEPEST} levels"
        )


def copy_to(content: Content, directory: Path) -> None:
    """Write a content into an empty directory, as this user's files."""
    for name, entry in sorted(content.entries.items()):
        path = directory / name
        if entry.kind == "directory":
            path.mkdir(mode=0o700)
        elif entry.kind == "symlink":
            path.symlink_to(os.fsdecode(entry.data))
        else:
            path.write_bytes(entry.data)
            path.chmod(0o600 | entry.mode & 0o100)


def changes(was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield what differs between two contents' digests: ``added``, ``changed``, ``removed``."""
    for name in sorted({*was, *now}):
        if name not in was:
            yield f"added: {name}"
        elif name not in now:
            yield f"removed: {name}"
        elif was[name] != now[name]:
            yield f"changed: {name}"


def _mode(found: os.stat_result) -> int:
    return stat.S_IMODE(found.st_mode) & 0o777


def _refusal(what: str) -> Refused:
    return Refused(
        f"{what}: no check was run.",
        "Let there be ordinary files only; without the project's checks: inv check --bundled",
    )
