"""Make, start and end throw-away engines. Each lives in namespaces whose end is its own."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tests.engines.bootstrap import EngineTrouble, bootstrap
from tests.engines.catalogue import ThrowAway, chosen
from tests.engines.disk import make_data

_ENTER = Path(__file__).with_name("enter.sh")
#: Seconds that an engine has to answer, while others are made beside it, and to end by itself
#: before it is killed.
_ANSWER, _PATIENCE = 180.0, 30.0
#: How much of what a program said is shown.
_SHOWN = 500

Say = Callable[[str], None]


@contextmanager
def alone(engine: ThrowAway) -> Iterator[None]:
    """Let one process at a time make, start or end an engine."""
    engine.directory.mkdir(parents=True, exist_ok=True)
    with (engine.directory / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make(engine: ThrowAway, say: Say) -> None:
    """Make the root file system, whole or not at all, unless it is there."""
    if engine.root.exists():
        return
    if engine.base:
        (base,) = chosen(engine.base)
        with alone(base):
            make(base, say)
        return
    say(f"{engine.name}: making its root file system of Debian's {engine.suite}.")
    bootstrap(engine)


def start(engine: ThrowAway, image: str, say: Say) -> None:
    """Start an engine that has ``image`` and nothing else; one that runs stays as it is."""
    with alone(engine):
        if _process(engine) is None:
            make(engine, say)
            _launch(engine)
            _wait(engine)
            clear(engine)
        load(engine, image, say)


def _launch(engine: ThrowAway) -> None:
    make_data(engine)
    engine.socket.unlink(missing_ok=True)
    for said in (engine.ending, engine.down):
        said.unlink(missing_ok=True)
    paths = (engine.root, engine.data, engine.socket)
    namespaces = ("--mount", "--net", "--pid", "--propagation", "private")
    words = ["unshare", *namespaces, "--fork", "--kill-child", "sh", str(_ENTER), engine.kind]
    who = "rootless" if engine.rootless else "root"
    with engine.log.open("w") as log:
        process = subprocess.Popen(
            [*words, *map(str, paths), engine.name, who],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    engine.pid_file.write_text(f"{process.pid} {_started(process.pid)}")


def _wait(engine: ThrowAway) -> None:
    deadline = time.monotonic() + _ANSWER
    while not answers(engine):
        if _process(engine) is None or time.monotonic() > deadline:
            last = engine.log.read_text()[-2000:]
            _end(engine)
            raise EngineTrouble(f"{engine.name} does not answer ({engine.log}): {last}")
        time.sleep(0.2)


def answers(engine: ThrowAway) -> bool:
    """Whether an engine that was started can be asked already."""
    return docker(engine, "version", check=False).returncode == 0


def load(engine: ThrowAway, image: str, say: Say) -> None:
    """Give the engine the default engine's image, without a registry, unless it has it."""
    words = ("image", "inspect", "--format={{.Id}}", image)
    wanted = subprocess.run(["docker", *words], env=_default(), capture_output=True, check=False)
    if wanted.returncode:
        raise EngineTrouble(f"The default engine has no image {image}: inv setup")
    before = docker(engine, *words, check=False)
    # Podman leaves out what kind of digest it is.
    if before.stdout.strip() and before.stdout.strip() in wanted.stdout.decode():
        return
    say(f"{engine.name}: loading {image}.")
    with subprocess.Popen(
        ["docker", "save", image], env=_default(), stdout=subprocess.PIPE
    ) as saving:
        loaded = docker(engine, "load", stdin=saving.stdout, check=False)
    if loaded.returncode or saving.returncode:
        raise EngineTrouble(f"{engine.name} did not take {image}: {loaded.stderr}")
    if before.returncode == 0:
        docker(engine, "image", "rm", before.stdout.strip(), check=False)


def clear(engine: ThrowAway) -> None:
    """Remove all containers and volumes of an engine that is nobody's but the tests'."""
    for listed, removal in (
        (("ps", "--all", "--quiet"), ("rm", "--force", "--volumes")),
        (("volume", "ls", "--quiet"), ("volume", "rm", "--force")),
    ):
        if names := docker(engine, *listed).stdout.split():
            docker(engine, *removal, *names)


def stop(engine: ThrowAway) -> bool:
    """End an engine with all its containers and mounts; return whether it ran."""
    if not engine.directory.exists():
        return False
    with alone(engine):
        if _process(engine) is None:
            return False
        with suppress(EngineTrouble):
            clear(engine)
        _end(engine)
        _remove_groups(engine)
        return True


def _end(engine: ThrowAway) -> None:
    """Ask the namespace's first process to end, and kill them all if that takes too long."""
    process = _process(engine)
    if process is None:
        return
    with suppress(ProcessLookupError):
        if first := first_process(process):
            os.kill(first, signal.SIGTERM)
        deadline = time.monotonic() + _PATIENCE
        while _process(engine) and time.monotonic() < deadline:
            time.sleep(0.1)
        if _process(engine):
            os.kill(process, signal.SIGKILL)
            while _process(engine):
                time.sleep(0.1)
    engine.pid_file.unlink(missing_ok=True)
    engine.socket.unlink(missing_ok=True)


def _remove_groups(engine: ThrowAway) -> None:
    """Remove the control groups of this name, which outlive their processes: empty ones only."""
    own = f"devenv-engine-{engine.name}"
    # Others' come and go meanwhile, which `walk` minds less than `Path.glob` does.
    for directory, _, _ in os.walk("/sys/fs/cgroup", topdown=False):
        if own in Path(directory).parts:
            with suppress(OSError):
                Path(directory).rmdir()


def first_process(parent: int) -> int | None:
    """Return the number, here, of the first process in an engine's namespaces."""
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:
        return None
    return int(children[0]) if children else None


def runs(engine: ThrowAway) -> bool:
    """Whether an engine runs."""
    return _process(engine) is not None


def _process(engine: ThrowAway) -> int | None:
    """Return the number of the engine's outer process, if that still is the one."""
    try:
        number, started = engine.pid_file.read_text().split()
    except (OSError, ValueError):
        return None
    return int(number) if _started(int(number)) == started else None


def _started(number: int) -> str:
    """Return when a process was started, in ticks, or an empty string if there is none.

    A number is used again; number and time are not. A zombie has ended.
    """
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def first_of(engine: ThrowAway) -> int:
    """Return the number, here, of the first process of an engine that runs."""
    process = _process(engine)
    first = first_process(process) if process else None
    if first is None:
        raise EngineTrouble(f"{engine.name} does not run: inv dev.engines --names {engine.name}")
    return first


def test(engine: ThrowAway, words: Sequence[str]) -> int:
    """Run a program with an engine that runs, in its network: published ports are there."""
    environ = {**_default(), "DOCKER_HOST": engine.url}
    if engine.rootless:
        environ["TESTS_ROOTLESS"] = "1"  # see tests/conftest.py
    inside = ["nsenter", f"--net=/proc/{first_of(engine)}/ns/net", "--", *words]
    return subprocess.run(inside, env=environ, check=False).returncode


def docker(
    engine: ThrowAway, *words: str, check: bool = True, stdin: IO[bytes] | int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the docker program on an engine; with ``check`` a failure is an `EngineTrouble`."""
    done = subprocess.run(
        ["docker", "--host", engine.url, *words],
        env=_default(),
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        asked, said = " ".join(words[:2]), done.stderr.strip()[-_SHOWN:]
        raise EngineTrouble(
            f"{engine.name} failed at docker {asked}: {said} "
            f"Its log is {engine.log}; without {engine.data} it begins anew."
        )
    return done


def _default() -> dict[str, str]:
    """Return this process's environment without what would choose another engine."""
    return {k: v for k, v in os.environ.items() if k not in ("DOCKER_HOST", "DOCKER_CONTEXT")}
