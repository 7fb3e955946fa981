"""What takes the room in a volume: added up from a walk, and drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib.errors import EngineFailure
from devenv_lib.plans.usage import Directory, directories
from devenv_lib.tasks._bars import bar, draw

NAMES = st.sampled_from([b"a", b"b", b"a b", b"\xff", b"new\nline"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(tuple)


@dataclass(frozen=True)
class Entry:
    path: tuple[bytes, ...]
    kind: str
    blocks: int
    inode: int = 0

    @property
    def record(self) -> bytes:
        links = 2 if self.inode < 4 else 1
        head = f"{self.kind} {self.blocks} {links} {self.inode} "
        return head.encode() + b"/".join(self.path)


@st.composite
def trees(draw_: st.DrawFn) -> list[Entry]:
    """Trees as find prints them, the top first. Inodes below 4 have several names."""
    leaves = draw_(st.dictionaries(PATHS, st.tuples(st.integers(0, 9), st.integers(0, 9))))
    folders = {path[:n] for path in leaves for n in range(len(path))} | {()}
    entries = [Entry(path, "d", 8, 100) for path in folders]
    sizes = dict(leaves.values())  # of one inode one size
    entries += [
        Entry(path, "f", sizes[inode], inode)
        for path, (inode, _) in leaves.items()
        if path not in folders
    ]
    return sorted(entries, key=lambda entry: entry.path)


def naive(entries: Sequence[Entry], top: tuple[bytes, ...]) -> tuple[int, int]:
    """Return bytes and files below ``top``; a file counts where its first name is."""
    total, files, seen = 0, 0, set()
    for entry in entries:
        below = entry.path[: len(top)] == top
        shared = entry.kind != "d" and entry.inode < 4
        files += below and entry.kind != "d"
        total += 512 * entry.blocks if below and not (shared and entry.inode in seen) else 0
        if shared:
            seen.add(entry.inode)
    return total, files


@given(trees(), st.integers(0, 5))
def test_each_directory_has_all_that_is_below_it(entries: list[Entry], depth: int) -> None:
    found = directories((entry.record for entry in entries), depth)
    expected = {
        entry.path: naive(entries, entry.path)
        for entry in entries
        if entry.kind == "d" and len(entry.path) <= depth
    }
    got = {
        tuple(filter(None, one.path.encode(errors="surrogateescape").split(b"/")))
        if one.path != "."
        else (): (one.bytes, one.files)
        for one in found
    }
    assert expected == got
    assert all(one.depth == (one.path.count("/") + 1 if one.path != "." else 0) for one in found)


@given(trees())
def test_the_largest_comes_first_below_its_own(entries: list[Entry]) -> None:
    found = directories((entry.record for entry in entries), 9)
    assert found[0].path == "."
    for number, one in enumerate(found[1:], 1):
        above = one.path.rpartition("/")[0] or "."
        before = [each.path for each in found[:number]]
        assert above in before
        beside = [each for each in found if (each.path.rpartition("/")[0] or ".") == above]
        sizes = [each.bytes for each in beside if each.path != "."]
        assert sizes == sorted(sizes, reverse=True)


def test_what_is_in_a_directory_that_vanished_counts_above_it() -> None:
    found = directories([b"d 0 2 1 ", b"f 8 1 2 gone/too/x"], 2)
    assert [(one.path, one.bytes) for one in found] == [
        (".", 4096),
        ("gone", 4096),
        ("gone/too", 4096),
    ]


def test_an_empty_volume_has_its_top() -> None:
    assert directories([b"d 8 2 1 "], 2) == (Directory(".", 0, 4096, 0),)


@pytest.mark.parametrize("record", [b"", b"d x 1 1 a", b"find: what"])
def test_a_record_that_is_none_is_an_engines_failure(record: bytes) -> None:
    with pytest.raises(EngineFailure, match="nonsense"):
        directories([record], 1)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (0, 8, "    "),
        (8, 8, "████"),
        (4, 8, "██  "),
        (1, 8, "▌   "),
        (1, 32, "▏   "),
        (0, 0, "    "),
    ],
)
def test_a_bar_is_as_long_as_its_part(part: int, whole: int, expected: str) -> None:
    assert bar(part, whole, 4) == expected


@given(st.integers(0, 10**15), st.integers(1, 10**15), st.integers(1, 60))
def test_a_bar_is_never_longer_than_its_place(part: int, more: int, width: int) -> None:
    for plain in (False, True):
        assert len(bar(part, part + more, width, plain=plain)) == width


FOUND = (
    Directory(".", 0, 10 << 30, 123456),
    Directory("nvim", 1, 8 << 30, 100),
    Directory("nvim/lazy\x1b[31m", 2, 7 << 30, 90),
    Directory("nvim/mason", 2, 1 << 20, 9),
    Directory("pip", 1, 1 << 30, 5),
    *(Directory(f"small{n}", 1, 4096, 1) for n in range(123)),
)


def test_the_largest_are_drawn_as_a_tree_and_the_rest_is_summed_up() -> None:
    assert list(draw(FOUND, "devenv-data", 80, 4)) == [
        "     SIZE    FILES                                      PATH",
        " 10.0 GiB  123,456  ████████████████████████████  100%  devenv-data",
        "  8.0 GiB      100  ██████████████████████▍        80%  ├─ nvim",
        "  7.0 GiB       90  ███████████████████▋           70%  │  ├─ lazy\\x1b[31m",
        "  1.0 MiB        9                                  0%  │  └─ … 1 more",
        "  1.0 GiB        5  ██▊                            10%  ├─ pip",
        "492.0 KiB      123                                  0%  └─ … 123 more",
    ]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    deep = (
        FOUND[0],
        *(Directory("/".join("x" * 30 for _ in range(n)), n, 1, 1) for n in (1, 2, 3)),
    )
    assert max(len(line) for line in draw(deep, "devenv-data", width, 20)) <= width


def test_a_terminal_without_block_elements_gets_plain_text() -> None:
    assert "".join(draw(FOUND, "devenv-data", 80, 4, plain=True)).isascii()
