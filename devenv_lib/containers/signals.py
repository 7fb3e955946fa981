"""Send a signal to everything that one session started inside."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from devenv_lib.engine.session import MARK, Tell

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def teller(engine: Engine, container: str, user: str, mark: str, *, spare: bool = False) -> Tell:
    """Return a function that signals the processes marked with ``mark`` in ``container``.

    With ``spare`` those are left that have a session of their own. It acts as the session's own
    ``user``: root inside has no capability to signal other users' processes. It remembers which
    it reached, and finds these again.
    """
    known: dict[str, None] = {}

    def tell(signal: str) -> int:
        words = ["/bin/sh", "-c", _script(), "devenv", signal, f"{MARK}={mark}"]
        words += ["spare" if spare else "", *known]
        _, output = engine.run(container, words, user)
        reached = output.split()
        known.update(dict.fromkeys(reached))
        return len(reached)

    return tell


@cache
def _script() -> str:
    return (files("devenv_lib") / "containers" / "signal.sh").read_text()
