"""What lives for a moment: another process's helper."""

from __future__ import annotations

from typing import Any

import docker
import pytest
import requests

from devenv_lib.engine import temporary
from devenv_lib.engine.temporary import run_helper


class Slow:
    """An engine on which another process makes a helper: its name is reserved, then listed.

    ``steps`` are what each look finds: whether it is there.
    """

    def __init__(self, steps: list[bool]) -> None:
        self.steps, self.created, self.removed = steps, 0, 0

    def create_container_from_config(self, _: object, __: str) -> dict[str, str]:
        self.created += 1
        if self.created < 3:
            raise error(409, 'Conflict. The container name "/x" is already in use by another')
        return {"Id": "x"}

    def start(self, _: str) -> None:
        if self.created < 3:
            raise error(404, "No such container: x")

    def remove_container(self, _: str, **__: object) -> None:
        self.removed += 1

    def containers(self, **_: object) -> list[object]:
        return [object()] if self.steps.pop(0) else []


def error(status: int, text: str) -> docker.errors.APIError:
    answer = requests.Response()
    answer.status_code = status
    return docker.errors.APIError("failed", answer, text)


@pytest.mark.parametrize(
    ("steps", "created"),
    [([False, True, False], 2), ([False, False, False], 3), ([True, False], 1)],
)
def test_a_helper_that_another_process_is_making_is_waited_for(
    steps: list[bool], created: int
) -> None:
    """An engine reserves the name of a container a while before it lists it."""
    engine: Any = Slow(steps)
    run_helper(engine, {}, "x")
    assert (engine.steps, engine.created) == ([], created)


@pytest.mark.parametrize(
    ("status", "there", "fails"),
    [(404, False, False), (409, False, False), (404, True, True), (500, False, True)],
)
def test_a_helper_that_another_process_started_first_has_done_its_work(
    monkeypatch: pytest.MonkeyPatch, status: int, *, there: bool, fails: bool
) -> None:
    """One that stays was started by nobody."""
    monkeypatch.setattr(temporary, "_LOOKS", 3)

    class Quick(Slow):
        def create_container_from_config(self, _: object, __: str) -> dict[str, str]:
            return {"Id": "x"}

        def start(self, _: str) -> None:
            raise error(status, "it is not there any more")

    engine: Any = Quick([there] * 3)
    if fails:
        with pytest.raises(docker.errors.APIError):
            run_helper(engine, {}, "x")
    else:
        run_helper(engine, {}, "x")
        assert len(engine.steps) == 2
    assert engine.removed == (status == 500)  # what nobody has started goes
