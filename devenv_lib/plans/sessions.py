"""Who is in an environment, from its processes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
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
    """Read what ``cat /proc/[0-9]*/stat`` printed; what has ended is left out."""
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
    ours = {_MAIN, looking, sleeping, *_listeners(by_pid)}
    return tuple(
        sorted(
            process.name
            for process in by_pid.values()
            if process.pid not in ours
            and (process.parent in (0, _MAIN) or process.parent in _listeners(by_pid))
        )
    )


def _listeners(by_pid: Mapping[int, Process]) -> set[int]:
    """Return the ssh servers that wait for logins: those that have left who began them."""
    return {p.pid for p in by_pid.values() if p.name == _SSHD and p.parent == _MAIN}
