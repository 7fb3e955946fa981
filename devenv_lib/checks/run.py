"""Run pytest over the bundled and the trusted checks, where a project has no say.

An environment can write the project, and pytest runs on the host. So pytest gets a directory of
its own with copies of all checks, with its own configuration, and is told to look nowhere else:
no ``pytest.ini``, ``conftest.py`` or plugin of the project's, no ``PYTEST_ADDOPTS``, nothing on
``sys.path`` for the current directory (``-P``) or for a ``PYTHONPATH`` that leads into the
project, no ``.pdbrc`` there, and no plugins that an installed project could bring.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

from devenv_lib.checks.content import PLACE, Content, copy_to
from devenv_lib.checks.delivery import deliver
from devenv_lib.checks.results import Result, read
from devenv_lib.checks.subject import Subject, dump
from devenv_lib.engine.session import as_of_a_shell
from devenv_lib.scratch import scratch

#: Names the directory of a run to the process that is pytest, and the pipe that it tells by.
RUN, PIPE = "DEVENV_CHECK_RUN", "DEVENV_CHECK_PIPE"
PLUGIN = "devenv_lib.checks.fixtures"
_DEBUGGER = "devenv_lib.checks.debugger:Debugger"
_INI = "[pytest]\naddopts =\n"
#: Variables that make Python or pytest load something.
_LOADING = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONSTARTUP", "PYTHONHOME")
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@dataclass(frozen=True)
class Request:
    """What to run: the checks that ``keyword`` selects, ``words`` for pytest as they are.

    With ``own_report`` pytest reports on this process's own streams, with ``quiet_stdout`` on
    stderr. ``junit`` is an absolute path, or empty.
    """

    keyword: str = ""
    words: tuple[str, ...] = ()
    junit: str = ""
    verbose: bool = False
    own_report: bool = False
    quiet_stdout: bool = False


@dataclass(frozen=True)
class Finished:
    """pytest's exit code, and what it wrote where it did not report itself."""

    status: int
    output: str


def pytest_words(directory: str, request: Request, *, own: bool) -> list[str]:
    """Return the command line of pytest for a run in ``directory``."""
    words = [sys.executable, "-P", "-m", "pytest", f"--rootdir={directory}"]
    words += ["-c", f"{directory}/pytest.ini", f"--confcutdir={directory}"]
    words += ["--import-mode=importlib", "-p", "no:cacheprovider", "-p", PLUGIN]
    words += [f"--pdbcls={_DEBUGGER}"]
    words += ["-v"] if request.verbose else []
    words += ["-k", request.keyword] if request.keyword else []
    words += [f"--junitxml={directory}/junit.xml"] if request.junit else []
    places = ["bundled", *([str(PLACE)] if own else [])]
    # Before the words: a flag among them that lacks its value does not take one of these for it.
    return [*words, *(f"{directory}/{place}" for place in places), *request.words]


def run_checks(
    subject: Subject, content: Content, request: Request, told: Callable[[Result], None]
) -> Finished:
    """Run pytest, call ``told`` with each result as it comes, and return how pytest ended.

    Ctrl-C and other signals go to pytest, which ends by itself.

    Raises:
        DevenvError: the file for junit could not be written.
    """
    with tempfile.TemporaryDirectory(prefix="devenv-check-") as made:
        directory = Path(os.path.realpath(made))
        _prepare(directory, subject, content)
        words = pytest_words(str(directory), request, own=bool(content.entries))
        finished = _run(words, _environ(os.environ, directory, subject), request, told)
        if request.junit:
            deliver(directory / "junit.xml", PurePosixPath(request.junit), subject.project)
    return finished


def _prepare(directory: Path, subject: Subject, content: Content) -> None:
    (directory / "pytest.ini").write_text(_INI, encoding="utf-8")
    (directory / "subject.json").write_text(dump(subject), encoding="utf-8")
    bundled = directory / "bundled"
    bundled.mkdir()
    for file in (files("devenv_lib") / "checks" / "bundled").iterdir():
        if file.name.endswith(".py") and file.name != "__init__.py":
            (bundled / file.name).write_bytes(file.read_bytes())
    if content.entries:
        (directory / PLACE).mkdir(parents=True)
        copy_to(content, directory / PLACE)


def _environ(environ: Mapping[str, str], directory: Path, subject: Subject) -> dict[str, str]:
    """Return the variables of pytest: those of this process, without what a project could use."""
    kept = {name: value for name, value in environ.items() if name not in _LOADING}
    kept |= {RUN: str(directory), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    kept["PYTHONSAFEPATH"] = "1"  # for further processes, such as pytest-xdist's workers
    if paths := _outside(kept.pop("PYTHONPATH", ""), subject.project):
        kept["PYTHONPATH"] = paths
    # testinfra starts the docker program by its bare name: it has to mean the same engine.
    flag, value = subject.docker[1:3]
    kept.pop("DOCKER_CONTEXT", None)
    if flag == "--context":
        kept.pop("DOCKER_HOST", None)
        kept["DOCKER_CONTEXT"] = value
    else:
        kept["DOCKER_HOST"] = value
    return kept


def _outside(paths: str, project: str) -> str:
    """Return the entries of a ``PYTHONPATH`` that are the same everywhere and not the project's."""
    entries = [path for path in paths.split(os.pathsep) if path.startswith("/")]
    far = (p for p in entries if not PurePosixPath(os.path.realpath(p)).is_relative_to(project))
    return os.pathsep.join(far)


def _run(
    words: Sequence[str],
    environ: Mapping[str, str],
    request: Request,
    told: Callable[[Result], None],
) -> Finished:
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as results, scratch() as output:
        streams: Any = {"stdout": output, "stderr": output}
        if request.own_report:
            streams = {"stdout": sys.stderr if request.quiet_stdout else None}
        try:
            child = subprocess.Popen(
                list(words),
                env={**environ, PIPE: str(writing)},
                pass_fds=[writing],
                process_group=None if _in_foreground() else 0,
                **streams,
            )
        finally:
            os.close(writing)
        with _passing_on(child), _ended(child):
            for result in read(results):
                told(result)
            status = child.wait()
        output.seek(0)
        text = output.read().decode(errors="replace")
    return Finished(as_of_a_shell(status), text)


def _in_foreground() -> bool:
    """Whether Ctrl-C of a terminal reaches this process, and so its child by itself."""
    with suppress(OSError, ValueError, AttributeError):
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    return False


@contextmanager
def _passing_on(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass signals on to pytest; Ctrl-C on a terminal has reached it already."""
    near = _in_foreground()

    def pass_on(number: int, _: object) -> None:
        if not (near and number == signal.SIGINT):
            child.send_signal(number)

    heeded = [n for n in _PASSED_ON if signal.getsignal(n) is not signal.SIG_IGN]
    kept = {}
    with suppress(ValueError):  # outside of the main thread, signals are somebody else's
        kept = {number: signal.signal(number, pass_on) for number in heeded}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextmanager
def _ended(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """End pytest, if it has not ended, whatever happens."""
    try:
        yield
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
