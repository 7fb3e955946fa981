"""Find a project's environment, finished or still starting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devenv_lib.project import STARTING, Project
from devenv_lib.records import Container

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


@dataclass(frozen=True)
class Sighting:
    """What one look at the engine's containers showed of a project.

    ``ready`` is its environment; ``starting`` one that somebody is bringing up, or left
    half-way; ``abandoned`` are those that somebody gave up and was killed before they were gone;
    ``name`` is the one that a new environment would take.
    """

    ready: Container | None
    starting: Container | None
    name: str
    abandoned: tuple[Container, ...] = ()


def find(engine: Engine, project: Project) -> Sighting:
    """Look for the environment of ``project`` among all containers, in one call."""
    everyone = engine.containers()
    # One that the engine is removing is neither to be entered nor to be carried on.
    own = [c for c in everyone if project.owns(c) and c.state not in ("removing", "dead")]
    ready = [c for c in own if not c.name.endswith(STARTING) and not project.abandoned(c)]
    starting = [container for container in own if container.name.endswith(STARTING)]
    others = {c.name.partition(STARTING)[0] for c in everyone if not project.owns(c)}
    short, long = project.names
    return Sighting(
        # Two can only be there when somebody renamed one by hand: the running one counts.
        next(iter(sorted(ready, key=lambda c: (not c.running, c.name))), None),
        next(iter(starting), None),
        long if short in others else short,
        tuple(c for c in own if project.abandoned(c)),
    )
