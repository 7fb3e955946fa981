"""Ends that are asked for by signals, as exceptions: by themselves they leave all as it is."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import Any

#: What ends a process at once if nobody says otherwise: `kill`, and a terminal that is closed.
_ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ended_in_order(error: Callable[[int], BaseException]) -> Iterator[None]:
    """Have SIGTERM, and SIGHUP when a terminal is closed, end what is in the block by an ``error``.

    It is made of the signal's number. A second one is ignored, so that what is in the block can
    put things right. Whoever handles or ignores one of them keeps that; outside of the main thread
    they are somebody else's.
    """
    kept: dict[signal.Signals, Any] = {}

    def end(number: int, _: object) -> None:
        for one in kept:
            signal.signal(one, signal.SIG_IGN)
        raise error(number)

    if current_thread() is main_thread():
        heeded = (n for n in _ENDING if signal.getsignal(n) is signal.SIG_DFL)
        kept = {number: signal.signal(number, end) for number in heeded}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
