"""What a person should know about an environment that was brought up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from devenv_lib import images, report, texts
from devenv_lib.mounts import MountPlan, writable_homes
from devenv_lib.plans.ownership import another_user, roots_project
from devenv_lib.plans.ssh import ssh_address

if TYPE_CHECKING:
    from devenv_lib.containers import Environment
    from devenv_lib.engine import Engine
    from devenv_lib.records import Host
    from devenv_lib.settings import Settings


def introduce(
    engine: Engine,
    environment: Environment,
    settings: Settings,
    here: Host,
    *,
    flags: str,
    began: float,
) -> None:
    """Say what runs, and what a person should know about it.

    ``flags`` are those of the command line that another one for the same has to have too.
    """
    container, plan = environment.container, environment.plan
    detail = f"{container.image}, as {environment.identity.name}"
    report.outcome(container.name, environment.outcome.upper(), detail)
    for difference in environment.differs:
        report.reason(f"differs: {difference}")
    if environment.differs:
        report.reason(f"to apply: inv run --recreate{flags}")
    for left in plan.mounts.left_out:
        if left.cause == "another":
            report.reason(f"left out: {left.source} ({left.why})")
    warn_ssh(environment)
    for volume in environment.unlabelled:
        report.reason(
            f"{volume} does not carry devenv's label: it is used as it is, and neither listed "
            f"nor removed by devenv; after inv stop: inv volume.adopt --name {volume}"
        )
    if plan.unlimited and environment.outcome != "running":
        report.say(f"warning: this engine sets no limit of {', '.join(plan.unlimited)}.")
    warn_owner(environment, here)
    warn_user(environment, settings, here)
    warn_homes(plan.mounts)
    title, seconds = engine.endpoint.title, time.monotonic() - began
    report.summary({f"environment {environment.outcome}": 1}, title, seconds)


def warn_ssh(environment: Environment) -> None:
    """Say where sshd is reached, and what is wrong with it."""
    if (address := ssh_address(environment.container)) and not environment.ssh:
        report.reason(f"ssh: {address}, as {environment.identity.name}; see inv ssh-config")
    for problem in environment.ssh:
        report.reason(f"ssh: {problem}")


def warn_owner(environment: Environment, here: Host) -> None:
    """Say that root's project cannot be written inside, and how to change that."""
    project = environment.plan.project
    if problem := roots_project(environment.identity, here.owner[0], project):
        why, remedy = problem
        report.say(f"warning: {texts.printable(why)}.")
        if remedy:
            report.reason(remedy)


def warn_user(environment: Environment, settings: Settings, here: Host) -> None:
    """Say that the image's user is another one than the project's owner, and how to mend it."""
    project = environment.plan.project
    kind = images.choose(project, settings).kind
    for line in another_user(environment.identity, here.owner[0], project, kind) or ():
        report.reason(line)


def warn_homes(plan: MountPlan) -> None:
    """Say which read-only configuration can be written through another mount all the same."""
    for mount, other in writable_homes(plan):
        report.reason(
            f"note: {mount.target} is read-only, but its files ({mount.source}) are in "
            f"{other.target}, which is writable ({other.why})"
        )
