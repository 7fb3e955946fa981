"""What a person should know about an environment that was brought up."""

from __future__ import annotations

import os
import shlex
import time
from typing import TYPE_CHECKING

from devenv_lib import images, report
from devenv_lib.containers import Environment
from devenv_lib.mounts import MountPlan, writable_homes
from devenv_lib.project import Project
from devenv_lib.records import Host
from devenv_lib.settings import Settings

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def introduce(
    engine: Engine,
    environment: Environment,
    settings: Settings,
    here: Host,
    *,
    image: str,
    began: float,
) -> None:
    """Say what runs, and what a person should know about it.

    ``image`` is the one that the command line named, or empty.
    """
    container, plan = environment.container, environment.plan
    detail = f"{container.image}, as {environment.identity.name}"
    report.outcome(container.name, environment.outcome.upper(), detail)
    for difference in environment.differs:
        report.reason(f"differs: {difference}")
    if environment.differs:
        flags = path_flag(plan.project) + (f" --image {shlex.quote(image)}" if image else "")
        report.reason(f"to apply: inv run --recreate{flags}")
    for volume in environment.unlabelled:
        report.reason(
            f"{volume} does not carry devenv's label: it is used as it is, and neither listed "
            "nor removed by devenv"
        )
    warn_user(environment, settings, here)
    warn_homes(plan.mounts, plan.project)
    title, seconds = engine.endpoint.title, time.monotonic() - began
    report.summary({f"environment {environment.outcome}": 1}, title, seconds)


def path_flag(project: Project) -> str:
    """Return the flag that names the project, unless it is the current directory."""
    path = str(project.path)
    return "" if path == os.path.realpath(".") else f" --path {shlex.quote(path)}"


def warn_owner(project: Project, here: Host) -> None:
    """Say that root's project cannot be written inside, and how to change that."""
    if here.owner[0] == 0:
        path = shlex.quote(str(project.path))
        report.say(
            f"warning: {report.printable(str(project.path))} belongs to root; inside, the user is "
            "1000 and cannot write it.\n"
            f"    to make it writable: sudo chown -R 1000:1000 {path}"
        )


def warn_user(environment: Environment, settings: Settings, here: Host) -> None:
    """Say that the image's user is another one than the project's owner, and how to mend it."""
    uid, _ = images.user_ids(here.owner)
    plan, own = environment.plan, environment.identity.uid
    if own != uid:
        report.reason(
            f"the image's user is uid {own}, the project's owner is {uid}: what "
            "one writes the other may not be able to"
        )
        ours = images.choose(plan.project, settings).kind != "given"
        flag = path_flag(plan.project)
        mend = f"inv build{flag} && inv run --recreate{flag}"
        mend = mend if ours else f"inv run --recreate{flag}, with another image"
        report.reason(f"to mend it: {mend}   (image {environment.container.image})")


def warn_homes(plan: MountPlan, project: Project) -> None:
    """Say which read-only configuration can be written through the project all the same."""
    for mount in writable_homes(plan, project):
        report.reason(
            f"note: {mount.target} is read-only, but its files are in the project "
            f"({mount.source}), which is writable"
        )
