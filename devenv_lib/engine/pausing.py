"""Who lets a paused container go on when the process that paused it is killed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from devenv_lib.engine.endpoint import Endpoint
from devenv_lib.engine.program import docker_words

#: Seconds that letting a container go on may take.
_PATIENCE = 10
#: Waits for a word. The pipe's end without one says that nobody is left to say it.
_WAITING = 'read -r _ || exec "$@"'


@contextmanager
def stand_in(endpoint: Endpoint, container: str) -> Iterator[Callable[[], None]]:
    """Have a container go on when this process ends in the block, by whatever signal.

    What is given is called once the container goes on again, and nothing is left to do. The
    shell that waits is in a session of its own, out of a terminal's reach.

    Raises:
        ProgramMissing: there is no docker program.
    """
    waiting = subprocess.Popen(
        ["sh", "-c", _WAITING, "devenv", *docker_words(endpoint), "unpause", container],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def done() -> None:
        if waiting.stdin:
            with suppress(BrokenPipeError):
                waiting.stdin.write(b"done\n")
                waiting.stdin.flush()

    try:
        yield done
    finally:
        if waiting.stdin:
            with suppress(BrokenPipeError):
                waiting.stdin.close()
        with suppress(subprocess.TimeoutExpired):  # the engine does not answer; it goes on trying
            waiting.wait(_PATIENCE)
