"""Make a started environment's volumes writable by its user, before anyone gets in.

The look is taken from inside, as the user. What only root can do is done by a helper container
that has volumes alone, for two reasons that were measured on Docker 20.10: a root process inside
an environment has no capabilities, because of ``no-new-privileges`` and a main process that is
not root's; and an archive that the engine unpacks into a container mounts that container's binds
on the host, where a removal at the same moment deletes what is in them.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from devenv_lib.errors import EngineFailure, Refused
from devenv_lib.plans import EnvironmentPlan, Gifts, Place, Step, gifts, provisioning, read_place
from devenv_lib.plans.remedies import repair_command
from devenv_lib.scripts import script

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

#: One look to see, one more for each level that was hidden before, one to see that all is well.
_LOOKS = 5
_WHOLE_SYSTEM = "Use an image of a whole system: inv run --image IMAGE"


def provision(
    engine: Engine, container: str, plan: EnvironmentPlan, mounted: Collection[str] | None = None
) -> None:
    """Put right, in the running ``container`` (an id), whatever the plan's steps ask for.

    ``mounted`` are the targets that the container has, where they may not be the plan's.

    Raises:
        Refused: a volume belongs to another ordinary user, who may be using it elsewhere.
        EngineFailure: the image lacks what is needed, or the engine does not do its part.
    """
    try:
        _provision(engine, container, plan, mounted)
    except EngineFailure as failure:
        if not _ended(engine, container):
            raise
        raise EngineFailure(
            f"The container of the image {plan.image} stopped as soon as it was started: "
            "the image may lack the program `sleep`.",
            _WHOLE_SYSTEM,
            failure.status,
        ) from None


def _ended(engine: Engine, container: str) -> bool:
    """Whether a container is there and does not run. Engines report that in different ways.

    A look into one that just ends is "not running", or no such exec, which went with it.
    """
    try:
        return not engine.existing(container).running
    except EngineFailure:
        return False


def _provision(
    engine: Engine, container: str, plan: EnvironmentPlan, mounted: Collection[str] | None
) -> None:
    """Look, give what is root's, and look again, until a look shows that all is well."""
    steps = provisioning(plan, mounted)
    places = _look(engine, container, plan, steps)
    for _ in range(_LOOKS):
        found = gifts(steps, places, plan.identity.uid)
        if found.foreign:
            raise _refusal(found, plan)
        if not found.given:
            break
        _give(engine, container, plan, found)
        places = _look(engine, container, plan, steps)
    if found.given or found.unseen:
        raise EngineFailure(
            "The environment could not be prepared: "
            f"{', '.join((*found.given, *found.unseen))} could not be made the user's.",
            "See what is mounted there: inv mounts",
        )


def _look(
    engine: Engine, container: str, plan: EnvironmentPlan, steps: tuple[Step, ...]
) -> list[Place]:
    words = [word for step in steps for word in (step.verb, *step.words)]
    command = ["/bin/sh", "-c", script("volumes/look.sh"), "devenv", container[:12], *words]
    status, output = engine.run(container, command, plan.identity.user)
    places = [read_place(line) for line in output.splitlines()]
    if status or len(places) != len(steps):
        raise _lacking(plan, status, output)
    return places


def _give(engine: Engine, container: str, plan: EnvironmentPlan, found: Gifts) -> None:
    """Change owners in the volumes, at the same places but with nothing else mounted.

    In place and never by replacing a file: unlinking a mount point would unmount what other
    environments have mounted there.
    """
    who = plan.identity
    given = [PurePosixPath(place) for place in found.given]
    volumes = {
        mount.source: str(mount.target)
        for mount in plan.mounts.volumes
        if any(place.is_relative_to(mount.target) for place in given)
    }
    words = ["chown", "-h", who.user, "--", *found.given]
    name = f"{plan.project.prefix}-give-{container[:12]}"
    engine.run_helper(plan.image, volumes, words, name, plan.project.prefix)


def _lacking(plan: EnvironmentPlan, status: int, output: str) -> EngineFailure:
    said = output.strip().replace("\n", " ") or f"status {status}"
    return EngineFailure(
        f"The image {plan.image} has no /bin/sh, or not the programs that devenv prepares an "
        f"environment with: {said}",
        _WHOLE_SYSTEM,
    )


def _refusal(found: Gifts, plan: EnvironmentPlan) -> Refused:
    path, uid = next(iter(found.foreign.items()))
    name = next(mount.source for mount in plan.mounts.volumes if str(mount.target) == path)
    who = plan.identity
    repair = repair_command(plan.project.prefix, plan.image)
    return Refused(
        f"The volume {name} belongs to uid {uid}, and this environment's user is {who.name} "
        f"({who.uid}): it could not write there.",
        "Use volumes and an image of your own, by another prefix: DEVENV_PREFIX=devenv-mine "
        "inv run; or, if the image was built for another owner than this project's: inv build; "
        f"or, if nobody else uses it, give it to the user: {repair} --owner --name {name}",
    )
