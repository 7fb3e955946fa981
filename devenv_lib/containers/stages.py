"""Take a container out of other processes' hands, set it aside, and give it back.

A container's name says what stage it is in, and only one process can take a name away. So
whoever gives a container up, and whoever finishes it, both go by its name: by its id, a removal
or a stop could begin before the renaming of somebody who finishes it, and end after it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TYPE_CHECKING

from devenv_lib.containers.find import find
from devenv_lib.errors import EngineFailure
from devenv_lib.names import REPLACED, base_name, given_up
from devenv_lib.project import Project
from devenv_lib.records import Container

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def abandon(engine: Engine, project: Project, only: Collection[str] | None = None) -> None:
    """Remove the project's new container, in which nobody has been, unless somebody finishes it.

    With ``only``, ids, one of those alone.
    """
    with suppress(EngineFailure):
        starting = find(engine, project).starting
        if starting and (only is None or starting.id in only):
            discard(engine, starting)


def discard(engine: Engine, starting: Container) -> None:
    """Remove a new container, which nobody can finish any more once its name is taken away.

    Raises:
        EngineFailure: somebody has finished or removed it, or the engine refuses.
    """
    mine = given_up(starting.name, starting.id)
    engine.rename(starting.name, mine)
    engine.remove(mine, force=True)


def give_back(engine: Engine, container: Container) -> None:
    """Stop a container that could not be restarted, under its own name, with all that is in it."""
    with suppress(EngineFailure):
        engine.rename(container.name, given_up(container.name, container.id))
        keep(engine, container)


def keep(engine: Engine, container: Container) -> None:
    """Stop a container and give it its own name, if it has not got it."""
    engine.stop(container.id)
    if container.name != base_name(container.name):
        engine.rename(container.id, base_name(container.name))
        engine.stop(container.id)  # somebody may have been about to start it


def set_aside(engine: Engine, container: Container) -> None:
    """Stop a container, and keep it until the one in its place is finished."""
    engine.stop(container.id)
    engine.rename(container.id, base_name(container.name) + REPLACED)


def put_back(engine: Engine, project: Project, say: Callable[[str], None]) -> None:
    """Give a container its name again when nothing came in its place."""
    with suppress(EngineFailure):
        seen = find(engine, project)
        if seen.replaced and not (seen.ready or seen.starting or seen.restarting):
            name = base_name(seen.replaced.name)
            engine.rename(seen.replaced.name, name)
            say(f"{name} is kept as it was, and stopped.")
