"""What kind of thing each path of an archive is, in a few bytes a path: there may be millions."""

from __future__ import annotations

from array import array
from hashlib import blake2b

#: Slots that a table may come to, and the paths in them: two thirds.
_LARGEST = 1 << 23
MOST = _LARGEST * 2 // 3
_KIND = 7  # the bits of a slot that are a kind's number; the others are a path's digest


class Kinds:
    """A table of paths, of which it keeps digests of 61 bits in an open-addressed array.

    ``secret`` are up to 64 random bytes: nobody can choose two paths that meet. ``largest`` is the
    number of slots, of 8 bytes each, that it may come to; two thirds of them are filled.
    """

    def __init__(self, secret: bytes = b"", largest: int = _LARGEST) -> None:
        self._secret, self._largest = secret, largest
        self._slots = array("Q", bytes(8 << 12))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def get(self, path: str) -> int:
        """Return a path's number, from 1 to 7; 0 for one that has none."""
        return self._slots[self._place(self._digest(path))] & _KIND

    def put(self, path: str, number: int) -> None:
        """Give a path a number, from 1 to 7.

        Raises:
            OverflowError: there are too many paths.
        """
        digest = self._digest(path)
        place = self._place(digest)
        self._count += not self._slots[place]
        self._slots[place] = digest | number
        if self._count * 3 > len(self._slots) * 2:
            self._grow()

    def _digest(self, path: str) -> int:
        name = path.encode(errors="surrogateescape")
        found = blake2b(name, digest_size=8, key=self._secret).digest()
        return int.from_bytes(found, "little") & ~_KIND

    def _place(self, digest: int) -> int:
        slots, mask = self._slots, len(self._slots) - 1
        place = (digest >> 3) & mask
        while slots[place] and slots[place] & ~_KIND != digest:
            place = (place + 1) & mask
        return place

    def _grow(self) -> None:
        before = self._slots
        if len(before) * 2 > self._largest:
            raise OverflowError(f"more than {self._count - 1} paths")
        self._slots = array("Q", bytes(16 * len(before)))
        for slot in before:
            if slot:
                self._slots[self._place(slot & ~_KIND)] = slot
