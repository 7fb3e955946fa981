"""Where a copy comes to be on the host: whole, under its name, and over nothing else."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shlex
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from devenv_lib.below import DIRECTORY, empty, opened
from devenv_lib.errors import DevenvError, Refused
from devenv_lib.volumes.partial import sync_names

_PREFIX, _LEFT = ".devenv-cp-", re.compile(r"\.devenv-cp-[0-9a-z_]{8}")
#: The name of a copy while it is made.
IT = "it"
#: How the directory is opened that a person names: it may be one that cannot be listed.
_REACHED = getattr(os, "O_PATH", getattr(os, "O_SEARCH", os.O_RDONLY))
_PARENT = _REACHED | os.O_DIRECTORY | os.O_CLOEXEC


def landing(to: str, own: str, *, replace: bool) -> Path:
    """Return what a copy is to be called: ``to``, or ``own`` in the directory ``to``.

    Raises:
        Refused: it cannot be called so.
    """
    inside = os.path.isdir(to)
    final = Path(to, own) if inside else Path(to)
    missing = Path(to) if to.endswith("/") else final.parent
    if not inside and not (os.path.isdir(final.parent) and missing == final.parent):
        raise Refused(
            f"There is no directory {missing}.",
            f"If it is meant: mkdir -p {shlex.quote(str(missing))}",
        )
    refuse_taken(final, replace=replace)
    return final


def refuse_taken(final: Path, *, replace: bool = False) -> None:
    """Refuse a name that something has; with ``replace``, anything but a file.

    Raises:
        Refused: something has it.
    """
    if not os.path.lexists(final):
        return
    if final.is_symlink():
        raise Refused(
            f"{final} is a symlink, and nothing is written through one.",
            "Name another place: --to PATH",
        )
    if not final.is_file():
        raise Refused(f"{final} is there already.", "Name another place: --to PATH")
    if not replace:
        raise Refused(f"{final} is there already.", "To replace that file: add --replace")


@dataclass(frozen=True)
class Held:
    """A new directory beside a copy's place, in which the copy is made under the name `IT`.

    Descriptors: of that directory, and of the ``parent`` that it shares with the place. Whoever may
    write there could lead a path elsewhere.
    """

    directory: int
    parent: int


@contextmanager
def beside(final: Path) -> Iterator[Held]:
    """Give a directory beside ``final``, and remove what is left there.

    What killed processes left there goes first: it is locked as long as somebody writes to it.

    Raises:
        DevenvError: what is done in the block could not be written.
    """
    try:
        parent = os.open(final.parent, _PARENT)
        try:
            _remove_left(final.parent, parent)
            with _made(parent) as directory:
                yield Held(directory, parent)
        finally:
            os.close(parent)
    except OSError as error:
        what = f"{final.parent} could not be written to: {error.strerror or error}."
        hint = f"See how much room there is: df -h {shlex.quote(str(final.parent))}"
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            hint = "Name another place: --to PATH"
        raise DevenvError(what, hint) from None


@contextmanager
def _made(parent: int) -> Iterator[int]:
    """Give a new directory that is locked as long as its descriptor is open, and remove it."""
    name, directory = _make(parent)
    try:
        yield directory
    finally:
        with suppress(OSError):
            empty(directory)
            os.rmdir(name, dir_fd=parent)
        os.close(directory)


def _make(parent: int) -> tuple[str, int]:
    while True:
        name = f"{_PREFIX}{uuid.uuid4().hex[:8]}"
        with suppress(FileExistsError, FileNotFoundError):  # or taken for one that was left
            os.mkdir(name, 0o700, dir_fd=parent)
            directory = os.open(name, DIRECTORY, dir_fd=parent)
            fcntl.flock(directory, fcntl.LOCK_EX)
            if _is_at(name, parent, directory):
                return name, directory
            os.close(directory)


def _is_at(name: str, parent: int, directory: int) -> bool:
    """Whether an open directory still has its name."""
    try:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(directory))


def _remove_left(path: Path, parent: int) -> None:
    """Remove directories of this user's that have the whole form of such a one, and no lock."""
    with suppress(OSError):  # it may not be listed
        for entry in path.iterdir():
            if _LEFT.fullmatch(entry.name):
                with suppress(OSError):
                    _remove_unlocked(entry.name, parent)


def _remove_unlocked(name: str, parent: int) -> None:
    with opened(name, parent) as directory:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.fstat(directory)
        # In a setgid directory it is setgid too.
        if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & ~stat.S_ISGID == 0o700:
            empty(directory)
            os.rmdir(name, dir_fd=parent)


def give_name(held: Held, final: Path, *, replace: bool) -> None:
    """Give a whole copy its name, over nothing but a file that is to be replaced.

    Raises:
        Refused: something has got the name meanwhile.
    """
    made = os.stat(IT, dir_fd=held.directory, follow_symlinks=False).st_mode
    refuse_taken(final, replace=replace and stat.S_ISREG(made))
    at, to = held.directory, held.parent
    if replace or stat.S_ISDIR(made):
        # A directory, where somebody was quicker, over an empty one at most.
        os.rename(IT, final.name, src_dir_fd=at, dst_dir_fd=to)
    else:
        try:  # which replaces nothing, whoever was quicker
            os.link(IT, final.name, src_dir_fd=at, dst_dir_fd=to, follow_symlinks=False)
        except FileExistsError:
            refuse_taken(final)
        except OSError:  # a file system without hard links
            os.rename(IT, final.name, src_dir_fd=at, dst_dir_fd=to)
    sync_names(final.parent)
