"""Leftovers: what in a volume an engine certainly made, and what is somebody's."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib.plans.leftovers import ROOT, Entry, examined, parent, quoted, read_entry

USER = 1000


def directory(path: str, uid: int = 0, gid: int = 0, mode: int = 0o755) -> Entry:
    return Entry(path.encode(), "d", mode, uid, gid, 4096, 2)


def file(path: str, uid: int = 0, mode: int = 0o755, size: int = 0, links: int = 1) -> Entry:
    return Entry(path.encode(), "f", mode, uid, uid, size, links)


TOP = directory(".", USER)


def left(*entries: Entry, uid: int = USER) -> list[str]:
    """Return the paths of what is found to be an engine's."""
    return [path.decode() for path in examined(entries, uid).leftovers]


def test_what_a_nested_bind_made_is_an_engines() -> None:
    made = [directory("opencode"), directory("opencode/sub"), file("opencode/sub/auth.json")]
    assert left(TOP, *made) == ["opencode", "opencode/sub", "opencode/sub/auth.json"]


def test_a_stub_in_a_directory_that_became_the_users_is_an_engines() -> None:
    assert left(TOP, directory("opencode", USER), file("opencode/auth.json", mode=0o644)) == [
        "opencode/auth.json"
    ]


def test_what_podman_makes_is_known_too() -> None:
    """It makes a file as 0700, and a directory with the sticky bit (5.4, measured)."""
    found = left(TOP, directory("deep", mode=0o1755), file("deep/auth.json", mode=0o700))

    assert found == ["deep", "deep/auth.json"]


def test_the_volumes_root_is_given_whatever_its_mode_and_content() -> None:
    entries = [directory(".", mode=0o700, gid=7), file("kept", size=3)]
    assert left(*entries) == ["."]
    assert examined(entries, USER).owners == {0: 1}


@pytest.mark.parametrize(
    "entry",
    [
        file("x", size=1),
        file("x", mode=0o600),
        file("x", mode=0o4755),
        file("x", links=2),
        file("x")._replace(gid=5),
        file("x", uid=USER),
        file("x", uid=1001),
        directory("x", mode=0o700),
        directory("x", mode=0o1777),
        directory("x", gid=5),
        directory("x", uid=1001),
        file("x")._replace(kind="l"),
        file("x")._replace(kind="p"),
        file("x")._replace(kind="s"),
        file("x")._replace(kind="c"),
    ],
)
def test_what_looks_otherwise_is_somebodys_and_so_is_the_directory_around_it(entry: Entry) -> None:
    assert left(TOP, entry) == []
    inside = entry._replace(path=b"a/b/x")
    stub = file("a/stub")
    assert left(TOP, directory("a"), stub, directory("a/b"), inside) == []
    assert left(TOP, directory("a"), directory("a/b"), inside, stub) == []


def test_what_is_beside_somebodys_directory_is_still_an_engines() -> None:
    somebodys = [directory("own"), file("own/x", size=1), directory("own/empty")]
    assert left(TOP, *somebodys, directory("made"), file("made/stub")) == ["made", "made/stub"]


def test_what_is_in_another_users_directory_is_not_certain() -> None:
    assert left(TOP, directory("a", 1001), file("a/stub"), directory("a/d")) == []


def test_nothing_is_left_for_a_user_who_is_root() -> None:
    assert examined([directory("."), directory("a"), file("a/stub")], 0).leftovers == {}


def test_a_foreign_uid_is_counted_with_a_place_and_each_hard_link() -> None:
    entries = [directory(".", 1001), file("a", 1001, links=2), file("b", 1001, links=2)]
    found = examined(entries, USER)
    assert (found.root, found.owners, found.first) == (1001, {1001: 3}, {1001: b"."})


def test_files_with_a_set_id_bit_are_kept_and_directories_are_not() -> None:
    entries = [
        TOP,
        file("suid", 1001, mode=0o4755, size=1),
        file("sgid", 0, mode=0o2755, size=1),
        file("mine", USER, mode=0o4755, size=1),
        directory("d", 1001, mode=0o2755),
    ]
    assert examined(entries, USER).kept == (b"suid", b"sgid")


def test_an_entry_is_read_whatever_its_name_is() -> None:
    name = b" new\nline \xff "
    record = b"f 4755 0 12 3 1 " + name
    assert read_entry(record) == Entry(name, "f", 0o4755, 0, 12, 3, 1)
    assert read_entry(b"d 755 0 0 4096 2 ").path == ROOT


@dataclass
class Node:
    """A tree, for a second way of finding what is an engine's."""

    entry: Entry
    children: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.walk()


def fits(node: Node) -> bool:
    """Whether all of it looks as if an engine had made it."""
    e = node.entry
    if (e.uid, e.gid) != (0, 0):
        return False
    if e.kind == "d":
        return e.mode in (0o755, 0o1755) and all(map(fits, node.children))
    return e.kind == "f" and e.size == 0 and e.links == 1 and e.mode in (0o755, 0o644, 0o700)


def expected(node: Node, *, fine: bool) -> Iterator[bytes]:
    """Yield what is an engine's below a directory in which such things count."""
    for child in node.children:
        made = fine and fits(child)
        if made:
            yield child.entry.path
        yield from expected(child, fine=made or child.entry.uid == USER)


@st.composite
def trees(draw: st.DrawFn) -> Node:
    """A tree that is mostly as engines make it."""
    uids = st.sampled_from([0, 0, 0, USER, USER, 1001])
    root = Node(directory(".", draw(uids), 0))
    nodes = [root]
    for number in range(draw(st.integers(0, 14))):
        above = draw(st.sampled_from(nodes))
        base = "" if above is root else above.entry.path.decode() + "/"
        uid = draw(uids)
        if draw(st.booleans()):
            node = Node(directory(f"{base}{number}", uid, uid, draw(st.sampled_from([493, 448]))))
            nodes.append(node)
        else:
            size = draw(st.sampled_from([0, 0, 0, 1]))
            node = Node(file(f"{base}{number}", uid, size=size))
        above.children.append(node)
    return root


@given(trees())
def test_what_is_found_is_what_the_rule_says_and_nothing_is_counted_twice(tree: Node) -> None:
    entries = [node.entry for node in tree.walk()]
    found = examined(entries, USER)
    root = {ROOT} if tree.entry.uid == 0 else set()
    assert set(found.leftovers) == {*root, *expected(tree, fine=tree.entry.uid in (0, USER))}
    assert list(found.leftovers) == [e.path for e in entries if e.path in found.leftovers]
    foreign = [entry for entry in entries if entry.uid != USER]
    assert len(found.leftovers) + sum(found.owners.values()) == len(foreign)
    assert set(found.owners) <= set(found.first)
    for uid, path in found.first.items():
        assert path not in found.leftovers
        assert [e.uid for e in entries if e.path == path] == [uid]


def test_the_parent_of_a_path() -> None:
    assert [parent(b"a"), parent(b"a/b"), parent(b"a/b/c")] == [ROOT, b"a", b"a/b"]


@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_a_quoted_path_shows_as_it_is_typed(path: bytes) -> None:
    assert quoted(path).isprintable()


@pytest.mark.parametrize("path", [b"a b", b"it's", b"new\nline", b"\xff\\'", "ü".encode(), b"$x"])
def test_a_shell_reads_a_quoted_path_as_it_was(path: bytes) -> None:
    done = subprocess.run(
        ["bash", "-c", f"printf %s {quoted(path)}"], capture_output=True, check=True
    )
    assert done.stdout == path
