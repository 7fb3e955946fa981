"""The tasks about environments: run, exec, stop, build, mounts, setup."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from invoke import Context

from devenv_lib import containers, host, images, report
from devenv_lib.engine import connect
from devenv_lib.errors import UsageError
from devenv_lib.mounts import MountPlan
from devenv_lib.project import Project
from devenv_lib.records import Host
from devenv_lib.settings import Settings
from devenv_lib.tasks._introduce import introduce, warn_homes
from devenv_lib.tasks._task import dry, finish, settings_of, task, words_after

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

_PATH = "the project directory (default: the current one)"


@task(
    help={
        "path": _PATH,
        "detach": "do not attach; leave the environment running",
        "recreate": "make a new container; volumes and project stay",
        "image": "an image to use instead of the project's own or the default one",
        "port": "the port of 127.0.0.1 for ssh; 0: one that the engine picks",
        "ssh": "with sshd, also where the settings say otherwise; without a key, an error",
    }
)
def run(  # noqa: PLR0917 - Invoke makes a flag of each
    c: Context,
    path: str = ".",
    detach: bool = False,
    recreate: bool = False,
    image: str = "",
    port: str = "",
    ssh: bool = False,
) -> None:
    """Start the project's environment and open a shell in it (on a terminal)."""
    began = time.monotonic()
    given = {"image": image, "ssh_port": port, "ssh": ssh}
    engine, project, settings, here = _look(c, path, given)
    if dry(c):
        report.lines(containers.rehearse(engine, project, settings, here, recreate=recreate))
        return
    environment = containers.up(engine, project, settings, here, recreate=recreate, say=report.say)
    attach = not detach and containers.on_terminal()
    flags = _again(image=image, port=port, ssh=ssh)
    introduce(engine, environment, settings, here, flags=flags, began=began)
    if attach:
        finish(containers.attach(engine, environment, here.terminal))


@task(name="exec", help={"path": _PATH})
def exec_(c: Context, path: str = ".") -> None:
    """Run a command in the environment: inv exec -- COMMAND... (its exit status is this one's)."""
    words = words_after(c)
    engine, project, settings, here = _look(c, path)
    if dry(c):
        report.lines(containers.rehearse(engine, project, settings, here))
        seen = containers.find(engine, project)
        name = seen.ready.name if seen.ready else seen.name
        report.lines([shlex.join(["docker", "exec", "--interactive", name, *words])])
        return
    environment = containers.up(engine, project, settings, here, say=report.say)
    if environment.outcome != "running":
        report.outcome(environment.container.name, environment.outcome.upper())
    finish(containers.execute(engine, environment, words, here.terminal))


@task(help={"path": _PATH, "keep": "stop the container and keep it"})
def stop(c: Context, path: str = ".", keep: bool = False) -> None:
    """Stop and remove the project's container. Volumes and project stay."""
    began = time.monotonic()
    settings = settings_of(c)
    project = host.locate(path, settings.prefix, must_exist=False)
    engine = connect()
    if dry(c):
        report.lines(containers.rehearse_stop(engine, project, keep=keep))
        return
    stopped = containers.stop(engine, project, keep=keep)
    for one in stopped:
        report.outcome(one.name, "STOPPED" if one.kept else "REMOVED")
    if not stopped:
        report.say(f"There is no environment of {report.printable(str(project.path))}.")
    report.summary({"stopped": len(stopped)}, engine.endpoint.title, time.monotonic() - began)


@task(help={"path": _PATH, "no_cache": "take nothing from the builder's cache"})
def build(c: Context, path: str = ".", no_cache: bool = False) -> None:
    """Build the project's image, or the default one."""
    began = time.monotonic()
    engine, project, settings, here = _look(c, path)
    choice = images.choose(project, settings)
    if choice.kind == "given":
        raise UsageError(
            f"The image {choice.name} is not devenv's to build: the settings name it.",
            f"docker pull {choice.name}",
        )
    if dry(c):
        lines = images.rehearse_build(engine, choice, settings, here.owner, fresh=no_cache)
        report.lines(lines)
        return
    built = images.build(engine, choice, settings, here.owner, report.say, fresh=no_cache)
    report.outcome(built.name, "BUILT", built.id.removeprefix("sha256:")[:12])
    report.summary({"built": 1}, engine.endpoint.title, time.monotonic() - began)


@task(help={"path": _PATH, "format": "table (the default) or json"})
def mounts(c: Context, path: str = ".", format: str = "table") -> None:  # noqa: A002
    """Show what would be mounted, what would not, and why."""
    began = time.monotonic()
    if format not in ("table", "json"):
        raise UsageError(f"{format!r} is not a format.", "Formats: table, json.")
    engine, project, settings, here = _look(c, path)
    plan = containers.draft(engine, project, settings, here, probe=not dry(c)).mounts
    if format == "json":
        report.as_json({**_mounts_json(plan), "engine": engine.endpoint.name})
        return
    rows = [
        {"source": m.source, "target": m.target, "mode": _mode(m.read_only), "why": m.why}
        for m in plan.mounts
    ]
    read = report.table(rows, ("SOURCE", "TARGET", "MODE", "WHY"))
    for left in plan.left_out:
        text = report.printable(f"{left.source}  ({left.why})", "")
        read = read and report.out(f"left out: {text}")
    if read:
        warn_homes(plan, project)
        counts = {"mounted": len(plan.mounts), "left out": len(plan.left_out)}
        report.summary(counts, engine.endpoint.title, time.monotonic() - began)


def _mode(read_only: bool) -> str:
    return "ro" if read_only else "rw"


def _mounts_json(plan: MountPlan) -> dict[str, list[dict[str, str]]]:
    mounted = [
        {
            "type": mount.kind,
            "source": mount.source,
            "target": str(mount.target),
            "mode": _mode(mount.read_only),
            "why": mount.why,
        }
        for mount in plan.mounts
    ]
    left = [
        {"source": one.source, "target": str(one.target), "why": one.why} for one in plan.left_out
    ]
    return {"mounts": mounted, "left_out": left}


def _again(*, image: str, port: str, ssh: bool) -> str:
    """Return the flags that another command for the same environment has to have too."""
    flags = (f" --{name} {shlex.quote(v)}" for name, v in (("image", image), ("port", port)) if v)
    return "".join(flags) + (" --ssh" if ssh else "")


def _look(
    c: Context, path: str, flags: Mapping[str, object] | None = None
) -> tuple[Engine, Project, Settings, Host]:
    """Load what a task about a project's environment needs, in the order that fails best."""
    settings = _with_port(settings_of(c, flags), flags or {})
    project = host.locate(path, settings.prefix)
    engine = connect()
    socket = engine.endpoint.socket
    here = host.look(project, settings, sockets=[str(socket)] if socket else [])
    return engine, project, settings, here


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


@task()
def setup(c: Context) -> None:
    """Bring what a fresh machine needs: an engine, the base image, the default image."""
    from devenv_lib.setup import make_ready  # noqa: PLC0415 - 7 ms that only this task needs

    began = time.monotonic()
    settings = settings_of(c)
    title = ""
    for step in make_ready(settings, os.environ, report.say, dry=dry(c)):
        report.outcome(step.name, step.outcome, step.detail)
        title = step.engine or title
    if title:  # a dry run may find no engine
        report.summary({"machine ready": int(not dry(c))}, title, time.monotonic() - began)


TASKS = (run, exec_, stop, build, mounts, setup)
