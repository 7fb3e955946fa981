"""What is done below a directory stays there, whatever is put in a directory's place meanwhile."""

from __future__ import annotations

import errno
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from devenv_lib.below import DIRECTORY, Below, empty
from devenv_lib.errors import DevenvError
from devenv_lib.plans.contents import Tally
from devenv_lib.volumes import pack, unpack
from devenv_lib.volumes.landing import beside
from devenv_lib.volumes.tar import Counted

OWNER = (1000, 1000)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A directory elsewhere, with a file that is nobody's business."""
    (directory := tmp_path / "victim").mkdir()
    (directory / "secret").write_text("elsewhere")
    return directory


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[int]:
    """A directory that others may write too."""
    (tmp_path / "shared").mkdir()
    descriptor = os.open(tmp_path / "shared", DIRECTORY)
    yield descriptor
    os.close(descriptor)


def names(directory: int) -> list[str]:
    """Return the names in an open directory, sorted."""
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries)


def swap(place: Path, victim: Path) -> None:
    """Put a symlink in a directory's place."""
    place.rename(place.with_name(f"{place.name}-away"))
    place.symlink_to(victim)


def test_a_directory_is_reached_through_no_symlink(shared: int, tmp_path: Path) -> None:
    (tmp_path / "shared/a/b").mkdir(parents=True)
    (tmp_path / "shared/link").symlink_to("a")
    below = Below(shared)
    assert names(below.directory(("a",))) == ["b"]
    assert names(below.directory(("a", "b"))) == []
    assert sorted(names(below.directory(()))) == ["a", "link"]
    for way in (("link",), ("link", "b"), ("a", "none")):
        with pytest.raises(OSError, match=r"[Nn]o"):
            below.directory(way)
    assert names(below.directory(("a",))) == ["b"]
    below.close()


def test_a_directory_that_is_swapped_while_all_is_removed_is_not_followed(
    shared: int, tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it was seen that it is a directory."""
    for name in ("a", "a/deep", "b"):
        (tmp_path / "shared" / name).mkdir()
        (tmp_path / "shared" / name / "file").touch()
    unlink = os.unlink

    def meanwhile(name: str, *, dir_fd: int) -> None:
        unlink(name, dir_fd=dir_fd)
        for place in ("a", "a/deep"):
            if (path := tmp_path / "shared" / place).is_dir() and not path.is_symlink():
                swap(path, victim)
                break

    monkeypatch.setattr(os, "unlink", meanwhile)
    empty(shared)
    empty(shared)
    assert (victim / "secret").read_text() == "elsewhere"


def test_what_a_killed_copy_left_leads_no_removal_elsewhere(
    tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anything inside can plant a directory that looks like one."""
    planted = tmp_path / ".devenv-cp-abcd0123"
    (planted / "a").mkdir(mode=0o700, parents=True)
    planted.chmod(0o700)
    scandir: Any = os.scandir

    def meanwhile(directory: Any) -> Any:
        found = scandir(directory)
        if not (planted / "a").is_symlink():
            with found:
                there = list(found)
            swap(planted / "a", victim)
            return _Entries(there)
        return found

    monkeypatch.setattr(os, "scandir", meanwhile)
    with beside(tmp_path / "copy"):
        pass
    assert (victim / "secret").read_text() == "elsewhere"


class _Entries(list[Any]):
    """Entries that were read before something happened."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: there is nothing open."""


def archived(*names: str) -> io.BytesIO:
    """Return an archive of directories, whose names end with a slash, and files."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as made:
        for name in names:
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            content = bytes(4 * unpack.CHUNK) if name == "./large" else b"evil"
            member.size = 0 if name.endswith("/") else len(content)
            made.addfile(member, io.BytesIO(content))
    data.seek(0)
    return data


class _Meanwhile(io.BytesIO):
    """A stream, of which something happens while the one large file in it is read."""

    def __init__(self, data: bytes, what: Callable[[], None]) -> None:
        super().__init__(data)
        self._what = [what]

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > 2 * unpack.CHUNK and self._what:
            self._what.pop()()
        return super().read(size)


@pytest.mark.parametrize("later", ["./d/evil", "./d/below/evil", "./d/made/"])
def test_nothing_that_is_copied_out_is_written_through_a_planted_symlink(
    shared: int, tmp_path: Path, victim: Path, later: str
) -> None:
    """While a large file comes, a directory before it is swapped."""
    (victim / "below").mkdir()
    data = archived("./", "./d/", "./d/below/", "./large", later, "./end").getvalue()
    there = {path.name for path in victim.rglob("*")}
    stream = _Meanwhile(data, lambda: swap(tmp_path / "shared/it/d", victim))
    with (
        unpack.opened(Counted(stream)) as archive,
        pytest.raises(OSError, match=r"[Nn]ot a directory|symbolic"),
    ):
        unpack.write_tree(archive, shared, "it", Tally())
    assert {path.name for path in victim.rglob("*")} == there


def test_nothing_that_is_copied_in_is_read_through_a_planted_symlink(
    tmp_path: Path, victim: Path
) -> None:
    """While a large file goes, a directory is swapped that was looked at before."""
    source = tmp_path / "source/a"
    for place in (source, victim):
        (place / "x").mkdir(parents=True)
        (place / "x/secret").write_text("mine" if place == source else "elsewhere")
    (source / "y").mkdir()
    (source / "y/large").write_bytes(bytes(4 * unpack.CHUNK))
    sent = io.BytesIO()

    class Swapping(pack.Pipe):
        def write(self, data: bytes) -> int:
            if not source.is_symlink():
                swap(source, victim)
            return super().write(data)

    with pytest.raises(DevenvError, match=r"source/a/x could not be read"):
        pack.send_tree(str(tmp_path / "source"), Swapping(sent), OWNER, Tally())
    assert b"./a/y/large" in sent.getvalue()
    assert b"elsewhere" not in sent.getvalue()


def test_a_directory_that_cannot_be_read_is_an_error_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> list[str]:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(pack, "_names", broken)
    with pytest.raises(DevenvError, match=f"{tmp_path} could not be read: Input/output error"):
        pack.send_tree(str(tmp_path), pack.Pipe(io.BytesIO()), OWNER, Tally())
