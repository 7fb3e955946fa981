"""The tasks ``volume.list`` and ``volume.rm``."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke import Context

from devenv_lib import report, texts, volumes
from devenv_lib.engine import connect
from devenv_lib.errors import Declined
from devenv_lib.names import LABEL_PATH
from devenv_lib.tasks._flags import check_format, exactly_one, not_empty, path_at
from devenv_lib.tasks._hands import hands
from devenv_lib.tasks._listing import prefix_line, show
from devenv_lib.tasks._task import dry, finish, settings_of, task
from devenv_lib.tasks.saving import save_first

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.plans import RemovalPlan

_HEADERS = ("NAME", "SIZE", "IN USE", "USED BY", "MOUNTED AT", "PROJECT", "CREATED")


@task(
    name="list",
    help={
        "format": "table (the default), json (bytes, ISO 8601) or names",
        "size": "measure the volumes; --no-size answers at once",
    },
)
def list_(c: Context, format: str = "table", size: bool = True) -> None:  # noqa: A002
    """List the labelled volumes: size, who uses them, where they are mounted."""
    check_format(format)
    began = time.monotonic()
    settings = settings_of(c)
    engine = connect()
    if dry(c):
        report.out(prefix_line("volume", "ls", prefix=settings.prefix))
        return
    found = volumes.examine(engine, settings.prefix, sizes=size and format != "names")
    what = f"volume of {settings.prefix}"
    if not show(found, _HEADERS, _row, format=format, what=what, engine=engine, began=began):
        where = engine.endpoint.title
        report.say(f"There are no volumes of the prefix {settings.prefix} on {where}.")


def _row(volume: volumes.VolumeReport) -> dict[str, str]:
    return {
        "name": volume.name,
        "size": texts.size(volume.size),
        "in use": "yes" if volume.in_use else "no",
        "used by": ", ".join(volume.used_by) or "-",
        "target": volume.target or "-",
        "project": f"{volume.project or '-'}{' (orphan)' if volume.orphan else ''}",
        "created": volume.created.replace("T", " ") or "n/a",
    }


@task(
    iterable=["name"],
    help={
        "name": "a volume to remove; may be given several times",
        "all": "remove every labelled volume of the prefix that is not protected",
        "orphans": "remove every one that is a project's own, and whose project is gone",
        "force": "do not ask; every check stays",
        "backup": "save every volume to this directory first; if one fails, none is removed",
    },
)
def rm(
    c: Context,
    name: list[str] | None = None,
    all: bool = False,  # noqa: A002
    orphans: bool = False,
    force: bool = False,
    backup: str | None = None,
) -> None:
    """Remove labelled volumes that no container references. What is in them is gone then."""
    not_empty(backup=backup)
    name = name or []
    exactly_one(name, all=all, orphans=orphans)
    began = time.monotonic()
    at = hands(c)
    engine, settings = at.engine, at.settings
    protected = settings.volumes.protected
    names = None if all or orphans else name
    words = (engine, settings.prefix, names, protected)
    plan = volumes.plan_removal(*words, orphans=orphans)
    # What refers to them may be a helper that a killed command never started.
    if plan.refusals and not dry(c) and volumes.clear_up(engine, settings.prefix):
        plan = volumes.plan_removal(*words, orphans=orphans)
    if plan.refusals:
        _refuse(engine, plan, began)
    if backup:
        volumes.check_directory(path_at(backup))
    if dry(c):
        report.lines(f"# {v.name} is saved to {backup} first" for v in plan.volumes if backup)
        report.lines(shlex.join(["docker", "volume", "rm", v.name]) for v in plan.volumes)
        report.lines(f"# {name} is kept: devenv.volumes.protected" for name in plan.spared)
        return
    if (
        plan.volumes
        and not force
        and not report.confirm(_question(engine, plan), "Nothing was removed")
    ):
        raise Declined("Nothing was removed.", "Nothing has changed; see: inv volume.list")
    if backup:
        save_first(at, [volume.name for volume in plan.volumes], path_at(backup))
    _sum_up(engine, plan, _remove(engine, settings.prefix, plan), began)


def _refuse(engine: Engine, plan: RemovalPlan, began: float) -> None:
    """Say every refusal, and that nothing was removed; end the command."""
    for refusal in plan.refusals:
        report.outcome(refusal.volume, "REFUSED", refusal.reason, refusal.remedy)
    for volume in plan.volumes:
        report.outcome(volume.name, "KEPT", "one refusal refuses the whole command")
    _tell_spared(plan)
    refused = len({refusal.volume for refusal in plan.refusals})
    counts = {"refused": refused, "kept": len(plan.volumes) + len(plan.spared)}
    report.summary(counts, engine.endpoint.title, time.monotonic() - began)
    finish(1)


def _question(engine: Engine, plan: RemovalPlan) -> str:
    sizes = engine.snapshot(labelled=True, sizes=True).sizes
    named = [
        f"  {v.name}  {texts.size(sizes.get(v.name))}"
        + (
            f"  of {texts.printable(v.labels[LABEL_PATH], keep='')}"
            if LABEL_PATH in v.labels
            else ""
        )
        for v in plan.volumes
    ]
    many = "this volume and all in it" if len(named) == 1 else "these volumes and all in them"
    where = engine.endpoint.title
    listed = "\n".join(named)
    return f"{listed}\nRemove {many}, on {where}?"


def _remove(engine: Engine, prefix: str, plan: RemovalPlan) -> Sequence[volumes.Removal]:
    """Remove volumes, and report each as it goes: Ctrl-C brings none of them back."""
    done: list[volumes.Removal] = []
    begun: list[str] = []

    def told(one: volumes.Removal) -> None:
        begun.clear()
        done.append(one)
        report.outcome(one.name, "FAILED" if one.failure else "REMOVED", one.failure)

    try:
        volumes.remove(engine, prefix, plan, begins=begun.append, told=told)
    except KeyboardInterrupt:
        for name in begun:
            what = "the engine may be removing it, and goes on with that"
            report.outcome(name, "UNKNOWN", what, "inv volume.list")
        raise
    return done


def _sum_up(
    engine: Engine, plan: RemovalPlan, removals: Sequence[volumes.Removal], began: float
) -> None:
    _tell_spared(plan)
    failed = sum(1 for removal in removals if removal.failure)
    counts = {"removed": len(removals) - failed, "failed": failed, "kept": len(plan.spared)}
    report.summary(counts, engine.endpoint.title, time.monotonic() - began)
    if failed:
        finish(1)


def _tell_spared(plan: RemovalPlan) -> None:
    for name in plan.spared:
        report.outcome(name, "KEPT", "it is protected by devenv.volumes.protected")


TASKS = (list_, rm)
