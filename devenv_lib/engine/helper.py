"""A helper that stays for a while: root inside, volumes and nothing else.

Its main process is a shell that runs what comes through a pipe from here. When this process ends,
however it ends, the pipe closes, the shell ends, and the engine stops and removes the container
with all that runs in it: nothing goes on writing into a volume for a command that is gone. The
same makes the container's name a lock that cannot be left behind, on the engine and so for all
its clients.

Short steps go through that pipe. What streams is started by ``docker exec``, which takes a tenth
of a second. The streams are the docker program's: docker-py copies them frame by frame. Nothing
of them is logged, which the engine would otherwise do on its own disk.

A stream is not believed to be whole because docker says so: see `devenv_lib.engine.ending`.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

import docker

from devenv_lib.engine import answers
from devenv_lib.engine.ending import TELLING, Ending, ending, kept, last_words
from devenv_lib.engine.failures import failed, free_room
from devenv_lib.errors import EngineFailure
from devenv_lib.scratch import scratch

#: Seconds that a helper has to disappear in.
PATIENCE = 8.0
#: Seconds between looks whether it has.
_PAUSE = 0.02
#: Runs words and answers with a line, status and two lengths, and then what they wrote. Of a
#: client that was killed a part may come: the brace without its end runs nothing. Each has files of
#: its own: the next one may begin when this answer is whole, before `cat` has seen that they end.
_ANSWER = """\
out=/dev/shm/out{number} said=/dev/shm/said{number}
{{ {words} ; }} >$out 2>$said
echo $? $(stat -c %s $out $said)
cat $out $said
rm $out $said
"""


@dataclass
class Program:
    """A program in a helper. ``status`` and ``said``, its last words, are there at its end."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    status: int = 0
    said: str = ""


class Helper:
    """A helper, from its start on. ``id`` is its container's, ``words`` the docker program's.

    ``token`` is the label of volumes that it made because they were not there (`LABEL_MADE_BY`).
    """

    def __init__(
        self,
        client: docker.APIClient,
        identity: str,
        words: Sequence[str],
        image: str,
        token: str,
    ) -> None:
        self.id, self.token = identity, token
        self._client = client
        self._words = [*words, "exec", "--interactive", identity]
        self._image = image
        self._is_ready, self._asked = False, 0
        self._failed: EngineFailure | None = None
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
        self._asked += 1
        script = _ANSWER.format(number=self._asked, words=shlex.join(words))
        status, output, said = self._ask(os.fsencode(script))
        self._is_ready = True
        if status:
            raise failed(words[0], status, last_words(said))
        return output

    def _ask(self, script: bytes) -> tuple[int, bytes, bytes]:
        """Have the main process run a script, and return its answer: status, stdout, stderr."""
        asking, answers = self._main.stdin, self._main.stdout
        if asking is None or answers is None:
            raise ValueError("no pipes")
        if self._failed:
            raise self._failed
        with suppress(BrokenPipeError):
            asking.write(b"%d\n%s" % (len(script), script))
            asking.flush()
        first = answers.readline().split()
        if len(first) != 3:
            raise self._ended()
        status, *lengths = map(int, first)
        output, said = map(answers.read, lengths)
        if [len(output), len(said)] != lengths:
            raise self._ended()
        return status, output, said

    def _ended(self) -> EngineFailure:
        """Return why the main process is not there, or not any more."""
        self._main.kill()
        said = last_words(self._main.communicate()[1])
        if self._is_ready:
            self._failed = EngineFailure(
                f"The helper container ended: {said or 'silently'}.",
                free_room(said)
                or "Somebody may have removed it, or ended the engine: docker info; then run the "
                "same command again.",
            )
        else:
            self._failed = EngineFailure(
                f"A helper container of the image {self._image} could not be started: "
                f"{said or 'the connection to it ended in silence.'}",
                free_room(said)
                or "See whether the engine runs: docker info. Helpers need an image of a whole "
                "system, as the default one: DEVENV_IMAGE= inv …",
            )
        return self._failed

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
            EngineFailure: it failed, with its last words; or its connection broke, and what came
                or went is not all.
        """
        self.ready()
        self._asked += 1
        told_in = f"/dev/shm/told{self._asked}"  # noqa: S108 - in the helper, which is ours
        doubt: EngineFailure | None = None
        with scratch() as said:
            process = subprocess.Popen(
                [*self._words, "sh", "-c", TELLING, told_in, *words],
                stdin=stdin,
                stdout=stdout,
                stderr=said,
                start_new_session=True,
            )
            program = Program(process.stdin, process.stdout)
            try:
                yield program
                _close(process.stdin)
                process.wait()
            except EngineFailure as failure:  # as that of what came, which is not all
                doubt = failure
            finally:
                process.kill()
                process.wait()
                _close(process.stdin)
                _close(process.stdout)
            said.seek(0)
            end = ending(said.read())
        if doubt:
            raise end.doubted(doubt)
        end = end if end.came else self._kept(end, told_in)
        program.said = end.said
        program.status = end.checked(words[0], tolerated, streams=stdout != subprocess.DEVNULL)

    def _kept(self, broken: Ending, told_in: str) -> Ending:
        """Return how a program ended whose stream broke off, as far as that is known here.

        Podman 5.4 resets the connection when a program ends before it has read all: status and
        last words may not come, or are followed by docker's own words.
        """
        with suppress(EngineFailure, ValueError):  # it may have come to nothing but the file
            return kept(broken, self.run(["cat", told_in, f"{told_in}.said"]))
        return broken

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


def gone(client: docker.APIClient, identity: str) -> None:
    """Make sure that a helper of ours is gone: one that never ran is not removed by its end.

    While the engine removes it by itself, a removal is refused, and it is listed for a while yet
    as a stopped container that has the volumes (Docker 28.5): so this waits for the list.
    """
    try:
        client.remove_container(identity, v=True, force=True)
    except docker.errors.NotFound:
        pass
    except docker.errors.APIError as error:
        if "already in progress" not in str(error.explanation):
            raise
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not answers.containers(client.containers(all=True, filters={"id": identity})):
            return
        time.sleep(_PAUSE)
