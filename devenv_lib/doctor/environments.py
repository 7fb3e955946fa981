"""Look at the environments of a prefix, and at what those that run have mounted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from devenv_lib import host as machine
from devenv_lib.containers.sources import former_binds, unseen, vanished
from devenv_lib.containers.survey import environments_of
from devenv_lib.doctor.grounds import Grounds
from devenv_lib.doctor.parts import Parts
from devenv_lib.mounts import AGENT, MACHINE_AGENT
from devenv_lib.plans import differences
from devenv_lib.plans.health.environments import EnvironmentFacts
from devenv_lib.project import Project
from devenv_lib.records import Container, Host

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def environments(engine: Engine, at: Grounds, parts: Parts) -> Sequence[EnvironmentFacts]:
    """Return what is known of each environment of the prefix; of the project's, how it differs.

    One that cannot be looked at, since it is being removed perhaps, is a finding.
    """
    local = engine.endpoint.socket is not None
    # Neither another machine's files nor a virtual machine's can be compared with these here.
    here = local and not engine.info().machine
    found = (
        parts.look("environments", _facts, engine, at, *one, local=local, here=here)
        for one in environments_of(engine, at.settings.prefix)
    )
    return [facts for facts in found if facts]


def _facts(
    engine: Engine, at: Grounds, project: Project, container: Container, *, local: bool, here: bool
) -> EnvironmentFacts:
    """Return what is known of one; ``here`` says that its binds are of this machine's."""
    running = container.state == "running"
    mine = at.project is not None and project.path == at.project.path
    differs = differences(engine.existing(container.id), at.plan) if mine and at.plan else ()
    return EnvironmentFacts(
        project=project,
        container=container,
        state=machine.state(project.path) if local else "unknown",
        displaced=vanished(container) if here else (),
        unseen=unseen(container) if here else (),
        replaced=former_binds(engine, container, container.mounts) if running and here else (),
        agent=_agent(container, at.host) if running and here else "",
        differs=differs,
    )


def _agent(container: Container, host: Host | None) -> str:
    """Return the agent's socket that a container has, if the present one is another."""
    now = host.agent if host else None
    for mount in container.mounts:
        if mount.target != str(AGENT) or PurePosixPath(mount.source) == MACHINE_AGENT:
            continue
        if now and now.kind == "socket" and str(now.real) != mount.source:
            return mount.source
    return ""
