"""Whose the entries of a volume are: one walk through it in a helper, and the change of a uid's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import IO, TYPE_CHECKING

from devenv_lib.plans.leftovers import FORMAT, Findings, examined, read_entry
from devenv_lib.scratch import scratch
from devenv_lib.volumes.tree import PIPE, records

if TYPE_CHECKING:
    from devenv_lib.engine.helper import Helper
    from devenv_lib.records import Identity

_FIND = ("find", "-P")
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
        with helper.stream(words, stdout=listed):
            pass
        listed.seek(0)
        found = examined(map(read_entry, records(listed)), who.uid)
    if not (owner and found.owners):
        return found
    start = len(target) + 1
    able = {path[start:] for path in capable(helper, target, who.uid)} - set(found.leftovers)
    return replace(found, kept=tuple(sorted(able | set(found.kept))))


def capable(helper: Helper, target: str, uid: int) -> list[bytes]:
    """Return the absolute paths of files with capabilities that are not the user's."""
    words = [*_FIND, target, "-xdev", "-type", "f", "!", "-uid", str(uid), "-print0"]
    with scratch() as listed:
        with helper.stream(words, stdout=listed):
            pass
        listed.seek(0)
        with helper.stream(_CAPABLE, listed, PIPE) as program:
            return list(capable_files(program.stdout or ()))


def _output(helper: Helper, words: Sequence[str], listed: IO[bytes]) -> bytes:
    """Return what a program writes that reads a list of paths."""
    with helper.stream(words, listed, PIPE) as program:
        return program.stdout.read() if program.stdout else b""


def capable_files(shown: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the paths below which the lines of ``tar -vvv`` have shown an attribute."""
    last = b""
    for line in map(bytes.rstrip, shown):
        if line.startswith(b"  x:"):
            yield last.decode("unicode_escape").encode("latin-1")
        else:
            last = line.split(maxsplit=5)[5]


def inodes(helper: Helper, paths: Sequence[bytes]) -> list[int]:
    """Return the numbers of files, by which they are told apart whatever their names are."""
    if not paths:
        return []
    with listed_file(paths) as listed:
        said = _output(helper, ["xargs", "-0", "stat", "-c", "%i", "--"], listed)
    return [int(number) for number in said.split()]


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
