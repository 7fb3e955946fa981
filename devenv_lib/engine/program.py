"""The docker program: for builds, pulls and terminals, which docker-py does not do well.

docker-py has no BuildKit and no raw terminal; the program has both, shows its progress, and
passes a keystroke in well under a millisecond.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from devenv_lib.engine.endpoint import Endpoint
from devenv_lib.errors import ProgramMissing


@dataclass(frozen=True)
class Output:
    """How a program ended and what it wrote: UTF-8, with U+FFFD for what is none."""

    status: int
    stdout: str
    stderr: str


def engine_program() -> str | None:
    """Return the engine's own program, which users other than root seldom have in ``PATH``."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    return shutil.which("dockerd", path=path)


def docker_words(endpoint: Endpoint) -> list[str]:
    """Return the beginning of a docker command line for the engine at ``endpoint``.

    Raises:
        ProgramMissing: there is no docker program.
    """
    program = shutil.which("docker")
    if program is None:
        raise ProgramMissing(
            "The docker program is not installed; devenv attaches and builds with it.",
            "Install your system's package of it: docker-cli; on Debian 12 and Ubuntu docker.io.",
        )
    return [program, *endpoint.words]


def exec_words(
    endpoint: Endpoint,
    container: str,
    words: Sequence[str],
    *,
    user: str,
    workdir: str,
    variables: Mapping[str, str],
    terminal: bool,
) -> list[str]:
    """Return the command line that runs ``words`` in a running container, exactly as given."""
    flags = ["--interactive", *(["--tty"] if terminal else [])]
    flags += [f"--user={user}", f"--workdir={workdir}"]
    flags += [f"--env={name}={value}" for name, value in variables.items()]
    return [*docker_words(endpoint), "exec", *flags, container, *words]


def pass_through(words: Sequence[str]) -> int:
    """Run a program on this process's own stdin, stdout and stderr; return its exit status.

    Ctrl-C reaches the program, which decides; this process only waits. Without a terminal the
    docker program then leaves what runs inside, and says 0: that is 130 here.
    """
    if threading.current_thread() is not threading.main_thread():
        # Python delivers signals to the main thread alone, and lets no other one handle them.
        return _status(subprocess.run(list(words), check=False).returncode)
    came: list[int] = []
    # A handler that only notes it, instead of SIG_IGN, which the child would inherit.
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        status = subprocess.run(list(words), check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
    if came and status == 0:
        return 128 + came[0]
    return _status(status)


def capture(words: Sequence[str]) -> Output:
    """Run a program without stdin; return its exit status and what it wrote."""
    done = subprocess.run(list(words), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    wrote = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
    return Output(_status(done.returncode), *wrote)


def _status(code: int) -> int:
    """Return an exit status as a shell shows it: a signal's number is above 128."""
    return code if code >= 0 else 128 - code


def show(words: Sequence[str]) -> int:
    """Run a program whose output is progress: all of it goes to stderr, if that is open."""
    where = subprocess.DEVNULL
    if sys.stderr is not None:
        sys.stderr.flush()
        where = sys.stderr.fileno()
    return subprocess.run(list(words), stdout=where, stderr=where, check=False).returncode
