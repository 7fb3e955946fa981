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
    """Return what runs in the project's running environment, and the id of what looked."""
    container = find(engine, project).enterable
    if container is None:
        return (), 0
    try:
        _, output = engine.run(container.id, ["/bin/sh", "-c", _LOOK])
    except EngineFailure:
        if find(engine, project).ready is None:
            return (), 0  # somebody took it down meanwhile
        raise
    looking, _, listed = output.partition("\n")
    return plans.read_processes(listed), int(looking) if looking.isdigit() else 0
