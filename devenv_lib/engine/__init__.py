"""The door to the engine: the only room that knows docker-py and the docker program.

docker-py takes 60 ms to import, so it is imported when a connection is made and not before:
listing the tasks, or reading their help, needs no engine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from devenv_lib.engine.endpoint import Endpoint, resolve
from devenv_lib.engine.program import engine_program

if TYPE_CHECKING:
    from devenv_lib.engine.client import Engine

__all__ = ["Endpoint", "Engine", "connect", "engine_program", "resolve"]


def connect(environ: Mapping[str, str] = os.environ) -> Engine:
    """Return the engine that ``environ`` and the docker configuration name.

    ``DOCKER_HOST``, ``DOCKER_CONTEXT``, the current context, then the local default: the docker
    program's order.

    Raises:
        UnknownContext: the named context does not exist.
        EngineUnavailable: one of its four kinds, each with the command that mends it.

    Example::

        engine = devenv.connect()
        assert engine.endpoint.title  # what reports name it by
    """
    from devenv_lib.engine.reach import reach  # noqa: PLC0415 - it imports docker-py

    return reach(resolve(environ))


def __getattr__(name: str) -> object:
    """Import the class when it is asked for by name."""
    if name != "Engine":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from devenv_lib.engine.client import Engine  # noqa: PLC0415 - it imports docker-py

    return Engine
