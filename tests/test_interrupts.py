"""Ctrl-C while the engine makes something waits for the end of that."""

from __future__ import annotations

import signal
from threading import Thread

import pytest

from devenv_lib.engine.interrupts import whole


def interrupted(times: int, ended: list[int]) -> None:
    """Take Ctrl-C so often in a whole step, and note its end."""
    with whole():
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)
        ended.append(times)


def test_ctrl_c_waits_for_the_end() -> None:
    """The engine would go on with the request, and make what nobody removes."""
    ended: list[int] = []

    with pytest.raises(KeyboardInterrupt):
        interrupted(1, ended)

    assert ended == [1]


def test_a_second_ctrl_c_ends_the_waiting() -> None:
    """An engine that hangs must not hold a person."""
    ended: list[int] = []

    with pytest.raises(KeyboardInterrupt):
        interrupted(2, ended)

    assert ended == []


def test_afterwards_ctrl_c_is_what_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)

    with pytest.raises(ZeroDivisionError), whole():
        raise ZeroDivisionError

    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_that_was_ignored_stays_so() -> None:
    """A shell ignores it for what it starts in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with whole():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_there_is_nothing_to_hold_back() -> None:
    """Python raises it in the main one alone, and lets no other set a handler."""
    ended: list[int] = []

    thread = Thread(target=interrupted, args=(0, ended))
    thread.start()
    thread.join()

    assert ended == [0]
