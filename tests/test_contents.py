"""What may be reached in a volume, and what of what comes out of one becomes the host's."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib.below import DIRECTORY
from devenv_lib.errors import Refused, UsageError
from devenv_lib.names import LABEL_COMPLETE, common_labels, complete_name
from devenv_lib.plans.contents import Tally, link_stays, member_parts, parts_of, reachable, spelled
from devenv_lib.records import Volume
from devenv_lib.volumes import unpack
from devenv_lib.volumes.tar import END, Counted
from tests.builders import container, snapshot, volume


def test_a_volume_of_ours_can_be_reached_and_who_runs_with_it_is_told() -> None:
    running = container("user", volumes=["devenv-data"])
    stopped = container("idle", state="exited", volumes=["devenv-data"])
    found = reachable(snapshot(volume(), running, stopped), "devenv", "devenv-data")
    assert [user.name for user in found] == ["user"]


@pytest.mark.parametrize(
    ("volumes", "message", "hint"),
    [
        ((), "no volume", "inv volume.list"),
        ((Volume("devenv-data", {}),), "does not carry", "inv volume.adopt --name devenv-data"),
        ((volume(prefix="other"),), "prefix other", "DEVENV_PREFIX=other inv volume.list"),
        (
            (
                volume(),
                Volume(
                    complete_name("devenv-data"),
                    {**common_labels("devenv"), LABEL_COMPLETE: "devenv-data"},
                ),
            ),
            "adoption",
            "Carry on first: inv volume.adopt --name devenv-data",
        ),
    ],
)
def test_other_volumes_are_refused(volumes: tuple[Volume, ...], message: str, hint: str) -> None:
    with pytest.raises(Refused, match=message) as raised:
        reachable(snapshot(*volumes), "devenv", "devenv-data")
    assert hint in raised.value.hint


def test_a_name_that_is_none_never_reaches_an_engine() -> None:
    with pytest.raises(UsageError):
        reachable(snapshot(), "devenv", "../containers/x")


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        (".", ()),
        ("a", ("a",)),
        ("a//b/./c/", ("a", "b", "c")),
        ("...", ("...",)),
        (" a\n", (" a\n",)),
        ("-rf", ("-rf",)),
        ("\udcff", ("\udcff",)),
    ],
)
def test_a_path_in_a_volume_is_relative_to_its_top(path: str, parts: tuple[str, ...]) -> None:
    assert parts_of(path) == parts


@pytest.mark.parametrize("path", ["", "/", "/etc/passwd", "..", "../a", "a/../b", "a/..", "a\0b"])
def test_a_path_that_could_be_elsewhere_is_none(path: str) -> None:
    with pytest.raises(UsageError, match=r"relative to its top"):
        parts_of(path)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        (".", ()),
        ("./", ()),
        ("./a/b", ("a", "b")),
        ("./-x", ("-x",)),
        ("./\udcff\n", ("\udcff\n",)),
    ],
)
def test_a_member_has_its_place_below_the_copy(name: str, parts: tuple[str, ...]) -> None:
    assert member_parts(name) == parts


@pytest.mark.parametrize(
    "name", ["/a", "../a", "./../a", "./a/../../b", "a//b", "", "./a/.", "a\0"]
)
def test_a_member_that_could_be_elsewhere_has_none(name: str) -> None:
    assert member_parts(name) is None


@pytest.mark.parametrize(
    ("at", "text", "stays"),
    [
        ("l", "x", True),
        ("l", ".", True),
        ("l", "..", False),
        ("d/l", "..", True),
        ("d/l", "../x/y", True),
        ("d/l", "../..", False),
        ("d/e/l", ".././../x", True),
        ("l", "/etc/passwd", False),
        ("l", "", False),
        ("d/e/l", "x/../../y", False),
    ],
)
def test_a_symlink_stays_when_it_goes_up_no_further_than_the_top(
    at: str, text: str, stays: bool
) -> None:
    assert link_stays(at.split("/"), text) is stays


TEXTS = st.lists(st.sampled_from(["..", ".", "d", "e", "l", "m", "x"]), min_size=1, max_size=6)
PLACES = st.sampled_from(["l", "m", "d/l", "d/m", "d/e/l", "d/e/m"])


@given(st.dictionaries(PLACES, TEXTS.map("/".join), max_size=6))
def test_no_chain_of_symlinks_that_stay_leads_out(links: dict[str, str]) -> None:
    """The kernel says where they lead, one through another."""
    with TemporaryDirectory() as directory:
        top = Path(directory).resolve() / "top"
        (top / "d/e").mkdir(parents=True)
        for at, text in links.items():
            if link_stays(at.split("/"), text):
                (top / at).symlink_to(text)
        for at in links:
            # Also where the last part is not there; a circle leads nowhere.
            real = os.path.realpath(top / at)
            assert f"{real}/".startswith(f"{top}/")


@given(st.binary(max_size=20).filter(lambda data: b"\0" not in data))
def test_a_shell_reads_again_what_was_spelled(data: bytes) -> None:
    """In ASCII, whatever the bytes are."""
    text = spelled(os.fsdecode(data))
    assert text.isascii()
    assert text.isprintable()
    done = subprocess.run(
        ["sh", "-c", 'printf %b "$1"', "sh", text], capture_output=True, check=True
    )
    assert done.stdout == data


def test_of_many_omissions_the_first_are_named_and_all_are_counted() -> None:
    tally = Tally()
    for number in range(1000):
        tally.omit(str(number), "a fifo")
    made = tally.done("x")
    assert (made.omitted, len(made.omissions)) == (1000, 20)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_an_archive_that_is_cut_is_not_whole_wherever_that_is(tmp_path: Path, form: int) -> None:
    """Between two members too, behind zeros, where `tarfile` sees an end."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=form) as made:
        top = tarfile.TarInfo(".")
        top.type = tarfile.DIRTYPE
        made.addfile(top)
        for name in ("./a", "./b" * 60, "./c"):
            member = tarfile.TarInfo(name)
            member.size = 2048
            made.addfile(member, io.BytesIO(bytes(2048)))
        end = made.offset
    whole = data.getvalue()
    assert received(whole, tmp_path / "whole")
    for cut in range(0, end + END, 512):
        assert not received(whole[:cut], tmp_path / str(cut)), cut


def test_what_no_path_would_reach_is_left_out_and_named(tmp_path: Path) -> None:
    """Each directory of it could be made in the one before."""
    data, deep = io.BytesIO(), "/".join(["d" * 200] * 30)
    with tarfile.open(fileobj=data, mode="w") as made:
        for name in (".", *("/".join(["d" * 200] * number) for number in range(1, 31))):
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE
            made.addfile(member)
    data.seek(0)
    tally, at = Tally(), os.open(tmp_path, DIRECTORY)
    with unpack.opened(Counted(data)) as archive:
        assert unpack.write_tree(archive, at, "it", tally)
    os.close(at)
    assert (tmp_path / "it" / "/".join(["d" * 200] * 15)).is_dir()
    done = tally.done("it")
    assert (done.omitted, done.omissions[-1].path) == (10, deep)


def received(data: bytes, to: Path) -> bool:
    to.mkdir()
    at = os.open(to, DIRECTORY)
    source = Counted(io.BytesIO(data))
    try:
        with unpack.opened(source) as archive:
            whole = unpack.write_tree(archive, at, "it", Tally())
            return unpack.ended(archive, source) and whole
    except tarfile.TarError:
        return False
    finally:
        os.close(at)
