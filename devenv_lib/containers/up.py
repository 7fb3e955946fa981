"""Bring a project's environment up: image, volumes, create, start, provision, rename.

The engine is the lock. A container is created under a provisional name that only one can
have, and gets its own name when it is provisioned. Whoever finds a provisional one carries it
on, because every step can be repeated; after a step that failed, the state is read again
instead of trusting the failure, since engines report the same race in different ways.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devenv_lib import images, volumes
from devenv_lib.containers.find import find
from devenv_lib.containers.links import make_links
from devenv_lib.containers.sources import former_binds
from devenv_lib.containers.stages import abandon, put_back
from devenv_lib.containers.start import Outcome, Raced, Start
from devenv_lib.containers.stop import take_down
from devenv_lib.errors import DevenvError, EngineFailure, ImageError
from devenv_lib.plans import EnvironmentPlan, differences
from devenv_lib.plans.differences import Existing
from devenv_lib.project import Project
from devenv_lib.records import Container, Host, Identity
from devenv_lib.settings import Settings

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

#: How often others may get in the way, and how long to stand back each time (seconds).
_RACES, _PAUSE = 200, 0.05


@dataclass(frozen=True)
class Environment:
    """A running environment. ``outcome`` is what had to be done for it.

    It is ``running`` when it ran already, ``started`` when it was stopped, else ``created``.
    ``identity`` is who its user is. ``plan`` is what would be created now, perhaps of another
    image with another user, and ``differs`` says how it differs from that. ``unlabelled``
    names volumes that devenv uses though it did not make them. ``ssh`` says what is wrong with
    the sshd that was started in it.

    Example::

        def title(environment: devenv.Environment) -> str:
            return f"{environment.outcome} for {environment.identity.name}"

        environment = devenv.up(engine, project, settings, host)
        assert title(environment) == "created for devuser"
        assert environment.container.name.startswith(settings.prefix)
    """

    container: Container
    identity: Identity
    plan: EnvironmentPlan
    outcome: Outcome
    differs: tuple[str, ...] = ()
    unlabelled: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()


def up(
    engine: Engine,
    project: Project,
    settings: Settings,
    host: Host,
    *,
    recreate: bool = False,
    say: Callable[[str], None] = lambda _: None,
    replacing: Callable[[], None] = lambda: None,
) -> Environment:
    """Return the project's running environment, brought up as far as it was not.

    ``recreate`` makes a new container; the volumes stay. ``say`` is told what takes long.
    ``replacing`` is called when all is ready for that, right before the old one is stopped, and
    may raise to keep it.

    Raises:
        Refused: the engine is elsewhere or rootless, the environment is paused, a port is
            taken, or a volume belongs to another user.
        ImageError: the image is missing, does not build, or has no usable user.
        SettingsError: a mount is not possible, or a ``required`` source is missing.
        EngineFailure: the engine refused or stopped answering.

    Example::

        first = devenv.up(engine, project, settings, host)
        again = devenv.up(engine, project, settings, host)
        assert (first.outcome, again.outcome) == ("created", "running")
        assert first.container.id == again.container.id
    """
    return bring_up(Start(engine, project, settings, host, say, replacing), recreate=recreate)


def bring_up(start: Start, *, recreate: bool = False) -> Environment:
    """Do what `up` does. Also when it fails, ``start`` says what was finished."""
    try:
        return _go_round(start, recreate=recreate)
    except (DevenvError, KeyboardInterrupt):
        put_back(start.engine, start.project, start.say)
        raise


def _go_round(start: Start, *, recreate: bool) -> Environment:
    """Look, and take the step that is next, until an environment runs."""
    engine, project = start.engine, start.project
    failure = _endless(project)
    for _ in range(_RACES):
        seen = find(engine, project)
        old = seen.present
        for dead in seen.dead:  # it has the name, if nobody else is removing it just now
            with suppress(EngineFailure):
                engine.remove(dead.id, force=True)
        if old and seen.starting:  # a loser of a race: it can never get its name
            abandon(engine, project)
        seen.refuse_paused()
        if seen.ready and seen.replaced:  # what came in its place was finished
            take_down(engine, seen.replaced)
        try:
            if old and recreate:
                start.replace(old)
            elif seen.ready and seen.ready.running:
                return _report_if_there(start, seen.ready)
            elif old:
                start.restart(old)
            else:
                start.begin(seen)
            recreate = False
        except Raced as race:
            failure = race.failure
            time.sleep(_PAUSE)
    raise failure


def _endless(project: Project) -> EngineFailure:
    return EngineFailure(
        f"The environment of {project.path} was removed as often as it was brought up.",
        "Somebody else is working on it; when they are done: inv run",
    )


def _report_if_there(start: Start, container: Container) -> Environment:
    """Report, unless somebody replaced or removed the environment since it was seen."""
    try:
        return _report(start, container)
    except EngineFailure as failure:
        now = find(start.engine, start.project).ready
        if now and now.running and now.id == container.id:
            raise
        raise Raced(failure) from None


def _report(start: Start, container: Container) -> Environment:
    """Say what is there, and how it differs from what would be made now."""
    engine, plan = start.engine, start.plan
    existing = _still_runs(engine.existing(container.id), container)
    make_links(plan.mounts)
    own, missing = start.plan_of(container), start.unlabelled
    if start.outcome == "running":
        planned = [mount.source for mount in own.mounts.volumes]
        names = [mount.source for mount in container.mounts if mount.source in planned]
        missing = volumes.check_claims(engine, plan.project.prefix, names, str(plan.project.path))
    lines = differences(existing, plan)
    differs = (*lines, *_rebuild(start), *_former(start, container))
    return Environment(container, own.identity, plan, start.outcome, differs, missing, start.ssh)


def _still_runs(existing: Existing, container: Container) -> Existing:
    """Return what is there, unless it ended before the engine's list said so.

    Docker says that a container has stopped, and lists it as running until it has written that
    down (20.10 and 26.1, with a busy disk).
    """
    if existing.running:
        return existing
    raise Raced(EngineFailure(f"The container {container.name} is just ending.", "inv run"))


def _former(start: Start, container: Container) -> Iterator[str]:
    """Say that the project's directory was replaced while the environment ran.

    What runs inside goes on in the former one, wherever that is now.
    """
    if start.outcome == "running" and not start.engine.info().machine:
        path = str(start.project.path)
        binds = [mount for mount in container.mounts if mount.source == path]
        with suppress(EngineFailure):  # what is not known need not keep anybody out
            for mount in former_binds(start.engine, container, binds):
                yield f"{mount.target} is still the former {path}, which was replaced since"


def _rebuild(start: Start) -> tuple[str, ...]:
    """Say when the project's own image would be built again."""
    choice = images.choose(start.project, start.settings)
    image = start.engine.image(choice.name) if choice.kind == "project" else None
    try:
        if image and images.stale(image, choice, start.settings, start.host.owner):
            return (f"{choice.context} changed since {choice.name} was built",)
    except ImageError as error:  # what could not be built now need not keep anybody out
        return (f"{choice.context} changed since {choice.name} was built: {error}",)
    return ()
