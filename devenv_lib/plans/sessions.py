"""Who is in an environment, from its processes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

#: The beginning of ``/proc/PID/stat`` (proc(5)): the name is whatever is in the outer parentheses.
_STAT = re.compile(r"(\d+) \((.*)\) (\S) (\d+) ")
#: A container's main process, and the one that only sleeps below the engine's init.
_MAIN, _SLEEP, _SSHD = 1, "sleep", "sshd"


class Process(NamedTuple):
    """One process inside: its id there, its name (up to 15 characters) and its parent's id."""

    pid: int
    name: str
    parent: int


def read_processes(output: str) -> tuple[Process, ...]:
    """Read the ``/proc/PID/stat`` of each process, a line each; what has ended is left out."""
    found = (_STAT.match(line) for line in output.splitlines())
    return tuple(Process(int(m[1]), m[2], int(m[4])) for m in found if m and m[3] not in "ZX")


def sessions(processes: Iterable[Process], looking: int) -> tuple[str, ...]:
    """Return the names of the programs that people, or programs of theirs, have open inside.

    These are what was begun from outside (an engine's exec has no parent there), what stayed
    behind from such (a ``tmux`` in the background), and logins by ssh. ``looking`` is the id of
    the process that looked.
    """
    by_pid = {process.pid: process for process in processes}
    sleeping = min(
        (p.pid for p in by_pid.values() if p.parent == _MAIN and p.name == _SLEEP), default=None
    )
    # The ssh servers that wait for logins have left who began them.
    listening = {p.pid for p in by_pid.values() if p.name == _SSHD and p.parent == _MAIN}
    ours, outside = {_MAIN, looking, sleeping, *listening}, {0, _MAIN, *listening}
    others = (p for p in by_pid.values() if p.pid not in ours and p.parent in outside)
    return tuple(sorted(process.name for process in others))
