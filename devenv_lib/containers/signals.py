"""Send a signal to everything that one session started inside."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from devenv_lib.engine.session import MARK, Tell

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def new_mark() -> str:
    """Return a value by which a session's processes are told from all others."""
    return os.urandom(16).hex()


def teller(connected: Callable[[], Engine], container: str, user: str, mark: str) -> Tell:
    """Return a function that signals the processes marked with ``mark`` in ``container``.

    It is called when a signal arrives, if ever, and only then asks for the engine. It acts as
    the session's own ``user``: root inside has no capability to signal other users' processes.
    """

    def tell(signal: str) -> int:
        script = [_script(), "devenv", signal, f"{MARK}={mark}"]
        _, output = connected().run(container, ["/bin/sh", "-c", *script], user)
        return len(output.splitlines())

    return tell


@cache
def _script() -> str:
    return (files("devenv_lib") / "containers" / "signal.sh").read_text()
