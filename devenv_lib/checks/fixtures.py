"""The pytest plugin of ``inv check``: what checks are given, and what is told of them.

`devenv_lib.checks.run` loads it, and nothing else does: it is no plugin of the user's own suites.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from devenv_lib.checks.results import REPORTER, STOPPED, Reporter, stopped
from devenv_lib.checks.run import PIPE, RUN
from devenv_lib.checks.subject import Subject, load
from devenv_lib.containers.attach import checked
from devenv_lib.containers.captured import captured
from devenv_lib.engine import connect
from devenv_lib.engine.program import Output
from devenv_lib.engine.session import MARK, new_mark
from devenv_lib.records import MountPoint
from devenv_lib.texts import printable

SUBJECT = pytest.StashKey[Subject]()
DIRECTORY = pytest.StashKey[Path]()
#: What pytest's report lays its lines out with.
_KEPT = "\n\t"

_NO_TESTINFRA = (
    "pytest-testinfra, which the fixture 'host' comes from, is not installed beside devenv: "
    "pip install 'devenv-lib[check]'"
)


@dataclass(frozen=True)
class Environment:
    """The running environment that is checked.

    ``name`` is its container's, ``path`` the project directory inside, ``project`` the same on
    this machine. ``mounts`` are those that the container has, as the engine tells them.

    Example::

        def test_the_database_is_migrated(environment):
            done = environment.exec(["./manage.py", "migrate", "--check"])
            assert done.status == 0, done.stderr
    """

    name: str
    path: PurePosixPath
    project: Path
    mounts: tuple[MountPoint, ...]
    _subject: Subject

    def exec(self, words: Sequence[str]) -> Output:
        """Run ``words`` inside, in the project, as the user; return status, stdout and stderr.

        Nothing is quoted or split. A program that is not there is status 126 or 127.

        Raises:
            UsageError: there are no words, or one text instead.
            ProgramMissing: there is no docker program.
            EngineFailure: the engine or the container went meanwhile.
        """
        one, mark = self._subject, new_mark()
        variables = {**one.variables, MARK: mark}
        flags = [f"--env={name}={value}" for name, value in variables.items()]
        line = [*one.docker, "exec", *flags, one.container, *checked(words)]
        return captured(line, connect, one.container, one.name, mark)


@pytest.fixture(scope="session")
def environment(request: pytest.FixtureRequest) -> Environment:
    """The running environment: name, path, project, mounts, and ``exec``."""
    one = request.config.stash[SUBJECT]
    return Environment(one.name, PurePosixPath(one.path), Path(one.project), one.mounts, one)


@pytest.fixture(scope="session")
def host(request: pytest.FixtureRequest) -> Any:
    """Testinfra's host: the environment, as its user, through the docker backend.

    It is what https://testinfra.readthedocs.io describes, and needs nothing installed inside.
    """
    try:
        import testinfra  # noqa: PLC0415 - an extra
    except ImportError:
        pytest.fail(_NO_TESTINFRA, pytrace=False)
    # Without a user it is the container's own, whom the docker program knows.
    return testinfra.get_host(f"docker://{request.config.stash[SUBJECT].container}")


def pytest_configure(config: pytest.Config) -> None:
    """Read what the run is about, and begin to tell what becomes of it."""
    directory = Path(os.environ[RUN])
    config.stash[DIRECTORY] = directory
    config.stash[SUBJECT] = load((directory / "subject.json").read_text(encoding="utf-8"))
    # Else checks would be named by their way from the current directory.
    config.invocation_params = replace(config.invocation_params, dir=config.rootpath)
    if not hasattr(config, "workerinput"):  # under pytest-xdist the controller tells
        reporter = Reporter(int(os.environ[PIPE]), config.rootpath)
        config.pluginmanager.register(reporter, REPORTER)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Refuse paths but those of the run: what is elsewhere was never trusted.

    Raises:
        pytest.UsageError: a path, or the value of an option that pytest does not know.
    """
    directory = Path(os.environ[RUN])
    if not early_config.known_args_namespace.file_or_dir:  # it would look in the current directory
        raise pytest.UsageError("No checks were named, though a run always names its own.")
    for word in early_config.known_args_namespace.file_or_dir:
        if not Path(os.path.realpath(word.partition("::")[0])).is_relative_to(directory):
            raise pytest.UsageError(
                f"{word} is not among the checks of this run: it takes no paths, since what is "
                "there may not be what was trusted. Choose checks by name, with -k"
            )


@pytest.hookimpl(tryfirst=True)
def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect nothing outside of the run's own directory."""
    return None if collection_path.is_relative_to(config.stash[DIRECTORY]) else True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    """Say of a failure that the environment has stopped, and try nothing more then.

    What pytest itself shows of it may come from inside, and a terminal would obey it.
    """
    report = yield
    report.longrepr = _spelled(report.longrepr)
    if hasattr(report, "wasxfail"):
        report.wasxfail = _spelled(report.wasxfail)
    report.sections = [(title, printable(text, _KEPT)) for title, text in report.sections]
    if call.excinfo is not None and report.failed and item.session.shouldfail is False:
        subject = item.config.stash[SUBJECT]
        if reason := stopped(subject):
            report.sections.append((STOPPED, reason))
            item.session.shouldfail = reason
    return report


def _spelled(shown: Any) -> Any:
    """Return what pytest shows of a failure with what a terminal would obey spelled out.

    It is a text, or built of pytest's own records, lists and texts, which are changed in place.
    """
    if isinstance(shown, str):
        return printable(shown, _KEPT)
    if isinstance(shown, list | tuple):
        return type(shown)(map(_spelled, shown))
    if type(shown).__module__.startswith("_pytest."):
        for name, value in vars(shown).items():
            setattr(shown, name, _spelled(value))
    return shown


@pytest.fixture(scope="session", autouse=True)
def _goes_on(request: pytest.FixtureRequest) -> Iterator[None]:
    """At the end, look whether the environment that passed its checks is still there."""
    yield
    if request.session.shouldfail is False and (reason := stopped(request.config.stash[SUBJECT])):
        pytest.fail(reason, pytrace=False)
