"""The task ``volume.adopt``."""

from __future__ import annotations

import time
from collections.abc import Sequence

from invoke import Context

from devenv_lib import report, volumes
from devenv_lib.errors import DevenvError, UsageError
from devenv_lib.tasks._hands import hands
from devenv_lib.tasks._task import dry, finish, task


@task(
    iterable=["name"],
    help={"name": "a volume without devenv's labels; may be given several times"},
)
def adopt(c: Context, name: list[str]) -> None:
    """Give volumes devenv's labels, without losing what is in them."""
    names = needed(name)
    began = time.monotonic()
    with_ = hands(c)
    found = [volumes.plan_adoption(with_.engine, with_.prefix, each) for each in names]
    if dry(c):
        report.lines(line for one in found for line in volumes.rehearse_adoption(one))
        return
    counts = {"adopted": 0, "unchanged": 0, "failed": 0}
    for each in names:
        try:
            word = (
                "ADOPTED" if volumes.adopt(with_.engine, with_.prefix, each, with_.image) else "OK"
            )
        except DevenvError as error:
            report.outcome(each, "FAILED", str(error))
            report.reason(error.hint)
            counts["failed"] += 1
            continue
        report.outcome(each, word, "" if word == "ADOPTED" else "it carries the labels already")
        counts["adopted" if word == "ADOPTED" else "unchanged"] += 1
    report.summary(counts, with_.engine.endpoint.title, time.monotonic() - began)
    finish(int(counts["failed"] > 0))


def needed(names: Sequence[str]) -> list[str]:
    """Return the names that were given, each once.

    Raises:
        UsageError: there are none.
    """
    if not names:
        raise UsageError("No volume was named.", "Name one: --name NAME; see: inv volume.list")
    return list(dict.fromkeys(names))


TASKS = (adopt,)
