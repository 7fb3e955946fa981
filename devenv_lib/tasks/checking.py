"""The task ``check``: pytest over a running environment, and its report."""

from __future__ import annotations

import os
import shlex
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

from invoke import Context

from devenv_lib import checks, containers, report, texts
from devenv_lib.errors import Refused, UsageError
from devenv_lib.tasks._flags import check_format, further_words, not_empty, path_at
from devenv_lib.tasks._look import PATH, Look, look
from devenv_lib.tasks._task import dry, finish, task

if TYPE_CHECKING:
    from devenv_lib.checks import Content, Finished, Request, Result, Subject

#: Lines of a reason that are shown below an outcome; ``--verbose`` has all.
_LINES = 6
#: pytest's exit code where no test was selected.
_NONE = 5


@task(
    help={
        "path": PATH,
        "keyword": "only checks whose names match, as pytest's -k",
        "junit": "a file to write the results to as well, as JUnit's XML",
        "verbose": "pytest's own report instead of devenv's, with all about what failed",
        "bundled": "only the checks that come with devenv",
        "init": "write a first check of the project's own, and trust it",
        "trust": "trust the project's own checks as they are now",
        "format": "table (the default) or json",
    }
)
def check(
    c: Context,
    path: str = ".",
    keyword: str = "",
    junit: str | None = None,
    verbose: bool = False,
    bundled: bool = False,
    init: bool = False,
    trust: bool = False,
    format: str = "table",  # noqa: A002
) -> None:
    """Check the environment with pytest: devenv's promises, and the project's own checks."""
    began = time.monotonic()
    check_format(format, "table", "json")
    not_empty(junit=junit)
    words = further_words(c)
    if init or trust:
        more = bool(keyword or junit or verbose or bundled or words)
        _refuse_more(both=init and trust, more=more)
        (_init if init else _trust)(look(c, path), rehearse=dry(c))
        return
    request = checks.Request(
        keyword=keyword,
        words=tuple(words),
        junit=_file(junit) if junit else "",
        verbose=verbose,
        own_report=verbose or bool(words),
        quiet_stdout=format == "json",
    )
    at = look(c, path)
    _refuse_reachable(at)
    content = checks.Content() if bundled else _trusted(at)
    if dry(c):
        report.lines(_rehearsal(at, request, own=bool(content.entries)))
        return
    subject = _subject(at)
    heard = _Heard(live=not request.own_report and format == "table")
    done = checks.run_checks(subject, content, request, heard)
    if not request.own_report:
        _explain(request, done, heard)
    if format == "json":
        report.as_json(_as_json(subject, at, done, heard))
    elif heard.live:
        _sum_up(at, heard, time.monotonic() - began)
    finish(done.status)


def _file(text: str) -> str:
    """Return the absolute path of a file to write, which is written when all is done.

    Raises:
        UsageError: it can be none.
    """
    path = path_at(text)
    if os.path.isdir(path):
        file = shlex.quote(f"{path}/junit.xml")
        raise UsageError(f"{path} is a directory.", f"Name a file: inv check --junit {file}")
    return str(path)


def _refuse_more(*, both: bool, more: bool) -> None:
    if both or more:
        what = "Both --init and --trust were given" if both else "There is more than that"
        raise UsageError(
            f"{what}: --init and --trust stand alone, and run no checks.", "Then: inv check"
        )


def _refuse_reachable(at: Look) -> None:
    plan = containers.draft(*at, probe=False)
    writable = checks.writable_paths(at.engine, plan.mounts)
    temporary = os.path.realpath(tempfile.gettempdir())
    checks.refuse_reachable(at.host.state, temporary, writable)


def _trusted(at: Look) -> Content:
    """Return the project's own checks, if there are any.

    Raises:
        Refused: they are not those that were trusted.
    """
    content = checks.read_content(at.project.path)
    if content.entries:
        checks.refuse_untrusted(content, at.project, at.host.state)
    return content


def _init(at: Look, *, rehearse: bool) -> None:
    """Write the example, and trust what was written, whatever lies there a moment later."""
    place = at.project.path / checks.PLACE
    if checks.read_content(at.project.path).entries:
        raise Refused(f"There are checks in {place}: nothing was written.", "inv check")
    _refuse_reachable(at)
    if rehearse:
        report.lines([f"# {place / checks.EXAMPLE} would be written, and trusted"])
        return
    checks.remember(checks.write_example(at.project.path), at.project, at.host.state)
    report.outcome(str(place / checks.EXAMPLE), "CREATED", "and trusted")
    if find_spec("testinfra") is None:
        report.reason("for its fixture 'host': pip install 'devenv-lib[check]'")
    report.reason("to run it: inv check; after a change: inv check --trust")


def _trust(at: Look, *, rehearse: bool) -> None:
    place, content = at.project.path / checks.PLACE, checks.read_content(at.project.path)
    if not content.entries:
        raise Refused(f"There are no checks in {place}.", "Begin with an example: inv check --init")
    _refuse_reachable(at)
    if rehearse:
        report.lines(f"# {place / name} would be trusted" for name in content.files)
        return
    changed = checks.remember(content, at.project, at.host.state)
    several = texts.counted(len(content.files), "file")
    report.outcome(str(place), "TRUSTED", several)
    for change in changed or ("nothing changed since they were trusted",):
        report.reason(change)


def _rehearsal(at: Look, request: Request, *, own: bool) -> Iterator[str]:
    yield from containers.rehearse(*at)
    what = f"devenv's checks and {at.project.path / checks.PLACE}" if own else "devenv's checks"
    yield f"# in an empty directory DIRECTORY, with copies of {what}:".replace("\n", "\\n")
    yield shlex.join(checks.pytest_words("DIRECTORY", request, own=own))


def _subject(at: Look) -> Subject:
    """Return what is checked: the environment, brought up if it does not run."""
    environment = containers.up(*at, say=report.say)
    if environment.outcome != "running":
        where = f"on {at.engine.endpoint.title}"
        report.outcome(environment.container.name, environment.outcome.upper(), where)
    root = at.settings.user in ("root", "0")
    return checks.subject_of(at.engine, environment, at.host, root=root)


@dataclass
class _Heard:
    """The results so far, each of which is shown as it comes if ``live``."""

    live: bool
    results: list[Result] = field(default_factory=list)

    def __call__(self, result: Result) -> None:
        self.results.append(result)
        if self.live:
            own = not result.where.startswith("bundled/")
            report.outcome(result.name, result.outcome.upper(), result.where if own else "")
            for line in result.reason.splitlines()[:_LINES]:
                report.reason(line)


def _as_json(subject: Subject, at: Look, done: Finished, heard: _Heard) -> dict[str, object]:
    return {
        "environment": subject.name,
        "path": subject.project,
        "engine": at.engine.endpoint.name,
        "exit_code": done.status,
        "checks": [asdict(result) for result in heard.results],
    }


def _explain(request: Request, done: Finished, heard: _Heard) -> None:
    """Say why no check was selected, or what pytest says where no result explains its end."""
    if done.status == _NONE:
        report.say(f"No check matches {request.keyword!r}: inv check shows their names.")
    elif done.status and not {one.outcome for one in heard.results} & {"failed", "error"}:
        report.lines_said(done.output)


def _sum_up(at: Look, heard: _Heard, seconds: float) -> None:
    counts = Counter(str(one.outcome) for one in heard.results)
    if counts["error"] > 1:
        counts["errors"] = counts.pop("error")
    report.summary(counts, at.engine.endpoint.title, seconds)


TASKS = (check,)
