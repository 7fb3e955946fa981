"""The relay: what it withholds of an answer."""

from __future__ import annotations

import pytest

from tests.relay import Fault, _Passing

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"


def _torn(*pieces: bytes, request: bytes = b"GET / ") -> list[bytes]:
    passing = _Passing()
    passing.expect(request, Fault.TORN)
    return [passing.answered(piece) for piece in pieces]


def test_a_short_answer_is_torn_in_the_middle_of_its_body() -> None:
    assert _torn(HEAD + b"body") == [HEAD + b"bo"]


def test_a_body_that_comes_behind_its_head_is_torn_where_it_comes() -> None:
    assert _torn(HEAD, b"body") == [HEAD, b"bo"]


@pytest.mark.parametrize(
    ("answer", "request_"), [(NOTHING, b"GET / "), (HEAD, b"HEAD / "), (HEAD[:17], b"HEAD / ")]
)
def test_an_answer_without_a_body_is_torn_in_its_head(answer: bytes, request_: bytes) -> None:
    assert _torn(answer, request=request_) == [answer[: len(answer) // 2]]


def test_the_next_answer_on_a_connection_passes_whole() -> None:
    passing = _Passing()
    passing.expect(b"GET / ", Fault.TORN)
    passing.expect(b"GET / ", None)
    assert passing.answered(HEAD + b"body") == HEAD + b"body"
