"""Signals of a process that waits for docker: who gets them, and that nothing stays.

A small program stands in for docker's, since what is tested is this side: that it is kept from
Ctrl-C, that signals are told inside, and what happens when that does not help. That nothing
stays inside a container is `tests/cli/test_devenv.py`'s to show.
"""

from __future__ import annotations

import fcntl
import os
import resource
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from devenv_lib.engine import session
from devenv_lib.engine.endpoint import resolve
from devenv_lib.engine.session import attend, exec_words
from devenv_lib.errors import EngineFailure, ProgramMissing
from tests.conftest import PATIENCE

#: Ends with status 3 when a file appears.
UNTIL = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)\nsys.exit(3)"
STUBBORN = "import signal, time\nsignal.signal(15, lambda *a: 0)\ntime.sleep(60)"


def python(code: str, *words: str) -> list[str]:
    """Return a command line that runs ``code``."""
    return [sys.executable, "-c", code, *words]


NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD)
_sending: list[threading.Thread] = []


def handling() -> list[Any]:
    """Return who has which signal."""
    return [signal.getsignal(number) for number in NUMBERS]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Handlers are what they were, whatever a test did; nothing is sent when it is over."""
    before = handling()
    yield
    for thread in _sending:
        thread.join()
    _sending.clear()
    assert handling() == before


def soon(
    number: signal.Signals,
    when: Callable[[], object] = lambda: True,
    then: Callable[[], object] = lambda: None,
) -> None:
    """Send this process a signal once it waits for docker, and not before ``when``.

    Before that, and after it, the signal would end the whole test run. ``then`` follows in any
    case, also when it was waited for in vain.
    """
    before = handling()

    def send() -> None:
        until = time.monotonic() + PATIENCE
        waits = False
        while not (waits and when()) and time.monotonic() < until:
            time.sleep(0.01)
            # The handlers are set one after the other; what is ignored stays so.
            waits = all(
                new is not old or old is signal.SIG_IGN
                for new, old in zip(handling(), before, strict=True)
            )
        if waits and when():
            os.kill(os.getpid(), number)
        then()

    _sending.append(threading.Thread(target=send))
    _sending[-1].start()


class Inside:
    """What runs inside: ``alive`` processes, which the signals in ``deadly`` end."""

    def __init__(self, deadly: set[str], ended: Callable[[], None] = lambda: None) -> None:
        self.alive = 1
        self.deadly = deadly
        self.ended = ended
        self.told: list[str] = []

    def tell(self, name: str) -> int:
        """Send a signal, and say how many it reached."""
        self.told.append(name)
        reached = self.alive
        if name in self.deadly and self.alive:
            self.alive = 0
            self.ended()
        return reached


def test_the_status_is_the_commands() -> None:
    inside = Inside(set())
    assert attend(python("raise SystemExit(7)"), inside.tell, terminal=False) == 7
    assert inside.told == []


def test_a_machine_without_docker_is_an_error() -> None:
    with pytest.raises(ProgramMissing, match="docker program is not installed"):
        attend(["/nowhere/docker"], Inside(set()).tell, terminal=False)


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP", "QUIT"])
def test_a_signal_goes_inside_and_the_status_is_what_comes_of_it(name: str, tmp_path: Path) -> None:
    end = tmp_path / "end"
    inside = Inside({name}, lambda: open(end, "w").close())  # noqa: PTH123
    soon(signal.Signals[f"SIG{name}"])
    assert attend(python(UNTIL, str(end)), inside.tell, terminal=False) == 3
    # Once, and then it is looked whether something stayed.
    assert inside.told == [name, "TERM"]


def test_what_is_not_there_yet_is_told_again(tmp_path: Path) -> None:
    """Docker has begun, and the program inside has not: the signal must not be lost."""
    end = tmp_path / "end"
    inside = Inside({"TERM"}, lambda: open(end, "w").close())  # noqa: PTH123
    inside.alive = 0
    soon(signal.SIGTERM)

    def tell(name: str) -> int:
        inside.alive = len(inside.told) > 1
        return inside.tell(name)

    assert attend(python(UNTIL, str(end)), tell, terminal=False) == 3
    assert inside.told.count("TERM") >= 3


def test_what_does_not_end_is_killed_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_GRACE", 0.5)
    monkeypatch.setattr(session, "_REST", 60)
    end = tmp_path / "end"
    inside = Inside({"KILL"}, lambda: open(end, "w").close())  # noqa: PTH123
    soon(signal.SIGINT)
    assert attend(python(UNTIL, str(end)), inside.tell, terminal=False) == 3
    assert inside.told == ["INT", "KILL", "TERM"]


def test_a_second_signal_does_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_GRACE", 10 * PATIENCE)
    monkeypatch.setattr(session, "_REST", 60)
    end = tmp_path / "end"
    inside = Inside({"KILL"})
    soon(signal.SIGINT)
    soon(signal.SIGINT, lambda: inside.told, lambda: ended_in(inside, end))
    assert attend(python(UNTIL, str(end)), inside.tell, terminal=False) == 3
    assert inside.told == ["INT", "KILL", "TERM"]


def ended_in(inside: Inside, end: Path) -> None:
    """End docker's program when nothing is alive inside any more, or has not come to its end."""
    until = time.monotonic() + PATIENCE
    while inside.alive and time.monotonic() < until:
        time.sleep(0.01)
    end.touch()


def test_an_engine_that_has_gone_does_not_keep_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can be told any more, so docker's program is ended."""
    monkeypatch.setattr(session, "_GRACE", 0.3)

    def tell(name: str) -> int:
        raise EngineFailure(f"no engine for {name}")

    soon(signal.SIGTERM)
    assert attend(python(STUBBORN), tell, terminal=False) == 128 + signal.SIGKILL


def test_a_reader_that_has_gone_ends_what_runs_inside() -> None:
    """Docker's program dies of it, and what it started does not."""
    code = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    inside = Inside({"TERM"})
    assert attend(python(code), inside.tell, terminal=False) == 128 + signal.SIGKILL
    assert inside.told == ["TERM", "TERM"]
    assert inside.alive == 0


def test_what_stays_after_that_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_REST", 0.5)
    inside = Inside({"KILL"})
    attend(python("import os\nos.abort()"), inside.tell, terminal=False)
    assert inside.told[-1] == "KILL"
    assert inside.alive == 0


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal as this process's stdin; what is typed there is written to it."""
    typing, seen = os.openpty()
    with os.fdopen(seen) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield typing
    os.close(typing)


@pytest.mark.usefixtures("terminal")
def test_docker_is_kept_from_ctrl_c_unless_it_has_the_terminal() -> None:
    """It is in a session of its own; on a terminal it has to be in this one."""
    code = "import os, sys\nsys.exit(os.getsid(0) == int(sys.argv[1]))"
    mine = str(os.getsid(0))
    assert attend(python(code, mine), Inside(set()).tell, terminal=False) == 0
    assert attend(python(code, mine), Inside(set()).tell, terminal=True) == 1


def test_docker_without_a_terminal_does_not_get_that_of_stdin(terminal: int) -> None:
    """In its own session it could read what is typed for somebody else; so it gets a pipe."""
    code = "import os, sys\nsys.exit(os.isatty(0) or (0 if input() == 'typed' else 9))"
    os.write(terminal, b"typed\n")
    assert attend(python(code), Inside(set()).tell, terminal=False) == 0


def test_what_is_typed_behind_a_commands_end_is_not_the_commands(terminal: int) -> None:
    """As with the next question of the program that had it run."""
    for _ in range(20):
        assert attend(python("pass"), Inside(set()).tell, terminal=False) == 0
        os.write(terminal, b"next\n")
        assert select.select([sys.stdin], [], [], PATIENCE)[0]
        assert os.read(sys.stdin.fileno(), 100) == b"next\n"


def test_who_reads_a_terminal_too_does_not_keep_a_command_from_its_end(
    terminal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pager, say, takes the key that both were told of; the next one comes much later."""
    stdin, poll = sys.stdin.fileno(), select.poll

    class Told:
        def __init__(self) -> None:
            self._poll, self._registered = poll(), list[int]()

        def register(self, descriptor: int, event: int) -> None:
            self._registered.append(descriptor)
            self._poll.register(descriptor, event)

        def poll(self, *seconds: float | None) -> list[tuple[int, int]]:
            told = [(stdin, select.POLLIN)]
            return told if stdin in self._registered else self._poll.poll(*seconds)

    monkeypatch.setattr(select, "poll", Told)
    ended: list[int] = []
    waiting = threading.Timer(PATIENCE, os.write, (terminal, b"at last\n"))
    waiting.start()
    ended.append(attend(python("pass"), Inside(set()).tell, terminal=False))
    assert (ended, waiting.is_alive()) == ([0], True)
    waiting.cancel()
    os.write(terminal, b"\n")  # for the reader that was left behind


def test_a_terminal_has_its_mode_again(terminal: int) -> None:
    """Docker makes it raw, and may be killed."""
    before = termios.tcgetattr(terminal)
    name = os.ttyname(sys.stdin.fileno())
    code = f"import os, tty\ntty.setraw(os.open({name!r}, os.O_RDWR | os.O_NOCTTY))\nos.abort()"
    attend(python(code), Inside(set()).tell, terminal=True)
    assert termios.tcgetattr(terminal) == before


def test_an_ignored_child_signal_does_not_keep_anybody() -> None:
    """A parent can hand that down, and nothing would say when docker ends."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert attend(python("raise SystemExit(3)"), Inside(set()).tell, terminal=False) == 3
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_an_engine_that_does_not_answer_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_ANSWER", 0.2)
    monkeypatch.setattr(session, "_GRACE", 0.3)
    monkeypatch.setattr(session, "_REST", 0.3)
    over = threading.Event()
    waited_for: list[str] = []

    def tell(name: str) -> int:
        if not over.wait(PATIENCE):
            waited_for.append(name)
        return 1

    soon(signal.SIGINT)
    try:
        words = python("import time\ntime.sleep(600)")
        assert attend(words, tell, terminal=False) == 137
        assert waited_for == []
    finally:
        over.set()


def test_what_cannot_be_killed_inside_does_not_keep_anybody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Something that always begins a new process can be found, and never comes to an end."""
    monkeypatch.setattr(session, "_GRACE", 0.3)
    monkeypatch.setattr(session, "_REST", 0.3)
    soon(signal.SIGINT)
    assert attend(python("import time\ntime.sleep(60)"), lambda _: 1, terminal=False) == 137


def test_a_failure_here_leaves_no_docker_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def popen(*words: Any, **options: Any) -> Any:
        begun.append(real(*words, **options))
        return begun[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)

    def fail(*_: object) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(session._Watch, "until_end", fail)
    inside = Inside(set())
    with pytest.raises(KeyError):
        attend(python("import time\ntime.sleep(60)"), inside.tell, terminal=False)
    assert inside.told  # nothing goes on inside either
    assert begun[0].wait(60) == -signal.SIGKILL


def test_a_process_that_has_many_files_open_is_attended_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`select` takes descriptors below 1024 alone."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    real = os.pipe

    def high() -> tuple[int, ...]:
        ends = real()
        made = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 1500) for end in ends)
        for end in ends:
            os.close(end)
        return made

    try:
        reading, writing = high()
        os.write(writing, b"x")
        assert session._readable(reading, 0)
        os.close(reading)
        os.close(writing)
        with monkeypatch.context() as patch:
            patch.setattr(session, "os", SimpleNamespace(**{**vars(os), "pipe": high}))
            assert attend(python("raise SystemExit(4)"), Inside(set()).tell, terminal=False) == 4
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_signal_that_was_ignored_stays_ignored(tmp_path: Path) -> None:
    """As `nohup` does it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    end = tmp_path / "end"
    try:
        inside = Inside({"HUP"})
        soon(signal.SIGHUP, then=end.touch)
        assert attend(python(UNTIL, str(end)), inside.tell, terminal=False) == 3
        assert inside.told == []
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        _sending[-1].join()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_of_the_main_thread_signals_are_somebody_elses() -> None:
    seen: list[int] = []
    thread = threading.Thread(
        target=lambda: seen.append(
            attend(python("raise SystemExit(4)"), Inside(set()).tell, terminal=False)
        )
    )
    thread.start()
    thread.join()
    assert seen == [4]


def test_the_command_line_names_the_engine_and_keeps_the_words() -> None:
    line = exec_words(
        resolve({"DOCKER_HOST": "unix:///x.sock"}),
        "abc",
        ["sh", "", "a b"],
        user="0:0",
        variables={"A": "b c"},
        terminal=True,
    )
    assert line == [
        *("docker", "--host", "unix:///x.sock", "exec", "--interactive", "--tty"),
        *("--user=0:0", "--env=A=b c", "abc", "sh", "", "a b"),
    ]
