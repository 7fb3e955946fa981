"""What in a volume an engine certainly made, and what is somebody's.

What an engine made for a mount is known by what it looks like, and only where nobody else can
have made it for something of their own: a directory of root's with nothing but such things in
it, or an empty file of root's, in a directory that is the user's or itself such a leftover.
Everything else of root's, or of another uid, is somebody's until a person says otherwise.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

#: The volume's root, as a path.
ROOT = b"."
#: Modes that engines make what they lack with (measured: Docker makes both as 0755; Podman 5.4 a
#: file as 0700, its parents as 0755, and a directory, parents included, as 01755).
_DIRECTORIES, _FILES = (0o755, 0o1755), (0o755, 0o644, 0o700)
#: Bits that the kernel takes from a file whose owner is changed.
_SET_ID = 0o6000


class Entry(NamedTuple):
    """One entry of a volume. ``path`` is relative to its root, ``kind`` is find's letter."""

    path: bytes
    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    links: int


#: The fields of an entry for find's -printf; `read_entry` reads them.
FORMAT = "%y %m %U %G %s %n %P\\0"


def read_entry(record: bytes) -> Entry:
    """Read what find wrote of one entry."""
    kind, mode, uid, gid, size, links, path = record.split(b" ", 6)
    numbers = int(mode, 8), int(uid), int(gid), int(size), int(links)
    return Entry(path or ROOT, kind.decode(), *numbers)


@dataclass(frozen=True)
class Findings:
    """What a look into a volume has shown.

    ``root`` is the uid of the volume's root. ``leftovers`` maps what an engine left, parents
    before children, to ``d`` or ``f``. ``owners`` counts all other entries that are not the
    user's, by uid, and ``first`` has a path for each. ``kept`` are files among them that a change
    of owner would take something from: a set-id bit, or capabilities.
    """

    root: int
    leftovers: Mapping[bytes, str] = field(default_factory=dict)
    owners: Mapping[int, int] = field(default_factory=dict)
    first: Mapping[int, bytes] = field(default_factory=dict)
    kept: tuple[bytes, ...] = ()


def examined(entries: Iterable[Entry], uid: int) -> Findings:
    """Return what entries show, which come parents first, each directory's together.

    ``uid`` is the environment's user's. What is kept of the entries is what was left behind, and
    the directories that lead to the present one.
    """
    walk = _Walk(uid)
    for entry in entries:
        walk.see(entry)
    return walk.findings()


class _Walk:
    """A walk through a volume. ``_above`` are the directories above the present entry."""

    def __init__(self, uid: int) -> None:
        self._uid = uid
        self._root = uid
        self._above: list[Entry] = []
        self._candidates: dict[bytes, str] = {}
        self._spoilt: set[bytes] = set()
        self._owners: Counter[int] = Counter()
        self._first: dict[int, bytes] = {}
        self._kept: list[bytes] = []

    def see(self, entry: Entry) -> None:
        if entry.path == ROOT:
            self._root = entry.uid
        else:
            self._go_to(parent(entry.path))
        if self._may_be_left(entry):
            self._candidates[entry.path] = entry.kind
        else:
            self._spoil()
        if entry.uid != self._uid:
            self._owners[entry.uid] += 1
            if entry.path not in self._candidates:
                self._first.setdefault(entry.uid, entry.path)
            if entry.kind == "f" and entry.mode & _SET_ID:
                self._kept.append(entry.path)
        if entry.kind == "d":
            self._above.append(entry)

    def _go_to(self, directory: bytes) -> None:
        while self._above and self._above[-1].path != directory:
            self._above.pop()

    def _may_be_left(self, entry: Entry) -> bool:
        """Whether an engine made it, as far as can be said before what is in it was seen."""
        if entry.uid != 0 or self._uid == 0:
            return False
        if entry.path == ROOT:
            return True
        above = self._above[-1] if self._above else None
        if above is None or not (above.uid == self._uid or above.path in self._candidates):
            return False
        if entry.kind == "d":
            return entry.gid == 0 and entry.mode in _DIRECTORIES
        plain = (entry.kind, entry.gid, entry.size, entry.links) == ("f", 0, 0, 1)
        return plain and entry.mode in _FILES

    def _spoil(self) -> None:
        """Note that there is something of somebody's in the directories above."""
        for above in reversed(self._above):
            if above.path == ROOT or above.path not in self._candidates:
                return
            if above.path in self._spoilt:
                return
            self._spoilt.add(above.path)

    def findings(self) -> Findings:
        left: dict[bytes, str] = {}
        first = dict(self._first)
        owners = Counter(self._owners)
        for path, kind in self._candidates.items():
            above = parent(path)
            hidden = above in self._candidates and above not in left and path != ROOT
            if path in self._spoilt or hidden:
                first.setdefault(0, path)
                continue
            left[path] = kind
            owners[0] -= 1
        return Findings(
            self._root, left, {uid: n for uid, n in sorted(owners.items()) if n}, first,
            tuple(self._kept),
        )  # fmt: skip


def parent(path: bytes) -> bytes:
    """Return the path of the directory that an entry is in."""
    return path.rpartition(b"/")[0] or ROOT


def quoted(path: bytes) -> str:
    """Return a path as a word for a shell, in which nothing has to be spelled out any more."""
    try:
        text = path.decode()
    except UnicodeDecodeError:
        text = ""
    if text and text.isprintable():
        return shlex.quote(text)
    plain = set(range(0x20, 0x7F)) - set(b"\\'")
    return "$'" + "".join(chr(b) if b in plain else f"\\x{b:02x}" for b in path) + "'"
