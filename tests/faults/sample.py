"""Which faults are tried, and at which requests."""

from __future__ import annotations

import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from tests.faults.site import Breakdown
from tests.relay import Fault

#: What can happen at a request: to the way to the engine, to the process, or to the engine itself.
Kind = Fault | signal.Signals | Breakdown
KINDS: tuple[Kind, ...] = (*Fault, signal.SIGKILL, signal.SIGINT)


@dataclass(frozen=True)
class Trial:
    """A fault at the request number ``at`` of a command; ``at`` 0 is none."""

    kind: Kind | None = None
    at: int = 0

    @property
    def leaves(self) -> bool:
        """Whether the command cannot clear up: it is killed, or its engine does not answer."""
        return self.kind in (signal.SIGKILL, Fault.DIES) or isinstance(self.kind, Breakdown)

    def __str__(self) -> str:
        return f"{self.kind.name if self.kind else 'no fault'} at {self.at}"


def trials(requests: int, seed: str, kinds: Sequence[Kind], limit: int = 0) -> list[Trial]:
    """Return faults of all ``kinds`` at every request, or ``limit`` of them, spread over these.

    The sample is the same for the same ``seed``.
    """
    if not limit:
        return [Trial(kind, at) for at, kind in product(range(1, requests + 1), kinds)]
    places = _spread(requests, random.Random(seed), limit)  # noqa: S311 - which trials
    first = random.Random(seed).randrange(len(kinds))  # noqa: S311
    return [Trial(kinds[(first + n) % len(kinds)], at) for n, at in enumerate(places)]


def breakdowns(requests: int, seed: str, kinds: Sequence[Breakdown], limit: int = 0) -> list[Trial]:
    """Return each of ``kinds`` at every request, or at ``limit`` of them, spread over these."""
    return [
        Trial(kind, at)
        for kind in kinds
        for at in _spread(requests, random.Random(f"{seed} {kind}"), limit or requests)  # noqa: S311
    ]


def _spread(requests: int, chosen: random.Random, limit: int) -> list[int]:
    """Return ``limit`` requests, one of each part of them."""
    count = min(limit, requests)
    bounds = [1 + n * requests // count for n in range(count + 1)]
    return [chosen.randrange(a, b) for a, b in pairwise(bounds)]
