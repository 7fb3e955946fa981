"""What the tasks about environments look at before they decide: the same for each of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from invoke import Context

from devenv_lib import containers, host, report
from devenv_lib.called import is_about
from devenv_lib.engine import connect
from devenv_lib.errors import UsageError
from devenv_lib.tasks._task import settings_of

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.project import Project
    from devenv_lib.records import Container, Host
    from devenv_lib.settings import Settings

PATH = "the project directory (default: the current one)"


class Look(NamedTuple):
    """Everything that a plan for a project's environment depends on."""

    engine: Engine
    project: Project
    settings: Settings
    host: Host


def look(c: Context, path: str, flags: Mapping[str, object] | None = None) -> Look:
    """Load what a task about a project's environment needs, in the order that fails best."""
    settings = _with_port(settings_of(c, flags, project=path), flags or {})
    project = host.locate(path, settings.prefix)
    speak_of(project.path)
    engine = connect()
    here = host.look(project, settings, sockets=engine.endpoint.sockets)
    return Look(engine, project, settings, here)


def _with_port(settings: Settings, flags: Mapping[str, object]) -> Settings:
    """Return settings in which a port that the command line names asks for ssh.

    Raises:
        UsageError: ssh is off.
    """
    if not flags.get("ssh_port"):
        return settings
    if settings.ssh is False:
        raise UsageError(
            f"--port {settings.ssh_port} is for ssh, which the setting 'devenv.ssh' switches off.",
            "Add --ssh, or take that setting away.",
        )
    return replace(settings, ssh=True)


def find_project(c: Context, path: str | None, name: str | None) -> tuple[Engine, Project]:
    """Return the project of a ``path``, or of the environment that is called ``name``.

    Which project a name means depends on the prefix alone, and no project's file sets that.
    """
    if name is not None:
        settings = settings_of(c)
        engine = connect()
        (project,) = containers.named(engine, settings.prefix, [name])
        speak_of(project.path)
        return engine, project
    where = "." if path is None else path
    settings = settings_of(c, project=where)
    project = host.locate(where, settings.prefix)
    speak_of(project.path)
    return connect(), project


def speak_of(path: PurePosixPath | str) -> None:
    """Have messages name the project at ``path``, unless it is the current directory's."""
    try:
        here, there = os.path.realpath("."), os.path.realpath(Path(path).expanduser())
    except (OSError, RuntimeError):  # the current directory was deleted, or nobody has that home
        here, there = "", str(path)
    is_about("" if there in (here, ".") else there)


def entered(c: Context, path: str | None, name: str | None) -> tuple[Engine, Container]:
    """Return the environment that a command is run in, brought up if it does not run."""
    engine, project = find_project(c, path, name)
    if container := containers.find(engine, project).enterable:
        return engine, container
    engine, project, settings, here = look(c, str(project.path))
    environment = containers.up(engine, project, settings, here, say=report.say)
    if environment.outcome != "running":
        where = f"on {engine.endpoint.title}"
        report.outcome(environment.container.name, environment.outcome.upper(), where)
    return engine, environment.container
