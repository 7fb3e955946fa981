"""How many requests the lists take, however much there is: `tests/load.py` has the times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from devenv_lib import containers, volumes
from devenv_lib.engine import Engine
from tests.conftest import Workspace
from tests.load import populated

pytestmark = pytest.mark.engine


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """Give the addresses that the engine is asked for in the block."""
    asked: list[str] = []

    def count(answer: Any, *_: object, **__: object) -> None:
        asked.append(answer.request.path_url)

    engine._client.hooks["response"].append(count)
    try:
        yield asked
    finally:
        engine._client.hooks["response"].remove(count)


@pytest.mark.parametrize(
    ("look", "requests", "rows"),
    [
        (lambda at: containers.survey(at.engine, at.prefix), 1, 5),
        (lambda at: volumes.examine(at.engine, at.prefix, sizes=False), 2, 13),
        (lambda at: volumes.examine(at.engine, at.prefix), 3, 13),
    ],
    ids=["list", "volume.list --no-size", "volume.list"],
)
def test_a_list_takes_as_many_requests_however_much_there_is(
    workspace: Workspace, look: Callable[[Workspace], tuple[Any, ...]], requests: int, rows: int
) -> None:
    """The third of `volume.list` measures all volumes."""
    with counted(workspace.engine) as before:
        assert look(workspace) == ()
    with populated(workspace, 12, 6, 5), counted(workspace.engine) as asked:
        assert len(look(workspace)) == rows
    assert (len(before), len(asked)) == (requests, requests)
