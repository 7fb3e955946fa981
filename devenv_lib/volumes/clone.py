"""Clone a volume to a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devenv_lib.errors import EngineFailure, Refused
from devenv_lib.names import common_labels
from devenv_lib.plans.restoring import refuse_target
from devenv_lib.plans.saving import saving, writers
from devenv_lib.scripts import script
from devenv_lib.volumes.filling import filling, taken
from devenv_lib.volumes.tree import FROM, TO, volume_at

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.records import Snapshot


@dataclass(frozen=True)
class Cloned:
    """One clone: its name, of what, how many entries; ``notes`` say what one should know."""

    name: str
    source: str
    files: int
    notes: tuple[str, ...] = ()


def plan_clone(engine: Engine, prefix: str, source: str, name: str) -> None:
    """Refuse what cannot be cloned.

    Raises:
        Refused: the source is not ours, or the new name is taken.
        UsageError: a name that is none of this prefix's volumes.
    """
    snapshot = engine.snapshot()
    _refuse_source(snapshot, prefix, source)
    refuse_target(snapshot, prefix, name, flag="--to")
    if snapshot.volume(name):
        raise _there_is(name)


def _refuse_source(snapshot: Snapshot, prefix: str, source: str) -> None:
    for refusal in saving(snapshot, prefix, [source]).refusals:
        raise refusal.error()


def _there_is(name: str) -> Refused:
    return Refused(
        f"There is a volume {name} already.", "Choose another name; see: inv volume.list"
    )


def clone(engine: Engine, prefix: str, source: str, name: str, image: str) -> Cloned:
    """Copy all that is in the volume ``source`` to a new volume ``name``.

    What came is compared: names, kinds, owners, modes, times, link targets and sizes. Whatever
    fails or is killed, there is a whole clone in the end, or none. ``image`` is what the helper is
    made from.

    Raises:
        Refused: the source is not ours, or there is a volume of the new name.
        UsageError: a name that is none of this prefix's volumes.
        EngineFailure: the engine failed, or its disk is full; there is no clone then.

    Example::

        with devenv.environment(settings=settings):
            pass  # its volumes stay
        cache, other = f"{settings.prefix}-cache", f"{settings.prefix}-other"
        done = devenv.clone(engine, settings.prefix, cache, other, "devenv:latest")
        assert (done.name, done.source) == (other, cache)
    """
    with taken(engine, prefix, name, image) as hold:
        plan_clone(engine, prefix, source, name)
        origin = volume_at(source, FROM)
        with filling(hold, common_labels(prefix), origin) as filled:
            if filled.present:
                raise _there_is(name)
            _refuse_source(engine.snapshot(), prefix, source)  # as it is once it is in hand
            words = ["sh", "-c", script("volumes/clone.sh"), "devenv", FROM, TO]
            before, after, count = filled.helper.run(words).decode().splitlines()
            using = ", ".join(user.name for user in writers(engine.snapshot(), prefix, source))
            if not using and engine.used_since(source, filled.helper.id):
                using = "somebody for a while"
            if before != after and not using:
                raise EngineFailure(
                    f"What came to {name} is not what is in {source}.",
                    "It may have changed meanwhile. There is no clone; repeat the command.",
                )
    notes = (f"{source} is in use by {using}: the clone may not be consistent",) if using else ()
    return Cloned(name, source, int(count), notes)
