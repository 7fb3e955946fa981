"""Archives from anywhere: what would be written outside of a volume, or is broken, is refused."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib.errors import Refused, UsageError
from devenv_lib.names import common_labels
from devenv_lib.plans.archive import Entry, Judge
from devenv_lib.plans.manifest import Manifest, read_manifest, write_manifest
from devenv_lib.plans.restoring import labels_for
from devenv_lib.volumes.archive import chunks, opened
from devenv_lib.volumes.compression import _zstd, reader, writer

DIRECTORY = Entry("d", "directory")
OUT = Entry("s", "symlink", "/etc")

HOSTILE: list[tuple[str, Sequence[Entry]]] = [
    ("absolute name", [Entry("/etc/passwd", "file")]),
    ("climbs out", [Entry("../x", "file")]),
    ("climbs out", [DIRECTORY, Entry("d/../../x", "file")]),
    ("climbs out", [Entry("..", "directory")]),
    ("written through", [OUT, Entry("s/passwd", "file")]),
    ("written through", [DIRECTORY, Entry("d/s", "symlink", ".."), Entry("./d//s/x", "file")]),
    ("written through", [OUT, Entry("s/d", "directory")]),
    ("written through", [Entry("f", "file"), Entry("f/x", "file")]),
    ("twice", [OUT, Entry("s", "file")]),
    ("twice", [DIRECTORY, Entry("d", "symlink", "/etc"), Entry("d/x", "file")]),
    ("twice", [OUT, Entry("./s", "directory")]),
    ("twice", [Entry("f", "file"), Entry("f", "file")]),
    ("hard link to '/etc/shadow'", [Entry("h", "link", "/etc/shadow")]),
    ("hard link to '../x'", [Entry("h", "link", "../x")]),
    ("no file before it", [Entry("h", "link", "later"), Entry("later", "file")]),
    ("no file before it", [DIRECTORY, Entry("h", "link", "d")]),
    ("no file before it", [OUT, Entry("h", "link", "s/passwd")]),
    ("written through", [OUT, Entry("h", "link", "s"), Entry("h/x", "file")]),
    ("kind", [Entry("u", "unknown")]),
    ("kind", [Entry(".", "symlink", "/etc")]),
    ("no name", [Entry("", "file")]),
    ("no name", [Entry("a\0b", "file")]),
    ("without a target", [Entry("s", "symlink", "")]),
    ("without a target", [Entry("s", "symlink", "a\0b")]),
    ("too long", [Entry("x" * 256, "file")]),
    ("too long", [Entry("/".join(["x" * 200] * 21), "file")]),
    ("needs itself", [Entry(".devenv-restore-ready/x", "file")]),
    ("needs itself", [Entry("./.devenv-restore-incoming", "directory")]),
]


@pytest.mark.parametrize(("why", "entries"), HOSTILE)
def test_what_would_leave_the_volume_is_refused(why: str, entries: Sequence[Entry]) -> None:
    judge = Judge()
    said = [judge.judge(entry) for entry in entries]
    assert why in next(filter(None, said))


@pytest.mark.parametrize(
    "entries",
    [
        [Entry(".", "directory"), Entry("./a", "file"), Entry("./h", "link", "./a")],
        [Entry("a/b/c", "file"), Entry("a", "directory"), Entry("a/", "directory")],
        [OUT, Entry("up", "symlink", "../../.."), Entry("h", "link", "s")],
        [Entry("a..b", "file"), Entry("...", "file"), Entry("-rf", "special")],
        [Entry("d/.devenv-restore-ready", "file"), Entry("\udcff\n", "file")],
    ],
)
def test_what_stays_inside_is_not(entries: Sequence[Entry]) -> None:
    judge = Judge()
    assert [judge.judge(entry) for entry in entries] == [""] * len(entries)
    assert judge.files == len(entries)


# One odd part refuses an archive, so that most have none.
USUAL = st.lists(st.sampled_from(["a", "b", "s"]), min_size=1, max_size=3)
ODD = st.lists(st.sampled_from(["a", "b", "s", ".", "..", "", "/"]), max_size=4)
NAMES = st.one_of(USUAL, USUAL, USUAL, USUAL, USUAL, ODD).map("/".join)
KINDS: Any = st.sampled_from(["file", "directory", "symlink", "link", "special"])


@given(st.lists(st.builds(Entry, NAMES, KINDS, NAMES), max_size=8))
def test_whatever_is_let_through_lands_inside(entries: list[Entry]) -> None:
    """By a naive unpacking, in which symlinks are followed as a kernel would."""
    judge, made = Judge(), dict[str, Entry]()
    for entry in entries:
        if judge.judge(entry):
            return
        parts = parts_of(entry.name)
        for count in range(1, len(parts)):
            above = made.get("/".join(parts[:count]))
            assert above is None or above.kind == "directory"
        if entry.kind == "link":
            linked = made.get("/".join(parts_of(entry.target)))
            assert linked is not None
            assert linked.kind != "directory"
        made["/".join(parts)] = entry


def parts_of(name: str) -> list[str]:
    """Return the parts of a name that is let through."""
    assert not name.startswith("/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    assert ".." not in parts
    return parts


def archive(path: Path, *members: tuple[str, bytes | str | None], mode: str = "w") -> Path:
    """Write an archive: bytes are a file's, text is a symlink's, nothing is a directory."""
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return path


def test_a_whole_archive_is_read_twice_from_one_open_file(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar.gz", ("d", None), ("d/f", b"x" * 5000), mode="w:gz")
    with opened(path) as found:
        path.unlink()
        data = b"".join(chunks(found))
        assert (found.files, found.bytes, found.manifest) == (2, len(data), None)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.getnames() == ["d", "d/f"]


def test_an_archive_that_changes_while_it_is_unpacked_fails_at_the_end(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar", ("f", b"x" * 5000))
    with opened(path) as found:
        whole = path.read_bytes()
        with path.open("r+b") as file:
            file.seek(600)
            file.write(b"y")
        assert path.read_bytes() != whole
        with pytest.raises(Refused, match="changed while"):
            list(chunks(found))


def test_a_name_without_end_does_not_flood_the_terminal(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar", ("d/" * 3000 + "f", b"x"))
    with pytest.raises(Refused, match="too long") as raised, opened(path):
        pass
    assert len(str(raised.value)) < 500


def _broken() -> list[tuple[str, Any]]:
    def cut(data: bytes) -> bytes:
        return data[: len(data) // 2]

    return [
        ("no whole archive", lambda _: b""),
        ("no whole archive", lambda _: b"no tar at all" * 100),
        ("no whole archive", cut),
        ("no whole archive", lambda data: data[:-10240]),
        ("no whole archive", lambda data: gzip.compress(data)[:-4]),
        ("no whole archive", lambda data: cut(gzip.compress(data))),
        ("no whole archive", lambda _: b"\0" * 10240),
        ("no whole archive", lambda data: data[:100] + b"\xff" * 60 + data[160:]),
        ("goes on after its end", lambda data: data + data),
        ("goes on after its end", lambda data: data + b"x"),
    ]


@pytest.mark.parametrize(("why", "spoil"), _broken())
def test_a_broken_archive_is_said_so(tmp_path: Path, why: str, spoil: Any) -> None:
    path = archive(tmp_path / "a.tar", ("d", None), ("d/f", bytes(range(256)) * 100))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(Refused, match=why) as raised, opened(path):
        pass
    assert raised.value.hint


def test_an_archive_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    """What can be read once only cannot be checked before it is unpacked, and may never end."""
    fifo = tmp_path / "fifo.tar"
    os.mkfifo(fifo)
    for path in (tmp_path / "none.tar", tmp_path, fifo, Path("/dev/zero")):
        with pytest.raises(UsageError, match="cannot be read"), opened(path):
            pass


def manifest(path: Path, **changes: Any) -> Manifest:
    made = {
        "name": "devenv-data",
        "archive": path.name,
        "compression": "none",
        "engine": "e",
        "labels": {},
        "created": "",
        "files": 1,
        "bytes": 0,
        "size": path.stat().st_size,
        "sha256": "0" * 64,
        **changes,
    }
    return Manifest(**made)


def test_a_manifest_that_does_not_fit_refuses_its_archive(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar", ("f", b"x"))
    (tmp_path / "a.json").write_text(write_manifest(manifest(path)))
    with pytest.raises(Refused, match="not what its manifest says"), opened(path):
        pass


@pytest.mark.parametrize("name", ["a.tar", "devenv-x.tarball-1.tar", "a.tar.b.tar.gz", "a.b.tar"])
def test_a_manifest_is_found_beside_an_archive_of_any_name(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / name, ("f", b"x"))
    beside = name.removesuffix(".gz").removesuffix(".tar") + ".json"
    (tmp_path / beside).write_text(write_manifest(manifest(path)))
    with pytest.raises(Refused, match="not what its manifest says"), opened(path):
        pass


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2}', "[" * 100_000])
def test_a_manifest_that_is_none_refuses_its_archive(tmp_path: Path, text: str) -> None:
    path = archive(tmp_path / "a.tar", ("f", b"x"))
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(Refused, match=r"manifest .* cannot be read"), opened(path):
        pass


def test_a_manifest_without_end_or_a_pipe_is_not_read(tmp_path: Path) -> None:
    """It comes from wherever the archive does."""
    path = archive(tmp_path / "a.tar", ("f", b"x"))
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Refused, match="larger than manifests are"), opened(path):
        pass
    (tmp_path / "a.json").unlink()
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(Refused, match="it is no file"), opened(path):
        pass


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("name", 3), ("name", None), ("size", "1"), ("size", True)],
        *[("labels", []), ("labels", "x"), ("labels", {"a": 1}), ("notes", 5), ("notes", [1])],
    ],
)
def test_a_manifest_with_a_value_of_a_wrong_type_is_none(
    tmp_path: Path, key: str, value: object
) -> None:
    path = archive(tmp_path / "a.tar", ("f", b"x"))
    text = json.dumps({**json.loads(write_manifest(manifest(path))), key: value})
    with pytest.raises(ValueError, match=f"'{key}' is missing or of a wrong type"):
        read_manifest(text)


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar", ("f", b"x"))
    made = manifest(path, labels={"a": "b"}, notes=("in use",))
    assert read_manifest(write_manifest(made)) == made


@pytest.mark.parametrize("kind", ["gzip", "zstd", "none"])
def test_what_is_compressed_is_read_again_by_its_first_bytes(kind: Any) -> None:
    assert _zstd(), "the tests need zstandard: it is in the dev extra"
    file = io.BytesIO()
    stream = writer(file, kind)
    stream.write(b"abc" * 1000)
    if kind != "none":
        stream.close()
    file.seek(0)
    assert reader(file).read() == b"abc" * 1000


def test_what_is_unpacked_is_what_was_judged_whatever_the_file_is_before_and_after(
    tmp_path: Path,
) -> None:
    """Whoever can write it may change it, and change it back before it is compared."""
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("f")
        member.size = 3 << 20
        tar.addfile(member, io.BytesIO(b"a" * member.size))
    whole = path.read_bytes()
    with opened(path) as archive:
        unpacked = chunks(archive)
        assert next(unpacked)
        path.write_bytes(whole.replace(b"a" * 4096, b"b" * 4096))
        assert b"b" in next(unpacked)
        path.write_bytes(whole)
        with pytest.raises(Refused, match="changed while"):
            list(unpacked)


@pytest.mark.parametrize(
    ("begins", "command"), [(b"\xfd7zXZ\0", "xz -dk"), (b"BZh91AY", "bzip2 -dk")]
)
def test_another_compression_is_named_with_what_unpacks_it(
    tmp_path: Path, begins: bytes, command: str
) -> None:
    (path := tmp_path / "x.tar").write_bytes(begins + bytes(600))
    with pytest.raises(Refused, match="is not read here") as error, opened(path):
        pass
    assert command in error.value.hint


def test_labels_by_which_an_engine_goes_are_not_taken_from_a_manifest() -> None:
    """Its own prune removes what one of them says is anonymous."""
    labels = {"mine": "1", "com.docker.volume.anonymous": "", "devenv.unfinished": "x"}
    manifest = Manifest("devenv-data", "x.tar", "none", "e", labels, "", 1, 1, 1, "")
    assert labels_for(manifest, "devenv-data", "devenv") == {
        "mine": "1",
        **common_labels("devenv"),
    }
