"""What one test makes on an engine, under a prefix of its own, and how exactly that is removed."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from devenv_lib import containers, host, images, volumes
from devenv_lib.containers import Inside
from devenv_lib.engine.interrupts import whole
from devenv_lib.errors import DevenvError
from devenv_lib.names import common_labels, ours, project_volume
from devenv_lib.project import Project, check_volume_name, project_at
from devenv_lib.records import Volume
from devenv_lib.settings import Settings
from devenv_lib.testing.needs import said

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def new_prefix() -> str:
    """Return a prefix that nobody has: 48 random bits, from the system at each call.

    So processes that run at once, and those that were forked, have different ones.
    """
    return f"devenv-t{uuid.uuid4().hex[:12]}"


@dataclass
class Temporaries:
    """The volumes and environments of one test, all under ``prefix``.

    What is made is noted before it is made: an interruption leaves nothing that `remove` does
    not know. Nothing here can be anybody's own, since nobody else knows the prefix.
    """

    engine: Engine
    prefix: str = field(default_factory=new_prefix)
    _volumes: list[str] = field(default_factory=list)
    _projects: list[Project] = field(default_factory=list)

    def volume(self) -> Volume:
        """Make an empty volume with devenv's labels, and return its record.

        Raises:
            EngineFailure: the engine refused or stopped answering.
        """
        name, labels = f"{self.prefix}-{len(self._volumes) + 1}", common_labels(self.prefix)
        self._volumes.append(name)
        with whole():
            self.engine.create_volume(name, labels)
        return self.engine.volume(name) or Volume(name, labels)

    def environment(self, image: str, home: Path, settings: Settings) -> Inside:
        """Bring up the environment of a new, empty project below ``home``.

        ``image`` counts where the settings name none. Their prefix does not count: volumes that
        have it are the test's own of the same names.

        Raises:
            UsageError: a volume in the settings does not belong to the test.
            DevenvError: what `containers.up` raises.
        """
        settings = _under(settings, self.prefix)
        settings = replace(settings, image=settings.image or image)
        for name in {**settings.volumes.extra, **settings.volumes.scope}:
            hint = "Make one with devenv_volume(), and use its name."
            check_volume_name(name, self.prefix, hint)
        project = self._new_project(home.resolve())
        here = host.look(project, settings, {}, self.engine.endpoint.sockets)
        self._projects.append(project)
        self._volumes += (n for n in _volume_names(settings, project) if n not in self._volumes)
        return Inside(
            self.engine, containers.up(self.engine, project, settings, here), here.terminal
        )

    def _new_project(self, home: Path) -> Project:
        """Make a directory, owned by the one whom the default image is built for."""
        path = home / "work" / f"app{len(self._projects) + 1}"
        path.mkdir(parents=True)
        for each in (home, path.parent, path):
            os.chown(each, *images.user_ids((os.getuid(), os.getgid())))
        return project_at(PurePosixPath(path), PurePosixPath(home), self.prefix)

    def kept(self, test: str) -> list[str]:
        """Return the lines that say what there is of ``test`` now, and how it is removed."""
        try:
            names = list(self._there())
        except DevenvError as error:
            return [f"{test}: {said(error)} What there is: {self.remedy}"]
        return [f"{test}: {', '.join(names)}", f"    {self.remedy}"] if names else []

    def _there(self) -> Iterator[str]:
        """Yield the names of all that is under the prefix, whoever made it."""
        seen = self.engine.snapshot(labelled=True)
        yield from (one.name for one in seen.containers if ours(one.labels, self.prefix))
        yield from (one.name for one in seen.volumes if ours(one.labels, self.prefix))

    @property
    def remedy(self) -> str:
        """The commands that remove everything under the prefix."""
        devenv = f"DEVENV_PREFIX={self.prefix} devenv"
        return f"{devenv} stop --all; {devenv} volume rm --all"

    def remove(self, report: Callable[[str], None]) -> None:
        """Remove what was made, by name; ``report`` is told what is left, and why.

        Environments go first, however the test left them: stopped, recreated, half made. Volumes
        go by the rules of `volumes.remove`: one that is no longer devenv's, or that a container
        of the test's own uses, stays. Ctrl-C waits for the end; a second one ends the waiting.
        """
        with whole():
            try:
                for failure in (*self._stop(), *self._remove_volumes(), *self._others()):
                    report(failure)
            except KeyboardInterrupt:
                report(f"The removal was interrupted. Carry on: {self.remedy}")
                raise

    def _stop(self) -> Iterator[str]:
        for project in self._projects:
            try:
                containers.stop(self.engine, project)
            except DevenvError as error:
                yield f"{project.names[0]} was not removed: {said(error)}"

    def _remove_volumes(self) -> Iterator[str]:
        try:
            volumes.clear_up(self.engine, self.prefix)  # what a killed command of the test's left
            there = {volume.name for volume in self.engine.volumes()}
            names = [name for name in self._volumes if name in there]
            plan = volumes.plan_removal(self.engine, self.prefix, names)
            for refusal in plan.refusals:
                yield f"{refusal.volume} was not removed: {refusal.reason}. {refusal.remedy}"
            if plan.refusals:  # one refuses all of a plan
                free = [volume.name for volume in plan.volumes]
                plan = volumes.plan_removal(self.engine, self.prefix, free)
            for done in volumes.remove(self.engine, self.prefix, plan):
                if done.failure:
                    yield f"{done.name} was not removed: {done.failure}"
        except DevenvError as error:
            yield f"Volumes were not removed: {said(error)} Then: {self.remedy}"

    def _others(self) -> Iterator[str]:
        """Say what the test itself made under the prefix, and left."""
        try:
            others = [name for name in self._there() if name not in self._volumes]
        except DevenvError as error:
            yield f"What is left of {self.prefix} is unknown: {said(error)}"
            return
        if others:
            yield f"The test left {', '.join(others)}, which no fixture made. {self.remedy}"


def _under(settings: Settings, prefix: str) -> Settings:
    """Return settings with another prefix, which the names of their volumes follow."""
    was, own = f"{settings.prefix}-", f"{prefix}-"

    def named(name: str) -> str:
        follows = name.startswith(was) and not name.startswith(own)
        return f"{own}{name.removeprefix(was)}" if follows else name

    scope = {named(name): value for name, value in settings.volumes.scope.items()}
    return replace(settings, prefix=prefix, volumes=replace(settings.volumes, scope=scope))


def _volume_names(settings: Settings, project: Project) -> list[str]:
    """Return the volumes that the project's environment may make, shared ones and its own."""
    own = (name for name, scope in settings.volumes.scope.items() if scope == "project")
    scoped = (project_volume(name, str(project.path)) for name in own)
    return [*settings.volume_names, *scoped]
