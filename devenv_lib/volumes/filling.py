"""Fill a volume so that it ends with all of the new or all of the old, whatever happens.

A marker, the empty volume ``NAME-unfinished``, is there from before anything is written until all
is done. A volume that was not there before is made and filled, and removed again if that fails.
One that was there keeps what it has until the new is complete: see ``swap.sh``.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devenv_lib.errors import DevenvError, EngineFailure, Refused
from devenv_lib.names import LABEL_UNFINISHED, common_labels, ours, unfinished_name
from devenv_lib.plans.remedies import freeing, holding
from devenv_lib.plans.restoring import interrupted
from devenv_lib.records import MountPoint
from devenv_lib.scripts import script
from devenv_lib.volumes.hold import held
from devenv_lib.volumes.tree import TO, volume_at

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.engine.helper import Helper

#: Labels of the marker: whether the volume was there, and what tells one that was made for it.
LABEL_WAS, LABEL_ORIGIN = "devenv.was", "devenv.origin"
INCOMING = f"{TO}/.devenv-restore-incoming"


@dataclass(frozen=True)
class Filling:
    """A helper that has the volume at `TO`, and the directory in it that is to be filled.

    ``origin`` tells what this command began from what another one left.
    """

    helper: Helper
    directory: str
    present: bool
    origin: str


@dataclass(frozen=True)
class Hold:
    """A volume whose lock is held, and ``earlier``: what had to be done for an earlier command.

    That is "rolled back", "carried on" or "cleared up", or empty where nothing was left.
    """

    engine: Engine
    prefix: str
    name: str
    image: str
    lock: Helper
    earlier: str = ""


@contextmanager
def taken(engine: Engine, prefix: str, name: str, image: str) -> Iterator[Hold]:
    """Hold a volume's lock, after what a killed command left of the volume was settled."""
    with held(engine, prefix, name, image) as lock:
        hold = Hold(engine, prefix, name, image, lock)
        yield replace(hold, earlier=_settle(hold))


def settle(engine: Engine, prefix: str, name: str, image: str) -> str:
    """Carry on, or roll back, what a killed restore or clone left of the volume ``name``.

    Returns "rolled back" or "carried on", "cleared up" where only the marker was left, or an
    empty string where there was nothing to do.
    """
    with taken(engine, prefix, name, image) as hold:
        return hold.earlier


@contextmanager
def filling(hold: Hold, labels: Mapping[str, str], *mounts: MountPoint) -> Iterator[Filling]:
    """Give what it takes to fill a volume, and have it whole or as it was at the end.

    ``labels`` are for a volume that is not there yet; ``mounts`` are what the helper has besides.
    The lock is let go at the end.

    Raises:
        Refused: a container references the volume, or somebody made one of these names, on the
            engine or in the volume.
    """
    engine, prefix, name = hold.engine, hold.prefix, hold.name
    origin, present = uuid.uuid4().hex, engine.volume(name) is not None
    about = {LABEL_UNFINISHED: name, LABEL_WAS: "present" if present else "absent"}
    marker = {**common_labels(prefix), **about, LABEL_ORIGIN: origin}
    with _told(name, present=present, begun=False):
        engine.create_volume(unfinished_name(name), marker)
        _refuse_other(engine, unfinished_name(name), origin)
    done = False
    try:
        if not present:
            engine.create_volume(name, {**labels, LABEL_ORIGIN: origin})
        here = volume_at(name, TO, read_only=False)
        with engine.helper(hold.image, (here, *mounts), prefix, f"{name} fill") as helper:
            if not present:
                _refuse_other(engine, name, origin)
            _refuse_users(engine, prefix, name, helper.id)
            hold.lock.ready()
            filled = Filling(helper, INCOMING if present else TO, present, origin)
            _refuse_rest(filled, name)
            yield filled
            done = True
            with _told(name, present=present, begun=True):
                _remove_marker(engine, name)
            hold.lock.release()  # so that both helpers end at once
    except BaseException as failure:
        if done:
            raise
        settled = None
        # If this fails too, the marker stays, and whoever comes next carries on.
        with suppress(DevenvError):
            settled = _settle(hold)
        if isinstance(failure, EngineFailure):
            raise interrupted(failure, name, present=present, settled=settled) from None
        raise


@contextmanager
def _told(name: str, *, present: bool, begun: bool) -> Iterator[None]:
    """Say with a failure of the engine's that there may be something to carry on.

    There is nothing if it has not ``begun``, and the engine did answer: with a refusal.
    """
    try:
        yield
    except EngineFailure as failure:
        if failure.status is not None and not begun:
            raise
        raise interrupted(failure, name, present=present, settled=None) from None


def begin(filled: Filling) -> None:
    """Make the directory that is to be filled, if it is not the volume itself."""
    if filled.present:
        swap(filled.helper, "begin", filled.origin)


def commit(filled: Filling, *, top: bool = True) -> None:
    """Say that all is there: from now on the volume gets it, whatever happens.

    ``top`` says that the owner, mode and time of the volume's own directory came too.
    """
    if filled.present:
        swap(filled.helper, "commit", filled.origin, "top" if top else "")
        swap(filled.helper, "settle", filled.origin)
    else:
        filled.helper.run(["sync", "--file-system", TO])


def swap(helper: Helper, *step: str) -> str:
    """Take a step of ``swap.sh`` and return what it did."""
    return helper.run(["sh", "-c", script("volumes/swap.sh"), "devenv", TO, *step]).decode().strip()


def _settle(hold: Hold) -> str:
    engine, prefix, name = hold.engine, hold.prefix, hold.name
    marker, volume = engine.volume(unfinished_name(name)), engine.volume(name)
    if marker is None or not ours(marker.labels, prefix):
        return ""
    hold.lock.ready()
    done = "rolled back"
    if marker.labels.get(LABEL_WAS) == "absent":
        mine = volume and volume.labels.get(LABEL_ORIGIN) == marker.labels.get(LABEL_ORIGIN)
        if mine:  # what somebody else made meanwhile is theirs
            engine.remove_volume(name)
    elif volume:
        here = volume_at(name, TO, read_only=False)
        with engine.helper(hold.image, (here,), prefix, f"{name} fill") as helper:
            done = swap(helper, "settle", marker.labels.get(LABEL_ORIGIN, "")) or "cleared up"
    _remove_marker(engine, name)
    return done


def _remove_marker(engine: Engine, name: str) -> None:
    """Remove a marker. No container has it, so that somebody's prune may have been first."""
    marker = unfinished_name(name)
    try:
        engine.remove_volume(marker)
    except EngineFailure:
        if engine.volume(marker) is not None:
            raise


def _refuse_other(engine: Engine, name: str, origin: str) -> None:
    """Refuse a volume that was there before it was made: that succeeds, and changes nothing."""
    found = engine.volume(name)
    if not found or found.labels.get(LABEL_ORIGIN) != origin:
        raise Refused(
            f"A volume {name}, which this makes, is there already, and is somebody else's.",
            f"See what it is: docker volume inspect {name}",
        )


def _refuse_rest(filled: Filling, name: str) -> None:
    """Refuse a volume with names in it that this needs.

    They are somebody's own, or of a restore whose marker somebody removed. Either may be wanted.
    """
    rest = swap(filled.helper, "look") if filled.present else ""
    if rest:
        raise Refused(
            f"The volume {name} has {rest} at its top, a name that a restore needs itself.",
            f"Look what is in it, then rename or remove it there: inv volume.usage --name {name}",
        )


def _refuse_users(engine: Engine, prefix: str, name: str, helper: str) -> None:
    """Refuse a volume that others have: they did not see the marker, and this sees them."""
    for user in engine.snapshot().users(name):
        if user.id != helper:
            raise Refused(
                f"The volume {name} is {holding(user)}.", f"First: {freeing(user, prefix)}"
            )
