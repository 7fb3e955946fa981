"""What became of each check, told by the process that is pytest and read by the one that asked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from devenv_lib.checks.subject import Subject
from devenv_lib.engine.program import capture

REPORTER = "devenv-reporter"
#: The title of a report's section that says that the environment has stopped.
STOPPED = "environment"

Outcome = Literal["passed", "failed", "skipped", "error", "xfailed", "xpassed"]


@dataclass(frozen=True)
class Result:
    """One check: its name as pytest has it, what became of it, why, and the seconds it took.

    An ``error`` is one that could not be tried, or whose file could not be loaded. ``reason`` is
    empty for what passed; ``where`` is the file and line of what failed, or empty.
    """

    name: str
    outcome: Outcome
    reason: str = ""
    duration: float = 0.0
    where: str = ""


class Reporter:
    """Writes a line of JSON to a pipe for each check, once all its phases are over."""

    def __init__(self, descriptor: int, root: Path) -> None:
        # What a check starts does not keep it open.
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - it takes no name
        self._descriptor = descriptor
        self._root = root
        self._phases: dict[str, list[Any]] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Gather a phase of a check, and tell the check at the end of the last one."""
        phases = self._phases.setdefault(report.nodeid, [])
        phases.append(report)
        if report.when == "teardown":
            del self._phases[report.nodeid]
            self._tell(self._result(phases))

    def pytest_collectreport(self, report: Any) -> None:
        """Tell of a file that could not be loaded, or was skipped as a whole."""
        if report.outcome != "passed":
            outcome: Outcome = "skipped" if report.skipped else "error"
            reason, where = self._reason(report), self._where(report)
            self._tell(Result(report.nodeid, outcome, reason, 0.0, where))

    def pytest_keyboard_interrupt(self) -> None:
        """Tell of checks that were under way when somebody ended it."""
        for phases in self._phases.values():
            name, spent = phases[0].nodeid, sum(p.duration for p in phases)
            self._tell(Result(name, "error", "interrupted", spent))

    def _result(self, phases: list[Any]) -> Result:
        """Return the result of a check from the reports of its phases; the worst one counts."""
        spent = sum(phase.duration for phase in phases)
        name = phases[0].nodeid
        for phase in phases:
            if phase.failed:
                outcome: Outcome = "failed" if phase.when == "call" else "error"
                return Result(name, outcome, self._reason(phase), spent, self._where(phase))
        for phase in phases:
            if hasattr(phase, "wasxfail"):
                return Result(
                    name, "xfailed" if phase.skipped else "xpassed", phase.wasxfail, spent
                )
            if phase.skipped:
                return Result(name, "skipped", self._reason(phase), spent)
        return Result(name, "passed", "", spent)

    def _reason(self, report: Any) -> str:
        """Return why, as a person would say it: the message without the exception's name for it."""
        why = report.longrepr
        if isinstance(why, tuple):  # a skip: file, line, reason
            return str(why[2]).removeprefix("Skipped: ")
        crash = getattr(why, "reprcrash", None)
        text = dict(report.sections).get(STOPPED) or (crash.message if crash else _marked(str(why)))
        text = text.removeprefix("AssertionError: ").removeprefix("Failed: ").strip()
        # What a person wrote is enough; without it there is what pytest makes of the expression.
        text = text.partition("\nassert ")[0]
        return text.replace(f"{self._root}/", "")

    def _where(self, report: Any) -> str:
        """Return the file and line of a failure, as seen from the run's own directory."""
        crash = getattr(report.longrepr, "reprcrash", None)
        return f"{crash.path}:{crash.lineno}".removeprefix(f"{self._root}/") if crash else ""

    def _tell(self, result: Result) -> None:
        with suppress(BrokenPipeError):
            os.write(self._descriptor, json.dumps(asdict(result)).encode() + b"\n")


def read(lines: Iterable[str]) -> Iterator[Result]:
    """Yield the results that a `Reporter` tells, as they come."""
    for line in lines:
        yield Result(**json.loads(line))


def stopped(subject: Subject) -> str:
    """Return what became of an environment that does not run any more, or nothing."""
    words = [*subject.docker, "container", "inspect", "--format={{.State.Status}}"]
    answer = capture([*words, subject.container])
    state = answer.stdout.strip()
    if answer.status == 0 and state == "running":
        return ""
    said = answer.stderr.strip()
    what = state or ("gone" if "no such container" in said.lower() else said)
    return f"The environment {subject.name} stopped during the checks (it is {what})."


def _marked(text: str) -> str:
    """Return the lines that pytest marks with an E, or all of a text that has none of them."""
    lines = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
    return "\n".join(lines) or text
