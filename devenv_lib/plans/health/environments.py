"""Findings about environments: those that run, and those that are not as they would be made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from devenv_lib.mounts import AGENT
from devenv_lib.names import REPLACED, RESTARTING, STARTING
from devenv_lib.plans.health.finding import Finding, at_path
from devenv_lib.project import Project
from devenv_lib.records import Container, MountPoint

_STAGES = {
    STARTING: "its start is not finished",
    RESTARTING: "its restart is not finished",
    REPLACED: "its replacement is not finished",
}


@dataclass(frozen=True)
class EnvironmentFacts:
    """One environment of a prefix.

    ``state`` is what is at its project's path. ``displaced`` says which sources of its binds are
    not in place, ``unseen`` which cannot be looked at, and ``replaced`` which of them show what was
    replaced on the host since.
    ``agent`` is the socket of the ssh agent that it was made with, if that is not the present one.
    ``differs`` are the lines of `devenv_lib.plans.differences`, for the project that is examined.
    """

    project: Project
    container: Container
    state: Literal["directory", "other", "missing", "unknown"] = "directory"
    displaced: Sequence[str] = ()
    unseen: Sequence[str] = ()
    replaced: Sequence[MountPoint] = ()
    agent: str = ""
    differs: Sequence[str] = ()

    @property
    def subject(self) -> str:
        """What reports call it: by its path, since the name may have the user's in it."""
        return f"environment {self.project.path}"


def environment_findings(facts: Sequence[EnvironmentFacts]) -> Iterator[Finding]:
    """Yield what there is of each environment, those in order among them."""
    if not facts:
        yield Finding("environments", "OK", "there are none")
    for one in facts:
        found = list(_findings(one))
        yield from found or [Finding(one.subject, "OK", f"running, {one.container.status}")]


def _findings(one: EnvironmentFacts) -> Iterator[Finding]:
    path = one.project.path
    if one.state in ("missing", "other"):
        why = "the directory of its project is gone"
        yield Finding(one.subject, "WARN", why, f"To remove it: {at_path('inv stop', path)}")
        return
    stage = one.project.stage(one.container) or ""
    run = at_path("inv run", path)
    if stage in _STAGES:
        why = f"{_STAGES[stage]}: a command is at work on it, or was killed"
        yield Finding(one.subject, "WARN", why, f"To carry it on: {run}")
    elif one.container.state == "paused":
        remedy = f"docker unpause {one.container.name}"
        yield Finding(one.subject, "WARN", "it is paused: nothing in it goes on", remedy)
    elif not one.container.running:
        why = f"it is stopped ({one.container.status})"
        if one.unseen:
            why += f" and cannot be started: {', '.join(one.unseen)}"
            again = at_path("inv run --recreate", path)
            run = f"Let this user look at it again; or make a new container: {again}"
        elif one.displaced:
            why += f" and cannot be started as it is: {', '.join(one.displaced)}"
            run += "   (which makes it anew)"
        yield Finding(one.subject, "WARN", why, run)
    else:
        yield from _running(one)


def _running(one: EnvironmentFacts) -> Iterator[Finding]:
    """Yield what is wrong with an environment that runs."""
    path = one.project.path
    again = at_path("inv run --recreate", path)
    if one.differs:
        why = f"it would be made otherwise now: {'; '.join(one.differs)}"
        yield Finding(one.subject, "WARN", why, again)
    restart = f"{at_path('inv stop --keep', path)} && {at_path('inv run', path)}"
    for mount in one.replaced:
        if mount.target != str(AGENT):
            why = f"{mount.target} is still the former {mount.source}, which was replaced since"
            yield Finding(one.subject, "WARN", why, restart)
    if one.agent or any(mount.target == str(AGENT) for mount in one.replaced):
        why = f"it has the socket of an ssh agent that is not the present one ({one.agent})"
        yield Finding(one.subject, "WARN", why.replace(" ()", ""), again)
