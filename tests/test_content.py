"""What is read of a project's checks: all of it, once, and nothing from elsewhere."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest

from devenv_lib.checks.content import Content, Entry, changes, copy_to, read_content
from devenv_lib.errors import Refused


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A project's directory of checks, with one in it."""
    directory = tmp_path / "project/.devenv/checks"
    directory.mkdir(parents=True)
    (directory / "test_one.py").write_text("def test_one(): pass\n")
    return directory


def read(place: Path) -> Content:
    return read_content(PurePosixPath(place.parent.parent))


def test_a_project_without_checks_has_none(tmp_path: Path) -> None:
    """Nor has one with another thing in .devenv."""
    assert read_content(PurePosixPath(tmp_path)) == Content()
    (tmp_path / ".devenv").mkdir()
    assert read_content(PurePosixPath(tmp_path)) == Content()


def test_files_directories_modes_and_links_are_content(place: Path) -> None:
    (place / "test_one.py").chmod(0o640)
    (place / "data").mkdir(mode=0o755)
    (place / "data/hosts").write_bytes(b"\xff\n")
    (place / "data/link").symlink_to("../test_one.py")
    (place / "data").chmod(0o750)
    (place / "data/hosts").chmod(0o600)

    assert read(place).entries == {
        "test_one.py": Entry("file", 0o640, b"def test_one(): pass\n"),
        "data": Entry("directory", 0o750),
        "data/hosts": Entry("file", 0o600, b"\xff\n"),
        "data/link": Entry("symlink", 0o777, b"../test_one.py"),
    }
    assert read(place).files == ("data/hosts", "test_one.py")


def test_what_interpreters_make_is_no_content_and_is_not_copied(
    place: Path, tmp_path: Path
) -> None:
    """Else a compiled file that was planted would be loaded instead of what was looked at."""
    (place / "__pycache__").mkdir()
    (place / "__pycache__/test_one.cpython-311-pytest-9.pyc").write_bytes(b"planted")
    (place / "conftest.pyc").write_bytes(b"planted")
    copy_to(read(place), tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["project", "test_one.py"]


@pytest.mark.parametrize(
    "target",
    ["/etc", "..", "../..", "../../secret.py", "data/../../x", "data/..", "./../x", "../checks/x"],
)
def test_a_link_that_could_lead_out_is_refused(place: Path, target: str) -> None:
    """Also one that leads out only through another link."""
    (place / "data").symlink_to(".")
    (place / "link.py").symlink_to(target)
    with pytest.raises(Refused, match=r"link\.py is a symlink that leads out"):
        read(place)


@pytest.mark.parametrize("part", [".devenv", ".devenv/checks"])
def test_a_link_in_place_of_the_directory_is_refused(
    place: Path, part: str, tmp_path: Path
) -> None:
    """It would be read from wherever something inside lets it lead to."""
    project = place.parent.parent
    (project / part).rename(tmp_path / "elsewhere")
    (project / part).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="is not a directory in the project"):
        read(place)


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".devenv").mkdir()
    (tmp_path / ".devenv/checks").write_text("")
    with pytest.raises(Refused, match="is not a directory in the project"):
        read_content(PurePosixPath(tmp_path))


def test_a_pipe_is_refused_at_once(place: Path) -> None:
    """Opening it would wait for somebody to write."""
    os.mkfifo(place / "test_two.py")
    with pytest.raises(Refused, match="no ordinary file"):
        read(place)


@pytest.mark.parametrize("what", ["file", "files", "entries", "levels"])
def test_more_than_checks_are_is_refused(place: Path, what: str) -> None:
    """An environment could fill it without end."""
    if what == "file":
        (place / "large").write_bytes(bytes((1 << 20) + 1))
    elif what == "files":
        for number in range(17):
            (place / f"large{number}").write_bytes(bytes(1 << 20))
    elif what == "entries":
        for number in range(1001):
            (place / f"f{number}").touch()
    else:
        (place / "/".join("abcdefghijk")).mkdir(parents=True)
    with pytest.raises(Refused, match="holds more than checks do"):
        read(place)


def test_no_file_descriptor_is_left_after_a_refusal(place: Path) -> None:
    (place / "a/b/c").mkdir(parents=True)
    os.mkfifo(place / "a/b/c/pipe")
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(Refused):
        read(place)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_copy_has_what_was_read_whatever_became_of_it(place: Path, tmp_path: Path) -> None:
    """And no bits of a mode that would let others in."""
    (place / "data").mkdir()
    (place / "data/run").write_text("#!/bin/sh\n")
    (place / "data/run").chmod(0o6777)
    (place / "link").symlink_to("data")
    content = read(place)
    (place / "test_one.py").write_text("import os; os.system('id')\n")
    copy = tmp_path / "copy"
    copy.mkdir()
    copy_to(content, copy)

    assert (copy / "test_one.py").read_text() == "def test_one(): pass\n"
    assert (copy / "data/run").stat().st_mode & 0o7777 == 0o700
    assert (copy / "link").readlink() == Path("data")


def test_changes_are_named() -> None:
    was = {"same": "1", "changed": "1", "gone": "1"}
    now = {"same": "1", "changed": "2", "new": "1"}

    assert list(changes(was, now)) == ["changed: changed", "removed: gone", "added: new"]


def test_a_digest_has_kind_mode_and_data() -> None:
    one = Entry("file", 0o644, b"data")
    others = [
        Entry("symlink", 0o644, b"data"),
        Entry("file", 0o755, b"data"),
        Entry("file", 0o644, b"datb"),
    ]

    assert one.digest == Entry("file", 0o644, b"data").digest
    assert one.digest not in {other.digest for other in others}
