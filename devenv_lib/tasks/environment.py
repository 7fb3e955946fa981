"""The tasks that make environments and what they need: run, build, mounts, setup."""

from __future__ import annotations

import os
import shlex
import stat
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Context

from devenv_lib import containers, images, report, texts
from devenv_lib.engine import connect
from devenv_lib.errors import Declined, UsageError
from devenv_lib.tasks._flags import check_format, not_empty
from devenv_lib.tasks._introduce import introduce, warn_homes
from devenv_lib.tasks._look import PATH, look
from devenv_lib.tasks._task import dry, finish, settings_of, task
from devenv_lib.terminal import on_terminal

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.images import Choice
    from devenv_lib.mounts import MountPlan
    from devenv_lib.project import Project
    from devenv_lib.settings import Settings


@task(
    help={
        "path": PATH,
        "detach": "do not attach; leave the environment running",
        "recreate": "make a new container; volumes and project stay",
        "force": "with --recreate: do not ask when somebody is in the old one",
        "image": "an image to use instead of the project's own or the default one",
        "port": "the port of 127.0.0.1 for ssh; 0: one that the engine picks",
        "ssh": "with sshd, also where the settings say otherwise; without a key, an error",
    }
)
def run(
    c: Context,
    path: str = ".",
    detach: bool = False,
    recreate: bool = False,
    force: bool = False,
    image: str | None = None,
    port: str | None = None,
    ssh: bool = False,
) -> None:
    """Start the project's environment and open a shell in it (on a terminal)."""
    not_empty(image=image, port=port)
    began = time.monotonic()
    given = {"image": image, "ssh_port": port, "ssh": ssh}
    engine, project, settings, here = look(c, path, given)
    if dry(c):
        report.lines(containers.rehearse(engine, project, settings, here, recreate=recreate))
        return
    ask = _asking(engine, project) if recreate and not force else lambda: None
    ask()
    environment = containers.up(
        engine, project, settings, here, recreate=recreate, say=report.say, replacing=ask
    )
    attach = not detach and on_terminal()
    flags = _again(image=image, port=port, ssh=ssh)
    introduce(engine, environment, settings, here, flags=flags, began=began)
    if attach:
        finish(containers.attach(engine, environment.container, here.terminal))


def _asking(engine: Engine, project: Project) -> Callable[[], None]:
    """Return what asks about those who are inside, each time about those who came since.

    Making an image between the two can take minutes.
    """
    asked: Counter[str] = Counter()

    def ask() -> None:
        new = Counter(containers.sessions(engine, project)) - asked
        _ask_who_is_in(sorted(new.elements()))
        asked.update(new)

    return ask


def _ask_who_is_in(sessions: Sequence[str]) -> None:
    """Ask before programs that people have open inside are ended.

    Raises:
        Declined: they said no.
        Refused: there is no terminal to ask on.
    """
    if not sessions:
        return
    many = "is 1 session" if len(sessions) == 1 else f"are {len(sessions)} sessions"
    question = f"There {many} open in it: {', '.join(sessions)}.\nEnd them and recreate it?"
    if not report.confirm(question, f"Nothing was recreated, since there {many} open in it"):
        raise Declined("Nothing was recreated.", "To enter it as it is: inv run")


@task(help={"path": PATH, "no_cache": "take nothing from the builder's cache"})
def build(c: Context, path: str = ".", no_cache: bool = False) -> None:
    """Build the project's image, or the default one."""
    began = time.monotonic()
    engine, choice, settings, owner = _to_build(c, path)
    if choice.kind == "given":
        raise UsageError(
            f"The image {choice.name} is not devenv's to build: the settings name it.",
            choice.bringing,
        )
    if dry(c):
        lines = images.rehearse_build(engine, choice, settings, owner, fresh=no_cache)
        report.lines(lines)
        return
    built = images.build(engine, choice, settings, owner, report.say, fresh=no_cache)
    report.outcome(built.name, "BUILT", built.id.removeprefix("sha256:")[:12])
    report.summary({"built": 1}, engine.endpoint.title, time.monotonic() - began)


def _to_build(c: Context, path: str) -> tuple[Engine, Choice, Settings, tuple[int, int]]:
    """Return what is to be built, for whom: the default image is no project's, and needs none."""
    settings = settings_of(c)
    default = images.shared_image(settings)
    if settings.image and default.kind == "default":
        found = None
        with suppress(OSError, RuntimeError):
            found = Path(path).expanduser().stat() if path else None
        if found and stat.S_ISDIR(found.st_mode):  # else it is said below what is wrong with it
            return connect(), default, settings, (found.st_uid, found.st_gid)
    engine, project, settings, host = look(c, path)
    return engine, images.choose(project, settings), settings, host.owner


@task(help={"path": PATH, "format": "table (the default) or json"})
def mounts(c: Context, path: str = ".", format: str = "table") -> None:  # noqa: A002
    """Show what would be mounted, what would not, and why."""
    began = time.monotonic()
    check_format(format, "table", "json")
    engine, project, settings, here = look(c, path)
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
        text = texts.printable(f"{left.source}  ({left.why})", "")
        read = read and report.out(f"left out: {text}")
    if read:
        warn_homes(plan)
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


def _again(*, image: str | None, port: str | None, ssh: bool) -> str:
    """Return the flags that another command for the same environment has to have too."""
    flags = (f" --{name} {shlex.quote(v)}" for name, v in (("image", image), ("port", port)) if v)
    return "".join(flags) + (" --ssh" if ssh else "")


@task()
def setup(c: Context) -> None:
    """Bring what a fresh machine needs: an engine, the base image, the default image."""
    from devenv_lib.setup import make_ready  # noqa: PLC0415 - 7 ms that only this task needs

    began = time.monotonic()
    settings = settings_of(c)
    title = ""
    for step in make_ready(settings, os.environ, report.say, dry=dry(c)):
        report.outcome(step.name, step.outcome, step.detail, step.remedy)
        title = step.engine or title
    if title:  # a dry run may find no engine
        report.summary({"machine ready": int(not dry(c))}, title, time.monotonic() - began)


TASKS = (run, build, mounts, setup)
