"""The task ``volume.repair``."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from invoke import Context

from devenv_lib import report, texts, volumes
from devenv_lib.called import as_called
from devenv_lib.errors import Declined, DevenvError, Refused
from devenv_lib.plans.leftovers import ROOT, Findings, quoted
from devenv_lib.project import check_name
from devenv_lib.tasks._flags import check_format, exactly_one
from devenv_lib.tasks._hands import Hands, hands
from devenv_lib.tasks._task import dry, finish, task

if TYPE_CHECKING:
    from devenv_lib.plans.repair import RepairPlan
    from devenv_lib.records import Identity

_HEADERS = ("VOLUME", "PLACE", "WHAT", "TO DO")
_LEFT = {"d": "a directory of root's, made by an engine", "f": "an empty file of root's, likewise"}


@task(
    iterable=["name"],
    help={
        "name": "a volume to repair; may be given several times",
        "all": "repair every labelled volume of the prefix",
        "owner": "also give the user all that is root's or another uid's",
        "force": "do not ask; every check stays",
        "format": "table (the default) or json",
    },
)
def repair(
    c: Context,
    name: list[str] | None = None,
    all: bool = False,  # noqa: A002
    owner: bool = False,
    force: bool = False,
    format: str = "table",  # noqa: A002
) -> None:
    """Mend what a wrong start left in volumes: root's mount points, and a foreign uid's files."""
    check_format(format, "table", "json")
    name = name or []
    exactly_one(name, all=all)
    for one in name:
        check_name(one)  # before an image is made, and asked who its user is
    began = time.monotonic()
    at = hands(c)
    image = at.image_here() if dry(c) else at.made_image()
    who = at.user_of(image)
    names = None if all else name
    plans = volumes.plan_repair(at.engine, at.prefix, names, image, who, owner=owner)
    if dry(c):
        report.lines(line for plan in plans for line in _rehearsed(plan, image, who))
        finish(int(any(plan.refusal for plan in plans)))
        return
    _show(plans, who, table=format == "table")
    if any(plan.needed for plan in plans) and not force:
        _ask(plans, who, at.engine.endpoint.title, owner=owner)
    results = []
    for plan in plans:
        results.append(result := _repaired(at, plan, image, who))
        report.outcome(result.name, result.outcome, result.detail, result.remedy)
    if format == "json":
        report.as_json([asdict(one) for one in results])
    _sum_up(results, at.engine.endpoint.title, time.monotonic() - began)
    finish(int(any(one.outcome in ("REFUSED", "FAILED") for one in results)))


def _rehearsed(plan: RepairPlan, image: str, who: Identity) -> Iterator[str]:
    if plan.refusal:
        yield f"# {plan.name} is refused: {plan.refusal.reason}. {plan.refusal.remedy}"
        return
    if not plan.needed:
        yield f"# {plan.name} needs no repair"
    for row in _rows(plan, who):
        yield "# " + "  ".join(row.values())
    if plan.needed:
        yield from volumes.rehearse_repair(plan, image, who)


def _show(plans: Sequence[RepairPlan], who: Identity, *, table: bool) -> None:
    """Show what was found, for people: with JSON, which is stdout's then, on stderr."""
    rows = [row for plan in plans for row in _rows(plan, who)]
    if table:
        report.table(rows, _HEADERS)
        return
    for row in rows:
        report.say(texts.printable("  ".join(row.values()), ""))


def _rows(plan: RepairPlan, who: Identity) -> Iterator[dict[str, str]]:
    """Yield a row for each thing that was found in a volume."""
    found = plan.findings or Findings(who.uid)
    for path, kind in found.leftovers.items():
        what = "the volume's root, which is root's" if path == ROOT else _LEFT[kind]
        to_do = f"{who.name}'s" if path in plan.given and not plan.refusal else "stays"
        yield _row(plan, quoted(path), what, to_do)
    for uid, number in found.owners.items():
        entries = texts.counted(number, "entry", "entries")
        what = f"uid {uid}: {entries}, the environment's user is {who.uid}"
        change = uid in plan.owners and plan.needed
        stays = "stays" if plan.owners else "stays; --owner would change it"
        to_do = f"{who.name}'s" if change else stays
        yield _row(plan, f"{quoted(found.first[uid])}, …", what, to_do)
    for path in found.kept if plan.owners else ():
        what = "has a set-id bit or capabilities, which a change of owner takes away"
        yield _row(plan, quoted(path), what, "stays")
    if plan.unfinished:
        yield _row(plan, "-", "a restore or clone that is not finished", _SETTLED)


#: What a repair does about what is not finished: a new volume has no former content to go back to.
_SETTLED = "carried on or undone; a volume made for it goes then"


def _row(plan: RepairPlan, place: str, what: str, to_do: str) -> dict[str, str]:
    return {"volume": plan.name, "place": place, "what": what, "to do": to_do}


def _ask(plans: Sequence[RepairPlan], who: Identity, where: str, *, owner: bool) -> None:
    """Ask once about all that would be done.

    Raises:
        Declined: they said no.
        Refused: there is no terminal to ask on.
    """
    needed = [plan for plan in plans if plan.needed]
    entries = sum(plan.entries for plan in needed)
    them = "this 1 entry" if entries == 1 else f"these {entries} entries"
    to_do = [f"give {them} to {who.name} ({who.user})"] if entries else []
    if unfinished := [plan.name for plan in needed if plan.unfinished]:
        to_do.append(f"carry on or undo what is not finished in {', '.join(unfinished)}")
    question = f"{' and '.join(to_do)}, on {where}?"
    if not report.confirm(question[0].upper() + question[1:], "Nothing was changed"):
        flags = [*(["--owner"] if owner else []), *(f"--name {plan.name}" for plan in needed)]
        again = f"inv volume.repair --dry {' '.join(flags)}"
        raise Declined("Nothing was changed.", f"To look without a question: {again}")


@dataclass(frozen=True)
class _Outcome:
    """What became of one volume, as JSON has it."""

    name: str
    outcome: str
    detail: str
    remedy: str
    user: str
    given: int
    leftovers: list[str]
    owners: dict[str, int]
    kept: list[str]
    engine: str


def _repaired(at: Hands, plan: RepairPlan, image: str, who: Identity) -> _Outcome:
    """Repair a volume, and return what became of it."""
    word, detail, remedy, done = "OK", "", "", 0
    found = plan.findings
    if plan.refusal:
        word, detail, remedy = "REFUSED", plan.refusal.reason, plan.refusal.remedy
    elif plan.needed:
        try:
            result = volumes.repair(at.engine, at.prefix, plan, image, who)
        except DevenvError as error:
            word = "REFUSED" if isinstance(error, Refused) else "FAILED"
            detail, remedy = str(error), error.hint
        else:
            done = result.given
            word = "FAILED" if result.failure else "REPAIRED"
            entries = texts.counted(done, "entry is", "entries are")
            detail = result.failure or f"{entries} {who.name}'s now ({who.user})"
            if plan.unfinished:
                detail = f"what was not finished: {result.settled or 'nothing was left of it'}"
    elif found and found.owners:
        word = "KEPT"
        counts = ", ".join(f"uid {uid}: {number}" for uid, number in found.owners.items())
        detail = f"entries that are not {who.name}'s stay ({counts})"
    return _Outcome(
        name=plan.name,
        outcome=word,
        detail=detail,
        remedy=as_called(remedy),
        user=f"{who.name} {who.user}",
        given=done,
        leftovers=[os.fsdecode(path) for path in (found.leftovers if found else ())],
        owners={str(uid): number for uid, number in (found.owners if found else {}).items()},
        kept=[os.fsdecode(path) for path in (found.kept if found else ())],
        engine=at.engine.endpoint.name,
    )


def _sum_up(results: Sequence[_Outcome], engine: str, seconds: float) -> None:
    words = ("REPAIRED", "OK", "KEPT", "REFUSED", "FAILED")
    counts = {word: sum(1 for one in results if one.outcome == word) for word in words}
    named = {"OK": "in order"}
    shown = {named.get(word, word.lower()): number for word, number in counts.items()}
    report.summary(shown, engine, seconds)


TASKS = (repair,)
