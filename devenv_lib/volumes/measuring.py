"""Measure what takes the room in a volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devenv_lib.engine.program import PIPE
from devenv_lib.errors import EngineFailure, UsageError
from devenv_lib.plans.contents import reachable
from devenv_lib.plans.usage import FORMAT, Directory, directories
from devenv_lib.volumes.hold import reading
from devenv_lib.volumes.tree import FROM, listing, whole_records

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

#: The look: one program, whose output is read as it comes.
WALK = ("find", FROM, "-printf", FORMAT)
#: find's status when an entry went while it was looked at.
_VANISHED = 1


def measure(
    engine: Engine, prefix: str, name: str, image: str, depth: int = 2
) -> tuple[Directory, ...]:
    """Return the directories of the volume ``name``, each with all that is below it.

    The first is the volume's top, which is ``.``; each is followed by those in it, the largest
    first, down to ``depth`` below the top. Sizes are bytes on disk, as ``du`` counts them. A volume
    may be in use: what goes meanwhile is not counted. ``image`` is what the helper is made from,
    which is root and so can look into everything.

    Raises:
        UsageError: the depth is negative.
        Refused: the volume is not devenv's, or in the hands of a command that is not finished.
        EngineFailure: it could not be looked at.

    Example::

        with devenv.environment(settings=settings) as inside:
            words = ["sh", "-c", "cd ~/.cache && mkdir pip && seq 9999 > pip/x"]
            assert inside.execute(words) == 0
            name = f"{settings.prefix}-cache"
            top, pip = devenv.measure(engine, settings.prefix, name, "devenv:latest", depth=1)
        assert (pip.path, pip.files) == ("pip", 1)
        assert top.bytes >= pip.bytes >= 48 * 1024
    """
    if depth < 0:
        raise UsageError(f"{depth} is no depth.", "The top alone is --depth 0.")
    reachable(engine.snapshot(), prefix, name)
    with reading(engine, prefix, name, image) as helper:
        reachable(engine.snapshot(), prefix, name)  # as it is once it is in hand
        with helper.stream(listing(WALK), stdout=PIPE, tolerated=(_VANISHED,)) as program:
            found = directories(whole_records(program.stdout), depth)
    if program.status and program.said.count("find: ") > program.said.count("No such file"):
        raise EngineFailure(
            f"{name} could not be looked at as a whole: {program.said}.",
            "Run the same command again; if that stays, look into its disk: docker info",
        )
    return found
