"""The docker program, for builds, pulls and output: docker-py has no BuildKit, for one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import UnsupportedOperation
from threading import Timer
from typing import TYPE_CHECKING

from devenv_lib.engine.endpoint import Endpoint
from devenv_lib.engine.session import as_of_a_shell, no_docker_program
from devenv_lib.scratch import scratch

if TYPE_CHECKING:
    from devenv_lib.plans.health.engine import Program

#: What a program's streams can be, for rooms that start none themselves.
PIPE, NONE = subprocess.PIPE, subprocess.DEVNULL


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
        raise no_docker_program()
    return [program, *endpoint.words]


def capture(words: Sequence[str]) -> Output:
    """Run a program without stdin; return its exit status and what it wrote.

    Ctrl-C does not reach it: whoever calls ends it where it runs.

    Raises:
        ProgramMissing: there is no docker program.
    """
    try:
        done = subprocess.run(
            list(words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            check=False,
        )
    except FileNotFoundError:
        raise no_docker_program() from None
    wrote = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
    return Output(as_of_a_shell(done.returncode), *wrote)


def converse(
    words: Sequence[str], mark: str, between: Callable[[], None], patience: float
) -> Output:
    """Run a program up to the line ``mark``, call ``between``, then close its stdin.

    stdin is closed as well when this process ends, however that is. After ``patience`` seconds
    the program is killed.

    Raises:
        ProgramMissing: there is no docker program.
    """
    with scratch() as errors:
        try:
            child = subprocess.Popen(
                list(words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
        except FileNotFoundError:
            raise no_docker_program() from None
        timer = Timer(patience, child.kill)
        timer.daemon = True
        timer.start()
        try:
            with child:
                read = list(_said(child, mark.encode(), between))
        finally:
            timer.cancel()
        errors.seek(0)
        wrote = (b"".join(read), errors.read())
    status = as_of_a_shell(child.returncode)
    return Output(status, *(text.decode(errors="replace") for text in wrote))


def _said(
    child: subprocess.Popen[bytes], mark: bytes, between: Callable[[], None]
) -> Iterator[bytes]:
    for line in child.stdout or ():
        if line.rstrip(b"\n") == mark and child.stdin:
            between()
            child.stdin.close()
        else:
            yield line


def ask_program() -> Program:
    """Return what the docker program says of itself, and which engine it takes without flags.

    Raises:
        ProgramMissing: there is no docker program.
    """
    from devenv_lib.plans.health.engine import Program  # noqa: PLC0415 - `doctor` alone needs it

    program = shutil.which("docker")
    if program is None:
        raise no_docker_program()
    version = capture([program, "version", "--format", "{{.Client.Version}}"])
    engine = capture([program, "info", "--format", "{{.ID}}"])
    identity = engine.stdout.strip()
    said = " ".join(line for line in engine.stderr.splitlines() if "WARNING" not in line)
    if engine.status and not said:
        said = f"docker info exited {engine.status}"
    # It exits 0 where the engine refuses it, and then there is no id.
    return Program(version.stdout.strip(), identity, "" if identity else said)


def show(words: Sequence[str]) -> int:
    """Run a program whose output is progress: all of it goes to stderr, if that is a file.

    It may be closed, or an object of Python's alone (pytest's, with ``--capture=sys``).
    """
    where = subprocess.DEVNULL
    if sys.stderr is not None:
        sys.stderr.flush()
        with suppress(UnsupportedOperation):
            where = sys.stderr.fileno()
    return subprocess.run(list(words), stdout=where, stderr=where, check=False).returncode
