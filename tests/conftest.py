"""Fixtures for tests on a real engine. Each test has a prefix of its own and removes only that.

The engine is the plugin's (`devenv_lib.pytest_plugin`), which also says what happens without one.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings

from devenv_lib import containers, host, testing, volumes
from devenv_lib.containers.links import make_links
from devenv_lib.engine import Engine
from devenv_lib.errors import EngineFailure
from devenv_lib.names import LABEL_PREFIX, STARTING, common_labels, is_helper
from devenv_lib.plans import EnvironmentPlan
from devenv_lib.project import Project, project_at
from devenv_lib.records import Host
from devenv_lib.settings import Settings

IMAGE = "devenv:latest"
#: The command, as it is installed beside the interpreter.
DEVENV = Path(sys.executable).parent / "devenv"
INVOKE = (sys.executable, "-m", "invoke")
RUN = uuid.uuid4().hex[:8]
#: Seconds after which a test gives up on what ought to have happened, on a busy machine too.
PATIENCE = 120.0
_numbers = itertools.count(1)


# Whoever runs the tests in the background may have Ctrl-C and Ctrl-\ ignored, and with `nohup` a
# hang-up, which children inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)


# Properties are not timed: a busy machine says nothing about the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what the fault suite takes."""
    parser.addoption("--every-fault", action="store_true", help="no sample: every fault anywhere")
    parser.addoption("--breakdowns", action="store_true", help="the engine's own: `dev.faults`")
    parser.addoption("--limit", type=int, default=0, help="breakdowns of a kind; 0: at any request")
    parser.addoption("--fault", action="append", default=[], help="only faults of this kind")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the engine is not made for; `tests.engines` says when it is rootless.

    On a rootless engine there are no environments, so it has tests of its own.
    """
    wanted = "TESTS_ROOTLESS" in os.environ
    fit = [item for item in items if bool(item.get_closest_marker("rootless")) == wanted]
    if others := [item for item in items if item not in set(fit)]:
        config.hook.pytest_deselected(items=others)
        items[:] = fit


def docker(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the docker program, as a person beside devenv would."""
    return subprocess.run(
        ["docker", *words],
        check=options.pop("check", True),
        capture_output=True,
        text=True,
        **options,
    )


@pytest.fixture(scope="session")
def engine(devenv_engine: Engine) -> Iterator[Engine]:
    """The real engine, with the default image on it; afterwards nothing of this run is left."""
    testing.image(devenv_engine, IMAGE)
    yield devenv_engine
    named = [v.name for v in devenv_engine.volumes()]
    named += [c.name for c in devenv_engine.containers()]
    tags = docker("images", "--format", "{{.Repository}}").stdout.split()
    assert [name for name in (*named, *tags) if name.startswith(f"devenv-t{RUN}")] == []


def not_here(why: str) -> NoReturn:
    """Skip a test that this machine cannot run; CI's can run all, so there it is a failure."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture
def as_root() -> None:
    """Leave a test to root: only root mounts, and gives away what is its own."""
    if os.geteuid() != 0:
        not_here("takes root")


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A directory that this process may not search: its tests run as an ordinary user."""
    directory = tmp_path / "closed"
    (directory / ".devenv").mkdir(parents=True)
    (directory / ".devenv/Dockerfile").write_text("FROM devenv:latest\n")
    directory.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(1000)
    yield directory
    os.seteuid(user)
    directory.chmod(0o700)


def free_port() -> int:
    """Return a port of this machine that nobody has.

    Not from the range out of which engines and the kernel give any port to those who ask, other
    tests among them: until it is used, it would be somebody else's.
    """
    while True:
        port = random.randrange(10_000, 30_000)  # noqa: S311 - no secret
        with suppress(OSError), socket.socket() as tried:
            tried.bind(("127.0.0.1", port))
            return port


@dataclass
class Workspace:
    """A home directory, a project in it and a prefix of its own, on the real engine."""

    engine: Engine
    home: Path
    path: Path
    settings: Settings
    environ: dict[str, str] = field(default_factory=dict)
    extra_volumes: list[str] = field(default_factory=list)
    extra_containers: list[str] = field(default_factory=list)

    @property
    def prefix(self) -> str:
        return self.settings.prefix

    @property
    def project(self) -> Project:
        return project_at(PurePosixPath(self.path), PurePosixPath(self.home), self.prefix)

    @property
    def name(self) -> str:
        return self.project.names[0]

    @property
    def host(self) -> Host:
        return host.look(self.project, self.settings, self.environ)

    def volume(self, suffix: str) -> str:
        return f"{self.prefix}-{suffix}"

    def make_volume(self, suffix: str) -> str:
        """Make an empty labelled volume, and return its name."""
        name = self.volume(suffix)
        self.engine.create_volume(name, common_labels(self.prefix))
        return name

    def configure(self, **changes: Any) -> None:
        self.settings = replace(self.settings, **changes)

    def up(self, **options: Any) -> containers.Environment:
        return containers.up(self.engine, self.project, self.settings, self.host, **options)

    def draft(self) -> EnvironmentPlan:
        return containers.draft(self.engine, self.project, self.settings, self.host)

    def half_made(self, plan: EnvironmentPlan | None = None) -> str:
        """Create what a start leaves that is killed after its create; return the id."""
        plan = plan or self.draft()
        make_links(plan.mounts)
        volumes.ensure(self.engine, self.prefix, plan.mounts.volumes)
        return self.engine.create(plan, self.name + STARTING)

    def stop(self) -> tuple[containers.Stopped, ...]:
        return containers.stop(self.engine, self.project)

    def write(self, relative: str, content: str = "") -> Path:
        """Write a file below the home, its directories included."""
        file = self.home / relative
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        for path in (file, *file.relative_to(self.home).parents):
            give(self.home / path)
        return file

    def worktree(self) -> tuple[Path, Path]:
        """Make a repository and a worktree of it, which is the project from now on."""
        main, tree = self.home / "work/main", self.home / "work/tree"
        git = ["git", "-c", "user.name=T", "-c", "user.email=t@t"]
        subprocess.run([*git, "init", "-q", str(main)], check=True)
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], cwd=main, check=True)
        subprocess.run([*git, "worktree", "add", "-q", str(tree)], cwd=main, check=True)
        for path in (main, tree, *main.rglob("*"), *tree.rglob("*")):
            give(path)
        self.path = tree
        return main, tree

    def sh(self, script: str, user: str = "devuser", name: str = "") -> str:
        """Run a script inside; return its output, stderr included. It has to succeed."""
        status, output = self.try_sh(script, user, name)
        assert status == 0, output
        return output.strip()

    def programs(self) -> list[str]:
        """Return the command lines of what runs inside, the look's own among them."""
        script = "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; echo; done 2>/dev/null"
        return [line.strip() for line in self.sh(script).splitlines()]

    def try_sh(self, script: str, user: str = "devuser", name: str = "") -> tuple[int, str]:
        """Run a script inside; return its status and output."""
        home = f"HOME=/home/{user}" if user != "root" else "HOME=/root"
        words = ["exec", "--env", home, "--user", user, name or self.name, "sh", "-c", script]
        result = docker(*words, check=False)
        return result.returncode, result.stdout + result.stderr

    def in_volume(self, suffix: str, script: str, *, image: str = IMAGE) -> str:
        """Run a script as root at a volume's root, in a container of the test's own."""
        mount = f"{self.volume(suffix)}:/v"
        words = ["run", "--rm", "--user=0", f"--volume={mount}", "--workdir=/v", image]
        return docker(*words, "sh", "-c", script).stdout.strip()

    def inv(
        self, *words: str, check: bool = False, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run Invoke as a process in the project folder."""
        environ = self.process_environ(options.pop("variables", {}))
        return self._run([*INVOKE, *words], environ, check=check, **options)

    def devenv(
        self, *words: str, check: bool = False, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run the ``devenv`` command as a process in the project folder.

        With ``quick`` it sees no setting but the prefix, which leaves the quick way open.
        """
        environ = self.process_environ(options.pop("variables", {}))
        if options.pop("quick", False):
            environ.pop("DEVENV_IMAGE")
        return self._run([str(DEVENV), *words], environ, check=check, **options)

    def shell(self, line: str, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a line of bash's in the project folder, with pipes and redirections as a person has.

        ``$INV`` is the beginning of a task's command line; `devenv` is in the ``PATH``.
        """
        path = f"{DEVENV.parent}:{os.environ['PATH']}"
        environ = {**self.process_environ(), "PATH": path, "INV": " ".join(INVOKE)}
        return self._run(["bash", "-c", line, "bash", *words], environ, **options)

    def _run(
        self, words: Sequence[str], environ: Mapping[str, str], **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a process without a terminal, in the project folder."""
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(
            words,
            cwd=options.pop("cwd", self.path),
            env=environ,
            capture_output=True,
            text=True,
            check=options.pop("check", False),
            **options,
        )

    def begin(self, *words: str, group: bool = False) -> subprocess.Popen[str]:
        """Begin a task as a process, with ``group`` in one of its own, without a terminal."""
        return subprocess.Popen(
            [*INVOKE, *words],
            cwd=self.path,
            env=self.process_environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=group,
        )

    def killed_after(self, seconds: float, *words: str) -> None:
        """Run a task, and kill it if it takes longer, as nothing could be told to clear up."""
        process = self.begin(*words, group=True)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()

    def process_environ(self, variables: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a process that sees this home, prefix and image."""
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("DEVENV_", "INVOKE_"))}
        for name in ("SSH_AUTH_SOCK", "NO_COLOR", "XDG_STATE_HOME"):
            keep.pop(name, None)
        own = {"HOME": str(self.home), "DEVENV_PREFIX": self.prefix, "DEVENV_IMAGE": IMAGE}
        own["XDG_CACHE_HOME"] = str(self.home / ".cache-of-tests")
        if self.engine.endpoint.context != "default":
            own["DOCKER_HOST"] = self.engine.endpoint.url
        return {**keep, **own, **self.environ, **(variables or {})}

    def container_names(self) -> list[str]:
        return sorted(c.name for c in self.engine.containers([f"{LABEL_PREFIX}={self.prefix}"]))

    def names_when_tidy(self, *, killed: bool = True) -> list[str]:
        """Return the names of the containers when those that live for a moment have ended.

        A helper that runs ends with its command, and takes a moment for it. One that never ran
        is removed here if a process was ``killed``: the engine goes on with a create whose client
        is gone, and that container may come behind the next command. What a process leaves that
        could end in order stays, and is among the names.
        """
        deadline = time.monotonic() + (20 if killed else 60)
        while True:
            if killed:
                self.engine.remove_leftovers(self.prefix, age=0)
            found = self.engine.containers([f"{LABEL_PREFIX}={self.prefix}"])
            if time.monotonic() > deadline or not any(
                is_helper(one.name, one.labels, self.prefix) for one in found
            ):
                return sorted(one.name for one in found)
            time.sleep(0.1)

    def volume_names(self) -> list[str]:
        found = self.engine.snapshot(labelled=True).volumes
        return sorted(v.name for v in found if v.labels.get(LABEL_PREFIX) == self.prefix)

    def clean(self) -> None:
        """Remove what this prefix has, and what the test named: nothing else.

        What is just ending is refused for a moment: a container that the engine removes by itself,
        or a volume of one that is not listed any more.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self._clean()
            except EngineFailure:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def _clean(self) -> None:
        for name in (*self.container_names(), *self.extra_containers):
            self.engine.remove(name, force=True)
        for name in (*self.volume_names(), *self.extra_volumes):
            if self.engine.volume(name):
                self.engine.remove_volume(name)


def when_free(
    run: Callable[[], subprocess.CompletedProcess[str]],
) -> subprocess.CompletedProcess[str]:
    """Run a command again as long as it says to: another one had what it needs for too long."""
    deadline = time.monotonic() + PATIENCE
    while "Another command is at work on it" in (done := run()).stderr:
        assert time.monotonic() < deadline, done.stderr
    return done


@pytest.fixture
def make_workspace(engine: Engine, tmp_path: Path) -> Iterator[Any]:
    """Make workspaces, each under a prefix of its own, and remove what they made."""
    ending = ExitStack()  # each is cleaned, if another fails

    def make(project: str = "work/app", home: str = "home", prefix: str = "") -> Workspace:
        base = tmp_path / home
        path = base / project
        path.mkdir(parents=True, exist_ok=True)
        for each in (path, *path.relative_to(base).parents):
            give(base / each)
        own = prefix or f"devenv-t{RUN}-{next(_numbers)}"
        (path / "tasks.py").write_text("from devenv_lib.tasks import ns\n")
        workspace = Workspace(
            engine, base.resolve(), path.resolve(), Settings(prefix=own, image=IMAGE)
        )
        ending.callback(workspace.clean)
        return workspace

    with ending:
        yield make


@pytest.fixture
def workspace(make_workspace: Any) -> Workspace:
    """A workspace with the configuration that people have."""
    made: Workspace = make_workspace()
    made.write(".bashrc", "alias ll='ls -l'\n")
    made.write(".config/git/ignore", "*.swp\n")
    made.write(".config/nvim/init.lua", "-- nvim\n")
    made.write(".config/tvim/init.lua", "-- tvim\n")
    made.write(".config/tvim/lazy-lock.json", '{"host": 1}\n')
    made.write(".local/share/opencode/auth.json", '{"token": "secret"}\n')
    return made


def give(path: Path) -> None:
    """Make a directory the environment's user's: root's tests run as root, people's do not."""
    if os.getuid() == 0:
        os.chown(path, 1000, 1000)


@contextmanager
def built_image(workspace: Workspace, lines: str) -> Iterator[str]:
    """Give an image that is built on the tests' own by ``lines``, and remove it afterwards."""
    name = f"{workspace.prefix}-built:latest"
    docker("build", "--quiet", f"--tag={name}", "-", input=f"{own_base(workspace)}\n{lines}\n")
    try:
        yield name
    finally:
        workspace.clean()
        remove_image(name)


def own_base(workspace: Workspace) -> str:
    """Return the beginning of a Dockerfile on the tests' image.

    What is built on it shares no image with what other tests build, which the removal of theirs
    may take away from under this build.
    """
    return f"FROM {IMAGE}\nLABEL built-for={workspace.prefix}"


def remove_image(name: str) -> None:
    """Remove an image of a test's; removals at once get into each other's way for a moment."""
    deadline = time.monotonic() + PATIENCE
    while (done := docker("rmi", name, check=False)).returncode:
        if f"No such image: {name}" in done.stderr:
            return
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.2)


def outcomes(text: str) -> Sequence[str]:
    """Return the outcome lines of a report."""
    return [line for line in text.splitlines() if line and not line.startswith((" ", "="))]
