"""Whose the entries of a volume are: one walk through it in a helper, and the change of a uid's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import IO, TYPE_CHECKING

from devenv_lib.engine.program import PIPE
from devenv_lib.plans.leftovers import FORMAT, Findings, examined, read_entry
from devenv_lib.scratch import scratch
from devenv_lib.volumes.tree import broken_list, listing, whole_records

if TYPE_CHECKING:
    from devenv_lib.engine.helper import Helper
    from devenv_lib.records import Identity

_FIND = ("find", "-P")
#: Runs a program whose lines end with an empty one.
_ENDING = ("sh", "-c", '"$@"; status=$?; echo; exit $status', "devenv")
_SET_ID = ("!", "(", "-type", "f", "-perm", "/6000", ")")
#: Writes nothing but what it would archive, and does not read it; a file's capabilities are
#: shown below it.
_CAPABLE = (
    *("tar", "--create", "--file=/dev/null", "--absolute-names", "--null", "--no-recursion"),
    *("--xattrs", "--xattrs-include=security.capability", "--hard-dereference", "--numeric-owner"),
    *("--quoting-style=escape", "-vvv", "--files-from=-"),
)


def look_for_leftovers(helper: Helper, target: str, who: Identity, *, owner: bool) -> Findings:
    """Return what the volume at ``target`` shows; files' capabilities only if owners change."""
    words = [*_FIND, target, "-ignore_readdir_race", "-xdev", "-printf", FORMAT]
    with scratch() as listed:  # one million entries are a hundred megabytes
        with helper.stream(listing(words), stdout=listed):
            pass
        listed.seek(0)
        found = examined(map(read_entry, whole_records(listed)), who.uid)
    if not (owner and found.owners):
        return found
    start = len(target) + 1
    able = {path[start:] for path in capable(helper, target, who.uid)} - set(found.leftovers)
    return replace(found, kept=tuple(sorted(able | set(found.kept))))


def capable(helper: Helper, target: str, uid: int) -> list[bytes]:
    """Return the absolute paths of files with capabilities that are not the user's."""
    words = [*_FIND, target, "-xdev", "-type", "f", "!", "-uid", str(uid), "-print0"]
    with scratch() as listed:
        with helper.stream(listing(words), stdout=listed):
            pass
        _check_end(listed)
        with helper.stream([*_ENDING, *_CAPABLE], listed, PIPE) as program:
            return list(capable_files(_to_the_end(program.stdout or ())))


def _check_end(listed: IO[bytes]) -> None:
    """Take the empty record from a list's end, and go to its beginning."""
    end = listed.seek(0, os.SEEK_END)
    listed.seek(max(0, end - 2))
    if listed.read() != b"\0\0"[: max(1, min(end, 2))]:
        raise broken_list()
    listed.truncate(end - 1)
    listed.seek(0)


def _to_the_end(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines up to an empty one, which has to be there."""
    for line in lines:
        if line == b"\n":
            return
        yield line
    raise broken_list()


def capable_files(shown: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the paths below which the lines of ``tar -vvv`` have shown an attribute."""
    last = b""
    for line in (one.removesuffix(b"\n") for one in shown):
        if line.startswith(b"  x:"):
            yield last.decode("unicode_escape").encode("latin-1")
        else:
            last = line.split(maxsplit=5)[5]


def inodes(helper: Helper, paths: Sequence[bytes]) -> list[int]:
    """Return the numbers of files, by which they are told apart whatever their names are."""
    if not paths:
        return []
    with listed_file(paths) as listed:
        words = ["xargs", "-0", "stat", "-c", "%i", "--"]
        with helper.stream(words, listed, PIPE) as program:
            said = program.stdout.read().split() if program.stdout else []
    if len(said) != len(paths):
        raise broken_list()
    return [int(number) for number in said]


def owner_words(target: str, uid: int, who: Identity, spared: Sequence[int] = ()) -> list[str]:
    """Return the command that gives the user all that is ``uid``'s in a volume.

    It leaves files that the kernel would take set-id bits from, and those with the inode numbers
    ``spared``. A path that is swapped meanwhile leads to what is also this uid's, or to nothing.
    """
    words = [*_FIND, target, "-ignore_readdir_race", "-xdev", "-uid", str(uid), *_SET_ID]
    for inode in spared:
        words += ["!", "-inum", str(inode)]
    return [*words, "-exec", "chown", "-h", f"--from={uid}", who.user, "{}", "+"]


def listed_file(paths: Sequence[bytes]) -> AbstractContextManager[IO[bytes]]:
    """Give a file of paths for `xargs -0`."""
    return scratch(b"".join(path + b"\0" for path in paths))
