"""Time the tasks against the bare docker commands: `inv dev.bench`, never a test.

Each pair runs in turn, A B A B, so that a machine whose speed drifts slows both; what counts
is the ratio of the medians. Everything is made under a prefix of its own and removed.
"""

from __future__ import annotations

import argparse
import compileall
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tabulate import tabulate

from tests.bench_pairs import FEW, MANY, Pair, bench_workspace, pairs

#: What the README's picture is drawn from: `inv dev.bench --save`, then `inv dev.picture`.
SAVED = Path(__file__).parents[1] / "specs/pictures/speed.json"
PACKAGE = Path(__file__).parents[1] / "devenv_lib"


@dataclass(frozen=True)
class Timed:
    """A pair's medians in milliseconds, and the ratio that is wanted at most, or none."""

    name: str
    ours: float
    bare: float
    wanted: float | None

    @property
    def ratio(self) -> float:
        """How many times as long ours takes."""
        return self.ours / self.bare


def timed(action: Callable[[], object]) -> float:
    """Return how long an action took, in milliseconds."""
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def measure(pair: Pair, runs: int) -> Timed:
    """Return a pair's medians."""
    ours, bare = [], []
    for _ in range(runs + 1):
        pair.before()
        ours.append(timed(pair.task))
        pair.before()
        bare.append(timed(pair.bare))
    # The first of each warms caches, and does not count.
    return Timed(pair.name, statistics.median(ours[1:]), statistics.median(bare[1:]), pair.wanted)


def table(found: list[Timed]) -> str:
    """Return the pairs as a table, and how listing grows with the number of volumes."""
    rows = [
        (one.name, f"{one.ours:.0f}", f"{one.bare:.0f}", f"{one.ratio:.2f}", one.wanted or "")
        for one in found
    ]
    headers = ("command", "ms", "bare ms", "ratio", "wanted")
    text = tabulate(rows, headers, tablefmt="plain", disable_numparse=True)
    by_name = {one.name: one.ours for one in found}
    if FEW in by_name and MANY in by_name:
        text += f"\n\n{MANY} against {FEW}: {by_name[MANY] / by_name[FEW]:.2f} (wanted: 1.3)"
    return text


def main() -> None:
    """Measure, print the table, and save it if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--only", default="", help="pairs whose names have this in them")
    parser.add_argument("--save", action="store_true", help=f"write {SAVED.name} for the picture")
    given = parser.parse_args()
    # As an installation does: where Python may not write, every start would compile everything.
    compileall.compile_dir(PACKAGE, quiet=2)
    with tempfile.TemporaryDirectory(prefix="devenv-bench-") as directory:
        Path(directory).chmod(0o755)
        with bench_workspace(Path(directory)) as workspace:
            info = workspace.engine.info()
            every = pairs(workspace, Path(directory))
            found = [measure(pair, given.runs) for pair in every if given.only in pair.name]
    where = (
        f"medians of {given.runs}; Docker {info.version}, {info.cpus} processors, "
        f"Python {platform.python_version()}"
    )
    sys.stdout.write(f"{table(found)}\n{where}\n")
    if given.save:
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        saved = {"where": where, "day": day, "pairs": [asdict(one) for one in found]}
        SAVED.write_text(f"{json.dumps(saved, indent=1)}\n")


if __name__ == "__main__":
    main()
