"""Whether everything in an archive may be unpacked into a volume: entry by entry, before any is.

An archive can come from anywhere. What is written has to lie in the volume: names that are
absolute or climb, that lead through a symlink, hard links to what is not in the archive, and
whatever two programs may read differently are refused. Symlinks themselves may lead anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from devenv_lib.plans.kinds import Kinds

Kind = Literal["file", "directory", "symlink", "link", "special", "unknown"]
_KINDS: tuple[Kind, ...] = get_args(Kind)
#: The top of a volume has places of devenv's own for the time of a restore.
RESERVED = ".devenv-restore-"
#: Bytes that a name may have on the usual file systems, and a path behind the ``./`` of an archive
#: in a system call.
_LONGEST_NAME, LONGEST_PATH = 255, 4093


@dataclass(frozen=True)
class Entry:
    """One entry as it is read: its name, its kind, and what a link's text is."""

    name: str
    kind: Kind
    target: str = ""
    size: int = 0


class Judge:
    """Says what is wrong with an archive's entries, in their order.

    ``files`` counts them. ``secret`` is for `Kinds`.
    """

    def __init__(self, secret: bytes = b"") -> None:
        self._kinds = Kinds(secret)
        self._above = ""
        self.files = 0

    @property
    def top(self) -> bool:
        """Whether there was an entry for the volume's own directory."""
        return self._kind("") is not None

    @property
    def names(self) -> int:
        """How many names will be in the volume, below its own directory."""
        return len(self._kinds) - self.top

    def judge(self, entry: Entry) -> str:
        """Return why an entry is refused, or an empty string, and remember it."""
        path = _cleaned(entry.name)
        try:
            return _misnamed(entry.name, path) or self._misplaced(entry, path) or self._add(entry)
        except OverflowError as error:
            return f"is one too many: {error}"

    def _add(self, entry: Entry) -> str:
        self.files += 1
        linked = self._kind(_cleaned(entry.target)) if entry.kind == "link" else None
        self._kinds.put(_cleaned(entry.name), _KINDS.index(linked or entry.kind) + 1)
        return ""

    def _kind(self, path: str) -> Kind | None:
        number = self._kinds.get(path)
        return _KINDS[number - 1] if number else None

    def _misplaced(self, entry: Entry, path: str) -> str:
        if entry.kind == "unknown" or (not path and entry.kind != "directory"):
            return "is of a kind that cannot be unpacked there"
        for above in self._new_above(path):
            if self._kind(above) not in (None, "directory"):
                return f"would be written through {above!r}, which is no directory"
            self._kinds.put(above, _KINDS.index("directory") + 1)
        before = self._kind(path)
        if before is not None and not before == entry.kind == "directory":
            return "is in the archive twice"
        if entry.kind == "link":
            return self._mislinked(entry)
        if entry.kind == "symlink" and ("\0" in entry.target or not entry.target):
            return "is a symlink without a target"
        return ""

    def _new_above(self, path: str) -> list[str]:
        """Return what is above a path, unless the entry before is in the same directory."""
        above = path.rpartition("/")[0]
        if above == self._above:
            return []
        self._above = above
        parts = above.split("/")
        return ["/".join(parts[:count]) for count in range(1, len(parts) + 1) if above]

    def _mislinked(self, entry: Entry) -> str:
        target = _cleaned(entry.target)
        if why := _misnamed(entry.target, target):
            return f"is a hard link to {entry.target!r}, which {why}"
        if self._kind(target) in (None, "directory"):
            return f"is a hard link to {entry.target!r}, which is no file before it in the archive"
        return ""


def _cleaned(name: str) -> str:
    """Return a name without what does not change the place: ``./``, ``//``, a ``/`` at the end."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _misnamed(name: str, path: str) -> str:
    parts = path.split("/")
    if name.startswith("/"):
        return "has an absolute name"
    if ".." in parts:
        return "climbs out with '..'"
    if not name or "\0" in name:
        return "has no name that a file can have"
    lengths = [len(part.encode(errors="surrogateescape")) for part in parts]
    if max(lengths) > _LONGEST_NAME or sum(lengths) + len(parts) - 1 > LONGEST_PATH:
        return "has a name that is too long"
    if parts[0].startswith(RESERVED):
        return "has a name that a restore needs itself"
    return ""
