"""Run a program with some engines, one after the other, and leave none that this has started."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol

from devenv_lib.errors import DevenvError
from tests.engines.bootstrap import EngineTrouble
from tests.engines.catalogue import ThrowAway

Say = Callable[[str], None]


class Machinery(Protocol):
    """What `tests.engines.machinery` does with an engine."""

    def runs(self, engine: ThrowAway) -> bool: ...
    def start(self, engine: ThrowAway, image: str, say: Say) -> None: ...
    def stop(self, engine: ThrowAway) -> bool: ...
    def test(self, engine: ThrowAway, words: Sequence[str]) -> int: ...


@dataclass(frozen=True)
class Session:
    """Engines that are used together, each with ``image``."""

    machinery: Machinery
    image: str
    say: Say

    def run(self, engines: Sequence[ThrowAway], words: Sequence[str]) -> int:
        """Run words with each engine; return the worst status.

        An engine that cannot be had is an error, and keeps others from nothing.
        """
        with self._ending(engines):
            statuses = []
            for engine, status in zip(engines, self.start(engines), strict=True):
                statuses.append(status or self._test(engine, words))
            return max(statuses)

    def start(self, engines: Sequence[ThrowAway]) -> list[int]:
        """Start engines at once, for making them takes minutes; return a status for each."""
        with ThreadPoolExecutor() as pool:
            return list(pool.map(self._start, engines))

    def _start(self, engine: ThrowAway) -> int:
        began = time.monotonic()
        try:
            self.machinery.start(engine, self.image, self.say)
        except (EngineTrouble, DevenvError) as error:
            self.say(f"error: {error}")
            return 1
        self.say(f"{engine.name}: ready after {time.monotonic() - began:.1f} s: {engine.url}")
        return 0

    def _test(self, engine: ThrowAway, words: Sequence[str]) -> int:
        self.say(f"{engine.name}: its tests begin.")
        try:
            status = self.machinery.test(engine, words)
            return status if status >= 0 else 128 - status  # a signal's, as a shell has it
        except EngineTrouble as error:
            self.say(f"error: {error}")
            return 1

    @contextmanager
    def _ending(self, engines: Sequence[ThrowAway]) -> Iterator[None]:
        """End the engines that do not run yet, however the block ends."""
        with ExitStack() as ending:  # also the others', when one does not end
            for engine in engines:
                if not self.machinery.runs(engine):
                    ending.callback(self.machinery.stop, engine)
            yield
