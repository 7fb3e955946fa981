"""How a command ended, and what is wrong with what it said then."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.faults.sample import Kind, Trial
from tests.faults.site import Breakdown
from tests.relay import REFUSAL, Fault

#: How a message says that the way to the engine, or the engine, was lost.
_LOST = (
    "stopped answering|No engine answers|Cannot connect to the Docker daemon|error during connect"
    "|connection to .+ (broke off|was lost|ended)|(unexpected |: )EOF|use of closed network"
    "|connection (reset|refused)|broken pipe|list of what is in the volume broke off"
    "|does not say how a program|look into the environment .+ broke off"
)
_NO_ROOM = "[Nn]o space left on device"
#: How a message names the cause, by what happened. The docker program says no more of a refused
#: start of an exec than the status.
_CAUSES: Mapping[Kind, str] = {
    **dict.fromkeys((Fault.DIES, Fault.CUT, Fault.LOST, Fault.TORN), _LOST),
    Fault.REFUSED: f"{REFUSAL}|unable to upgrade to tcp, received 500",
    signal.SIGINT: r"^Interrupted\.$",
    Breakdown.KILLED: _LOST,
    Breakdown.RESTARTED: _LOST,
    **dict.fromkeys((Breakdown.FULL, Breakdown.NEARLY_FULL, Breakdown.HOST_FULL), _NO_ROOM),
}
#: What is never the same: how long ago something was, how long it took, how large it is, which an
#: engine may not tell, what a disk has left, and where the relay is.
_PASSING = re.compile(
    r"(\d+|(About |Less than )?an?) (second|minute|hour)s?|n/a"
    r"|(\d+(\.\d+)? of )?\d+(\.\d+)? ?(m?s|[KMGT]?i?B)\b|\d+% of its inodes|/\S+/relay\.sock"
)


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status, what it said and showed, and the requests that it made.

    ``reached`` is whether the request with the fault came, ``struck`` whether that happened.
    """

    status: int
    said: str
    shown: str
    requests: Sequence[str]
    reached: bool
    struck: bool


def steady(shown: str) -> str:
    """Return a report without what is another each time."""
    return " ".join(_PASSING.sub("N", shown).split())


def misbehaviour(ended: Ended, trial: Trial) -> Iterator[str]:
    """Yield what is wrong with how a command ended."""
    allowed = {0, 1}
    if trial.kind is signal.SIGKILL:
        allowed = {0, -signal.SIGKILL}
    elif trial.kind is signal.SIGINT:
        allowed = {0, 2}
    if not ended.struck or trial.kind is Fault.LATE:
        allowed = {0}
    if ended.status not in allowed:
        yield f"exits {ended.status}"
    if "Traceback" in ended.said or ended.said.startswith("hangs"):
        yield "hangs or has a traceback"
    cause = _CAUSES.get(trial.kind) if trial.kind else None
    if ended.status in (1, 2) and cause and not re.search(cause, ended.said, re.MULTILINE):
        yield "does not name the cause"
    if re.search(_NO_ROOM, ended.said) and not re.search(r"\bdf\b", ended.said):
        yield "does not say what shows what takes the room"
