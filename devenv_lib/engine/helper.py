"""A helper that stays for a while: root inside, volumes and nothing else, steps by ``docker exec``.

Its main process is a ``cat`` on a pipe from here. When this process ends, however it ends, the
pipe closes, the cat ends, and the engine stops and removes the container with all that runs in
it: nothing goes on writing into a volume for a command that is gone. The same makes the
container's name a lock that cannot be left behind, on the engine and so for all its clients.

The streams are the docker program's: docker-py copies them frame by frame. Nothing of them is
logged, which the engine would otherwise do on its own disk.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

import docker

from devenv_lib.engine import answers, bodies
from devenv_lib.engine.endpoint import Endpoint
from devenv_lib.engine.program import docker_words
from devenv_lib.engine.temporary import whole
from devenv_lib.errors import EngineFailure, Refused
from devenv_lib.names import helper_name
from devenv_lib.records import MountPoint

#: Seconds that the helper of a command which was killed has to disappear in.
_PATIENCE, _PAUSE = 8.0, 0.05
#: Seconds that a helper may exist without having been started: its maker needs milliseconds.
_UNSTARTED = 3.0
#: Characters of a program's last words that a message quotes.
_QUOTED = 400


@dataclass
class Program:
    """A program in a helper. ``status`` and ``said``, its last words, are there at its end."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    status: int = 0
    said: str = ""


class Helper:
    """A running helper. ``id`` is its container's."""

    def __init__(
        self,
        client: docker.APIClient,
        identity: str,
        words: Sequence[str],
        main: subprocess.Popen[bytes],
    ) -> None:
        self.id = identity
        self._client = client
        self._words = [*words, "exec", "--interactive", identity]
        self._main = main

    def run(self, words: Sequence[str], stdin: IO[bytes] | int = subprocess.DEVNULL) -> bytes:
        """Run a program in the helper and return what it wrote to stdout.

        Raises:
            EngineFailure: it failed; the message has its last words.
        """
        with self.stream(words, stdin, subprocess.PIPE) as program:
            return program.stdout.read() if program.stdout else b""

    @contextmanager
    def stream(
        self,
        words: Sequence[str],
        stdin: IO[bytes] | int = subprocess.DEVNULL,
        stdout: IO[bytes] | int = subprocess.DEVNULL,
        tolerated: Sequence[int] = (),
    ) -> Iterator[Program]:
        """Give a program that runs in the helper, for its ``stdin`` and ``stdout``.

        Both are as `subprocess.Popen` takes them. At the end of the block ``stdin`` is closed
        and the program waited for; when the block fails it is not, and goes with the helper.
        ``tolerated`` are statuses other than 0 that are no failure.

        Raises:
            EngineFailure: it failed; the message has its last words.
        """
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                [*self._words, *words],
                stdin=stdin,
                stdout=stdout,
                stderr=said,
                start_new_session=True,
            )
            program = Program(process.stdin, process.stdout)
            try:
                yield program
                _close(process.stdin)
                program.status = process.wait()
            finally:
                process.kill()
                process.wait()
                _close(process.stdin)
                _close(process.stdout)
            program.said = _last_words(said)
            if program.status not in (0, *tolerated):
                raise EngineFailure(
                    f"{words[0]} failed in the helper container: {program.said or 'silently'} "
                    f"(status {program.status}).",
                    "See what the engine has, and whether its disk is full: docker ps -a; "
                    "docker system df",
                    program.status,
                )

    def end(self) -> None:
        """End the helper, and return when the engine has removed it."""
        _close(self._main.stdin)
        try:
            self._main.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._main.kill()
            self._main.wait()
        _close(self._main.stdout)
        _close(self._main.stderr)
        _gone(self._client, self.id)


def _close(stream: IO[Any] | None) -> None:
    if stream is not None:
        with suppress(BrokenPipeError):
            stream.close()


def _open(stream: IO[Any] | None) -> int:
    """Return the file descriptor of a stream that was asked for as a pipe."""
    if stream is None:
        raise ValueError("no pipe")
    return stream.fileno()


def _last_words(said: IO[bytes]) -> str:
    said.seek(0, 2)
    said.seek(max(0, said.tell() - _QUOTED))
    return " ".join(said.read().decode(errors="replace").split())


def begin(
    client: docker.APIClient,
    endpoint: Endpoint,
    image: str,
    mounts: Sequence[MountPoint],
    prefix: str,
    about: str,
) -> Helper:
    """Return a running helper that has ``mounts``, which are volumes; whoever calls ends it.

    There is at most one at a time of what it is ``about``, a volume's name.

    Raises:
        Refused: another command's is there and stays.
        EngineFailure: it could not be started.
    """
    name = helper_name(prefix, about)
    body = bodies.worker_body(image, mounts, prefix)
    words = docker_words(endpoint)
    with whole():
        identity = _created(client, partial(client.create_container_from_config, body, name), name)
    main = subprocess.Popen(
        [*words, "start", "--attach", "--interactive", identity],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    made = Helper(client, identity, words, main)
    try:
        _await_echo(main, image)
    except BaseException:
        made.end()
        raise
    return made


def _created(client: docker.APIClient, create: Callable[[], Any], name: str) -> str:
    """Return the id of a container that ``create`` makes once ``name`` is free."""
    began = time.monotonic()
    unstarted: dict[str, float] = {}
    while True:
        try:
            return str(create()["Id"])
        except docker.errors.APIError as error:
            if not answers.name_is_taken(str(error.explanation)):
                raise
        now = time.monotonic()
        if now - began > _PATIENCE:
            raise Refused(
                f"Another command is at work on it: its helper {name} is there.",
                "Wait for its end, then run the same command again.",
            )
        for data in client.containers(all=True, filters={"name": f"^/?{name}$"}):
            if data.get("State") == "created":
                since = unstarted.setdefault(data["Id"], now)
                if now - since > _UNSTARTED:  # its maker was killed
                    _gone(client, data["Id"])
        time.sleep(_PAUSE)


def _await_echo(main: subprocess.Popen[bytes], image: str) -> None:
    """Wait until the helper's cat answers, or say why it does not."""
    with suppress(BrokenPipeError):
        os.write(_open(main.stdin), b"\n")
    if not os.read(_open(main.stdout), 1):
        main.wait()
        said = " ".join(os.read(_open(main.stderr), _QUOTED).decode(errors="replace").split())
        raise EngineFailure(
            f"A helper container of the image {image} could not be started: {said}",
            "Helpers need an image of a whole system, as the default one: DEVENV_IMAGE= inv …",
        )


def _gone(client: docker.APIClient, identity: str) -> None:
    """Make sure that a helper of ours is gone: one that never ran is not removed by its end."""
    try:
        client.remove_container(identity, v=True, force=True)
    except docker.errors.NotFound:
        return
    except docker.errors.APIError as error:
        if "already in progress" not in str(error.explanation):
            raise
