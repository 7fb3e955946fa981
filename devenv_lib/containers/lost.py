"""Whether a command in a container ended by itself, where docker does not say.

The docker program exits 255 in silence when the engine went while a command ran (20.10). A command
can exit 255 too: then the engine answers, and the container runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from devenv_lib.errors import EngineFailure, EngineUnavailable

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def check_answered(engine: Callable[[], Engine], container: str, name: str) -> None:
    """Return if the command's status is its own; ``engine`` gives the engine that is asked.

    Raises:
        EngineFailure: the engine, or the container with the id ``container``, went meanwhile.
    """
    lost = f"The connection to the command in {name} was lost, and how it ended is not known"
    try:
        running = engine().existing(container).running
    except (EngineFailure, EngineUnavailable) as failure:
        raise EngineFailure(f"{lost}. {failure}", failure.hint) from None
    if not running:
        raise EngineFailure(
            f"{lost}: the container is not running any more.",
            "See whether the engine was ended: docker info; to start it again: inv run",
        )
