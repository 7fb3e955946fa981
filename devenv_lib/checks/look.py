"""One look from inside and one from the host, by which the bundled checks judge.

Everything that they need is gathered in one ``docker exec``, since each costs a tenth of a
second. It is a conversation: a file that the user inside makes in the project is there until it
has been looked at from the host, and goes when this process goes, however that ends.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devenv_lib.checks.subject import Lockfile, Subject
from devenv_lib.engine.bodies import SAFE_PATH
from devenv_lib.engine.program import Output, converse
from devenv_lib.engine.session import LOST
from devenv_lib.errors import EngineFailure
from devenv_lib.records import MountPoint
from devenv_lib.scripts import script

#: Seconds that a look may take before it is given up: the environment may be paused.
_PATIENCE = 30.0
#: Bytes of a host's file that are compared.
_LARGEST = 1 << 24
#: Where engines listen by default, as seen inside.
SOCKETS = (
    *("/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock"),
    *("/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/buildkit/buildkitd.sock"),
)
#: The kernel's two ways to tell of limits: cgroup v2, and v1.
MEMORY = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
SWAP = ("/sys/fs/cgroup/memory.swap.max", "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")
CPUS = (
    *("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us",
)

Step = tuple[str, str]


@dataclass(frozen=True)
class Seen:
    """What a look showed. ``steps`` has the lines that each step wrote.

    ``before`` and ``after`` are what the host's files were, by path; ``kept`` is the uid that
    the host saw on a file that was made in the project, or ``None``. ``began`` and ``ended`` are
    the host's clock, in seconds since 1970.
    """

    steps: Mapping[Step, tuple[str, ...]]
    before: Mapping[str, object]
    after: Mapping[str, object]
    kept: int | None
    began: float
    ended: float
    mounts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def said(self, verb: str, path: str) -> str:
        """Return the first line of a step, empty if it wrote nothing."""
        return next(iter(self.steps.get((verb, path), ())), "")

    def number(self, *paths: str) -> int | None:
        """Return the number in the first of these files that there is; ``max`` is ``-1``."""
        for path in paths:
            if text := self.said("text", path):
                word = text.split()[0]
                return -1 if word == "max" else int(word)
        return None


def look(subject: Subject) -> Seen:
    """Look at an environment from inside, as its user, and at the host's files around that.

    Raises:
        EngineFailure: it does not run, has no shell, or does not answer in thirty seconds.
        ProgramMissing: there is no docker program.
    """
    steps, token = tuple(dict.fromkeys(_steps(subject))), secrets.token_hex(8)
    sources = tuple(_sources(subject))
    owner: list[int] = []
    whole = False

    def between() -> None:
        nonlocal whole
        whole = True
        try:
            owner.append((Path(subject.project) / f".devenv-check-{token}").lstat().st_uid)
        except OSError:  # it could not be made
            return

    # The image's own PATH may begin in a shared volume, where others can write.
    variables = {**subject.variables, "PATH": SAFE_PATH}
    flags = [f"--env={name}={value}" for name, value in variables.items()]
    words = [*subject.docker, "exec", "--interactive", *flags, subject.container]
    words += [
        "/bin/sh",
        "-c",
        script("checks/look.sh"),
        "devenv",
        token,
        *(word for step in steps for word in step),
    ]
    before, began = {path: _state(path) for path in sources}, time.time()
    output = converse(words, "ready", between, _PATIENCE)
    ended, after = time.time(), {path: _state(path) for path in sources}
    # Where docker cannot ask how a program ended, what it said to its end is there all the same.
    if output.status not in (0, LOST) or not whole:
        raise _failure(subject, output)
    said = _by_step(output.stdout, steps)
    kept = owner[0] if owner else None
    return Seen(said, before, after, kept, began, ended, _mounted(said[_INFO]))


_INFO: Step = ("text", "/proc/self/mountinfo")


def _steps(subject: Subject) -> Iterator[Step]:
    """Yield the verbs of the script ``look.sh``, each with a path."""
    yield _INFO
    yield ("text", "/proc/self/status")
    yield ("user", "-")
    for volume in subject.volumes:
        yield from (("new", volume.target), ("owner", volume.target))
    yield from (attempt(mount) for mount in subject.read_only if attempt(mount)[0])
    for lock in subject.locks:
        directory = str(Path(lock.place).parent)
        yield from (("append", lock.place), ("place", lock.place), ("new", directory))
    if subject.auth:
        yield from (("read", subject.auth), ("new", str(Path(subject.auth).parent)))
    yield from (("socket", path) for path in SOCKETS)
    yield from (("text", path) for path in (*MEMORY, *SWAP, *CPUS))
    yield ("keep", subject.path)
    if subject.agent:
        yield from (("program", "ssh-add"), ("agent", subject.agent))
    yield ("date", "+%s %z")


def attempt(mount: MountPoint) -> Step:
    """Return the step that tries to write a bind; an empty verb where nothing can be tried.

    Opening a pipe would wait for a reader, and a socket or device is no file to write.
    """
    if os.path.isdir(mount.source):
        return ("new", mount.target)
    return ("append" if os.path.isfile(mount.source) else "", mount.target)


def _sources(subject: Subject) -> Iterator[str]:
    yield from (mount.source for mount in subject.read_only)
    yield from (lock.host for lock in subject.locks)


def _state(path: str) -> object:
    """Return what shows that something was written to a host's path: content, names, times."""
    try:
        found = Path(path).stat()
        if os.path.isdir(path):
            return ("directory", sorted(one.name for one in Path(path).iterdir()))
        if not os.path.isfile(path):
            return ("other", found.st_ino)
        content = b""
        if os.access(path, os.R_OK) and found.st_size <= _LARGEST:
            content = hashlib.sha256(Path(path).read_bytes()).digest()
    except OSError as error:
        return ("unknown", error.errno)
    return ("file", found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, content)


def _by_step(text: str, steps: Sequence[Step]) -> Mapping[Step, tuple[str, ...]]:
    found: dict[Step, list[str]] = {step: [] for step in steps}
    for line in text.splitlines():
        number, _, said = line.partition(" ")
        if number.isdigit() and int(number) < len(steps):
            found[steps[int(number)]].append(said)
    return {step: tuple(lines) for step, lines in found.items()}


def _mounted(lines: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """Read ``/proc/self/mountinfo``: mount points with their options; the topmost one counts.

    Spaces and the like are octal there (``proc_pid_mountinfo(5)``).
    """
    fields = (line.split(" ") for line in lines)
    return {
        re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), f[4]): frozenset(f[5].split(","))
        for f in fields
        if len(f) > 5
    }


def _failure(subject: Subject, output: Output) -> EngineFailure:
    said = " ".join(output.stderr.split()) or " ".join(output.stdout.split()[-10:])
    if output.status in (126, 127) or "executable file not found" in said:
        return EngineFailure(
            f"The environment {subject.name} has no /bin/sh to look with: {said}",
            "Use an image of a whole system: inv run --recreate --image IMAGE",
        )
    if "is not running" in said or "no such container" in said.lower():
        return EngineFailure(
            f"The environment {subject.name} stopped during the checks: {said}", "inv check"
        )
    if not output.stderr and output.status in (0, LOST):
        return EngineFailure(
            f"The look into the environment {subject.name} broke off.",
            "See whether the engine runs: docker info; then: inv check",
        )
    return EngineFailure(
        f"The environment {subject.name} did not answer as it should (status {output.status}): "
        f"{said}",
        "See whether it runs: inv list --all",
    )


def identity(lock: Lockfile, seen: Seen) -> tuple[str, str]:
    """Return where a lockfile really is, inside, and its device and inode (``254:1234``)."""
    lines = seen.steps.get(("place", lock.place), ())
    return (lines[0] if lines else "", lines[1] if len(lines) > 1 else "")
