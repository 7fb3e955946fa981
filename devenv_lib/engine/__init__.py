"""The door to the engine: the only room that knows docker-py and the docker program.

docker-py takes 60 ms to import, so it is imported when a connection is made and not before:
listing the tasks, or reading their help, needs no engine. A name brings what it needs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from devenv_lib.lazily import lazily

if TYPE_CHECKING:
    from devenv_lib.engine.client import Engine
    from devenv_lib.engine.endpoint import Endpoint, named, prune_filters, resolve
    from devenv_lib.engine.program import ask_program, engine_program

__all__ = [
    "Endpoint",
    "Engine",
    "ask_program",
    "connect",
    "engine_program",
    "named",
    "prune_filters",
    "resolve",
]


def connect(environ: Mapping[str, str] = os.environ) -> Engine:
    """Return the engine that ``environ`` and the docker configuration name.

    ``DOCKER_HOST``, ``DOCKER_CONTEXT``, the current context, then the local default: the docker
    program's order. That program, which attaches and builds, is told which engine it is; for the
    rest of its configuration it has this process's own variables.

    Raises:
        UnknownContext: the named context does not exist.
        EngineUnavailable: one of its kinds, each with the command that mends it.

    Example::

        engine = devenv.connect()
        assert engine.endpoint.title  # what reports name it by
    """
    from devenv_lib.engine.endpoint import resolve  # noqa: PLC0415 - see above
    from devenv_lib.engine.reach import reach  # noqa: PLC0415 - it imports docker-py

    return reach(resolve(environ))


lazily(
    __name__,
    {
        "client": ("Engine",),
        "endpoint": ("Endpoint", "named", "prune_filters", "resolve"),
        "program": ("ask_program", "engine_program"),
    },
)
