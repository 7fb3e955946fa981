"""One command, failed at one request: what it said, and whether it can be carried on."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tests.conftest import INVOKE, PATIENCE
from tests.faults.cases import Case
from tests.faults.sample import Trial
from tests.faults.saying import Ended, misbehaviour
from tests.faults.site import Breakdown, Site
from tests.faults.world import World
from tests.relay import Fault, Relay, relay

#: Seconds after which a command counts as hung.
_HUNG = 120
#: The command that a message says comes next.
_NEXT = re.compile(r"\b(inv volume\.repair --name \S+?)[.;:,]?(?:\s|$)")
#: How the containers are called that live for a moment.
_MOMENTARY = re.compile(r"-(probe|give|work)-[0-9a-f]{12}$")


def attempt(
    world: World, case: Case, trial: Trial, site: Site | None = None
) -> tuple[Ended, list[str]]:
    """Prepare, run the command with the fault, run it again; return how, and what was wrong.

    What has broken down at the ``site`` is mended before it is run again. What lives for a moment
    has to be gone before that, if the first run could see to it: the second might clear up.
    """
    world.engine_ended = False
    case.prepare(world)
    ended = run(world, case, trial, site)
    if site:
        site.mend()
    wrong = [*misbehaviour(ended, trial), *_left(world, trial)]
    if trial.at and ended.status == 0:  # it says that it is done
        wrong += [f"done, it says, and {problem}" for problem in _after(world, case, trial)]
    if trial.at:
        wrong += _carry_on(world, case, ended)
        wrong += _left(world, trial, again=True)
    wrong += _after(world, case, trial)
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
        process = _begin(world, case, case.line(world), door)
        started.append(process)
        shown, said = _heard(process)
        if trial.kind is signal.SIGKILL:  # those that stand in for it have its engine meanwhile
            said += _outlived(door.url)
    return Ended(process.returncode, shown + said, shown, door.requests, door.reached, door.struck)


def _outlived(url: str) -> str:
    """Wait for the programs that a killed command leaves, and return what does not end."""
    deadline = time.monotonic() + PATIENCE
    while left := [line for line in _command_lines() if url in line]:
        if time.monotonic() > deadline:
            return f"hangs; {left}"
        time.sleep(0.05)
    return ""


def _command_lines() -> Iterator[str]:
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield file.read_text(errors="replace")


def _begin(
    world: World, case: Case, words: Sequence[str], door: Relay | None = None
) -> subprocess.Popen[str]:
    variables = {"TMPDIR": str(world.temporary)}
    variables |= {"DOCKER_HOST": door.url} if door else {}
    environ = world.workspace.process_environ(variables)
    return subprocess.Popen(
        words,
        cwd=world.workspace.path,
        env={name: value for name, value in environ.items() if name not in case.unset()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _carry_on(world: World, case: Case, ended: Ended) -> Iterator[str]:
    """Run what comes next: the same command, or what its message named before it."""
    again = _once(world, case, case.line(world))
    if again[0] and (named := _NEXT.search(ended.said + again[1])):
        words = [*INVOKE, *shlex.split(named[1])[1:], "--force"]
        if (status := _once(world, case, words)[0]) != 0:
            yield f"{named[1]} exits {status}"
        again = _once(world, case, case.line(world))
    if again[0] and not (case.already and case.already in again[1]):
        yield f"run again, it exits {again[0]}: {again[1]}"


def _once(world: World, case: Case, words: Sequence[str]) -> tuple[int, str]:
    process = _begin(world, case, words)
    said = "".join(_heard(process))
    return process.returncode, said


def _heard(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return what a process shows and says; one that hangs is ended, and shows nothing."""
    try:
        return process.communicate(timeout=_HUNG)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return "", f"hangs; {''.join(process.communicate())}"


def _left(world: World, trial: Trial, *, again: bool = False) -> Iterator[str]:
    """Yield what a run left that lives for a moment; one that could not clear up may leave it.

    The run ``again`` leaves no file, and finds none; a helper may be the killed one's yet.
    """
    if not trial.leaves:
        names = world.workspace.names_when_tidy(killed=False)
        if left := [name for name in names if _MOMENTARY.search(name)]:
            yield f"leaves {left}"
    if (files := world.emptied()) and (again or trial.kind is not signal.SIGKILL):
        yield f"leaves temporary files: {files}"


def _after(world: World, case: Case, trial: Trial) -> Iterator[str]:
    """Yield which promises are broken when all is done."""
    names = world.workspace.names_when_tidy(killed=trial.leaves)
    yield from world.problems([world.volume(suffix) for suffix in case.volumes])
    wanted = [world.workspace.name] if case.containers else []
    if names != wanted:
        yield f"containers are {names}, and not {wanted}"
    try:
        case.check(world)
    except (AssertionError, OSError, ValueError, subprocess.CalledProcessError) as error:
        yield f"{case.check.__name__}: {error!r} {getattr(error, 'stderr', '')}"
