"""What takes the room in a volume: directories with all that is in them, from a walk's records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from devenv_lib.errors import EngineFailure

#: What GNU find prints of each entry, for `directories`: its kind, blocks of 512 bytes, number of
#: links, inode, and path below the start. Paths may be of any bytes but NUL.
FORMAT = "%y %b %n %i %P\\0"
_BLOCK = 512


@dataclass(frozen=True)
class Directory:
    """A directory with all that is below it.

    ``path`` is relative to the volume's top, which is ``.``; a byte that is no UTF-8 is a lone
    surrogate, as in `os.fsdecode`. ``bytes`` are allocated on disk, as ``du`` counts them: files
    with several names once, where the walk met them first. ``files`` counts names of everything
    but directories.
    """

    path: str
    depth: int
    bytes: int
    files: int


@dataclass
class _Sum:
    bytes: int = 0
    files: int = 0


def directories(records: Iterable[bytes], depth: int) -> tuple[Directory, ...]:
    """Return the directories down to ``depth`` (the top is 0), from records of `FORMAT`.

    Each is followed by those in it, the largest first. Records are read as they come: what is
    kept grows with the directories that are returned, and with files that have several names.

    Raises:
        EngineFailure: a record is none.
    """
    sums: dict[bytes, _Sum] = defaultdict(_Sum)
    sums[b""] = _Sum()
    seen: set[bytes] = set()
    for record in records:
        try:
            kind, blocks, links, inode, path = record.split(b" ", 4)
            size = int(blocks) * _BLOCK
        except ValueError:
            raise EngineFailure(
                "find in the helper container answered nonsense.",
                "Take the default image for it: DEVENV_IMAGE= inv volume.usage",
            ) from None
        if kind != b"d" and links != b"1":
            size = 0 if inode in seen else size
            seen.add(inode)
        one = sums[_counted_at(path, depth, directory=kind == b"d")]
        one.bytes += size
        one.files += kind != b"d"
    return tuple(_sorted(_added_up(sums)))


def _counted_at(path: bytes, depth: int, *, directory: bool) -> bytes:
    """Return the deepest directory that is told about and that an entry is in."""
    parts = path.split(b"/", depth)
    if len(parts) <= depth and not directory:
        parts.pop()
    return b"/".join(parts[:depth])


def _added_up(sums: dict[bytes, _Sum]) -> dict[bytes, _Sum]:
    """Add what is in directories to those above them."""
    for known in list(sums):
        parts = known.split(b"/")
        for end in range(1, len(parts)):  # one may have vanished before it was met itself
            sums.setdefault(b"/".join(parts[:end]), _Sum())
    for path in sorted(filter(None, sums), key=lambda path: -path.count(b"/")):
        above = sums[path.rpartition(b"/")[0]]
        above.bytes += sums[path].bytes
        above.files += sums[path].files
    return sums


def _sorted(sums: dict[bytes, _Sum]) -> Iterator[Directory]:
    below: dict[bytes, list[bytes]] = defaultdict(list)
    for path in sums:
        if path:
            below[path.rpartition(b"/")[0]].append(path)
    waiting = [b""]
    while waiting:
        path = waiting.pop()
        one = sums[path]
        depth = path.count(b"/") + 1 if path else 0
        text = path.decode(errors="surrogateescape") or "."
        yield Directory(text, depth, one.bytes, one.files)
        waiting += sorted(below[path], key=lambda p: (-sums[p].bytes, p))[::-1]
