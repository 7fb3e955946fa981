"""Where a copy comes to be on the host: whole, under its name, and over nothing else."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shlex
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from devenv_lib.errors import DevenvError, Refused
from devenv_lib.volumes.partial import sync, sync_names

#: How `tempfile.mkdtemp` makes a name of a prefix.
_PREFIX, _LEFT = ".devenv-cp-", re.compile(r"\.devenv-cp-[0-9a-z_]{8}")
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


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


@contextmanager
def beside(final: Path) -> Iterator[Path]:
    """Give a path beside ``final`` that nobody else can reach, and remove what is left there.

    What killed processes left there goes first: it is locked as long as somebody writes to it.

    Raises:
        DevenvError: what is done in the block could not be written.
    """
    try:
        _remove_left(final.parent)
        directory, lock = _make(final.parent)
        try:
            yield directory / "it"
        finally:
            with suppress(OSError):
                remove_tree(directory)
            os.close(lock)
    except OSError as error:
        what = f"{final.parent} could not be written to: {error.strerror or error}."
        hint = f"See how much room there is: df -h {shlex.quote(str(final.parent))}"
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            hint = "Name another place: --to PATH"
        raise DevenvError(what, hint) from None


def _make(parent: Path) -> tuple[Path, int]:
    """Return a new directory, and a descriptor that holds its lock until the process ends."""
    while True:
        directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        with suppress(FileNotFoundError):  # another process took it for one that was left
            lock = os.open(directory, _FLAGS)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if directory.is_dir():
                return directory, lock
            os.close(lock)


def _remove_left(parent: Path) -> None:
    """Remove directories of this user's that have the whole form of such a one, and no lock."""
    with suppress(OSError):  # it may not be listed
        for path in parent.iterdir():
            if _LEFT.fullmatch(path.name):
                with suppress(OSError):
                    _remove_unlocked(path)


def _remove_unlocked(directory: Path) -> None:
    lock = os.open(directory, _FLAGS)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.fstat(lock)
        # In a setgid directory it is setgid too.
        if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & ~stat.S_ISGID == 0o700:
            remove_tree(directory)
    finally:
        os.close(lock)


def remove_tree(top: Path) -> None:
    """Remove a directory of this process's own, however deep; `shutil.rmtree` calls itself.

    What cannot be removed does not keep the rest.

    Raises:
        OSError: something is left.
    """
    waiting, stuck = [str(top)], set[str]()
    while waiting:
        directory = waiting[-1]
        if below := _without_files(directory) - stuck:
            waiting += below
            continue
        waiting.pop()
        try:
            Path(directory).rmdir()
        except OSError:
            if not waiting:
                raise
            stuck.add(directory)


def _without_files(directory: str) -> set[str]:
    """Remove what is in a directory, as far as it can be, and return the directories in it."""
    with suppress(OSError):  # it came with a mode of its own; some file systems have but one
        Path(directory).chmod(0o700)
    below = set()
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.add(entry.path)
            else:
                with suppress(OSError):
                    Path(entry.path).unlink()
    return below


def give_name(held: Path, final: Path, *, replace: bool) -> None:
    """Give a whole copy its name, over nothing but a file that is to be replaced.

    Raises:
        Refused: something has got the name meanwhile.
    """
    refuse_taken(final, replace=replace and held.is_file())
    if held.is_dir():
        held.rename(final)  # where somebody was quicker, over an empty directory at most
        return
    sync(held)
    if replace:
        held.replace(final)
    else:
        try:
            final.hardlink_to(held)  # which replaces nothing, whoever was quicker
        except FileExistsError:
            refuse_taken(final)
        except OSError:  # a file system without hard links
            held.rename(final)
    sync_names(final.parent)
