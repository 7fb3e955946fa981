"""The steps of a start: make the image, create or restart, provision, rename, or give up.

Each can be repeated, by this process or another one; `devenv_lib.containers.up` goes round.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from devenv_lib import host as machine
from devenv_lib import images, volumes
from devenv_lib.containers.draft import check_reach, draft
from devenv_lib.containers.find import Sighting, find
from devenv_lib.containers.stop import take_down
from devenv_lib.engine.answers import name_is_taken
from devenv_lib.errors import DevenvError, EngineFailure
from devenv_lib.mounts import MACHINE_AGENT
from devenv_lib.plans import EnvironmentPlan
from devenv_lib.project import STARTING, Project
from devenv_lib.records import LABEL_SETTINGS, Container, Host, MountPoint
from devenv_lib.settings import Settings

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

Outcome = Literal["running", "started", "created"]
#: How often to look whether a failure was somebody else's doing, and how long apart (seconds).
_MOVING, _PAUSE = 20, 0.05
#: Seconds in which a removal that somebody else began shows.
_SETTLING = 0.6


class Raced(Exception):
    """A step failed because somebody else changed what it was about: look again."""

    def __init__(self, failure: EngineFailure) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass
class Start:
    """One call of `up`: what it was given, and what it has found out and done."""

    engine: Engine
    project: Project
    settings: Settings
    host: Host
    say: Callable[[str], None]
    outcome: Outcome = "running"
    made: set[str] = field(default_factory=set)

    @cached_property
    def plan(self) -> EnvironmentPlan:
        """The environment as it would be created now."""
        return draft(self.engine, self.project, self.settings, self.host)

    def plan_of(self, container: Container) -> EnvironmentPlan:
        """The plan as far as a container that is there decides it: by its own image and user."""
        user = self.engine.existing(container.id).user
        if (container.image_id, user) == (self.plan.image_id, self.plan.identity.name):
            return self.plan
        settings = replace(self.settings, image=container.image_id, user=user)
        return draft(self.engine, self.project, settings, self.host)

    def ensure_image(self) -> None:
        """Make the image, and forget a plan that was drafted without it."""
        check_reach(self.engine, self.engine.info())
        choice = images.choose(self.project, self.settings)
        owner = self.host.owner
        if images.ensure(self.engine, choice, self.settings, owner, self.say).built:
            vars(self).pop("plan", None)

    def remove_existing(self, why: str = "") -> None:
        """Remove the container, only once everything for a new one is known to be there."""
        self.ensure_image()
        name = self.plan.project.names[0]
        if why:
            self.say(f"Recreating {name}: {why}.")
        seen = find(self.engine, self.project)
        for container in filter(None, (seen.ready, seen.starting)):
            take_down(self.engine, container)

    def restart(self, container: Container) -> None:
        """Begin to start a stopped environment; one whose sources are gone is made anew.

        It gets its provisional name back, so that nobody gets in before it is provisioned.
        """
        if gone := _gone(container):
            self.remove_existing(f"{', '.join(gone)} is gone since it was created")
            return
        try:
            self.engine.rename(container.id, container.name + STARTING)
        except EngineFailure as failure:
            raise Raced(failure) from None
        self._finish(container, kept=True)

    def begin(self, seen: Sighting) -> None:
        """Create the container, or carry on the one that is there, up to its own name."""
        self.engine.remove_leftovers(self.project.prefix)
        for left in seen.abandoned:
            take_down(self.engine, left)
        self.ensure_image()
        starting = seen.starting
        if starting and (_gone(starting) or self._outdated(starting)):
            # Nobody has been in it yet, so nothing is lost with it.
            abandon(self.engine, self.project)
            return
        if starting:
            self._finish(starting, kept=False)
            return
        names = (mount.source for mount in self.plan.mounts.volumes)
        volumes.ensure(self.engine, self.settings.prefix, names)
        self._finish(self._create(seen.name + STARTING), kept=False)

    def _outdated(self, starting: Container) -> bool:
        """Whether a container that never was finished is another one than would be made now."""
        return starting.labels.get(LABEL_SETTINGS) != self.plan.digest and not starting.running

    def _create(self, name: str) -> Container:
        """Create the container under its provisional name, or find that somebody was faster."""
        try:
            made = self.engine.create(self.plan, name)
        except EngineFailure as failure:
            # The engine reserves a name a while before it lists the container.
            if name_is_taken(failure.status, str(failure)):
                raise Raced(failure) from None
            raise
        except KeyboardInterrupt:
            abandon(self.engine, self.project)
            raise
        self.made.add(made)
        return Container(made, name, "created", self.plan.labels)

    def _finish(self, container: Container, *, kept: bool) -> None:
        """Start, provision and rename a container that has its provisional name.

        On a failure one that was made here is removed, and one that is to be ``kept`` gets its
        name back. One of somebody else's is left to them, unless it cannot be carried on.
        """
        name = container.name.removesuffix(STARTING)
        mounted = {mount.target for mount in container.mounts} or None
        try:
            plan = self.plan_of(container) if mounted else self.plan
            self.engine.start(container.id)
            volumes.provision(self.engine, container.id, plan, mounted)
            self.engine.rename(name + STARTING, name)  # by name: see abandon()
        except EngineFailure as failure:
            if self._moved_on(container):
                raise Raced(failure) from None
            self._give_up(container, name, kept=kept)
            if not kept and container.id not in self.made:
                raise Raced(failure) from None
            raise
        except DevenvError:
            self._give_up(container, name, kept=kept)
            raise
        except KeyboardInterrupt:
            if kept or container.id in self.made:
                self._give_up(container, name, kept=kept)
            raise
        self.outcome = "started" if kept else "created"
        if not kept and container.id not in self.made:
            # Who made it may have been interrupted just now: an engine ends a removal that
            # began before the renaming a while after it. `up` looks again.
            time.sleep(_SETTLING)

    def _moved_on(self, container: Container) -> bool:
        """Whether somebody else finished or removed the container meanwhile.

        An engine begins to remove a container a while before it says so.
        """
        for _ in range(_MOVING):
            now = find(self.engine, self.project)
            if now.ready or now.starting is None or now.starting.id != container.id:
                return True
            time.sleep(_PAUSE)
        return False

    def _give_up(self, container: Container, name: str, *, kept: bool) -> None:
        """Undo what a failed start did, as far as the engine still answers."""
        if not kept:
            abandon(self.engine, self.project)
            return
        with suppress(EngineFailure):
            self.engine.stop(container.id)
            self.engine.rename(container.id, name)


def _gone(container: Container) -> list[str]:
    """Return the container's bind sources that have vanished from this machine."""
    return [mount.source for mount in container.mounts if _has_vanished(mount)]


def _has_vanished(mount: MountPoint) -> bool:
    """Whether a bind's source is gone (one of a virtual machine's own is not here to be seen)."""
    inside = PurePosixPath(mount.source) == MACHINE_AGENT
    return mount.kind == "bind" and not inside and not machine.exists(mount.source)


def abandon(engine: Engine, project: Project) -> None:
    """Remove the project's provisional container, unless somebody finishes it first.

    Both go by its provisional name, which only one can take away: whoever finishes it renames
    it to its own, and here it gets one that nobody carries on. By its id, a removal could
    begin before that and end after it.
    """
    with suppress(EngineFailure):
        if starting := find(engine, project).starting:
            engine.rename(starting.name, f"{starting.name}.{starting.id[:12]}")
            engine.remove(starting.id, force=True)
