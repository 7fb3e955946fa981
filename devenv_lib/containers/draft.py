"""Draft the plan of a project's environment from everything that it depends on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from devenv_lib.errors import Refused
from devenv_lib.images import choose, expected_identity, identity
from devenv_lib.mounts import MountPlan, build_mounts
from devenv_lib.plans import EnvironmentPlan, creation
from devenv_lib.plans.ssh import wants_ssh
from devenv_lib.project import Project, environment_of
from devenv_lib.records import EngineInfo, Host
from devenv_lib.settings import Settings

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def draft(
    engine: Engine,
    project: Project,
    settings: Settings,
    host: Host,
    *,
    probe: bool = True,
    keep: bool = True,
) -> EnvironmentPlan:
    """Return the plan of the environment as it would be created now.

    The image is not made; while it is missing, or without ``probe``, which leaves the engine
    quite untouched, its user is the one it is expected to have. Without ``keep``, what is read
    of the image is not remembered.

    Raises:
        Refused: environments cannot run on this engine, or not within required limits, or it
            cannot mount a path.
        SettingsError, ImageError: the mounts or the image's user are not possible.
        UsageError: ssh was asked for, and nobody could log in.

    Example::

        plan = devenv.draft(engine, project, settings, host)
        targets = [str(mount.target) for mount in plan.mounts.mounts]
        assert "/home/devuser/.cache" in targets
        assert plan.memory == settings.memory or "memory" in plan.unlimited  # bytes
    """
    info = engine.info()
    check_reach(engine, info)
    choice = choose(project, settings)
    image = engine.image(choice.name)
    if image and probe:
        who = identity(engine, image, choice.name, project.prefix, settings.user, keep=keep)
    else:
        who = expected_identity(image, choice.name, host.owner, settings.user)
    host = replace(host, shared=_written_by_others(engine, project))
    mounts = build_mounts(project, settings, host, who, info.machine)
    named = (choice.name, image.id if image else "")
    if info.podman:
        _check_paths(engine, mounts)
    ssh = wants_ssh(settings, host, mounts, who.home)
    plan = creation(project, settings, mounts, who, info=info, image=named, ssh=ssh)
    if plan.unlimited and settings.limits_required:
        raise _no_limits(engine, plan)
    return plan


def _check_paths(engine: Engine, mounts: MountPlan) -> None:
    """Refuse what Podman would take for something else than a path.

    It writes the mounts of a request as one line of CSV, quotes nothing, and reads that (5.4):
    what is behind a comma in a path would be options, another source among them.
    """
    for mount in mounts.mounts:
        if odd := [p for p in (mount.source, str(mount.target)) if set(p) & set(',"\r\n')]:
            raise Refused(
                f"The engine {engine.endpoint.title} is Podman, which cannot mount {odd[0]!r}: "
                "it takes a comma, a quote or a newline in a path for the end of it.",
                "Rename that, or choose Docker: docker context ls",
            )


def _no_limits(engine: Engine, plan: EnvironmentPlan) -> Refused:
    return Refused(
        f"The engine {engine.endpoint.title} cannot limit {', '.join(plan.unlimited)}, and the "
        "setting limits_required asks for it: it lacks the control groups' controllers.",
        "Choose another engine: docker context ls; or go without: DEVENV_LIMITS_REQUIRED=false",
    )


def _written_by_others(engine: Engine, project: Project) -> tuple[PurePosixPath, ...]:
    """Return the directories of this machine that other projects' environments may write."""
    others = (c for c in engine.containers() if environment_of(c) and not project.owns(c))
    binds = (m for c in others for m in c.mounts if m.kind == "bind" and not m.read_only)
    return tuple(sorted({PurePosixPath(mount.source) for mount in binds}))


def check_reach(engine: Engine, info: EngineInfo) -> None:
    """Refuse an engine that cannot mount this machine's directories as their owner's.

    Raises:
        Refused: it is reached over a network, or is rootless.
    """
    where = engine.endpoint.title
    if engine.endpoint.socket is None:
        raise Refused(
            f"The engine {where} is on another machine: it cannot mount this project. "
            "The volume tasks work there.",
            f"Choose an engine on this machine: {engine.endpoint.other}",
        )
    if info.rootless:
        raise Refused(
            f"The engine {where} is rootless, or remaps users: its containers' users are not "
            "this machine's, so project files would change owner. The volume tasks work there.",
            f"Choose an engine that runs as root: {engine.endpoint.other}",
        )
