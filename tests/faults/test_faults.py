"""Every command, failed at its requests in turn: cut, lost, refused, late, killed, interrupted.

A recording counts the requests first. Without ``--every-fault`` a sample is tried that is spread
over them, with every request of the short commands. With ``--breakdowns``, on an engine that was
made for it, that engine is ended and started again, and disks fill up.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devenv_lib.engine import Engine
from tests.conftest import Workspace, give, remove_image
from tests.faults.cases import CASES
from tests.faults.sample import KINDS, Kind, Trial, breakdowns, trials
from tests.faults.saying import steady
from tests.faults.site import Breakdown, Site, site
from tests.faults.trial import attempt
from tests.faults.world import World
from tests.relay import Fault

pytestmark = pytest.mark.engine
log = logging.getLogger(__name__)
#: Trials in the sample of a command that makes more requests than a short one, which has every
#: request in its sample.
LIMIT, SHORT = 2, 4


@pytest.fixture
def place(engine: Engine, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site | None]:
    """The place of breakdowns, if these are what is asked for: never the default engine."""
    if not request.config.getoption("--breakdowns"):
        yield None
        return
    with site(engine.endpoint.url, tmp_path / "disk") as made:
        yield made


@pytest.fixture
def world(workspace: Workspace, tmp_path: Path, place: Site | None) -> Iterator[World]:
    out = (place.host if place else tmp_path) / "out"
    temporary = tmp_path / "temporary"
    for directory in (out, temporary):
        directory.mkdir()
        give(directory)
    yield World(workspace, out, temporary)
    workspace.clean()
    remove_image(workspace.project.image)


@pytest.mark.parametrize("name", CASES)
def test_a_command_that_fails_anywhere_loses_nothing_and_is_carried_on(
    world: World, place: Site | None, name: str, pytestconfig: pytest.Config
) -> None:
    """Whatever fails: the promises hold, the message names it, and the same command succeeds."""
    case = CASES[name]
    wrong: list[str] = []
    # What the first run remembers of the image, the next one does not ask.
    again = place or case.quick or pytestconfig.getoption("--every-fault")
    for _ in range(2 if again else 1):
        recorded, problems = attempt(world, case, Trial())
        assert (recorded.status, problems) == (0, []), recorded.said
    struck: set[Kind | None] = set()
    unhurt: set[Kind | None] = set()
    for trial in _trials(len(recorded.requests), name, pytestconfig, broken=place is not None):
        began = time.monotonic()
        ended, problems = attempt(world, case, trial, place)
        at = ended.requests[trial.at - 1] if ended.reached else "not reached"
        if ended.reached:
            (struck if ended.struck else unhurt).add(trial.kind)
        if ended.reached and not ended.struck:
            at += ", which it did not hurt"
        line = f"{name}: {trial} of {len(recorded.requests)} ({at}), status {ended.status}"
        log.info("%s, %.1f s: %s", line, time.monotonic() - began, ended.said[-300:].strip())
        if case.looks and ended.status == 0 and steady(ended.shown) != steady(recorded.shown):
            problems.append(f"shows something else than {recorded.shown!r}")
        wrong += [f"{line}: {problem}\n{ended.said}" for problem in problems]
        log.log(logging.WARNING if problems else logging.DEBUG, "wrong: %s", problems)
    assert wrong == [], "\n".join(wrong)
    # An upgraded connection on which the engine says nothing has no answer to be torn.
    assert unhurt <= {*struck, Fault.TORN}, "a fault never came to pass"
    assert struck, "no fault came to pass"


def _trials(requests: int, name: str, config: pytest.Config, *, broken: bool) -> list[Trial]:
    """Return the trials of a command that were asked for."""
    case, limit, asked = CASES[name], config.getoption("--limit"), config.getoption("--fault")
    if not broken:
        kinds = [k for k in KINDS if k not in case.spared and (not asked or k.name in asked)]
        sample = case.sample or (requests if requests <= SHORT else LIMIT)
        return trials(requests, name, kinds, 0 if config.getoption("--every-fault") else sample)
    breaking = [kind for kind in Breakdown if not asked or kind.name in asked]
    if not case.on_host:
        breaking = [kind for kind in breaking if kind is not Breakdown.HOST_FULL]
    return breakdowns(requests, name, breaking, limit)
