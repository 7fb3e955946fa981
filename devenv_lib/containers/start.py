"""The steps of a start: make the image, create or restart, provision, rename, or give up.

Each can be repeated, by this process or another one; `devenv_lib.containers.up` goes round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from devenv_lib import images, volumes
from devenv_lib.containers.draft import check_reach, draft
from devenv_lib.containers.find import Sighting, find
from devenv_lib.containers.links import make_links
from devenv_lib.containers.nesting import check_points
from devenv_lib.containers.ports import check_ports
from devenv_lib.containers.sources import check_seen, refuse_displaced, unseen, vanished
from devenv_lib.containers.sshd import has_sshd, start_sshd
from devenv_lib.containers.stages import abandon, discard, give_back, set_aside
from devenv_lib.containers.stop import take_down
from devenv_lib.engine.answers import name_is_taken
from devenv_lib.errors import DevenvError, EngineFailure
from devenv_lib.names import LABEL_SETTINGS, LABEL_USER, RESTARTING, STARTING, base_name
from devenv_lib.plans import EnvironmentPlan
from devenv_lib.project import Project
from devenv_lib.records import Container, Host, Port
from devenv_lib.settings import Settings

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

Outcome = Literal["running", "started", "created"]
#: How often to look whether a failure was somebody else's doing, and how long apart (seconds).
_MOVING, _PAUSE = 20, 0.05
#: Seconds in which a removal that somebody else began shows.
_SETTLING = 0.6
#: Seconds after which nobody is finishing a new container any more.
STALE = 60


class Raced(Exception):
    """A step failed because somebody else changed what it was about: look again."""

    def __init__(self, failure: EngineFailure) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass
class Start:
    """One call of `up`: what it was given, and what it has found out and done.

    ``outcome`` says what was done to ``finished``, which is ``None`` where nothing had to be.
    """

    engine: Engine
    project: Project
    settings: Settings
    host: Host
    say: Callable[[str], None]
    replacing: Callable[[], None]
    outcome: Outcome = "running"
    made: set[str] = field(default_factory=set)
    finished: Container | None = None
    unlabelled: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()

    @cached_property
    def plan(self) -> EnvironmentPlan:
        """The environment as it would be created now."""
        return draft(self.engine, self.project, self.settings, self.host)

    def plan_of(self, container: Container) -> EnvironmentPlan:
        """The plan as far as a container that is there decides it: its image, user and volumes."""
        user, plan = container.labels.get(LABEL_USER, ""), self.plan
        if (container.image_id, user) != (plan.image_id, plan.identity.name):
            settings = replace(self.settings, image=container.image_id, user=user)
            plan = draft(self.engine, self.project, settings, self.host)
        return replace(plan, mounts=plan.mounts.held(container.mounts))

    def prepared(self, known: Collection[str]) -> EnvironmentPlan:
        """Return the plan once its image is there: what can fail before a create fails here.

        ``known`` are the ids of the project's containers. What is wrong in any case is said
        before an image is made, which takes minutes.
        """
        check_reach(self.engine, self.engine.info())
        choice = images.choose(self.project, self.settings)
        owner = self.host.owner
        if self.engine.image(choice.name) is None:
            self._check_ports(self.plan.ports, known)
        if images.ensure(self.engine, choice, self.settings, owner, self.say).built:
            vars(self).pop("plan", None)  # it was drafted without the image
        check_points(self.plan.mounts)
        return self.plan

    def replace(self, container: Container, why: str = "") -> None:
        """Set a container aside, only once everything for a new one is known to be there."""
        self._check_ports(self.prepared({container.id}).ports, {container.id})
        if why:
            self.say(f"Recreating {base_name(container.name)}: {why}.")
        self.replacing()
        with _racing():
            set_aside(self.engine, container)

    def restart(self, container: Container) -> None:
        """Start a stopped environment, or carry that on; one whose sources are gone is made anew.

        It has a provisional name meanwhile, so that nobody gets in before it is provisioned.
        """
        make_links(self.plan_of(container).mounts)
        check_seen(container)
        if gone := vanished(container):
            self.replace(container, f"{', '.join(gone)} since it was created")
            return
        name = base_name(container.name) + RESTARTING
        if container.name != name:
            self._check_ports(self.engine.existing(container.id).ports, {container.id})
            with _racing():
                self.engine.rename(container.name, name)
        self._finish(replace(container, name=name))

    def begin(self, seen: Sighting) -> None:
        """Create the container, or carry on the one that is there, up to its own name."""
        self.engine.remove_leftovers(self.project.prefix)
        for left in seen.abandoned:
            take_down(self.engine, left)
        known = {one.id for one in seen.everything}
        plan, starting = self.prepared(known), seen.starting
        displaced = starting and (vanished(starting) or unseen(starting))
        if starting and (displaced or self._outdated(starting)):
            with _racing():  # nobody has been in it yet, so nothing is lost with it
                discard(self.engine, starting)
            return
        if starting:
            self._finish(starting)
            return
        self._check_ports(plan.ports, known)
        make_links(plan.mounts)
        volumes.ensure(self.engine, self.settings.prefix, plan.mounts.volumes)
        self._finish(self._create(seen.name + STARTING))

    def _check_ports(self, ports: Sequence[Port], known: Collection[str]) -> None:
        """Refuse ports that somebody else has, while nothing was changed yet."""
        if doubt := check_ports(self.engine, self.project, ports, known):
            raise Raced(EngineFailure(str(doubt), doubt.hint))

    def _outdated(self, starting: Container) -> bool:
        """Whether somebody left a container half-way that is another one than would be made now.

        One that is young is being finished by somebody with other settings.
        """
        other = starting.labels.get(LABEL_SETTINGS) != self.plan.digest
        return other and not starting.running and starting.created <= time.time() - STALE

    def _create(self, name: str) -> Container:
        """Create the container under its provisional name, or find that somebody was faster."""
        try:
            made = self.engine.create(self.plan, name, self.made.add)
        except EngineFailure as failure:
            # The engine reserves a name a while before it lists the container.
            if name_is_taken(str(failure)):
                raise Raced(failure) from None
            raise
        except KeyboardInterrupt:
            # What somebody else made under that name meanwhile is theirs.
            abandon(self.engine, self.project, only=self.made)
            raise
        return Container(made, name, "created", self.plan.labels)

    def _finish(self, container: Container) -> None:
        """Start, provision and rename a container that has a provisional name.

        On a failure a new one is removed, and one that is being restarted gets its name back. A
        new one of somebody else's is removed too, since they may be gone, but for Ctrl-C.
        """
        name, own = base_name(container.name), container.id in self.made
        kept = container.name == name + RESTARTING
        mounted = {mount.target for mount in container.mounts} or None
        outcome: Outcome = "started" if kept else "created"
        try:
            plan = self.plan_of(container) if mounted else self.plan
            planned = plan.mounts.volumes
            names = [v.source for v in planned if mounted is None or str(v.target) in mounted]
            path = str(self.project.path)
            self.unlabelled = volumes.check_claims(self.engine, self.project.prefix, names, path)
            self._start(container, plan)
            volumes.provision(self.engine, container.id, plan, mounted)
            if has_sshd(container, plan.identity):
                needed = bool(self.settings.ssh)
                self.ssh = start_sshd(self.engine, container.id, plan, needed=needed)
            self.engine.rename(container.name, name)  # by name: see devenv_lib.containers.stages
            self.outcome = outcome
            self.finished = replace(container, name=name, state="running")
        except EngineFailure as failure:
            if self._moved_on(container):
                raise Raced(failure) from None
            self._give_up(container, kept=kept)
            if not kept and (not own or name_is_taken(str(failure))):
                raise Raced(failure) from None
            raise
        except DevenvError:
            self._give_up(container, kept=kept)
            raise
        except KeyboardInterrupt:
            if kept or own:
                self._give_up(container, kept=kept)
            raise
        if not kept and not own:
            # Who made it may have been interrupted just now: an engine ends a removal that
            # began before the renaming a while after it. `up` looks again.
            time.sleep(_SETTLING)

    def _start(self, container: Container, plan: EnvironmentPlan) -> None:
        """Start a container whose binds are still where they were when they were looked at.

        Making the image, or asking about who is inside, can take minutes, and whoever may write
        around a source can wait for that. What is swapped and swapped back while the engine
        follows it is not seen here.
        """
        mounts = container.mounts or [mount.point for mount in plan.mounts.mounts]
        refuse_displaced(mounts)
        self.engine.start(container.name)
        refuse_displaced(mounts)

    def _moved_on(self, container: Container) -> bool:
        """Whether somebody else finished or removed the container meanwhile.

        An engine begins to remove a container a while before it says so.
        """
        for _ in range(_MOVING):
            now = find(self.engine, self.project)
            same = [one for one in now.everything if one.id == container.id]
            if now.ready or not same or same[0].name != container.name:
                return True
            time.sleep(_PAUSE)
        return False

    def _give_up(self, container: Container, *, kept: bool) -> None:
        """Undo what a failed start did, as far as the engine still answers."""
        if kept:
            give_back(self.engine, container)
        else:
            abandon(self.engine, self.project)


@contextmanager
def _racing() -> Iterator[None]:
    """Take a failure for somebody else's doing: whoever goes round looks again."""
    try:
        yield
    except EngineFailure as failure:
        raise Raced(failure) from None
