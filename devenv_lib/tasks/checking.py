"""The task ``check``: pytest over an environment that runs, and its report."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from dataclasses import asdict

from invoke import Context

from devenv_lib import checks, containers, report
from devenv_lib.checks import Content, Finished, Request, Result
from devenv_lib.tasks._look import PATH, Look, look
from devenv_lib.tasks._task import (
    check_format,
    dry,
    finish,
    further_words,
    path_at,
    settings_of,
    task,
)

#: Lines of a reason that are shown below an outcome.
_LINES = 6


@task(
    help={
        "path": PATH,
        "keyword": "only checks that match pytest's expression",
        "junit": "also write the results to a file, as JUnit's XML",
        "verbose": "pytest's own report, with all about what failed, instead of devenv's",
        "bundled": "only the checks that come with devenv",
        "init": "write a first example of a check of your own, which is trusted",
        "trust": "trust the project's own checks as they are now",
        "format": "table (the default) or json",
    }
)
def check(
    c: Context,
    path: str = ".",
    keyword: str = "",
    junit: str = "",
    verbose: bool = False,
    bundled: bool = False,
    init: bool = False,
    trust: bool = False,
    format: str = "table",  # noqa: A002
) -> None:
    """Prove what the environment promises, and what the project's own checks say."""
    began = time.monotonic()
    check_format(format, "table", "json")
    words = further_words(c)
    at = look(c, path)
    content = Content() if bundled else checks.read_content(at.project.path)
    checks.refuse_untrusted(content, at.project, at.host.state)
    environment = containers.up(*at, say=report.say)
    if environment.outcome != "running":
        report.outcome(environment.container.name, environment.outcome.upper())
    subject = checks.subject_of(
        at.engine, environment, at.host, root=at.settings.user in ("root", "0")
    )
    request = Request(
        keyword=keyword,
        words=tuple(words),
        junit=str(path_at(junit)) if junit else "",
        verbose=verbose,
        own_report=verbose or bool(words),
        quiet_stdout=format == "json",
    )
    results: list[Result] = []

    def told(result: Result) -> None:
        results.append(result)
        if not request.own_report and format == "table":
            _tell(result)

    done = checks.run_checks(subject, content, request, told)
    if format == "json":
        report.as_json(
            {
                "environment": subject.name,
                "path": subject.project,
                "engine": at.engine.endpoint.name,
                "exit_code": done.status,
                "checks": [asdict(result) for result in results],
            }
        )
    elif not request.own_report:
        counts = Counter(result.outcome for result in results)
        report.summary(counts, at.engine.endpoint.title, time.monotonic() - began)
    finish(done.status)


def _tell(result: Result) -> None:
    report.outcome(result.name, result.outcome.upper())
    for line in result.reason.splitlines()[:_LINES]:
        report.reason(line)


TASKS = (check,)
