"""What is created and never started goes with the command, whatever the engine answered."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

import pytest

from devenv_lib.engine import Engine, connect
from devenv_lib.errors import EngineFailure
from tests.conftest import IMAGE, Workspace
from tests.relay import Fault, relay

pytestmark = pytest.mark.engine


def _probe(engine: Engine, prefix: str) -> None:
    engine.read_file(IMAGE, "/etc/passwd", prefix)


def _give(engine: Engine, prefix: str) -> None:
    engine.run_helper(IMAGE, {}, ["true"], f"{prefix}-give-{'0' * 12}", prefix)


def _work(engine: Engine, prefix: str) -> None:
    with engine.helper(IMAGE, [], prefix, "nothing") as helper:
        helper.ready()


@pytest.mark.parametrize(
    ("verb", "asked", "fault"),
    [
        (_probe, "/containers/create", Fault.LOST),
        (_probe, "DELETE ", Fault.REFUSED),
        (_probe, "DELETE ", Fault.CUT),
        (_give, "/containers/create", Fault.TORN),
        (_give, "/start", Fault.REFUSED),
        (_give, "/start", Fault.CUT),
        (_work, "/containers/create", Fault.LOST),
        (_work, "/start", Fault.REFUSED),
    ],
)
def test_nothing_stays_that_never_ran(
    workspace: Workspace, verb: Callable[[Engine, str], None], asked: str, fault: Fault
) -> None:
    socket, prefix = str(workspace.engine.endpoint.socket), workspace.prefix
    with relay(socket, unix=True) as door:
        verb(connect({**os.environ, "DOCKER_HOST": door.url}), prefix)
        at = next(n for n, request in enumerate(door.requests, 1) if asked in request)
    with relay(socket, at=at, fault=fault, unix=True) as door, suppress(EngineFailure):
        verb(connect({**os.environ, "DOCKER_HOST": door.url}), prefix)
    assert door.struck
    assert workspace.names_when_tidy(killed=False) == []
