"""Send a signal to everything that one session started inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from devenv_lib.engine.session import MARK, Tell
from devenv_lib.scripts import script

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def teller(
    engine: Callable[[], Engine], container: str, user: str, mark: str, *, spare: bool = False
) -> Tell:
    """Return a function that signals the processes marked with ``mark`` in ``container``.

    ``engine`` gives the engine, which most sessions never need for it.
    With ``spare`` those are left that have a session of their own. It acts as the session's own
    ``user``: root inside has no capability to signal other users' processes. It remembers which
    it reached, and finds these again.
    """
    known: dict[str, None] = {}

    def tell(signal: str) -> int:
        words = ["/bin/sh", "-c", script("containers/signal.sh"), "devenv"]
        words += [signal, f"{MARK}={mark}", "spare" if spare else "", *known]
        _, output = engine().run(container, words, user)
        reached = output.split()
        known.update(dict.fromkeys(reached))
        return len(reached)

    return tell
