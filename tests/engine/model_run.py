"""A long run of the model test, of other sequences each time: ``inv dev.model --steps N``."""

from __future__ import annotations

import argparse
import time

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.engine.model_base import Base
from tests.engine.model_machine import Machine

#: Steps of one sequence.
LENGTH = 50


def main() -> None:
    """Run as many sequences as it takes; the first failure ends it, with its shortest sequence."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    steps: int = parser.parse_args().steps
    began = time.monotonic()
    chosen = settings(
        max_examples=max(1, steps // LENGTH),
        stateful_step_count=LENGTH,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(Machine, settings=chosen)
    finally:
        seconds = time.monotonic() - began
        for outcome, count in sorted(Base.seen.items()):
            print(f"{count:6} {outcome}")  # noqa: T201
        print(f"{Base.taken} steps in {seconds:.0f} s: {Base.taken / seconds:.1f} a second")  # noqa: T201


if __name__ == "__main__":
    main()
