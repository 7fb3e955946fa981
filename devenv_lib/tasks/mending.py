"""The task ``volume.adopt``."""

from __future__ import annotations

import time

from invoke import Context

from devenv_lib import report, volumes
from devenv_lib.errors import DevenvError
from devenv_lib.tasks._flags import check_format, needed
from devenv_lib.tasks._hands import Hands, hands
from devenv_lib.tasks._task import dry, finish, task


@task(
    iterable=["name"],
    help={
        "name": "a volume without devenv's labels; may be given several times",
        "format": "table (the default) or json",
    },
)
def adopt(c: Context, name: list[str] | None = None, format: str = "table") -> None:  # noqa: A002
    """Give volumes devenv's labels, without losing what is in them."""
    check_format(format, "table", "json")
    names = needed(name or [])
    began = time.monotonic()
    at = hands(c)
    found = [volumes.plan_adoption(at.engine, at.prefix, each) for each in names]
    if dry(c):
        options = at.engine.info().volume_options
        report.lines(line for one in found for line in volumes.rehearse_adoption(one, options))
        return
    image = at.made_image()
    words = [_adopt(at, each, image) for each in names]
    if format == "json":
        engine = at.engine.endpoint.name
        told = zip(names, words, strict=True)
        report.as_json([{"name": n, "outcome": word, "engine": engine} for n, word in told])
    counts = {word: words.count(word) for word in ("adopted", "unchanged", "failed")}
    report.summary(counts, at.engine.endpoint.title, time.monotonic() - began)
    finish(int("failed" in words))


def _adopt(at: Hands, name: str, image: str) -> str:
    """Adopt a volume, report it, and return its word for the summary."""
    try:
        lacked = volumes.adopt(at.engine, at.prefix, name, image, report.say)
    except DevenvError as error:
        report.outcome(name, "FAILED", str(error), error.hint)
        return "failed"
    if not lacked:
        report.outcome(name, "OK", "it carries the labels already")
        return "unchanged"
    report.outcome(name, "ADOPTED")
    return "adopted"


TASKS = (adopt,)
