"""devenv against a model, through random sequences on a real engine: see `model_machine`.

In CI the sequences are always the same. ``inv dev.model --steps N`` takes others each time.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from devenv_lib.engine import Engine
from tests.engine.model_machine import Machine

pytestmark = pytest.mark.engine


def test_random_sequences_keep_the_promises(engine: Engine) -> None:  # noqa: ARG001
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=30,
            derandomize=True,
            database=None,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
