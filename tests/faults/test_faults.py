"""Every command, failed at its requests in turn: cut, lost, refused, late, killed, interrupted.

A recording counts the requests first. Without ``--every-fault`` a sample is tried that is spread
over them, with every request of the short commands.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from tests.conftest import Workspace, give
from tests.faults.cases import CASES
from tests.faults.trial import KINDS, Trial, attempt, trials
from tests.faults.world import World

pytestmark = pytest.mark.engine
KIND_NAMES = [kind.name for kind in KINDS]
log = logging.getLogger(__name__)
#: Trials in the sample of a command that makes many requests.
LIMIT = 3


@pytest.fixture
def world(workspace: Workspace, tmp_path: Path) -> World:
    out = tmp_path / "out"
    out.mkdir()
    give(out)
    return World(workspace, out)


@pytest.mark.parametrize("name", CASES)
def test_a_command_that_fails_anywhere_loses_nothing_and_is_carried_on(
    world: World, name: str, request: pytest.FixtureRequest
) -> None:
    """Whatever fails: the promises hold, the message names it, and the same command succeeds."""
    case = CASES[name]
    wrong: list[str] = []
    recorded, problems = attempt(world, case, Trial())
    assert (recorded.status, problems) == (0, []), recorded.said
    limit = 0 if request.config.getoption("--every-fault") else LIMIT
    kinds = [k for k in KINDS if k.name in (request.config.getoption("--fault") or KIND_NAMES)]
    for trial in trials(len(recorded.requests), name, kinds, limit):
        began = time.monotonic()
        ended, problems = attempt(world, case, trial)
        at = ended.requests[trial.at - 1] if ended.reached else "not reached"
        line = f"{name}: {trial} of {len(recorded.requests)} ({at}), status {ended.status}"
        log.info("%s, %.1f s: %s", line, time.monotonic() - began, ended.said[-300:].strip())
        wrong += [f"{line}: {problem}\n{ended.said}" for problem in problems]
    assert wrong == [], "\n".join(wrong)
