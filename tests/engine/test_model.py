"""devenv against a model, through sequences of steps on a real engine: see `model_machine`.

One sequence is written down, so that all that can come of a step comes of one. In CI the random
ones are always the same; ``inv dev.model --steps N`` takes others each time.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from devenv_lib.engine import Engine
from tests.engine.model_base import Base
from tests.engine.model_machine import Machine
from tests.engine.model_removal import FORCE, INTERRUPT, NOBODY

pytestmark = pytest.mark.engine
Y = "y\r"
#: What has to come to pass, as the rules note it.
ALL = {
    *("adopt: There is no volume", "adopt: belongs to the prefix", "adopt: cannot be recreated"),
    *("adopt: done", "adopt: with files", "attack: refused"),
    *("backup: does not carry the label", "backup: there is no such volume", "backup: with files"),
    *("clone: There is a volume", "clone: does not carry the label", "clone: done"),
    *("restore: into a new one", "restore: into an empty one", "restore: over files"),
    *("restore: is not empty", "restore: is mounted by the running"),
    *("restore: the stopped", "restore: is protected by"),
    *("rm: agreed by name", "rm: agreed by --all", "rm: forced by name", "rm: forced by --all"),
    *("rm: declined", "rm: interrupted", "rm: no terminal", "rm: changed meanwhile"),
    *("rm: with files", "rm: does not carry the label", "rm: there is no such volume"),
    *("rm: belongs to the prefix", "rm: it is protected by"),
    *("rm: it is mounted by the running", "rm: the stopped"),
    *("stop: kept", "stop: removed", "write: something", "write: away"),
    *("up: created", "up: started", "up: running", "up: differs", "up: unlabelled"),
    *("up: is paused", "up: belongs to the prefix", "up: is the own one of the project"),
}


def test_all_that_can_come_to_pass_does(engine: Engine) -> None:  # noqa: ARG001
    Base.seen.clear()
    state = Machine()
    try:
        environments(state)
        removals(state)
        contents(state)
        others(state)
    finally:
        state.teardown()
    assert ALL - set(Base.seen) == set()


def environments(state: Machine) -> None:
    """Make, restart, replace and pause them, with settings that change."""
    state.begin(running=True, taken="unlabelled")
    state.up(project="lib", recreate=False)
    state.attack(project="app")
    state.configure(bind="~/.config/git", own_cache=False, protected=(), zone="Europe/Berlin")
    state.up(project="app", recreate=False)
    state.up(project="app", recreate=True)
    state.attack(project="app")
    state.listing()
    state.by_hand(project="app", what="pause")
    state.up(project="app", recreate=False)
    state.by_hand(project="app", what="unpause")
    state.stop(project="app", keep=True)
    state.up(project="app", recreate=False)
    state.write(project="app", where="cache", file="deep/f-2", content="two")
    state.write(project="app", where="data", file="f-0", content="")
    state.write(project="lib", where="lock", file="f-0", content="two")
    state.write(project="lib", where="project", file="f-1", content="one")


def removals(state: Machine) -> None:
    """Every refusal and every answer; only the last of them remove."""
    state.rm(suffixes=["data"], answer=Y, meanwhile="", quiet=False)
    state.restore(number=0, suffix="data", own=False, replace=True)
    state.stop(project="lib", keep=False)
    state.stop(project="app", keep=True)
    state.rm(suffixes=["data"], answer=Y, meanwhile="", quiet=False)
    state.restore(number=0, suffix="data", own=False, replace=True)
    state.rm(suffixes=["x", "y"], answer=FORCE, meanwhile="", quiet=False)
    state.rm(suffixes=["z"], answer=FORCE, meanwhile="", quiet=False)
    state.configure(bind="", own_cache=False, protected=("data",), zone="UTC")
    state.rm(suffixes=["data"], answer=FORCE, meanwhile="", quiet=True)
    state.restore(number=0, suffix="data", own=False, replace=True)
    for answer in ("n\r", "\r", "\x04", INTERRUPT, NOBODY):
        state.rm_all(answer=answer, quiet=True)
    for meanwhile in ("use", "remove"):
        state.rm(suffixes=["x"], answer=Y, meanwhile=meanwhile, quiet=True)
    state.clone(source="cache", suffix="x")
    state.rm(suffixes=["x"], answer=Y, meanwhile="replace", quiet=True)
    state.rm(suffixes=["tvim-lock"], answer=FORCE, meanwhile="", quiet=True)
    state.rm(suffixes=["state"], answer="Y\r", meanwhile="", quiet=True)


def contents(state: Machine) -> None:
    """Adopt, save, restore and clone what the removals have left."""
    state.adopt(suffix="x")
    state.adopt(suffix="z")
    state.backup(suffix="x")
    state.backup(suffix="y")
    state.backup(suffix="state")
    state.restore(number=1, suffix="state", own=False, replace=False)
    state.restore(number=0, suffix="state", own=False, replace=False)
    state.restore(number=0, suffix="state", own=False, replace=True)
    state.foreign_container(slot="one", suffix="tvim-lock", running=False)
    state.adopt(suffix="tvim-lock")
    state.foreign_container(slot="one", suffix="tvim-lock", running=False)
    state.adopt(suffix="tvim-lock")
    state.restore(number=1, suffix="tvim-lock", own=False, replace=False)
    state.clone(source="x", suffix="state")
    state.clone(source="y", suffix="own-app")
    state.clone(source="x", suffix="own-app")
    state.listing()


def others(state: Machine) -> None:
    """All goes, and what strangers have made is in the way."""
    state.rm_all(answer=FORCE, quiet=True)
    state.foreign_removal(suffix="data")
    state.foreign_volume(suffix="data", whose="stranger")
    state.adopt(suffix="data")
    state.rm(suffixes=["data"], answer=FORCE, meanwhile="", quiet=True)
    state.up(project="app", recreate=False)
    state.foreign_removal(suffix="data")
    state.foreign_removal(suffix="own-lib")
    state.foreign_volume(suffix="own-lib", whose="claimed")
    state.configure(bind="", own_cache=True, protected=(), zone="UTC")
    state.up(project="lib", recreate=False)
    state.rm_all(answer=Y, quiet=True)
    state.listing()


def test_random_sequences_keep_the_promises(engine: Engine) -> None:  # noqa: ARG001
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=8,
            stateful_step_count=30,
            derandomize=True,
            database=None,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
