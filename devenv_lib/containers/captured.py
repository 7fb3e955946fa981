"""A command inside whose output is wanted, and not shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from devenv_lib.containers.lost import check_answered
from devenv_lib.containers.signals import teller
from devenv_lib.engine.program import Output, capture
from devenv_lib.engine.session import LOST, tell_in_time

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def captured(
    line: Sequence[str], engine: Callable[[], Engine], container: str, name: str, mark: str
) -> Output:
    """Run a docker command line in a container, and return its status and what it wrote.

    ``container`` is its id, ``name`` its name, ``mark`` that of the session, of which nothing
    stays inside when this is interrupted. ``engine`` is asked for only then, or when it is not
    known how the command ended.

    Raises:
        ProgramMissing: there is no docker program.
        EngineFailure: the engine, or the container, went meanwhile.
    """
    try:
        output = capture(line)
    except BaseException:  # Ctrl-C, or what a handler of signals raised
        tell_in_time(teller(engine, container, "", mark), "KILL")
        raise
    if output.status == LOST:
        check_answered(engine, container, name)
    return output
