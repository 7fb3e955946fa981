"""Read a tar stream's headers, and only what GNU tar is certain to read in the same way.

What was judged is unpacked by the helper's GNU tar, so both have to see the same entries. Python's
`tarfile` does not: of these it saw an entry that GNU tar takes for a content, or another name
(measured, Python 3.11 against GNU tar 1.34): a symlink, a fifo or a hard link with a size, a name
in GNU's form with a prefix, a long name given twice, two extended headers, a global size, a
sparse file with a path beside its name. What is accepted is what GNU tar, bsdtar, busybox, Go and
Python write: ustar, pax, and GNU's long names and sparse files.

Formats: POSIX.1-2017, "pax"; GNU tar's manual, "Basic Tar Format" and "Sparse Formats".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from devenv_lib.plans.archive import Entry, Kind
from devenv_lib.plans.sparse import new_map, old_map

#: Returns that many bytes, or fewer at the end.
Read = Callable[[int], bytes]
Texts = dict[bytes, bytes]

_BLOCK = 512
_ZERO = bytes(_BLOCK)
_GNU, _POSIX = b"ustar  \0", b"ustar\x0000"
_FILE, _SPARSE = (b"0", b"\0"), b"S"
_KINDS: Mapping[bytes, Kind] = {
    b"\0": "file",
    b"0": "file",
    b"S": "file",
    b"1": "link",
    b"2": "symlink",
    b"3": "special",
    b"4": "special",
    b"5": "directory",
    b"6": "special",
}
#: Bytes of an extended header, which can hold attributes, and bytes that are read at once.
_LONGEST, _CHUNK = 1 << 20, 1 << 18
#: Sizes from here on do not fit into a header's octal digits.
_HUGE = 8 << 30
#: All that an extended header may have: another key may come to mean another name or size.
_KEYS = re.compile(
    rb"path|linkpath|size|uid|gid|uname|gname|mtime|atime|ctime|comment|hdrcharset"
    rb"|SCHILY\.(xattr|acl)\..+|SCHILY\.(dev|ino|nlink|realsize|fflags)"
    rb"|LIBARCHIVE\.(xattr\..+|creationtime|symlinktype)|RHT\.security\.selinux"
    rb"|GNU\.sparse\.(major|minor|name|realsize)",
    re.DOTALL,
)
_NAMES = (b"path", b"linkpath", b"GNU.sparse.name")
_LENGTH = re.compile(rb"([1-9][0-9]{0,7}) ")


class Unfit(ValueError):
    """A stream is no whole archive, or may be read in several ways. It begins with a verb."""


@dataclass(frozen=True)
class _Header:
    block: bytes
    name: bytes
    type: bytes
    link: bytes
    size: int


def entries(read: Read) -> Iterator[Entry]:
    """Yield the entries of a tar stream, and read it to its very end.

    Raises:
        Unfit: it is broken, cut off, or goes on behind its end; or GNU tar may see other entries.
    """
    return _Walk(read).entries()


class _Walk:
    """A tar stream that is read from front to back, a block at a time."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def entries(self) -> Iterator[Entry]:
        """Yield what comes before the end mark, which nothing may follow."""
        while (block := self._block()) != _ZERO:
            yield self._entry(block)
        rest = self._block()
        while rest:
            if rest.strip(b"\0"):
                raise Unfit("goes on after its end")
            rest = self._read(_CHUNK)

    def _block(self) -> bytes:
        return self._exactly(_BLOCK)

    def _exactly(self, size: int) -> bytes:
        data = self._read(size)
        if len(data) != size:
            raise Unfit("is no whole archive: it ends too early")
        return data

    def _skip(self, size: int) -> None:
        """Skip a content, and what fills its last block up."""
        left = _padded(size)
        while left:
            left -= len(self._exactly(min(left, _CHUNK)))

    def _entry(self, block: bytes) -> Entry:
        """Read an entry, with the headers before its own that say more about it."""
        pax: Texts | None = None
        long: Texts = {}
        while (header := _header(block)).type in (b"x", b"g", b"L", b"K"):
            text = self._text(header)
            if pax is not None or header.type in long or (long and header.type in b"xg"):
                raise Unfit("has several extended headers before an entry, which may disagree")
            if header.type == b"x":
                pax = _records(text)
            elif header.type == b"g":
                _check_global(_records(text))
            else:
                long[header.type] = _long_name(text)
            block = self._block()
        if header.type not in _KINDS:
            raise Unfit(f"has an entry of a type that is not known, {header.type!r}")
        return self._member(header, pax or {}, long)

    def _text(self, header: _Header) -> bytes:
        if not 0 < header.size <= _LONGEST:
            raise Unfit(f"has an extended header of {header.size} bytes")
        return self._exactly(_padded(header.size))[: header.size]

    def _member(self, header: _Header, pax: Texts, long: Texts) -> Entry:
        kind = _KINDS[header.type]
        name = pax.get(b"GNU.sparse.name") or pax.get(b"path") or long.get(b"L") or header.name
        link = pax.get(b"linkpath") or long.get(b"K") or header.link
        if kind != "directory" and name.endswith((b"/", b"/.")):
            raise Unfit(f"has a {kind} with a directory's name, {_text(name)!r}")
        packed = _packed(header, pax)
        if kind != "file" and packed:
            raise Unfit(f"has a {kind} with a content, {_text(name)!r}")
        return Entry(_text(name), kind, _text(link), self._length(header, pax, packed))

    def _length(self, header: _Header, pax: Texts, packed: int) -> int:
        """Skip a file's content, and return how long it is with its holes."""
        try:
            length, used = self._map(header, pax, packed)
        except (ValueError, KeyError):
            raise Unfit("has a file with holes whose map is wrong, or of an old form") from None
        self._skip(packed - used)
        return length

    def _map(self, header: _Header, pax: Texts, packed: int) -> tuple[int, int]:
        """Return a file's length, and the bytes of its map that stand before its content."""
        sparse = {key: pax[key] for key in pax if key.startswith(b"GNU.sparse.")}
        if header.type == _SPARSE:
            if pax or header.block[257:265] != _GNU:
                raise ValueError("two forms at once")
            return old_map(header.block, self._block, packed, _number), 0
        if not sparse:
            return packed, 0
        if header.type not in _FILE:
            raise ValueError("only a file has holes")
        return new_map(sparse, self._block, packed)


def _text(name: bytes) -> str:
    return name.decode(errors="surrogateescape")


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _header(block: bytes) -> _Header:
    form = block[257:265]
    if form not in (_GNU, _POSIX):
        raise Unfit("is no whole archive: a header has no form that is known")
    if _number(block[148:156]) != sum(block[:148]) + 8 * 32 + sum(block[156:]):
        raise Unfit("is no whole archive: a header's checksum is wrong")
    name, prefix = _until_nul(block[:100]), _until_nul(block[345:500])
    if prefix and form == _POSIX:
        name = prefix + b"/" + name
    size = _number(block[124:136])
    if size < 0:
        raise Unfit("has an entry of a negative size")
    return _Header(block, name, block[156:157], _until_nul(block[157:257]), size)


def _until_nul(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes) -> int:
    """Read a header's number: octal digits, or behind a mark two's complement (base 256)."""
    if field[0] in (0x80, 0xFF):
        return int.from_bytes(field[1:], "big") - (field[0] == 0xFF) * (1 << 8 * len(field[1:]))
    if not re.fullmatch(rb" *[0-7]+[ \0]*", field):
        raise Unfit("is no whole archive: a number in a header is none")
    return int(field.strip(b" \0"), 8)


def _packed(header: _Header, pax: Texts) -> int:
    """Return the bytes that an entry has in the stream."""
    given = pax.get(b"size")
    if given is None:
        return header.size
    if not re.fullmatch(b"[0-9]{1,18}", given):
        raise Unfit("has a size that is no number")
    if header.size not in (0, int(given)) and int(given) < _HUGE:
        raise Unfit("has an entry of two sizes, which disagree")
    return int(given)


def _long_name(text: bytes) -> bytes:
    name = text.rstrip(b"\0")
    if name == text or not name or b"\0" in name:  # GNU tar reads on until there is a NUL
        raise Unfit("has a long name with nothing in it, or whose NUL is not at its end")
    return name


def _records(text: bytes) -> Texts:
    """Read an extended header: records of ``LENGTH KEY=VALUE``, with a newline at their ends."""
    found: Texts = {}
    at = 0
    while at < len(text):
        head = _LENGTH.match(text, at)
        record = text[at : at + int(head[1])] if head else b""
        key, equals, value = record[head.end() - at if head else 0 : -1].partition(b"=")
        if not head or len(record) != int(head[1]) or record[-1:] != b"\n" or not equals:
            raise Unfit("is no whole archive: an extended header has a wrong form")
        if key in found or not _KEYS.fullmatch(key):
            raise Unfit(f"has an extended header with {_text(key)!r}, twice or not known")
        if key in _NAMES and (not value or b"\0" in value):
            raise Unfit("has an extended header with a name that no file can have")
        found[key] = value
        at += len(record)
    return found


def _check_global(records: Texts) -> None:
    """Refuse what would hold for all entries that follow; git's comment changes none."""
    if set(records) - {b"comment"}:
        raise Unfit("has a header that changes all entries behind it")
