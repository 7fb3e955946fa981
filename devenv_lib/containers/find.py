"""Find a project's environment, finished or still starting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devenv_lib.errors import Refused
from devenv_lib.names import REPLACED, RESTARTING, STARTING, base_name
from devenv_lib.project import Project
from devenv_lib.records import Container

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


@dataclass(frozen=True)
class Sighting:
    """What one look at the engine's containers showed of a project.

    ``ready`` is its environment; ``starting`` a new one that somebody is bringing up, or left
    half-way; ``restarting`` one that was stopped and is being started again; ``replaced`` one
    that is kept until the one in its place is finished. ``abandoned`` are new ones that
    somebody gave up and was killed before they were gone. ``dead`` are those that an engine was
    removing, perhaps when it was killed: they can only be removed. ``name`` is the one that a new
    environment would take.
    """

    ready: Container | None
    starting: Container | None
    restarting: Container | None
    replaced: Container | None
    name: str
    abandoned: tuple[Container, ...] = ()
    dead: tuple[Container, ...] = ()

    @property
    def present(self) -> Container | None:
        """The environment that there is, though it may only be about to be entered again."""
        return self.ready or self.restarting

    @property
    def enterable(self) -> Container | None:
        """The environment that a command can be run in now: one that is paused is none."""
        return self.ready if self.ready and self.ready.state == "running" else None

    def refuse_paused(self) -> None:
        """Refuse an environment that somebody has paused.

        Raises:
            Refused: it is.
        """
        if self.ready and self.ready.state == "paused":
            raise Refused(
                f"The environment {self.ready.name} is paused.",
                f"Let it go on: docker unpause {self.ready.name}",
            )

    @property
    def used(self) -> Container | None:
        """The container that people have been in, which `stop` keeps when it is asked to."""
        return self.present or self.replaced

    @property
    def everything(self) -> tuple[Container, ...]:
        """All of the project's containers but the dead."""
        one = (self.ready, self.starting, self.restarting, self.replaced)
        return (*filter(None, one), *self.abandoned)


def find(engine: Engine, project: Project) -> Sighting:
    """Look for the environment of ``project`` among all containers, in one call.

    Labels, path and name have to agree (`Project.owns`); what the engine is removing, or has left
    dead, does not count.

    Raises:
        EngineFailure: the engine stopped answering.

    Example::

        assert devenv.find(engine, project).ready is None
        devenv.up(engine, project, settings, host)
        found = devenv.find(engine, project).ready
        assert found is not None
        assert found.running
    """
    everyone = engine.containers()
    # One that the engine is removing is neither to be entered nor to be carried on.
    own = [c for c in everyone if project.owns(c) and c.state not in ("removing", "dead")]
    # Two can only be there when somebody renamed one by hand: the running one counts.
    own.sort(key=lambda c: (not c.running, c.name))
    given = [c for c in own if project.stage(c) == STARTING and not c.name.endswith(STARTING)]

    def first(stage: str) -> Container | None:
        return next((c for c in own if project.stage(c) == stage and c not in given), None)

    others = {base_name(c.name) for c in everyone if not project.owns(c)}
    short, long = project.names
    return Sighting(
        ready=first(""),
        starting=first(STARTING),
        restarting=first(RESTARTING),
        replaced=first(REPLACED),
        name=long if short in others else short,
        abandoned=tuple(given),
        dead=tuple(c for c in everyone if project.owns(c) and c.state == "dead"),
    )
