"""Where a copy comes to be on the host, and what the messages tell a person to run."""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devenv_lib.below import DIRECTORY, empty
from devenv_lib.errors import DevenvError, Refused
from devenv_lib.volumes.backup import check_directory
from devenv_lib.volumes.landing import IT, Held, beside, give_name, landing
from devenv_lib.volumes.partial import finish, partial_file, unwritable


def write(held: Held) -> None:
    """Write a copy, a file, to where it is held."""
    file = os.open(IT, os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=held.directory)
    os.write(file, b"whole")
    os.close(file)


@contextmanager
def ordinary_user(*directories: Path) -> Iterator[None]:
    """Be an ordinary user, to whom the directories belong, as root may do everything."""
    user = os.geteuid()
    if user == 0:
        for directory in directories:
            os.chown(directory, 1000, -1)
        os.seteuid(1000)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def box() -> Iterator[Path]:
    """A directory that may be written to and not listed, where every user can get at it."""
    with tempfile.TemporaryDirectory() as top:
        Path(top).chmod(0o755)
        (box := Path(top) / "box").mkdir(mode=0o300)
        yield box


def test_what_a_killed_copy_left_goes_with_the_next_one_and_nothing_else(tmp_path: Path) -> None:
    for name, mode in (("abcd0123", 0o700), ("opened__", 0o755), ("too-long-to-be", 0o700)):
        (tmp_path / f".devenv-cp-{name}").mkdir()
        (tmp_path / f".devenv-cp-{name}/it").write_text("a part")
        (tmp_path / f".devenv-cp-{name}").chmod(mode)
    (tmp_path / ".devenv-cp-01234567").write_text("a file")
    with beside(tmp_path / "first") as first:
        write(first)
        (mine,) = (it for it in tmp_path.glob(".devenv-cp-*/it") if it.read_text() == "whole")
        with beside(tmp_path / "second"):
            assert mine.read_text() == "whole"
            there = {path.name.removeprefix(".devenv-cp-") for path in tmp_path.iterdir()}
            stays = {"opened__", "too-long-to-be", "01234567"}
            assert there > {*stays, mine.parent.name[-8:]}
            assert len(there) == 5
    assert {path.name.removeprefix(".devenv-cp-") for path in tmp_path.iterdir()} == stays


def test_what_a_killed_copy_left_in_a_setgid_directory_goes_too(tmp_path: Path) -> None:
    """There `mkdir` sets that bit of what it makes."""
    (left := tmp_path / ".devenv-cp-abcd0123").mkdir()
    left.chmod(0o2700)
    with beside(tmp_path / "next"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def outside() -> Iterator[Path]:
    """A directory that pytest, which removes its own by calling itself, does not have to remove."""
    directory = tempfile.mkdtemp()
    yield Path(directory)
    subprocess.run(["rm", "-rf", directory], check=True)


def emptied(directory: Path) -> None:
    """Remove what is in a directory."""
    descriptor = os.open(directory, DIRECTORY)
    empty(descriptor)
    os.close(descriptor)


def test_a_copy_that_is_deeper_than_python_calls_is_removed(outside: Path) -> None:
    """Left behind, it would end every later copy to that directory."""
    path = os.open(outside, os.O_RDONLY)
    for name in ["top"] + ["d"] * (sys.getrecursionlimit() + 100):
        os.mkdir(name, 0o700, dir_fd=path)
        path, above = os.open(name, os.O_RDONLY, dir_fd=path), path
        os.close(above)
    os.close(os.open("file", os.O_CREAT, 0o400, dir_fd=path))
    os.fchmod(path, 0o500)
    os.close(path)
    emptied(outside)
    assert list(outside.iterdir()) == []


def test_where_no_mode_can_be_changed_a_copy_is_removed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CIFS share that gives all files to somebody else, and lets everybody write."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refused)
    with beside(tmp_path / "copy"):
        (held,) = tmp_path.iterdir()
        (held / "it/a/b").mkdir(parents=True)
        (held / "it/a/file").touch()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_removed_does_not_keep_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "top/a/b").mkdir(parents=True)
    for place in ("stuck", "a/file", "a/b/stuck"):
        (tmp_path / "top" / place).touch()
    unlink = os.unlink

    def refused(name: str, *, dir_fd: int) -> None:
        if name == "stuck":
            raise PermissionError(errno.EPERM, "Operation not permitted")
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", refused)
    emptied(tmp_path / "top")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["stuck", "stuck"]
    assert not (tmp_path / "top/a").exists()


def test_a_directory_that_can_be_written_to_and_not_listed_takes_all(box: Path) -> None:
    """A drop box, whose own names nobody can have written out to the disk."""
    with ordinary_user(box):
        check_directory(box)
        with partial_file(box, "volume") as (path, sink):
            sink.write(b"whole")
            sink.sync()
            finish(path, box / "archive")
        with beside(box / "copy") as held:
            write(held)
            give_name(held, box / "copy", replace=False)
    assert {path.name: path.read_bytes() for path in box.iterdir()} == {
        "archive": b"whole",
        "copy": b"whole",
    }


def test_a_place_that_may_not_be_looked_at_is_refused_with_its_name(closed: Path) -> None:
    with pytest.raises(DevenvError, match="no directory"):
        check_directory(closed / "below")
    with pytest.raises(Refused, match="no directory"):
        landing(str(closed / "below/name"), "own", replace=False)


def test_a_path_that_a_shell_would_take_apart_is_quoted_in_the_remedy(tmp_path: Path) -> None:
    missing = tmp_path / "my files; rm x"
    with pytest.raises(Refused) as raised:
        landing(f"{missing}/", "own", replace=False)
    assert shlex.split(raised.value.hint)[-1] == str(missing)

    with pytest.raises(DevenvError) as failed, beside(missing / "own"):
        pass
    assert shlex.split(failed.value.hint)[-1] == str(missing)

    full = unwritable(missing, OSError(errno.ENOSPC, "full"))
    assert f"df -h {shlex.quote(str(missing))};" in full.hint
