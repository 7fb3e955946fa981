"""A helper that stays for a while: root inside, volumes and nothing else.

Its main process is a shell that runs what comes through a pipe from here. When this process ends,
however it ends, the pipe closes, the shell ends, and the engine stops and removes the container
with all that runs in it: nothing goes on writing into a volume for a command that is gone. The
same makes the container's name a lock that cannot be left behind, on the engine and so for all
its clients.

Short steps go through that pipe. What streams is started by ``docker exec``, which takes a tenth
of a second. The streams are the docker program's: docker-py copies them frame by frame. Nothing
of them is logged, which the engine would otherwise do on its own disk.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

import docker

from devenv_lib.errors import EngineFailure

#: Seconds that a helper has to disappear in.
PATIENCE = 8.0
#: Characters of a program's last words that a message quotes.
_QUOTED = 400
#: Runs words and answers with a line, status and two lengths, and then what they wrote. Of a
#: client that was killed a part may come: the brace without its end runs nothing. With the line,
#: the next step may begin: so the files are open, and no longer there for that one, before it.
_ANSWER = """\
{{ {} ; }} >/dev/shm/out 2>/dev/shm/said
status=$?
exec 3</dev/shm/out 4</dev/shm/said
lengths=$(stat -c %s /dev/shm/out /dev/shm/said)
rm /dev/shm/out /dev/shm/said
echo $status $lengths
cat <&3
cat <&4
"""


@dataclass
class Program:
    """A program in a helper. ``status`` and ``said``, its last words, are there at its end."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    status: int = 0
    said: str = ""


class Helper:
    """A helper, from its start on. ``id`` is its container's, ``words`` the docker program's."""

    def __init__(
        self,
        client: docker.APIClient,
        identity: str,
        words: Sequence[str],
        image: str,
    ) -> None:
        self.id = identity
        self._client = client
        self._words = [*words, "exec", "--interactive", identity]
        self._image = image
        self._is_ready = False
        self._main = subprocess.Popen(
            [*words, "start", "--attach", "--interactive", identity],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def ready(self) -> None:
        """Wait until the helper runs: its lock is one that ends with this process from then on.

        Raises:
            EngineFailure: it could not be started.
        """
        if not self._is_ready:
            self.run(["true"])

    def run(self, words: Sequence[str]) -> bytes:
        """Run a program in the helper and return what it wrote to stdout, which is no stream.

        Raises:
            EngineFailure: it failed; the message has its last words.
        """
        status, output, said = self._ask(os.fsencode(_ANSWER.format(shlex.join(words))))
        self._is_ready = True
        if status:
            raise _failure(words[0], status, _last_words(said))
        return output

    def _ask(self, script: bytes) -> tuple[int, bytes, bytes]:
        """Have the main process run a script, and return its answer: status, stdout, stderr."""
        asking, answers = self._main.stdin, self._main.stdout
        if asking is None or answers is None:
            raise ValueError("no pipes")
        with suppress(BrokenPipeError):
            asking.write(b"%d\n%s" % (len(script), script))
            asking.flush()
        first = answers.readline().split()
        if len(first) != 3:
            raise self._ended()
        status, length, said = map(int, first)
        return status, answers.read(length), answers.read(said)

    def _ended(self) -> EngineFailure:
        """Return why the main process is not there, or not any more."""
        self._main.kill()
        said = _last_words(self._main.communicate()[1])
        if self._is_ready:
            return EngineFailure(
                f"The helper container ended: {said or 'silently'}.",
                "Somebody may have removed it; then run the same command again.",
            )
        return EngineFailure(
            f"A helper container of the image {self._image} could not be started: {said}",
            "Helpers need an image of a whole system, as the default one: DEVENV_IMAGE= inv …",
        )

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
        self.ready()
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
            said.seek(0)
            program.said = _last_words(said.read())
            if program.status not in (0, *tolerated):
                raise _failure(words[0], program.status, program.said)

    def release(self) -> None:
        """Let the helper end, which takes a while, and do not wait for it."""
        _close(self._main.stdin)

    def end(self) -> None:
        """End the helper, and return when the engine has removed it."""
        self.release()
        try:
            self._main.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._main.kill()
            self._main.wait()
        _close(self._main.stdout)
        _close(self._main.stderr)
        gone(self._client, self.id)


def _close(stream: IO[Any] | None) -> None:
    if stream is not None:
        with suppress(BrokenPipeError):
            stream.close()


def _last_words(said: bytes) -> str:
    return " ".join(said[-_QUOTED:].decode(errors="replace").split())


def _failure(program: str, status: int, said: str) -> EngineFailure:
    return EngineFailure(
        f"{program} failed in the helper container: {said or 'silently'} (status {status}).",
        "See what the engine has, and whether its disk is full: docker ps -a; docker system df",
        status,
    )


def gone(client: docker.APIClient, identity: str) -> None:
    """Make sure that a helper of ours is gone: one that never ran is not removed by its end."""
    try:
        client.remove_container(identity, v=True, force=True)
    except docker.errors.NotFound:
        return
    except docker.errors.APIError as error:
        if "already in progress" not in str(error.explanation):
            raise
