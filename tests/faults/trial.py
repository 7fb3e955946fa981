"""One command, failed at one request: what it said, and whether it can be carried on."""

from __future__ import annotations

import os
import random
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from tests.conftest import INVOKE
from tests.faults.cases import Case
from tests.faults.site import Breakdown, Site
from tests.faults.world import World
from tests.relay import REFUSAL, Fault, Relay, relay

#: What can happen at a request: to the way to the engine, to the process, or to the engine itself.
Kind = Fault | signal.Signals | Breakdown
KINDS: tuple[Kind, ...] = (*Fault, signal.SIGKILL, signal.SIGINT)
#: Requests up to which a command is short.
_SHORT = 12
#: Seconds after which a command counts as hung.
_HUNG = 120
#: A message names the engine's failure in one of these ways.
_CAUSE = re.compile(
    rf"stopped answering|No engine answers|{REFUSAL}|could not be started|helper container"
    "|is not running|Cannot connect|connection|EOF|does not say|broke off|[Ii]nterrupted"
    "|broken pipe|error during connect|[Nn]o space left on device",
)
#: The command that a message says comes next.
_NEXT = re.compile(r"\b(inv volume\.repair --name \S+?)[.;:,]?(?:\s|$)")


@dataclass(frozen=True)
class Trial:
    """A fault at the request number ``at`` of a command; ``at`` 0 is none."""

    kind: Kind | None = None
    at: int = 0

    def __str__(self) -> str:
        return f"{self.kind.name if self.kind else 'no fault'} at {self.at}"


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status, what it said and showed, and the requests that it made."""

    status: int
    said: str
    shown: str
    requests: Sequence[str]
    reached: bool


def trials(requests: int, seed: str, kinds: Sequence[Kind], limit: int = 0) -> list[Trial]:
    """Return faults of all ``kinds`` at every request, or ``limit`` of them, spread over these.

    A short command has every request in its sample. The sample is the same for the same ``seed``.
    """
    if limit and requests <= _SHORT:
        limit = requests
    if not limit:
        return [Trial(kind, at) for at, kind in product(range(1, requests + 1), kinds)]
    places = _spread(requests, random.Random(seed), limit)  # noqa: S311 - which trials
    first = random.Random(seed).randrange(len(kinds))  # noqa: S311
    return [Trial(kinds[(first + n) % len(kinds)], at) for n, at in enumerate(places)]


def breakdowns(requests: int, seed: str, kinds: Sequence[Breakdown], limit: int = 0) -> list[Trial]:
    """Return each of ``kinds`` at every request, or at ``limit`` of them, spread over these."""
    return [
        Trial(kind, at)
        for kind in kinds
        for at in _spread(requests, random.Random(f"{seed} {kind}"), limit or requests)  # noqa: S311
    ]


def _spread(requests: int, chosen: random.Random, limit: int) -> list[int]:
    """Return ``limit`` requests, one of each part of them."""
    count = min(limit, requests)
    bounds = [1 + n * requests // count for n in range(count + 1)]
    return [chosen.randrange(a, b) for a, b in pairwise(bounds)]


def attempt(
    world: World, case: Case, trial: Trial, site: Site | None = None
) -> tuple[Ended, list[str]]:
    """Prepare, run the command with the fault, run it again; return how, and what was wrong.

    What has broken down at the ``site`` is mended before it is run again.
    """
    world.engine_ended = False
    case.prepare(world)
    ended = run(world, case, trial, site)
    if site:
        site.mend()
    wrong = list(_misbehaviour(ended, trial))
    if trial.at and ended.status == 0:  # it says that it is done
        wrong += [f"done, it says, and {problem}" for problem in _after(world, case)]
    if trial.at:
        wrong += _carry_on(world, case, ended)
    wrong += _after(world, case)
    return ended, wrong


def run(world: World, case: Case, trial: Trial, site: Site | None = None) -> Ended:
    """Run the command with a fault at one of its requests."""
    started: list[subprocess.Popen[str]] = []

    def strike() -> None:
        if trial.kind is signal.SIGKILL:
            started[0].kill()
        elif trial.kind is signal.SIGINT:
            os.killpg(started[0].pid, signal.SIGINT)
        elif site and isinstance(trial.kind, Breakdown):
            site.strike(trial.kind)
            world.engine_ended = trial.kind.ends_engine

    socket = str(world.workspace.engine.endpoint.socket)
    fault = trial.kind if isinstance(trial.kind, Fault) else None
    with relay(socket, at=trial.at, fault=fault, before=strike, unix=True) as door:
        process = _begin(world, case.line(world), door)
        started.append(process)
        shown, said = _heard(process)
    return Ended(process.returncode, shown + said, shown, door.requests, door.reached)


def _begin(world: World, words: Sequence[str], door: Relay | None = None) -> subprocess.Popen[str]:
    variables = {"DOCKER_HOST": door.url} if door else {}
    return subprocess.Popen(
        [*INVOKE, *words],
        cwd=world.workspace.path,
        env=world.workspace.process_environ(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def steady(shown: str) -> str:
    """Return a report without its numbers: times pass, and an engine may not tell a size."""
    passing = r"\d+(\.\d+)?( [KMGT]?i?B| \w+)?|n/a|Less than a second|About an? \w+"
    return " ".join(re.sub(passing, "N", shown).split())


def _misbehaviour(ended: Ended, trial: Trial) -> Iterator[str]:
    """Yield what is wrong with how a command ended."""
    allowed = {0, 1}
    if trial.kind is signal.SIGKILL:
        allowed = {0, -signal.SIGKILL}
    elif trial.kind is signal.SIGINT:
        allowed = {0, 2}
    if not ended.reached or trial.kind is Fault.LATE:
        allowed = {0}
    if ended.status not in allowed:
        yield f"exits {ended.status}"
    if "Traceback" in ended.said or ended.said.startswith("hangs"):
        yield "hangs or has a traceback"
    if ended.status == 1 and not _CAUSE.search(ended.said):
        yield "does not name the cause"
    if re.search("no space left", ended.said, re.IGNORECASE) and not re.search(
        r"\bdf\b", ended.said
    ):
        yield "does not say what shows what takes the room"


def _carry_on(world: World, case: Case, ended: Ended) -> Iterator[str]:
    """Run what comes next: the same command, or what its message named before it."""
    again = _once(world, case.line(world))
    if again[0] and (named := _NEXT.search(ended.said + again[1])):
        words = shlex.split(named[1])[1:]
        if (status := _once(world, [*words, "--force"])[0]) != 0:
            yield f"{named[1]} exits {status}"
        again = _once(world, case.line(world))
    if again[0] and not (case.already and case.already in again[1]):
        yield f"run again, it exits {again[0]}: {again[1]}"


def _once(world: World, words: Sequence[str]) -> tuple[int, str]:
    process = _begin(world, words)
    said = "".join(_heard(process))
    return process.returncode, said


def _heard(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return what a process shows and says; one that hangs is ended, and shows nothing."""
    try:
        return process.communicate(timeout=_HUNG)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return "", f"hangs; {''.join(process.communicate())}"


def _after(world: World, case: Case) -> Iterator[str]:
    """Yield which promises are broken when all is done."""
    names = world.workspace.names_when_tidy()
    yield from world.problems([world.volume(suffix) for suffix in case.volumes])
    wanted = [world.workspace.name] if case.containers else []
    if names != wanted:
        yield f"containers are {names}, and not {wanted}"
    try:
        case.check(world)
    except (AssertionError, OSError, ValueError, subprocess.CalledProcessError) as error:
        yield f"{case.check.__name__}: {error!r} {getattr(error, 'stderr', '')}"
