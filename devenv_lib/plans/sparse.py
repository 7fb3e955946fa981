"""The maps of sparse files in tar archives: which parts of a file are there, between its holes.

A map that claims more than its entry has would make GNU tar read what follows as content. So
the parts have to be in order, inside the file, of whole blocks, and all that the entry has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_BLOCK = 512
Blocks = Callable[[], bytes]


def old_map(header: bytes, blocks: Blocks, packed: int, number: Callable[[bytes], int]) -> int:
    """Return the length of a file with GNU's old map, which begins in its ``header``.

    Raises:
        ValueError: the map is wrong.
    """
    parts = _Parts()
    fields, more = header[386:482], header[482]
    while True:
        for at in range(0, len(fields), 24):
            if fields[at + 12] == 0:  # where GNU tar stops: no length
                if more or fields[at:].strip(b"\0"):
                    raise ValueError
                break
            parts.add(number(fields[at : at + 12]), number(fields[at + 12 : at + 24]))
        if not more:
            return parts.end(packed, number(header[483:495]))
        block = blocks()
        fields, more = block[:504], block[504]


def new_map(keys: Mapping[bytes, bytes], blocks: Blocks, packed: int) -> tuple[int, int]:
    """Return the length of a file with pax's map 1.0, and the bytes that the map took.

    Raises:
        ValueError: the map is wrong, or of another form.
        KeyError: a key of this form is missing.
    """
    if (keys[b"GNU.sparse.major"], keys[b"GNU.sparse.minor"]) != (b"1", b"0"):
        raise ValueError
    if not keys[b"GNU.sparse.name"]:
        raise ValueError
    numbers = _Numbers(blocks, packed)
    parts = _Parts()
    for _ in range(numbers.next()):
        parts.add(numbers.next(), numbers.next())
    length = parts.end(packed - numbers.used, _decimal(keys[b"GNU.sparse.realsize"]))
    return length, numbers.used


class _Parts:
    """Parts of a file, which are only counted: there may be many."""

    def __init__(self) -> None:
        self._end = self._sum = 0
        self._whole = True

    def add(self, offset: int, length: int) -> None:
        """Count a part; GNU tar begins each at a block of its own."""
        if offset < self._end or length < 0 or (length and not self._whole):
            raise ValueError
        self._end = offset + length
        self._sum += length
        self._whole = length % _BLOCK == 0

    def end(self, packed: int, real: int) -> int:
        """Return the length of the file, ``real``, if its parts are what was ``packed``."""
        if self._sum != packed or self._end > real:
            raise ValueError
        return real


class _Numbers:
    """The lines of a map in front of a content. ``used`` is the bytes of its blocks so far."""

    def __init__(self, blocks: Blocks, packed: int) -> None:
        self._blocks, self._packed = blocks, packed
        self._lines: list[bytes] = []
        self._rest = b""
        self.used = 0

    def next(self) -> int:
        """Return the next number."""
        while not self._lines:
            if self.used + _BLOCK > self._packed or len(self._rest) > _BLOCK:
                raise ValueError
            self.used += _BLOCK
            *lines, self._rest = (self._rest + self._blocks()).split(b"\n")
            self._lines = lines[::-1]
        return _decimal(self._lines.pop())


def _decimal(text: bytes) -> int:
    if not re.fullmatch(b"[0-9]{1,18}", text):
        raise ValueError
    return int(text)
