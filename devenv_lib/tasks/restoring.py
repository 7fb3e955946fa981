"""The tasks ``volume.restore`` and ``volume.clone``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from invoke import Context

from devenv_lib import report, texts, volumes
from devenv_lib.errors import UsageError
from devenv_lib.names import common_labels
from devenv_lib.plans.commands import volume_line
from devenv_lib.plans.pending import unfinished
from devenv_lib.plans.restoring import target_name
from devenv_lib.tasks._flags import check_format, not_empty, path_at
from devenv_lib.tasks._hands import Hands, hands
from devenv_lib.tasks._task import dry, task
from devenv_lib.tasks.saving import remove_left


@task(
    help={
        "from": "the archive, as volume.backup makes it",
        "name": "the volume to restore to (default: the one that the manifest names)",
        "replace": "replace what is in it, which is backed up first",
        "to": "with --replace: the directory for that backup (default: the archive's)",
        "format": "table (the default) or json",
    },
)
def restore(
    c: Context,
    from_: str = "",
    name: str | None = None,
    replace: bool = False,
    to: str | None = None,
    format: str = "table",  # noqa: A002
) -> None:
    """Restore a volume from an archive, all of it or nothing."""
    check_format(format, "table", "json")
    not_empty(name=name, to=to)
    if not from_:
        raise UsageError("No archive was named.", "Name one: --from FILE")
    if to and not replace:
        raise UsageError("--to is for --replace, which was not given.", "inv volume.restore --help")
    began = time.monotonic()
    path = path_at(from_)
    at = hands(c)
    directory = (path_at(to) if to else path.parent) if replace else None
    if directory:
        volumes.check_directory(directory)
    with volumes.opened(path) as archive:
        target = target_name(archive.manifest, name or "")
        if dry(c):
            report.lines(_rehearsal(at, archive, target, directory))
            return
        if directory:
            remove_left(directory)
        with report.progress(target) as moved:
            done = volumes.restore(
                at.engine,
                at.prefix,
                archive,
                at.made_image(),
                name=target,
                replace=directory,
                protected=at.settings.volumes.protected,
                moved=moved,
                say=report.say,
            )
    if format == "json":
        report.as_json({**asdict(done), "engine": at.engine.endpoint.name})
    _tell(done, at, began)


def _rehearsal(
    at: Hands, archive: volumes.Archive, target: str, directory: Path | None
) -> Iterator[str]:
    """Yield what a restore would do, once it is seen that it would not be refused."""
    entries = texts.counted(archive.files, "entry", "entries")
    entries = f"# {entries} of {archive.path} would be restored to {target}"
    if unfinished(at.engine.snapshot().volumes, at.prefix, target):
        yield f"# what an interrupted command left in {target} would be carried on or undone first"
        yield f"{entries}, unless it is not to be filled then"
        return
    there = at.engine.volume(target) is not None
    replacing = volumes.plan_restore(
        at.engine,
        at.prefix,
        target,
        at.image_here() if there else "",
        replace=directory is not None,
        protected=at.settings.volumes.protected,
    )
    if replacing:
        yield f"# what is in {target} would be saved to {directory} first, and replaced"
    yield entries + ("" if there else ", which would be made")


def _tell(done: volumes.Restored, at: Hands, began: float) -> None:
    entries = texts.counted(done.files, "entry", "entries")
    detail = f"{entries}, {texts.size(done.bytes)}, from {done.path}"
    report.outcome(done.name, "RESTORED", detail)
    if done.earlier:
        report.reason(f"first, what an interrupted command left was {done.earlier}")
    if not done.verified:
        report.reason("there was no manifest, so the archive's digest was not verified")
    for note in done.notes:
        report.reason(note)
    report.summary({"restored": 1}, at.engine.endpoint.title, time.monotonic() - began)


@task(
    help={
        "name": "the volume to clone",
        "to": "the name of the new volume",
        "format": "table (the default) or json",
    }
)
def clone(c: Context, name: str = "", to: str = "", format: str = "table") -> None:  # noqa: A002
    """Copy a volume to a new one."""
    check_format(format, "table", "json")
    if not name or not to:
        raise UsageError("It takes a volume and a new name.", "--name VOLUME --to NAME")
    began = time.monotonic()
    at = hands(c)
    left = unfinished(at.engine.snapshot().volumes, at.prefix, to)
    if not left:
        volumes.plan_clone(at.engine, at.prefix, name, to)
    if dry(c):
        if left:
            report.lines([f"# what an interrupted command left in {to} would first be undone"])
        options = at.engine.info().volume_options
        line = volume_line(to, common_labels(at.prefix), options)
        report.lines([line, f"# all of {name} is copied"])
        return
    done = volumes.clone(at.engine, at.prefix, name, to, at.made_image())
    if format == "json":
        report.as_json({**asdict(done), "engine": at.engine.endpoint.name})
    report.outcome(to, "CLONED", f"{texts.counted(done.files, 'entry', 'entries')}, from {name}")
    for note in done.notes:
        report.reason(note)
    report.summary({"cloned": 1}, at.engine.endpoint.title, time.monotonic() - began)


TASKS = (restore, clone)
