"""How commands keep each other off a volume, and how those that only read it do not."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING

from devenv_lib.errors import EngineFailure
from devenv_lib.names import is_helper, label_words
from devenv_lib.volumes.tree import FROM, volume_at

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.engine.helper import Helper
    from devenv_lib.records import Container

#: Seconds: for helpers to go, between looks, and for one to be started.
_PATIENCE, _PAUSE, _UNSTARTED = 8.0, 0.05, 3.0


@contextmanager
def held(engine: Engine, prefix: str, name: str, image: str, *others: str) -> Iterator[Helper]:
    """Hold a volume's lock, once the helpers of a killed command have let go of it.

    ``others`` are further volumes that they may have had. The lock is a helper, which may still
    be starting: whoever is about to change anything waits until it is ready.
    """
    with engine.helper(image, (), prefix, name) as lock:
        _wait_for_helpers(engine, prefix, name, *others)
        yield lock


def reading(engine: Engine, prefix: str, name: str, image: str) -> AbstractContextManager[Helper]:
    """Give a helper that has a volume at `FROM`, to read: several may at once, so without a lock.

    An engine makes a volume that is not there: whoever reads one has seen it before.
    """
    about = f"{name} {uuid.uuid4()}"
    return engine.helper(image, (volume_at(name, FROM),), prefix, about)


def clear_up(engine: Engine, prefix: str) -> bool:
    """Have no helper that does not run; return whether there was one.

    Its command was killed before it was started, or the engine is removing it. One that is being
    started runs within milliseconds, and is left.
    """
    began, found = time.monotonic(), False
    while helpers := _idle(engine, prefix):
        found = True
        if time.monotonic() - began > _UNSTARTED:
            for helper in helpers:
                with suppress(EngineFailure):  # it may have been started after all
                    engine.remove(helper.id)
            break
        time.sleep(_PAUSE)
    return found


def _idle(engine: Engine, prefix: str) -> list[Container]:
    mine = engine.containers(label_words(prefix))
    return [c for c in mine if not c.running and is_helper(c.name, c.labels, prefix)]


def _wait_for_helpers(engine: Engine, prefix: str, *names: str) -> None:
    """Wait for the end of helpers that a killed command left, which are about to be removed.

    One that was never started has no end, and is removed; so is one that its engine, killed
    meanwhile or on a full disk, did not remove. The caller holds the lock, and whoever
    starts another helper needs milliseconds for it.
    """
    began = time.monotonic()
    while (waited := time.monotonic() - began) < _PATIENCE:
        snapshot = engine.snapshot()
        users = {user.id: user for name in names for user in snapshot.users(name)}.values()
        helpers = [user for user in users if is_helper(user.name, user.labels, prefix)]
        if not helpers:
            return
        for helper in helpers:
            if not helper.running and waited > _UNSTARTED:
                with suppress(EngineFailure):  # it may have been started after all
                    engine.remove(helper.id)
        time.sleep(_PAUSE)
