"""The task ``volume.backup``, and the backups that others take first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Context

from devenv_lib import report, texts, volumes
from devenv_lib.errors import DevenvError, Refused, UsageError
from devenv_lib.tasks._flags import check_format, exactly_one, path_at
from devenv_lib.tasks._hands import Hands, hands
from devenv_lib.tasks._task import dry, ended_in_order, finish, task

if TYPE_CHECKING:
    from devenv_lib.plans import Refusal


@task(
    iterable=["name"],
    help={
        "name": "a volume to save; may be given several times",
        "all": "save every labelled volume of the prefix",
        "to": "the directory for the archives",
        "compress": "compress them (zstd where Python has it, else gzip); --no-compress does not",
        "pause": "pause running containers that could write into a volume while it is read",
        "format": "table (the default) or json: the manifests, and where the archives are",
    },
)
def backup(
    c: Context,
    name: list[str] | None = None,
    to: str = "",
    all: bool = False,  # noqa: A002
    compress: bool = True,
    pause: bool = False,
    format: str = "table",  # noqa: A002
) -> None:
    """Save volumes to archives in a directory, with a manifest beside each."""
    check_format(format, "table", "json")
    name = name or []
    exactly_one(name, all=all)
    if not to:
        raise UsageError("No directory was named for the archives.", "Name one: --to DIR")
    began, directory = time.monotonic(), path_at(to)
    at = hands(c)
    plan = volumes.plan_backup(at.engine, at.prefix, None if all else name, directory)
    refuse(plan.refusals, at, began)
    names = [volume.name for volume in plan.volumes]
    compression = volumes.best() if compress else "none"
    if dry(c):
        suffix = volumes.SUFFIXES[compression]
        report.lines(
            f"# {name} would be saved to {directory}/{name}-TIME{suffix}" for name in names
        )
        return
    made = save(at, names, directory, compression, pause=pause)
    if format == "json":
        report.as_json([{"path": each.path, **asdict(each.manifest)} for each in made])
    failed = len(names) - len(made)
    counts = {"saved": len(made), "failed": failed}
    report.summary(counts, at.engine.endpoint.title, time.monotonic() - began)
    finish(int(failed > 0))


def remove_left(directory: Path) -> None:
    """Remove what killed commands left half-written where backups go, and say so."""
    for left in volumes.remove_left(directory):
        report.say(f"Removed {left}, which an interrupted backup left half-written.")


def refuse(refusals: Sequence[Refusal], at: Hands, began: float) -> None:
    """Say every refusal and end the command, if there are any."""
    for refusal in refusals:
        report.outcome(refusal.volume, "REFUSED", refusal.reason, refusal.remedy)
    if refusals:
        counts = {"refused": len({refusal.volume for refusal in refusals})}
        report.summary(counts, at.engine.endpoint.title, time.monotonic() - began)
        finish(1)


def save(
    at: Hands,
    names: Sequence[str],
    directory: Path,
    compression: volumes.Compression,
    *,
    pause: bool = False,
) -> list[volumes.Backup]:
    """Try to save every volume, report each, and return what was saved."""
    remove_left(directory)
    made, image = [], at.made_image() if names else ""
    for name in names:
        try:
            with ended_in_order(), report.progress(name) as moved:
                saved = volumes.backup(
                    at.engine,
                    at.prefix,
                    name,
                    directory,
                    image,
                    compression=compression,
                    pause=pause,
                    moved=moved,
                )
        except DevenvError as error:
            report.outcome(name, "FAILED", str(error), error.hint)
            continue
        made.append(saved)
        report.outcome(name, "SAVED", f"{texts.size(saved.manifest.size)}  {saved.path}")
        for note in saved.manifest.notes:
            report.reason(note)
    return made


def save_first(at: Hands, names: Sequence[str], directory: Path) -> None:
    """Save volumes that are about to go, read every archive again, and then look whether it is all.

    Raises:
        Refused: one could not be saved, its archive is not what was written, or something was
            written into it since.
    """
    image = at.made_image() if names else ""
    before = volumes.last_changes(at.engine, at.prefix, names, image)
    made = save(at, names, directory, volumes.best())
    if len(made) != len(names):
        raise Refused(
            "Nothing was removed, because not every volume could be saved.",
            "See above; without backups: leave out --backup",
        )
    for saved in made:
        volumes.check_saved(saved, "Nothing was removed")
    after = volumes.last_changes(at.engine, at.prefix, names, image)
    if changed := [name for name in names if after[name] != before[name]]:
        raise Refused(
            f"Nothing was removed: {', '.join(changed)} changed since it was saved.",
            "Somebody may have used it meanwhile: inv volume.list; then repeat the command.",
        )


TASKS = (backup,)
