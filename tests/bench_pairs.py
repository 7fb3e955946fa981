"""What `inv dev.bench` times: tasks, and beside each the bare docker command that does the same.

Everything is made under a prefix of its own and removed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pexpect

from devenv_lib import containers
from devenv_lib.engine import connect
from devenv_lib.names import common_labels
from devenv_lib.plans.commands import run_options
from devenv_lib.settings import Settings
from tests.conftest import DEVENV, IMAGE, RUN, Workspace, docker, give

FEW, MANY = "volume.list, 3 volumes", "volume.list, 300 volumes"


@dataclass(frozen=True)
class Pair:
    """One task and the bare command beside it; ``before`` resets what both change."""

    name: str
    task: Callable[[], object]
    bare: Callable[[], object]
    before: Callable[[], object] = lambda: None
    wanted: float | None = None


@contextmanager
def bench_workspace(directory: Path) -> Iterator[Workspace]:
    """Give a workspace with the usual configuration, and remove what it made."""
    home = directory / "home"
    path = home / "work/app"
    path.mkdir(parents=True)
    for each in (path, path.parent, home):
        give(each)
    (path / "tasks.py").write_text("from devenv_lib.tasks import ns\n")
    settings = Settings(prefix=f"devenv-b{RUN}", image=IMAGE)
    workspace = Workspace(connect(), home.resolve(), path.resolve(), settings)
    for name in (".bashrc", ".config/git/ignore", ".config/nvim/init.lua"):
        workspace.write(name)
    workspace.write(".config/tvim/lazy-lock.json", "{}")
    workspace.write(".local/share/opencode/auth.json", "{}")
    try:
        yield workspace
    finally:
        workspace.clean()


def inv(workspace: Workspace, *words: str) -> Callable[[], object]:
    """Return the run of a task, which has to succeed."""
    command = [sys.executable, "-m", "invoke", *words]
    environ = workspace.process_environ()
    options = {"cwd": workspace.path, "env": environ, "stdin": subprocess.DEVNULL}
    return lambda: subprocess.run(command, check=True, capture_output=True, **options)  # type: ignore[call-overload]


def devenv(workspace: Workspace, *words: str) -> Callable[[], object]:
    """Return the run of the ``devenv`` command, as of somebody without settings of their own."""
    return lambda: workspace.devenv(*words, check=True, quick=True)


def attached(words: Sequence[str], workspace: Workspace) -> Callable[[], object]:
    """Return the run of a command on a terminal, which is left at its first prompt."""
    environ = workspace.process_environ()

    def attach() -> None:
        command = pexpect.spawn(words[0], [*words[1:]], cwd=workspace.path, env=environ)
        command.expect(r"[$] ")
        command.sendline("exit")
        command.expect(pexpect.EOF)
        command.close()

    return attach


def pairs(workspace: Workspace, directory: Path) -> Iterator[Pair]:
    """Yield what is measured, in an order in which each finds what it needs."""
    bare = f"{workspace.prefix}-bare"
    workspace.extra_containers.append(bare)
    plan = containers.draft(workspace.engine, workspace.project, workspace.settings, workspace.host)
    create = ["run", "--detach", f"--name={bare}", *run_options(plan), IMAGE, "infinity"]

    def remove() -> None:
        for name in (bare, workspace.name):
            docker("rm", "--force", name, check=False)

    yield Pair(
        "run --detach, new",
        inv(workspace, "run", "--detach"),
        lambda: docker(*create),
        remove,
        2.5,
    )
    workspace.up()
    yield Pair(
        "run --detach, running",
        inv(workspace, "run", "--detach"),
        lambda: docker("inspect", workspace.name),
    )
    who = ["--user=devuser", f"--workdir={plan.workdir}", workspace.name]
    yield Pair(
        "exec -- true",
        inv(workspace, "exec", "--", "true"),
        lambda: docker("exec", *who, "true"),
    )
    yield Pair(
        "devenv exec . -- true",
        devenv(workspace, "exec", ".", "--", "true"),
        lambda: docker("exec", *who, "true"),
        wanted=2.0,
    )
    yield Pair(
        "devenv ., to the prompt",
        attached([str(DEVENV), "."], workspace),
        attached(["docker", "exec", "-it", *who, "bash", "-l"], workspace),
    )
    yield Pair("list", inv(workspace, "list"), lambda: docker("ps"))
    remove()
    gone = workspace.volume("gone")
    yield Pair(
        "volume.rm --force",
        inv(workspace, "volume.rm", "--force", "--name", gone),
        lambda: docker("volume", "rm", gone),
        lambda: workspace.engine.create_volume(gone, common_labels(workspace.prefix)),
    )
    yield plugin_pair(directory)
    yield from care_pairs(workspace, directory)
    for number, name in ((3, FEW), (300, MANY)):
        add_volumes(workspace, number)
        yield Pair(
            name,
            inv(workspace, "volume.list"),
            lambda: docker("system", "df", "--verbose"),
        )


def plugin_pair(directory: Path) -> Pair:
    """Return a suite that does not use the pytest plugin, with it and without it."""
    (directory / "test_empty.py").write_text("def test_nothing():\n    pass\n")
    # Other plugins take many times as long, and not always the same.
    others = ["cacheprovider", "hypothesispytest", "pytest_cov", "xdist", "xdist.looponfail"]
    others.append("pytest11.testinfra")

    def suite(*without: str) -> Callable[[], object]:
        flags = [f"-pno:{name}" for name in (*others, *without)]
        words = [sys.executable, "-m", "pytest", "-q", *flags, "test_empty.py"]
        return lambda: subprocess.run(words, cwd=directory, check=True, capture_output=True)

    return Pair("pytest, plugin not used", suite(), suite("devenv"), wanted=1.05)


#: What fills a volume, and what a person without devenv saves and copies one with.
SMALL = "for d in $(seq 200); do mkdir $d; (cd $d; for f in $(seq 100); do echo $f >$f; done); done"
LARGE = "for f in 1 2 3; do head -c 200000000 /dev/urandom >$f; done"
COPY = "tar -C /a -c . | tar -C /b -x"


def care_pairs(workspace: Workspace, directory: Path) -> Iterator[Pair]:
    """Yield backups and clones of a volume with many small files, and of one with a few large.

    ext4 takes five times as long to make files for minutes after as many were removed (`perf`:
    `recently_deleted`). So each copy of the small ones goes to a volume of its own.
    """
    source, to, new = workspace.volume("source"), directory / "backups", [workspace.volume("new")]
    run = ("run", "--rm", "--user=0", f"--volume={source}:/a")
    to.mkdir()

    def clear() -> None:
        docker("volume", "rm", "--force", new[-1])
        for file in to.iterdir():
            file.unlink()

    def another() -> None:
        new.append(workspace.volume(f"new{len(new)}"))

    def saved(*flags: str) -> Callable[[], object]:
        words = ["docker", *run, *flags, IMAGE, "tar", "-C", "/a", "-c", "."]

        def save() -> None:
            with (to / "bare.tar").open("wb") as file:
                subprocess.run(words, stdout=file, check=True)

        return save

    backup = inv(workspace, "volume.backup", "--name", source, "--to", str(to), "--no-compress")

    def clone() -> None:
        inv(workspace, "volume.clone", "--name", source, "--to", new[-1])()

    def copy() -> None:
        docker(*run, f"--volume={new[-1]}:/b", IMAGE, "sh", "-c", COPY)

    for what, script, before in (
        ("20,000 small files", SMALL, another),
        ("3 files of 200 MB", LARGE, clear),
    ):
        workspace.engine.create_volume(source, common_labels(workspace.prefix))
        workspace.in_volume("source", script)
        # An engine writes all that a container prints to a log of its own, unless told not to.
        bare = saved("--log-driver=none")
        yield Pair(f"volume.backup, {what}", backup, bare, clear, 1.25)
        yield Pair("  the same, bare with a log", backup, saved(), clear)
        yield Pair(f"volume.clone, {what}", clone, copy, before, 1.25)
        workspace.engine.remove_volume(source)
    for name in new:
        docker("volume", "rm", "--force", name)


def add_volumes(workspace: Workspace, number: int) -> None:
    """Make labelled volumes until the prefix has ``number``."""
    labels = common_labels(workspace.prefix)
    there = workspace.volume_names()
    for name in there[number:]:
        workspace.engine.remove_volume(name)
    for n in range(number - len(there)):
        workspace.engine.create_volume(f"{workspace.prefix}-{n:03}", labels)
