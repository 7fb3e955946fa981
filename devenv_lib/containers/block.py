"""An environment for a block: brought up at its beginning, and left as it was at its end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from devenv_lib import host as machine
from devenv_lib.containers.attach import checked, execute
from devenv_lib.containers.captured import captured
from devenv_lib.containers.stages import put_back
from devenv_lib.containers.start import Start
from devenv_lib.containers.stop import take_down
from devenv_lib.containers.up import Environment, bring_up
from devenv_lib.engine import connect
from devenv_lib.engine.program import Output
from devenv_lib.engine.session import MARK, exec_words, new_mark
from devenv_lib.errors import DevenvError, EngineFailure
from devenv_lib.settings import Settings

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


@dataclass(frozen=True)
class Inside:
    """A running environment, to run commands in. `environment` (the context manager) makes one.

    ``environment`` is the record that `up` returned, ``terminal`` what commands are told of this
    machine's: ``TERM``, ``COLORTERM`` and ``TZ``.

    Example::

        def python(inside: devenv.Inside) -> str:
            return inside.output(["python3", "--version"]).stdout

        with devenv.environment(settings=settings) as inside:
            assert python(inside).startswith("Python 3")
            assert inside.name.startswith(settings.prefix)
    """

    engine: Engine
    environment: Environment
    terminal: Mapping[str, str]

    @property
    def name(self) -> str:
        """The container's name."""
        return self.environment.container.name

    @property
    def path(self) -> PurePosixPath:
        """The project directory, inside: where commands run."""
        environment = self.environment
        return environment.plan.project.target(environment.identity.home)

    @property
    def directory(self) -> Path:
        """The project directory on this machine."""
        return Path(self.environment.plan.project.path)

    def execute(self, words: Sequence[str]) -> int:
        """Run ``words`` on this process's own stdin, stdout and stderr; return the exit status.

        Nothing is quoted or split. A program that is not there is status 126 or 127, as of the
        docker program. Ctrl-C and other signals go to the program, of which nothing stays inside,
        and then count for this process: a handler is called; what would end it at once, as SIGTERM,
        is a `KeyboardInterrupt` as of Ctrl-C, so that the block ends in order. On a terminal
        Ctrl-C is a key of the program's, and counts here by its status alone. In another thread
        than the main one no signal arrives: the program goes on until it ends by itself.

        Raises:
            UsageError: there are no words, or one text instead.
            ProgramMissing: there is no docker program.
        """
        container, passed = self.environment.container, list[int]()
        status = execute(self.engine, container, words, self.terminal, passed=passed.append)
        for number in passed:
            _let_count(number)
        return status

    def output(self, words: Sequence[str]) -> Output:
        """Run ``words`` without stdin and without a terminal; return status, stdout and stderr.

        Raises:
            UsageError, ProgramMissing, EngineFailure: as `execute`.
        """
        mark, container = new_mark(), self.environment.container.id
        zone = {key: value for key, value in self.terminal.items() if key == "TZ"}
        variables = {**zone, MARK: mark}
        line = exec_words(
            self.engine.endpoint, container, checked(words), variables=variables, terminal=False
        )
        return captured(line, lambda: self.engine, container, self.name, mark)


@contextmanager
def environment(
    path: str | os.PathLike[str] = ".",
    settings: Settings | None = None,
    *,
    keep: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Inside]:
    """Give the project at ``path`` a running environment for a block.

    At the end, also after an exception or Ctrl-C, it is as it was before: one that this block
    created is removed (volumes and project stay), one that it started is stopped, and one that
    ran already goes on, as it does with ``keep``. Others who got in meanwhile are thrown out with
    it, as by `stop`. Blocks at the same time share a project's environment: the one that brought
    it up ends it. Projects, or prefixes, of their own keep them apart.

    Without ``settings`` the defaults count: no file and no variable is read. In an Invoke task,
    ``settings_of(c)`` has those that devenv's own tasks use. ``say`` is told what takes long.

    Raises:
        DevenvError: what `connect`, `locate` and `up` raise, before the block; what stopping
            raises, after it. When the block fails too, its own exception is raised, with a note.

    Example::

        with devenv.environment(settings=settings) as inside:
            assert inside.execute(["true"]) == 0
            assert inside.output(["sh", "-c", "echo hello; exit 3"]).status == 3
    """
    settings = settings or Settings()
    project = machine.locate(os.fspath(path), settings.prefix)
    engine = connect()
    here = machine.look(project, settings, sockets=engine.endpoint.sockets)
    start = Start(engine, project, settings, here, say, lambda: None)
    try:
        yield Inside(engine, bring_up(start), here.terminal)
    except BaseException as error:
        if not keep:
            _end_after(error, start)
        raise
    if not keep:
        _end(start)


def _let_count(number: int) -> None:
    """Have a signal count that was passed on."""
    if signal.getsignal(number) is signal.SIG_DFL:
        raise KeyboardInterrupt
    signal.raise_signal(number)


def _end(start: Start) -> None:
    """Undo a start, of the very container: what somebody put in its place is theirs."""
    engine, container = start.engine, start.finished
    if container is None:
        return
    if start.outcome == "created":
        take_down(engine, container)
        return
    try:
        engine.stop(container.id)
    except EngineFailure:
        if any(one.id == container.id for one in engine.containers()):
            raise


def _end_after(error: BaseException, start: Start) -> None:
    """Undo a start when it or the block failed, whose exception is the one that counts."""
    try:
        _end(start)
        put_back(start.engine, start.project, start.say)
    except DevenvError as failure:
        name = start.finished.name if start.finished else ""
        error.add_note(f"The environment {name} was not stopped: {failure}")
