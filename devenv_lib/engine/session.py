"""One program inside on this process's own stdin, stdout and stderr, and its signals.

It is the docker program that passes the streams. It does not pass signals on where there is no
terminal, and what it started goes on inside when it is ended: so it runs in a session of its
own, where Ctrl-C does not reach it, and signals are sent inside by whoever can (``tell``).

Nothing here takes long to import: `devenv exec` is meant to cost little more than docker's.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from devenv_lib.engine.endpoint import Endpoint
from devenv_lib.errors import DevenvError, EngineFailure, ProgramMissing

#: The variable by which the processes of one session are found inside.
MARK = "DEVENV_EXEC"
#: Sends a signal's name to all that is left of a session, and returns how many it reached.
Tell = Callable[[str], int]

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
#: Seconds that a program has to end after a signal, and after that its remains and docker's.
_GRACE, _REST = 10.0, 2.0
#: docker's status where it cannot ask how a command ended, for which a command may have it too.
LOST = 255
#: Seconds that an engine has to pass a signal on.
_ANSWER = 5.0
#: Seconds that what reads a terminal for docker may take to see that it is over.
_FEEDING = 0.5
#: Seconds until a program that was not there yet is looked for again.
_AGAIN = 0.2


def exec_words(
    endpoint: Endpoint,
    container: str,
    words: Sequence[str],
    *,
    user: str = "",
    variables: Mapping[str, str],
    terminal: bool,
) -> list[str]:
    """Return the command line that runs ``words`` in a running container, exactly as given.

    An empty ``user`` is the container's own, and the working directory always is.
    """
    flags = ["--interactive", *(["--tty"] if terminal else [])]
    flags += [f"--user={user}"] if user else []
    flags += [f"--env={name}={value}" for name, value in variables.items()]
    return ["docker", *endpoint.words, "exec", *flags, container, *words]


def no_docker_program() -> ProgramMissing:
    """Return the error of a machine without the docker program."""
    return ProgramMissing(
        "The docker program is not installed; devenv attaches and builds with it.",
        "Install your system's package of it: docker-cli; on Debian 12 and Ubuntu docker.io.",
    )


def new_mark() -> str:
    """Return a value by which a session's processes are told from all others."""
    return os.urandom(16).hex()


def attend(
    words: Sequence[str],
    tell: Tell,
    *,
    terminal: bool,
    passed: Callable[[int], object] = lambda _: None,
) -> int:
    """Run a docker command line, pass signals on, and return its exit status.

    On a ``terminal`` Ctrl-C is a key like others, which docker sends on. Other signals, and all
    of them without a terminal, go to what runs inside, which has ten seconds to end; a second
    signal ends the waiting. Nothing that the command started stays inside then, nor when docker
    was ended, as by a reader of its output that has gone. ``passed`` is told at the end which
    signals came. Outside of the main thread they are somebody else's.

    Raises:
        ProgramMissing: there is no docker program.
    """
    with _arriving() as arriving, _as_it_was(terminal), _begun(words, terminal) as child:
        watch = _Watch(child, tell)
        try:
            status = child.wait() if arriving is None else watch.until_end(arriving)
        except BaseException:  # what a handler of the caller's own raised
            child.kill()
            watch.clear_up()
            raise
        if watch.told or status < 0:
            watch.clear_up()
        watch.note(arriving)
    for number in watch.arrived:
        passed(number)
    return as_of_a_shell(status)


def as_of_a_shell(status: int) -> int:
    """Return an exit status, a signal's as a shell has it."""
    return status if status >= 0 else 128 - status


@contextmanager
def _begun(words: Sequence[str], terminal: bool) -> Iterator[subprocess.Popen[bytes]]:
    """Give docker's program, and end it whatever happens.

    In a session of its own the kernel would let it read a terminal that is somebody else's at
    the moment: this process may be in the background. So it does not get the terminal, and
    this process, which is stopped then, reads for it.
    """
    fed = not terminal and sys.stdin is not None and sys.stdin.isatty()
    stdin = subprocess.PIPE if fed else None
    try:
        child = subprocess.Popen(
            list(words), bufsize=0, stdin=stdin, start_new_session=not terminal
        )
    except FileNotFoundError:
        raise no_docker_program() from None
    except OSError as error:  # a word of 128 KiB, or a program that may not be run
        raise EngineFailure(
            f"The docker program could not be run: {error.strerror}.",
            "See what it is: command -v docker; a word or a variable may be too long.",
        ) from None
    with _fed(child.stdin):
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()


@contextmanager
def _fed(pipe: IO[bytes] | None) -> Iterator[None]:
    """Copy stdin to a pipe up to the end of the block: what is typed then is somebody else's."""
    if pipe is None:
        yield
        return
    over, end = os.pipe()
    feeding = threading.Thread(target=_feed, args=(pipe, over), daemon=True)
    feeding.start()
    try:
        yield
    finally:
        os.close(end)
        # What it was told of may have been taken by another reader of the terminal, as a pager.
        feeding.join(_FEEDING)
        with suppress(OSError):
            pipe.close()


def _feed(pipe: IO[bytes], over: int) -> None:
    """Copy stdin to a pipe until its end, until nobody reads it any more, or until it is over."""
    stdin, poll = sys.stdin.fileno(), select.poll()
    for descriptor in (stdin, over):
        poll.register(descriptor, select.POLLIN)
    with os.fdopen(over), suppress(OSError, ValueError):
        while over not in dict(poll.poll()):
            typed = os.read(stdin, 1 << 16)
            if not typed:
                break
            pipe.write(typed)
        pipe.close()


@contextmanager
def _as_it_was(terminal: bool) -> Iterator[None]:
    """Leave a terminal in the mode that it had: docker, which makes it raw, may be killed."""
    if not terminal:
        yield
        return
    import termios  # noqa: PLC0415 - only where there is a terminal

    mode = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, mode)


@contextmanager
def _arriving() -> Iterator[int | None]:
    """Give a file descriptor from which the numbers of arriving signals can be read.

    ``None`` outside of the main thread, where signals are somebody else's.
    """
    if threading.current_thread() is not threading.main_thread():
        yield None
        return
    # One that is ignored stays so (`nohup`), but for that of a child's end.
    heeded = [n for n in _PASSED_ON if signal.getsignal(n) is not signal.SIG_IGN]
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    kept = {n: signal.signal(n, lambda *_: None) for n in (signal.SIGCHLD, *heeded)}
    try:
        yield reading
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)


def tell_in_time(tell: Tell, name: str) -> int | None:
    """Send a signal inside, in a thread: an engine that does not answer must not keep anybody.

    Returns how many it reached, or ``None`` where the engine did not answer in time.
    """
    reached: list[int] = []

    def ask() -> None:
        with suppress(DevenvError):  # the engine or the container has gone, and all in it
            reached.append(tell(name))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_ANSWER)
    return None if thread.is_alive() else sum(reached)


def _readable(descriptor: int, seconds: float | None) -> bool:
    """Whether there is something to read in time. `select.select` takes small numbers alone."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if seconds is None else 1000 * seconds))


class _Watch:
    """A docker program that is under way, and whether anything was told to what runs inside."""

    def __init__(self, child: subprocess.Popen[bytes], tell: Tell) -> None:
        self._child = child
        self._tell = tell
        self._deadline = 0.0
        self._pending = ""
        self._killed = self._silent = False
        self.told = False
        self.arrived: list[int] = []

    def until_end(self, arriving: int) -> int:
        """Wait for docker's end, pass on what arrives meanwhile, and return its status."""
        while (status := self._child.poll()) is None:
            if _readable(arriving, self._patience()):
                for number in self._came(arriving):
                    self._pass_on(signal.Signals(number).name.removeprefix("SIG"))
            elif self._pending and time.monotonic() < self._deadline:
                self._send(self._pending)
            else:
                self._end()
        return status

    def note(self, arriving: int | None) -> None:
        """Note what has arrived since, though there is nobody any more to pass it on to."""
        while arriving is not None and _readable(arriving, 0):
            self._came(arriving)

    def _came(self, arriving: int) -> list[int]:
        """Return what has arrived of signals that are passed on, and note it."""
        numbers = [number for number in os.read(arriving, 64) if number in _PASSED_ON]
        self.arrived += numbers
        return numbers

    def _patience(self) -> float | None:
        """Return how long to wait for something to happen; without end, unless a signal came."""
        if not self.told:
            return None
        return _AGAIN if self._pending else max(0.0, self._deadline - time.monotonic())

    def _pass_on(self, name: str) -> None:
        if self.told:
            self._deadline = 0.0  # whoever repeats it does not want to wait
            self._pending = ""
        else:
            self._deadline = time.monotonic() + _GRACE
            self._send(name)
        self.told = True

    def _send(self, name: str) -> None:
        """Send a signal inside; if nothing is there yet, it is sent again later."""
        self._pending = "" if self._reached(name) else name

    def _reached(self, name: str) -> int:
        """Tell. An engine that did not answer is not asked again; what runs inside may go on."""
        if self._silent:
            return 0
        reached = tell_in_time(self._tell, name)
        self._silent = reached is None
        return reached or 0

    def _end(self) -> None:
        """End what did not end by itself: inside, and docker if that does not help."""
        if self._killed or not self._reached("KILL"):
            self._child.kill()
        self._killed, self._pending = True, ""
        self._deadline = time.monotonic() + _REST

    def clear_up(self) -> None:
        """End what is left inside of a session that is over here."""
        until = time.monotonic() + _REST
        while self._reached("TERM"):
            if time.monotonic() > until:
                self._reached("KILL")
                return
            time.sleep(_AGAIN)
