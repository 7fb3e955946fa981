"""How a program in a helper ended is told from what came of its words."""

import subprocess
from pathlib import Path

import pytest

from devenv_lib.engine.ending import TELLING, Ending, ending, kept
from devenv_lib.errors import EngineFailure

BROKEN = Ending(None, "connection reset by peer", came=False)


def told(place: Path, script: str) -> subprocess.CompletedProcess[bytes]:
    """Run a script as a helper does."""
    words = ["sh", "-c", TELLING, str(place), "sh", "-c", script]
    return subprocess.run(words, capture_output=True, check=True)


@pytest.mark.parametrize("status", [0, 1, 2, 137])
def test_a_program_says_how_it_ended_at_the_end_of_its_words(tmp_path: Path, status: int) -> None:
    ran = told(tmp_path / "told", f"echo out; echo why >&2; exit {status}")
    assert ran.stdout == b"out\n"
    assert ending(ran.stderr) == Ending(status, "why", came=True)


def test_the_same_is_kept_for_a_stream_that_breaks_off(tmp_path: Path) -> None:
    told(tmp_path / "told", "echo why >&2; exit 2")
    answer = (tmp_path / "told").read_bytes() + (tmp_path / "told.said").read_bytes()
    assert kept(BROKEN, answer) == Ending(2, "why connection reset by peer", came=False)


def test_the_last_words_of_many_are_kept(tmp_path: Path) -> None:
    ran = told(tmp_path / "told", "seq 100000 >&2; echo the reason >&2")
    found = ending(ran.stderr)
    assert found.said.endswith("99999 100000 the reason")
    assert len(found.said) <= 400


@pytest.mark.parametrize("wrote", [b"", b"why", b"why\0", b"why\0001", b"why\0001\0 reset by peer"])
def test_what_does_not_end_with_a_status_has_not_come(wrote: bytes) -> None:
    assert not ending(wrote).came


def test_dockers_own_words_may_come_behind_a_status() -> None:
    assert ending(b"why\0001\0 reset by peer").said == "why reset by peer"


@pytest.mark.parametrize("answer", [b"", b"\nwhy", b"why\n"])
def test_a_program_that_had_not_ended_left_no_status(answer: bytes) -> None:
    with pytest.raises(ValueError, match="int"):
        kept(BROKEN, answer)


@pytest.mark.parametrize(("status", "tolerated"), [(0, ()), (0, (1,)), (1, (1,))])
def test_a_success_that_came_is_one(status: int, tolerated: tuple[int, ...]) -> None:
    assert Ending(status, "", came=True).checked("tar", tolerated, streams=True) == status


@pytest.mark.parametrize("status", [None, 0, 1])
def test_no_success_counts_whose_stream_broke_off(status: int | None) -> None:
    with pytest.raises(EngineFailure, match=r"tar in the helper container broke off: silently\."):
        Ending(status, "", came=False).checked("tar", (1,), streams=True)


def test_a_kept_status_that_is_tolerated_is_all_of_what_writes_nothing() -> None:
    assert Ending(1, "", came=False).checked("cmp", (1,), streams=False) == 1


def test_an_end_of_input_is_not_believed_behind_a_stream_that_broke_off() -> None:
    with pytest.raises(EngineFailure, match="broke off"):
        Ending(0, "", came=False).checked("tar", (1,), streams=False)


@pytest.mark.parametrize("came", [True, False])
def test_a_refusal_is_one_whatever_came_of_it(*, came: bool) -> None:
    with pytest.raises(EngineFailure, match=r"tar failed .*: no such file \(status 2\)"):
        Ending(2, "no such file", came=came).checked("tar", (1,), streams=True)


def test_dockers_words_explain_a_doubt_where_the_connection_broke() -> None:
    doubt = EngineFailure("It is not all.", "again", 7)
    explained = BROKEN.doubted(doubt)
    assert str(explained) == "It is not all. connection reset by peer"
    assert (explained.hint, explained.status) == ("again", 7)
    assert Ending(0, "words", came=True).doubted(doubt) is doubt
    assert Ending(None, "", came=False).doubted(doubt) is doubt
