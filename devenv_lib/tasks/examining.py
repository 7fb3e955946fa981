"""The task ``doctor``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from invoke import Context

from devenv_lib import doctor as rooms
from devenv_lib import report
from devenv_lib.called import as_called
from devenv_lib.errors import Declined, DevenvError
from devenv_lib.plans.health.finding import Finding, Mend, failed
from devenv_lib.tasks._flags import check_format
from devenv_lib.tasks._look import PATH, speak_of
from devenv_lib.tasks._task import dry, finish, layers_of, task

if TYPE_CHECKING:
    from devenv_lib.doctor import Examination, Mended

_WILL = {
    "image": "build or pull the image {}",
    "adopt": "give the volume {} devenv's labels (volume.adopt)",
    "repair": "give the user what an engine left as root's in {} (volume.repair)",
}


@task(
    help={
        "path": PATH,
        "fix": "mend what devenv's own verbs mend without loss, after showing it",
        "force": "with --fix: do not ask; every check stays",
        "format": "table (the default) or json",
    }
)
def doctor(
    c: Context,
    path: str = ".",
    fix: bool = False,
    force: bool = False,
    format: str = "table",  # noqa: A002
) -> None:
    """Examine host, engine, image, volumes and environments; say what mends what is wrong."""
    check_format(format, "table", "json")
    began = time.monotonic()
    found = _examined(c, path)
    if fix and dry(c):
        _rehearse(found)
        finish(int(failed(found.findings)))
        return
    if not fix:
        _show(found.findings, found.title, format)
        _end(found, (), began, format)
        return
    if format == "table":
        _show(found.findings, found.title, format)
    mended = _mend(found, force=force)
    left = _examined(c, path) if mended else found
    if format == "json":
        _show(left.findings, left.title, format)
    elif mended:  # what was in order is known already
        _show([one for one in left.findings if one.word != "OK"], left.title, format)
    _end(left, mended, began, format)


def _examined(c: Context, path: str) -> Examination:
    speak_of(path)
    layers, errors = layers_of(c, project=path)
    return rooms.examine(layers, errors, path)


def _show(findings: Sequence[Finding], title: str, format: str) -> None:  # noqa: A002
    if format == "json":
        told = [
            {**asdict(one), "why": as_called(one.why), "remedy": as_called(one.remedy)}
            for one in findings
        ]
        report.as_json({"findings": told, "engine": title})
        return
    for one in findings:
        if not report.found(one.subject, one.word, one.why, one.remedy):
            return


def _rehearse(found: Examination) -> None:
    """Print the commands that stand for what --fix would do."""
    if not found.mends:
        report.out("# there is nothing that --fix mends")
    for one in found.mends:
        report.lines([f"# {_will(one)}"])
        try:
            report.lines(rooms.rehearse_mend(found.grounds, one))
        except DevenvError as error:
            report.lines([f"# it is refused: {error} {error.hint}"])


def _will(one: Mend) -> str:
    return _WILL[one.verb].format(one.name)


def _mend(found: Examination, *, force: bool) -> list[Mended]:
    """Show what can be mended without loss, ask, do it, and say what became of it.

    Raises:
        Declined: they said no.
        Refused: there is no terminal to ask on.
    """
    if not found.mends:
        report.say("There is nothing that --fix mends.")
        return []
    report.say("To mend:")
    for one in found.mends:
        report.reason(_will(one))
    question = f"Do this, on {found.title}?"
    if not force and not report.confirm(question, "Nothing was changed"):
        raise Declined("Nothing was changed.", "To see the commands: inv --dry doctor --fix")
    done = []
    for one in found.mends:
        done.append(result := rooms.mend(found.grounds, one, report.say))
        word = "FAILED" if result.failure else "MENDED"
        report.outcome(result.mend.name, word, result.failure or result.detail, result.hint)
    return done


def _end(found: Examination, mended: Sequence[Mended], began: float, format: str) -> None:  # noqa: A002
    """Sum up, and exit as what is left and what could not be mended have it."""
    if format == "table":
        _sum_up(found, mended, time.monotonic() - began)
    finish(int(failed(found.findings) or any(one.failure for one in mended)))


def _sum_up(found: Examination, mended: Sequence[Mended], seconds: float) -> None:
    words = [finding.word for finding in found.findings]
    warnings, failures = words.count("WARN"), words.count("FAIL")
    counts = {
        "mended": sum(not one.failure for one in mended),
        "in order": words.count("OK"),
        "warning" if warnings == 1 else "warnings": warnings,
        "failure" if failures == 1 else "failures": failures,
    }
    report.summary(counts, found.title, seconds)


TASKS = (doctor,)
