"""What is read of a tar stream is what GNU tar sees, or the stream is refused."""

from __future__ import annotations

import io
import os
import random
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib.errors import Refused
from devenv_lib.plans.archive import Entry, Judge
from devenv_lib.plans.kinds import Kinds
from devenv_lib.plans.stream import Unfit, entries
from devenv_lib.volumes.archive import opened
from tests.conftest import not_here

GNU, POSIX = b"ustar  \0", b"ustar\x0000"
END = bytes(10240)


def head(
    name: bytes = b"f",
    kind: bytes = b"0",
    size: int | bytes = 0,
    link: bytes = b"",
    *,
    form: bytes = POSIX,
    rest: bytes = b"",
) -> bytes:
    """Return a header; ``rest`` is what stands from the prefix on."""
    block = bytearray(512)
    text = size if isinstance(size, bytes) else b"%011o\0" % size
    for at, field in ((0, name), (100, b"0000644\0"), (108, b"0001750\0"), (116, b"0001750\0")):
        block[at : at + len(field)] = field
    for at, field in ((124, text), (136, b"%011o\0" % 0), (156, kind), (157, link), (257, form)):
        block[at : at + len(field)] = field
    block[345 : 345 + len(rest)] = rest
    return summed(block)


def summed(block: bytearray) -> bytes:
    """Return a header with the checksum that it should have."""
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def record(key: bytes, value: bytes) -> bytes:
    length = len(key) + len(value) + 3
    while len(text := b"%d %s=%s\n" % (length, key, value)) != length:
        length = len(text)
    return text


def pax(*records: tuple[bytes, bytes], kind: bytes = b"x") -> bytes:
    text = b"".join(record(*each) for each in records)
    return head(b"PaxHeaders/x", kind, len(text)) + padded(text)


def long(kind: bytes, text: bytes) -> bytes:
    return head(b"././@LongLink", kind, len(text), form=GNU) + padded(text)


def sparse(real: int, *parts: tuple[int, int], packed: int, more: bytes = b"\0") -> bytes:
    """Return the header of a file with holes in GNU's old form."""
    table = b"".join(b"%011o\0%011o\0" % part for part in parts).ljust(96, b"\0")
    return head(b"s", b"S", packed, form=GNU, rest=bytes(41) + table + more + b"%011o\0" % real)


def holes(real: int, text: bytes, packed: int, *more: tuple[bytes, bytes]) -> bytes:
    """Return a file with holes in pax's form, of which ``text`` is the map."""
    keys = [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"s")]
    keys.append((b"GNU.sparse.realsize", b"%d" % real))
    return pax(*keys, *more) + head(b"GNUSparseFile.1/s", b"0", packed) + padded(text)


#: One of them says that this block is a header, the other one that it is a content.
EVIL = head(b"EVIL")
HIDING = {
    "a directory with a size": head(b"d/", b"5", 512) + EVIL,
    "a symlink with a size": head(b"p", b"2", 512, b"t") + head(size=512) + EVIL,
    "a fifo with a size": head(b"p", b"6", 512) + head(size=512) + EVIL,
    "a hard link with a size": head(b"o") + head(b"h", b"1", 512, b"o") + EVIL,
    "a hard link with pax's size": head(b"o")
    + pax((b"size", b"512"))
    + head(b"h", b"1", 0, b"o")
    + head(size=512)
    + EVIL,
    "an older form": head(form=bytes(8), rest=b"x"),
    "a form that is nobody's": head(form=b"ustar 00", rest=b"x"),
    "a file with a directory's name": head(b"d/"),
    "the name of a file twice": long(b"L", b"one\0") + long(b"L", b"two\0") + head(),
    "a long name and pax's": long(b"L", b"two\0") + pax((b"path", b"one")) + head(),
    "pax's name and a long one": pax((b"path", b"one")) + long(b"L", b"two\0") + head(),
    "a long name with a NUL": long(b"L", b"one\0two\0") + head(),
    "a long name without a NUL": long(b"L", b"one") + head(),
    "an empty long name": long(b"L", b"\0") + head(),
    "two extended headers": pax((b"path", b"one")) + pax((b"linkpath", b"x")) + head(),
    "pax's name twice": pax((b"path", b"one"), (b"path", b"two")) + head(),
    "a pax name with a NUL": pax((b"path", b"one\0two")) + head(),
    "an empty pax name": pax((b"path", b"")) + head(),
    "a key that nobody knows": pax((b"GNU.volume.filename", b"one")) + head(),
    "a name for all": pax((b"path", b"one"), kind=b"g") + head(),
    "a size for all": pax((b"size", b"512"), kind=b"g") + head() + EVIL,
    "a header for all between": pax((b"path", b"x")) + pax((b"comment", b"c"), kind=b"g") + head(),
    "Solaris's header": pax((b"path", b"one"), kind=b"X") + head(),
    "two sizes": pax((b"size", b"0")) + head(size=512) + EVIL,
    "a size with a sign": pax((b"size", b"+512")) + head() + EVIL,
    "a size with a gap": head(size=b"0000 0001000") + EVIL,
    "a size in base 64": head(size=b"+0000000020 ") + EVIL,
    "a negative size": head(size=b"\xff" * 12),
    "a huge extended header": head(b"P", b"x", 1 << 21) + bytes(1 << 21) + head(),
    "an extended header of a wrong length": head(b"P", b"x", 12) + padded(b"99 path=on\n") + head(),
    "an extended header without an entry": pax((b"path", b"one")),
    "a directory's listing": head(b"d", b"D", 512) + EVIL,
    "the rest of another volume": head(b"m", b"M", 512) + EVIL,
    "a label": head(b"v", b"V"),
    "a contiguous file": head(b"c", b"7", 512) + EVIL,
    "a kind that is nobody's": head(b"z", b"Z", 512) + EVIL,
    "an old map of more": sparse(1536, (0, 1536), packed=512) + bytes(512) + head(size=512) + EVIL,
    "an old map of less": sparse(512, (0, 512), packed=1024) + bytes(512) + EVIL,
    "an old map that overlaps": sparse(2048, (0, 512), (0, 512), packed=1024) + bytes(1024),
    "an old map behind the end": sparse(100, (0, 512), packed=512) + bytes(512),
    "an old map of broken blocks": sparse(2048, (0, 5), (512, 507), packed=512) + bytes(512),
    "an old map with more to come": sparse(0, packed=0, more=b"\1") + bytes(512),
    "an old map and pax": pax((b"path", b"x")) + sparse(0, packed=0),
    "a map of more": holes(1536, b"1\n0\n1536\n", 1024) + bytes(512) + head(size=512) + EVIL,
    "a map of less": holes(512, b"1\n0\n512\n", 1536) + bytes(512) + EVIL,
    "a map without an end": holes(512, b"9\n", 512) + bytes(512),
    "a map of one long number": holes(512, b"1" * 2048, 2048),
    "a map that is none": holes(0, b"x\n", 512),
    "a map of a version to come": pax((b"GNU.sparse.major", b"2")) + head(),
    "a map of an older version": pax((b"GNU.sparse.map", b"0,1")) + head(),
    "a symlink with a map": holes(0, b"", 0) + pax((b"GNU.sparse.major", b"1")) + head(b"l", b"2"),
    "something behind half an end": head() + bytes(512) + EVIL,
}


def read(data: bytes) -> list[Entry]:
    return list(entries(io.BytesIO(data).read))


@pytest.mark.parametrize("what", HIDING)
def test_what_programs_may_read_differently_is_refused(tmp_path: Path, what: str) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(head(b"before") + HIDING[what] + END)
    with pytest.raises(Refused) as raised, opened(path):
        pass
    assert str(raised.value).startswith(f"{path} ")
    assert raised.value.hint.startswith("Nothing was changed.")


def test_the_parts_of_these_are_no_reason() -> None:
    """Each piece is read where it is used as it should be."""
    data = [
        head(b"d/", b"5") + head(b"d/f", size=512) + EVIL,
        long(b"L", b"l" * 200 + b"\0") + long(b"K", b"k" * 200 + b"\0") + head(b"l", b"2"),
        pax((b"comment", b"made by git"), kind=b"g") + pax((b"path", b"p\xff")) + head(),
        pax((b"size", b"512")) + head(size=512) + EVIL + pax((b"size", b"512")) + head() + EVIL,
        head(b"n", size=b"\x80" + bytes(9) + b"\2\0") + EVIL,
        head(b"b", rest=b"a") + head(b"no prefix", form=GNU, rest=b"a"),
        sparse(4096, (0, 512), (2048, 512), packed=1024) + bytes(1024),
        holes(4096, b"2\n0\n512\n4096\n0\n", 1024) + bytes(512) + head(b"last"),
    ]
    found = read(b"".join(data) + END)
    wanted = [
        "d/",
        "d/f",
        "l" * 200,
        "p\udcff",
        "f",
        "f",
        "n",
        "a/b",
        "no prefix",
        "s",
        "s",
        "last",
    ]
    assert [entry.name for entry in found] == wanted
    assert [entry.size for entry in found] == [0, 512, 0, 0, 512, 512, 512, 0, 0, 4096, 4096, 0]
    assert found[2].target == "k" * 200


def gnu_tar() -> str:
    """Return GNU tar's name here, or skip."""
    for name in ("gtar", "tar"):
        if shutil.which(name):
            said = subprocess.run([name, "--version"], capture_output=True, text=True, check=False)
            if "GNU tar" in said.stdout:
                return name
    return not_here("there is no GNU tar here")


def names_by_tar(data: bytes) -> list[bytes]:
    words = [gnu_tar(), "--list", "--file=-", "--quoting-style=escape"]
    environ = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(words, input=data, capture_output=True, check=False, env=environ)
    lines = done.stdout.decode("ascii").splitlines()
    return [line.encode().decode("unicode_escape").encode("latin-1") for line in lines]


def names(found: Sequence[Entry]) -> list[bytes]:
    return [entry.name.encode(errors="surrogateescape") for entry in found]


@cache
def _usual() -> Sequence[bytes]:
    """Return archives with everything in them, in the three forms that Python writes."""
    made = []
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=form) as tar:
            for kind, name, link in (
                (tarfile.DIRTYPE, "d", ""),
                (tarfile.REGTYPE, "d/f", ""),
                (tarfile.LNKTYPE, "h", "d/f"),
                (tarfile.SYMTYPE, "s", "t" * 90),
                (tarfile.FIFOTYPE, f"{'p' * 90}/{'n' * 90}", ""),
                (tarfile.REGTYPE, f"{'q' * 90}/{'m' * 60}", ""),
            ):
                info = tarfile.TarInfo(name)
                info.type, info.linkname, info.size = kind, link, 700 * (kind == tarfile.REGTYPE)
                tar.addfile(info, io.BytesIO(head(b"in a content") + bytes(188)))
        made.append(file.getvalue())
    made.append(sparse(4096, (0, 512), (2048, 512), packed=1024) + bytes(1024) + END)
    made.append(holes(4096, b"2\n0\n512\n4096\n0\n", 1024) + bytes(512) + head(b"last") + END)
    return made


@pytest.mark.parametrize("number", range(5))
def test_what_others_write_is_read(number: int) -> None:
    data = _usual()[number]
    assert names(read(data)) == names_by_tar(data)


#: Fields whose change makes an archive another one, and values that mean something in them.
FIELDS = st.sampled_from(
    [(0, 100), (124, 12), (156, 1), (157, 100), (257, 8), (345, 150), (386, 109)]
)
TEXTS = st.sampled_from(
    [
        *(b"\0", b"5", b"1", b"2", b"6", b"7", b"S", b"L", b"K", b"x", b"g", b"/", b"a/b\0"),
        *(b"00000001000\0", b"00000000000\0", b"\x80", GNU, POSIX, b"00000002000\0"),
    ]
)


@given(st.integers(0, 4), st.integers(0, 30), FIELDS, TEXTS, st.integers(0, 99), st.booleans())
def test_a_spoilt_archive_is_refused_or_read_as_gnu_tar_does(
    number: int, block: int, field: tuple[int, int], text: bytes, at: int, again: bool
) -> None:
    """Any block may be spoilt, with a checksum that is right: what is a header then, both see."""
    data = bytearray(_usual()[number])
    begin = block * 512 % len(data)
    header = bytearray(data[begin : begin + 512])
    start = field[0] + at % max(1, field[1] - len(text) + 1)
    header[start : start + len(text)] = text
    data[begin : begin + 512] = summed(header[:512])
    if again:
        data[begin:begin] = data[begin : begin + 512]
    try:
        found = read(bytes(data))
    except Unfit:
        return
    assert names(found) == names_by_tar(bytes(data))


def test_paths_that_are_only_gone_through_count_and_stay_directories() -> None:
    judge = Judge()
    assert judge.judge(Entry("a/b/c", "file")) == ""
    assert (judge.files, judge.names, judge.top) == (1, 3, False)
    assert "twice" in judge.judge(Entry("a", "symlink", "/etc"))
    assert judge.judge(Entry("./", "directory")) == ""
    assert (judge.names, judge.top) == (3, True)


def test_a_table_of_paths_grows_and_keeps_them_all() -> None:
    kinds, draw = Kinds(os.urandom(16)), random.Random(1)  # noqa: S311 - no secret
    wanted = {f"{n}/\udcff{n}": draw.randint(1, 7) for n in range(20_000)}
    for path, number in wanted.items():
        kinds.put(path, number)
        kinds.put(path, number)
    assert len(kinds) == len(wanted)
    assert all(kinds.get(path) == number for path, number in wanted.items())
    assert kinds.get("another") == 0


def test_more_names_than_the_memory_is_meant_to_hold_are_refused() -> None:
    judge = Judge()
    judge._kinds = Kinds(largest=1 << 12)
    said = [judge.judge(Entry(str(n), "file")) for n in range(2732)]
    assert said[:2730] == [""] * 2730
    assert "too many" in said[2730]
