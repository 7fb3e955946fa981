"""Carry out mends: what devenv's own verbs do without losing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devenv_lib import images, texts, volumes
from devenv_lib.doctor.grounds import Grounds
from devenv_lib.errors import DevenvError, EngineFailure, ImageError, Refused
from devenv_lib.plans.health.finding import Mend
from devenv_lib.plans.repair import RepairPlan
from devenv_lib.records import Identity

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


_SEE = "See the other findings: inv doctor"


@dataclass(frozen=True)
class Mended:
    """What became of one mend. ``failure`` and its ``hint`` are empty when it was done."""

    mend: Mend
    detail: str = ""
    failure: str = ""
    hint: str = ""


def mend(at: Grounds, one: Mend, say: Callable[[str], None]) -> Mended:
    """Carry out one mend, by the verb that a person would use, with all its checks.

    ``say`` is told what takes long.
    """
    try:
        return Mended(one, _mended(at, one, say))
    except DevenvError as error:
        return Mended(one, failure=str(error), hint=error.hint)


def _mended(at: Grounds, one: Mend, say: Callable[[str], None]) -> str:
    engine, prefix = _engine(at), at.settings.prefix
    if one.verb == "image":
        return _image(at, engine, say)
    image = _helpers(at)
    if one.verb == "adopt":
        volumes.adopt(engine, prefix, one.name, image, say)
        return "it has devenv's labels now"
    who = _who(at)
    plan = _fit(volumes.plan_repair(engine, prefix, [one.name], image, who))
    done = volumes.repair(engine, prefix, plan, image, who)
    if done.failure:
        raise EngineFailure(done.failure, f"inv volume.repair --name {one.name}")
    return f"{texts.counted(done.given, 'entry is', 'entries are')} {who.name}'s now"


def _fit(plans: Sequence[RepairPlan]) -> RepairPlan:
    """Return the one plan, if it mends without loss: to undo a restore may remove its volume.

    Raises:
        Refused: it does not.
    """
    (plan,) = plans
    if plan.unfinished:
        raise Refused(
            "Since it was looked at, a restore or a clone to it has begun, or was left half-way.",
            f"To carry it on, or undo it: inv volume.repair --name {plan.name}",
        )
    return plan


def _image(at: Grounds, engine: Engine, say: Callable[[str], None]) -> str:
    """Build or pull the image that is missing, and return how its id begins."""
    if not (at.choice and at.host):
        raise ImageError("It is not known which image that is.", _SEE)
    made = images.ensure(engine, at.choice, at.settings, at.host.owner, say)
    return made.id.removeprefix("sha256:")[:12]


def rehearse_mend(at: Grounds, one: Mend) -> Iterator[str]:
    """Yield the commands that stand for a mend, and comments.

    Raises:
        DevenvError: it is not possible.
    """
    engine, prefix = _engine(at), at.settings.prefix
    if one.verb == "adopt":
        found = volumes.plan_adoption(engine, prefix, one.name)
        yield from volumes.rehearse_adoption(found, engine.info().volume_options)
    elif one.verb == "repair":
        image, who = _helpers(at), _who(at)
        plan = _fit(volumes.plan_repair(engine, prefix, [one.name], image, who))
        yield from volumes.rehearse_repair(plan, image, who)
    elif at.choice and at.host:
        yield from images.rehearse(engine, at.choice, at.settings, at.host.owner)


def _engine(at: Grounds) -> Engine:
    if at.engine is None:
        raise EngineFailure("There is no engine.", "inv setup")
    return at.engine


def _helpers(at: Grounds) -> str:
    if image := at.helpers:
        return image
    raise ImageError("There is no image here to mend volumes with.", _bringing(at))


def _bringing(at: Grounds) -> str:
    return at.choice.bringing if at.choice else _SEE


def _who(at: Grounds) -> Identity:
    if at.who is None:
        raise ImageError("Who the image's user is, is not known.", _bringing(at))
    return at.who
