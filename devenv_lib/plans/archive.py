"""Whether everything in an archive may be unpacked into a volume: entry by entry, before any is.

An archive can come from anywhere. What is written has to lie in the volume: names that are
absolute or climb, that lead through a symlink, hard links to what is not in the archive, and
whatever two programs may read differently are refused. Symlinks themselves may lead anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["file", "directory", "symlink", "link", "special", "unknown"]
#: The top of a volume has places of devenv's own for the time of a restore.
RESERVED = ".devenv-restore-"
#: Bytes that a name may have on the usual file systems, and a path in a system call.
_LONGEST_NAME, _LONGEST_PATH = 255, 4095


@dataclass(frozen=True)
class Entry:
    """One entry as it is read: its name, its kind, and what a link's text is."""

    name: str
    kind: Kind
    target: str = ""
    size: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


class Judge:
    """Says what is wrong with an archive's entries, in their order."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}
        self.files = 0
        self.bytes = 0

    @property
    def top(self) -> bool:
        """Whether there was an entry for the volume's own directory."""
        return "" in self._kinds

    def judge(self, entry: Entry) -> str:
        """Return why an entry is refused, or an empty string, and remember it."""
        path = _cleaned(entry.name)
        why = _misnamed(entry.name, path) or self._misplaced(entry, path)
        if not why:
            self.files += 1
            self.bytes += entry.size
            self._kinds[path] = (
                self._kinds[_cleaned(entry.target)] if entry.kind == "link" else entry.kind
            )
        return why

    def _misplaced(self, entry: Entry, path: str) -> str:
        if entry.kind == "unknown" or (not path and entry.kind != "directory"):
            return "is of a kind that cannot be unpacked there"
        for above in _above(path):
            if self._kinds.get(above, "directory") != "directory":
                return f"would be written through {above!r}, which is no directory"
        before = self._kinds.get(path)
        if before is not None and not before == entry.kind == "directory":
            return "is in the archive twice"
        if entry.kind == "link":
            return self._mislinked(entry)
        if entry.kind == "symlink" and ("\0" in entry.target or not entry.target):
            return "is a symlink without a target"
        return ""

    def _mislinked(self, entry: Entry) -> str:
        target = _cleaned(entry.target)
        if why := _misnamed(entry.target, target):
            return f"is a hard link to {entry.target!r}, which {why}"
        if self._kinds.get(target, "directory") == "directory":
            return f"is a hard link to {entry.target!r}, which is no file before it in the archive"
        return ""


def _cleaned(name: str) -> str:
    """Return a name without what does not change the place: ``./``, ``//``, a ``/`` at the end."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _misnamed(name: str, path: str) -> str:
    parts = path.split("/")
    if name.startswith("/"):
        return "has an absolute name"
    if ".." in parts:
        return "climbs out with '..'"
    if not name or "\0" in name:
        return "has no name that a file can have"
    lengths = [len(part.encode(errors="surrogateescape")) for part in parts]
    if max(lengths) > _LONGEST_NAME or sum(lengths) + len(parts) > _LONGEST_PATH:
        return "has a name that is too long"
    if parts[0].startswith(RESERVED):
        return "has a name that a restore needs itself"
    return ""
