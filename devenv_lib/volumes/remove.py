"""Remove volumes: plan, and after the question carry out exactly what was planned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devenv_lib import host
from devenv_lib.errors import EngineFailure, Refused
from devenv_lib.names import LABEL_ADOPTING, ours
from devenv_lib.plans import RemovalPlan, removal
from devenv_lib.records import Volume

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


@dataclass(frozen=True)
class Removal:
    """What became of one volume. ``failure`` is empty when it is gone."""

    name: str
    failure: str = ""


def plan_removal(
    engine: Engine,
    prefix: str,
    names: Sequence[str] | None,
    protected: Sequence[str] = (),
    *,
    orphans: bool = False,
) -> RemovalPlan:
    """Examine the engine and return what removing ``names`` (``None``: all) would do.

    ``plan.volumes`` would go, in that order; ``plan.refusals`` say what may not and why, and one
    of them refuses all. ``protected`` are names or patterns, as of ``settings.volumes``: such a
    volume is refused by its name, and of all of them it is ``plan.spared``. With ``orphans``, all
    are those of projects that are gone, and any other is refused. The rules are those of
    ``specs/persistent-volumes.md``.

    Raises:
        UsageError: a name that an engine cannot take literally.
        EngineFailure: the engine stopped answering.

    Example::

        with devenv.environment(settings=settings):
            plan = devenv.plan_removal(engine, settings.prefix, None)
            assert plan.volumes == ()
            assert "running container" in plan.refusals[0].reason
    """
    snapshot = engine.snapshot()
    mine = (volume.labels for volume in snapshot.volumes if ours(volume.labels, prefix))
    seen = host.directories(mine) if orphans else None
    return removal(snapshot, prefix, names, protected, seen)


def remove(
    engine: Engine,
    prefix: str,
    plan: RemovalPlan,
    *,
    begins: Callable[[str], object] = lambda _: None,
    told: Callable[[Removal], object] = lambda _: None,
) -> tuple[Removal, ...]:
    """Carry out a plan: try every volume, and say what became of each.

    ``told`` hears it at once, since what is gone is gone, also when this is interrupted, and
    ``begins`` hears the name of each right before it is removed.

    A person may have taken an hour to answer. So everything is examined again first, and
    nothing is removed unless the plan would be the same now, for the very same volumes.

    Raises:
        Refused: the plan has refusals, or the engine is no longer as it was planned for.

    Example::

        with devenv.environment(settings=settings):
            pass  # its volumes stay
        plan = devenv.plan_removal(engine, settings.prefix, None)
        for removal in devenv.remove(engine, settings.prefix, plan):
            assert removal.failure == ""
        assert devenv.examine(engine, settings.prefix) == ()
    """
    if plan.refusals:
        raise Refused(
            f"Nothing was removed: {len(plan.refusals)} of the checks said no.",
            "See who uses what: inv volume.list",
        )
    names = [volume.name for volume in plan.volumes]
    now = plan_removal(engine, prefix, names, orphans=plan.orphans)
    if now.refusals or now.volumes != plan.volumes:
        raise Refused(
            "Nothing was removed: the volumes or their use changed since they were checked.",
            "Look again, then repeat the command: inv volume.list",
        )
    removals = []
    for volume in plan.volumes:
        removals.append(removal := _remove(engine, prefix, volume, begins))
        told(removal)
    return tuple(removals)


def _remove(
    engine: Engine, prefix: str, volume: Volume, begins: Callable[[str], object]
) -> Removal:
    """Remove a volume; one that an adoption made may be the only complete copy by now."""
    name = volume.name
    try:
        # The removal of those before it may have taken minutes.
        if engine.volume(name) not in (volume, None):
            return Removal(name, "it is another one than was looked at, and stays")
        if LABEL_ADOPTING in volume.labels:
            for refusal in plan_removal(engine, prefix, [name]).refusals:
                return Removal(name, f"{refusal.reason}: {refusal.remedy}")
        begins(name)
        engine.remove_volume(name)
        return Removal(name, "" if engine.volume(name) is None else "it is there again")
    except EngineFailure as error:
        return Removal(name, "" if _gone(engine, name) else str(error))


def _gone(engine: Engine, name: str) -> bool:
    """Whether a volume is gone for sure, though its removal failed: an answer can be lost."""
    try:
        return engine.volume(name) is None
    except EngineFailure:
        return False
