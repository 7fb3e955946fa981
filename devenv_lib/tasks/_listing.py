"""What the tasks that list things share: their formats, and the docker line for ``--dry``."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from devenv_lib import report
from devenv_lib.names import label_words

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def filter_line(*words: str, labels: Sequence[str]) -> str:
    """Return a docker command line that lists what has all of ``labels`` (``key=value``)."""
    return shlex.join(["docker", *words, *(f"--filter=label={label}" for label in labels)])


def prefix_line(*words: str, prefix: str) -> str:
    """Return a docker command line that lists what is devenv's in ``prefix``."""
    return filter_line(*words, labels=label_words(prefix))


def show(
    found: Sequence[Any],
    headers: Sequence[str],
    row: Callable[[Any], Mapping[str, str]],
    *,
    format: str,  # noqa: A002
    what: str,
    engine: Engine,
    began: float,
) -> bool:
    """Print records that have a name, and return whether there was anything to print.

    ``what`` completes the summary: ``volume of devenv``. An empty list is something in JSON and
    as names, since programs read these.
    """
    if format == "names":
        report.lines(one.name for one in found)
    elif format == "json":
        report.as_json([asdict(one) for one in found])
    elif not found:
        return False
    elif report.table([row(one) for one in found], headers):
        noun, _, rest = what.partition(" ")
        counts = {f"{noun}{'' if len(found) == 1 else 's'} {rest}": len(found)}
        report.summary(counts, engine.endpoint.title, time.monotonic() - began)
    return True
