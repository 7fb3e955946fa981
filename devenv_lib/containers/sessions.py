"""Look who is in an environment, before it is replaced."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from devenv_lib import plans
from devenv_lib.containers.find import find
from devenv_lib.errors import EngineFailure
from devenv_lib.project import Project

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.plans.sessions import Process

#: How often to look for one that can be entered, and how long apart (seconds).
_LOOKS, _PAUSE = 20, 0.05
#: Seconds that a program lives at least in which somebody is.
_MOMENT = 0.5
#: The shell's own id, then a line for each process: a name can have newlines in it.
_LOOK = """echo $$
for file in /proc/[0-9]*/stat; do
    line=
    while read -r part || [ "$part" ]; do line="$line $part"; done 2>/dev/null <"$file"
    echo "${line# }"
done
"""


def sessions(engine: Engine, project: Project) -> tuple[str, ...]:
    """Return the names of the programs that are open in the project's running environment.

    One for each session: shells and commands that were begun from outside, what they left in
    the background, logins by ssh. Empty where nothing runs, or nothing can be asked.
    """
    first, looking = _processes(engine, project)
    if not plans.sessions(first, looking):
        return ()
    # The looks of devenv's other commands are programs too, and have ended then.
    time.sleep(_MOMENT)
    second, looking = _processes(engine, project)
    stayed = {process.pid for process in first}
    return plans.sessions([p for p in second if p.pid in stayed], looking)


def _processes(engine: Engine, project: Project) -> tuple[tuple[Process, ...], int]:
    """Return what runs in the project's running environment, and the id of what looked.

    Somebody may take it down meanwhile, or have another one in its place.
    """
    for _ in range(_LOOKS):
        container = find(engine, project).enterable
        if container is None:
            break
        try:
            _, output = engine.run(container.id, ["/bin/sh", "-c", _LOOK])
        except EngineFailure:
            if _runs(engine, container.id):
                raise
            time.sleep(_PAUSE)
        else:
            looking, _, listed = output.partition("\n")
            return plans.read_processes(listed), int(looking) if looking.isdigit() else 0
    return (), 0


def _runs(engine: Engine, container: str) -> bool:
    """Whether a container runs, for sure: one that has stopped is listed as running for a while."""
    try:
        return engine.existing(container).running
    except EngineFailure:  # it has gone
        return False
