"""Adopt volumes: give one of our names the labels, through a verified copy, and lose nothing."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from devenv_lib.errors import EngineFailure, Refused
from devenv_lib.names import (
    LABEL_ADOPTING,
    LABEL_COMPLETE,
    LABEL_REMOVING,
    adopting_name,
    common_labels,
    complete_name,
    is_helper,
    ours,
    removing_name,
)
from devenv_lib.plans.adoption import (
    LABEL_DIGEST,
    LABEL_ROOT,
    Adoption,
    Content,
    Step,
    adoption,
    interrupted,
    next_step,
    refuse_users,
    too_often,
)
from devenv_lib.plans.commands import volume_line
from devenv_lib.volumes.hold import held
from devenv_lib.volumes.tree import FROM, TO, copy_tree, is_in_copy, look_into, stamps, volume_at

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.engine.helper import Helper
    from devenv_lib.records import MountPoint

#: Steps that an adoption takes without trouble are eight; with a few surprises, some more.
_STEPS = 24
#: The status of an engine that removes nothing because a container has the volume.
_IN_USE = 409
#: What takes long, for people.
TAKES_LONG = {
    "copy": "copying it to a volume with labels, and comparing",
    "restore": "copying it back, under its name",
}


def plan_adoption(engine: Engine, prefix: str, name: str) -> Adoption:
    """Return what there is of a volume and of its adoption.

    Helpers do not count as users: `adopt` waits for the end of another command that has them.

    Raises:
        Refused: it may not be adopted now.
        UsageError: it is no name of this prefix.
    """
    seen = engine.snapshot()
    others = (c for c in seen.containers if not is_helper(c.name, c.labels, prefix))
    found = adoption(replace(seen, containers=tuple(others)), prefix, name)
    next_step(found, None)
    return found


def rehearse_adoption(found: Adoption, options: Mapping[str, str]) -> Iterator[str]:
    """Yield the commands that stand for what `adopt` would do from here on, and comments.

    ``options`` are those that the engine gives its volumes (`EngineInfo.volume_options`).

    Raises:
        Refused: it may not be adopted now.
    """
    step = next_step(found, None)
    copy, marker = adopting_name(found.name), complete_name(found.name)
    removing = removing_name(found.name)
    labels = common_labels(found.prefix)
    if step == "done":
        yield f"# {found.name} carries the labels already"
        return
    if step == "discard":
        yield shlex.join(["docker", "volume", "rm", copy])
    if found.marker is None and not found.labelled:
        yield volume_line(copy, labels, options)
        yield f"# everything in {found.name} is copied to {copy}, and compared"
        yield volume_line(marker, labels, options)
    if found.marker or not found.labelled:
        yield volume_line(removing, labels, options)
        yield shlex.join(["docker", "volume", "rm", found.name])
        yield volume_line(found.name, labels, options)
        yield f"# everything in {copy} is copied to {found.name}, and compared"
        yield shlex.join(["docker", "volume", "rm", marker, removing, copy])


def adopt(
    engine: Engine,
    prefix: str,
    name: str,
    image: str,
    say: Callable[[str], None] = lambda _: None,
) -> bool:
    """Give the volume ``name`` devenv's labels, and return whether it lacked them.

    What is in it stays as it is: paths, types, owners, modes, link targets, times, sizes,
    contents, extended attributes. It is copied, compared, made anew and compared again, so the
    engine needs room for it twice. Killed at any moment, the next call carries on; until then
    ``run``, ``rm`` and all others refuse the volume. ``image`` is what helpers are made from, and
    ``say`` is told what takes long.

    Raises:
        Refused: a container references the volume, or it cannot be made anew.
        UsageError: it is no name of this prefix.
        EngineFailure: the engine refused, or its disk is full; nothing is lost.

    Example::

        name = f"{settings.prefix}-notes"
        engine.create_volume(name, {})  # as a plain `docker run -v` would
        assert devenv.examine(engine, settings.prefix) == ()
        assert devenv.adopt(engine, settings.prefix, name, "devenv:latest")
        assert [volume.name for volume in devenv.examine(engine, settings.prefix)] == [name]
    """
    with held(engine, prefix, name, image, adopting_name(name)) as lock:
        lock.ready()
        return _go_on(_Work(engine, prefix, name, image), say)


def _go_on(work: _Work, say: Callable[[str], None]) -> bool:
    """Look what there is, and take the step that is next, until all is done."""
    for _ in range(_STEPS):
        found = adoption(work.engine.snapshot(), work.prefix, work.name)
        step = next_step(found, work.content)
        if step == "done":
            return work.changed
        if step in TAKES_LONG:
            say(f"{work.name}: {TAKES_LONG[step]}")
        try:
            work.take(step, found)
        except EngineFailure as failure:
            raise interrupted(found, step, failure) from None
    raise too_often(work.name)


class _Work:
    """What one adoption has seen so far, and its steps."""

    def __init__(self, engine: Engine, prefix: str, name: str, image: str) -> None:
        self.engine, self.prefix, self.name, self._image = engine, prefix, name, image
        self._copy, self._marker = adopting_name(name), complete_name(name)
        self._removing = removing_name(name)
        self._looker = ""
        self.content: Content | None = None
        self.changed = False

    def take(self, step: Step, found: Adoption) -> None:
        """Take one step; what was seen of the volume before is forgotten, but for a look."""
        if step == "look":
            self._look(found)
            return
        if step == "copy":
            self._make_copy(found)
        elif step == "discard":
            self._discard(found)
        elif step == "remove":
            self._remove(found)
        elif step == "restore":
            self._put_back(found)
        self.content = None

    def _look(self, found: Adoption) -> None:
        mounts = [volume_at(self.name, FROM)]
        mounts += [volume_at(self._copy, TO)] if found.removing and found.copy else []
        with self._helper(*mounts) as helper:
            before = stamps(helper, FROM)
            content = look_into(helper, FROM)
            if len(mounts) > 1:
                content = replace(content, copied=is_in_copy(helper))
            # What was written behind the look is not in it, and an engine forgets who could.
            self.content = content if stamps(helper, FROM) == before else None
            self._looker = helper.id

    def _helper(self, *mounts: MountPoint) -> AbstractContextManager[Helper]:
        return self.engine.helper(self._image, mounts, self.prefix, self._copy)

    def _make_copy(self, found: Adoption) -> None:
        """Copy the volume, and then say that the copy is complete, and what is in it."""
        labels = common_labels(self.prefix)
        kept = {**(found.volume.labels if found.volume else {}), **labels}
        self.engine.create_volume(self._copy, {**kept, LABEL_ADOPTING: self.name})
        marked = False
        try:
            with self._helper(
                volume_at(self.name, FROM), volume_at(self._copy, TO, read_only=False)
            ) as helper:
                copy_tree(helper)
                original, copied = look_into(helper, FROM), look_into(helper, TO)
                if original.digest == copied.digest:
                    seen = {LABEL_DIGEST: copied.digest, LABEL_ROOT: original.root}
                    labels = {**labels, LABEL_COMPLETE: self.name, **seen}
                    marked = True  # from the request on: its answer can be lost
                    self.engine.create_volume(self._marker, labels)
                    self._refuse_users(helper.id)
        except Refused:  # there is no marker then
            self._give_up_copy()
            raise
        except BaseException:
            if not marked:  # else it is complete, and the next call carries on
                self._give_up_copy()
            raise

    def _refuse_users(self, helper: str) -> None:
        """Leave the volume to who has begun to use it while it was copied, and take all back.

        Who comes now finds the marker, and is refused. As long as the helper has the volume, it is
        the original, of which nothing is lost with the copy.
        """
        try:
            refuse_users(self.engine.snapshot(), self.prefix, [self.name], helper)
        except Refused:
            self.engine.remove_volume(self._marker)
            raise

    def _give_up_copy(self) -> None:
        """Free the disk, which may be what is full; the next call would do it too."""
        with suppress(EngineFailure):
            self.engine.remove_volume(self._copy)

    def _discard(self, found: Adoption) -> None:
        """Remove the marker before what it speaks of, and first what speaks beside it.

        So a removal that was begun without a marker is somebody's doing (`plans.adoption`).
        """
        for volume in (found.removing, found.marker, found.copy):
            if volume:
                self.engine.remove_volume(volume.name)

    def _remove(self, found: Adoption) -> None:
        """Remove the volume, unless somebody could write into it since the look.

        Before that it is said that this was begun, and that is taken back if nothing was removed.
        """
        if found.removing is None:
            labels = {**common_labels(self.prefix), LABEL_REMOVING: self.name}
            self.engine.create_volume(self._removing, labels)
        try:
            if found.labelled or not self.engine.used_since(self.name, self._looker):
                self.engine.remove_volume(self.name)
                return
        except EngineFailure as failure:
            if failure.status == _IN_USE and found.removing is None:
                self.engine.remove_volume(self._removing)
            raise
        if found.removing is None:
            self.engine.remove_volume(self._removing)

    def _put_back(self, found: Adoption) -> None:
        """Make the volume, with the labels that it had besides ours, and fill it."""
        kept = dict(found.copy.labels if found.copy else {})
        del kept[LABEL_ADOPTING]
        self.engine.create_volume(self.name, kept)
        made = self.engine.volume(self.name)
        if made is None or not ours(made.labels, self.prefix):
            return  # somebody else was faster: theirs is the next step's to judge
        self.changed = True
        with self._helper(
            volume_at(self._copy, FROM), volume_at(self.name, TO, read_only=False)
        ) as helper:
            copy_tree(helper)
