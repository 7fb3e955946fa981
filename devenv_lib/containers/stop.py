"""Take an environment down: stop and remove its container. Volumes and project stay."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devenv_lib.containers import stages
from devenv_lib.containers.find import find
from devenv_lib.errors import DevenvError, EngineFailure
from devenv_lib.project import Project
from devenv_lib.records import Container

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

#: How often to try while somebody else removes the container too, and how long apart (seconds).
_LOOKS, _PAUSE = 200, 0.05
#: How many environments are stopped at the same time.
_AT_ONCE = 8


@dataclass(frozen=True)
class Stopped:
    """A container that was taken down, or with ``kept`` only stopped."""

    name: str
    kept: bool = False


@dataclass(frozen=True)
class StopResult:
    """What became of one project's environment: what was stopped, or why it could not be."""

    project: Project
    stopped: tuple[Stopped, ...] = ()
    failure: DevenvError | None = None


def stop(engine: Engine, project: Project, *, keep: bool = False) -> tuple[Stopped, ...]:
    """Stop and remove the project's environment, and one that is still starting.

    With ``keep`` an environment is only stopped, also one that was to be replaced and is not
    yet. Returns what there was; nothing is no failure.

    Raises:
        EngineFailure: a container does not go away, or the engine stopped answering.

    Example::

        name = devenv.up(engine, project, settings, host).container.name
        assert [stopped.name for stopped in devenv.stop(engine, project)] == [name]
        assert devenv.stop(engine, project) == ()
    """
    engine.remove_leftovers(project.prefix)
    seen = find(engine, project)
    stays = seen.used if keep else None
    taken = []
    for container in seen.everything:
        if container is stays:
            stages.keep(engine, container)
        else:
            take_down(engine, container)
        taken.append(Stopped(container.name, container is stays))
    for container in seen.dead:
        take_down(engine, container)
    return tuple(taken)


def stop_all(
    engine: Engine, projects: Sequence[Project], *, keep: bool = False
) -> tuple[StopResult, ...]:
    """Stop several projects' environments at once, and say what became of each, in order.

    One that fails does not keep the others from being stopped.
    """

    def stop_one(project: Project) -> StopResult:
        try:
            return StopResult(project, stop(engine, project, keep=keep))
        except DevenvError as error:
            return StopResult(project, failure=error)

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        return tuple(pool.map(stop_one, projects))


def take_down(engine: Engine, container: Container) -> None:
    """Stop and remove a container, and return when it is gone.

    Somebody else may be doing the same: then their removal counts, and is waited for, so that
    what the container referenced is free afterwards.
    """
    failure: EngineFailure | None = None
    for _ in range(_LOOKS):
        # Not only when it is listed as being removed: the engine says so a while later.
        try:
            if container.running:
                engine.stop(container.id)
            engine.remove(container.id, force=True)
        except EngineFailure as error:
            failure = error
        if all(one.id != container.id for one in engine.containers()):
            return
        time.sleep(_PAUSE)
    raise failure or EngineFailure(
        f"The container {container.name} is being removed and does not go away.",
        f"docker rm --force {container.name}",
    )
