"""Where a copy comes to be on the host: whole, under its name, and over nothing else."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devenv_lib.errors import DevenvError, Refused
from devenv_lib.volumes.partial import sync


def landing(to: str, own: str, *, replace: bool) -> Path:
    """Return what a copy is to be called: ``to``, or ``own`` in the directory ``to``.

    Raises:
        Refused: it cannot be called so.
    """
    inside = os.path.isdir(to)
    final = Path(to, own) if inside else Path(to)
    missing = Path(to) if to.endswith("/") else final.parent
    if not inside and not (final.parent.is_dir() and missing == final.parent):
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

    Raises:
        DevenvError: what is done in the block could not be written.
    """
    try:
        directory = tempfile.mkdtemp(prefix=".devenv-cp-", dir=final.parent)
        try:
            yield Path(directory, "it")
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    except OSError as error:
        what = f"{final.parent} could not be written to: {error.strerror or error}."
        room = f"See how much room there is: df -h {shlex.quote(str(final.parent))}"
        raise DevenvError(what, room) from None


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
    sync(final.parent)
