"""Random sequences of what people do with devenv and beside it, each compared with the model.

Every rule does one thing on the real engine and in the `World`, compares the outcomes, and then
looks whether the promises hold. So a sequence that hypothesis prints is a test as it is::

    def test_what_was_found() -> None:
        state = Machine()
        state.up(project='app', recreate=False)
        ...
        state.teardown()
"""

from __future__ import annotations

import functools
import io
import itertools
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, Concatenate, ParamSpec
from unittest.mock import patch

from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from hypothesis.strategies import booleans, integers, sampled_from

from devenv_lib import containers, report, volumes
from devenv_lib.engine import connect
from devenv_lib.errors import DevenvError
from devenv_lib.plans import RemovalPlan
from devenv_lib.settings import Settings
from devenv_lib.volume_settings import Volumes
from tests.conftest import IMAGE, RUN, Workspace, give
from tests.engine.model_look import Look, digest, read_archive, read_tree
from tests.engine.model_world import Container, Expected, Volume, Wanted, Whose, World

_numbers = itertools.count(1)
P = ParamSpec("P")
#: What each kind of a container's volume is for, by its place inside.
PLACES = {
    "data": "/home/devuser/.local/share",
    "cache": "/home/devuser/.cache",
    "state": "/home/devuser/.local/state",
}
PROJECTS = sampled_from(["app", "lib"])
#: Volumes: those of environments (two of them a project's own), and two others.
SUFFIXES = sampled_from(["data", "cache", "state", "tvim-lock", "own-app", "own-lib", "x", "y"])
#: The configuration that people have.
CONFIGURATION = {
    ".bashrc": "alias ll='ls -l'\n",
    ".config/git/ignore": "*.swp\n",
    ".config/tvim/init.lua": "-- tvim\n",
    ".config/tvim/lazy-lock.json": '{"host": 1}\n',
    ".local/share/opencode/auth.json": '{"token": "secret"}\n',
}


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def attempt(verb: Callable[[], object]) -> tuple[object, str]:
    """Carry a verb out, and return its result, and what it said if it failed."""
    try:
        return verb(), ""
    except DevenvError as error:
        return None, str(error)


def checked(
    step: Callable[Concatenate[Machine, P], None],
) -> Callable[Concatenate[Machine, P], None]:
    """Look at the promises after a step."""

    @functools.wraps(step)
    def both(self: Machine, *words: P.args, **options: P.kwargs) -> None:
        step(self, *words, **options)
        self.steps += 1
        Machine.taken += 1
        self.check()

    return both


class Machine(RuleBasedStateMachine):
    """Two projects of one prefix on the real engine, and the model of all of it."""

    #: Steps that were taken by all machines.
    taken = 0

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.base = Path(tempfile.mkdtemp(prefix="devenv-model-")).resolve()
        self.base.chmod(0o755)
        engine, home = connect(), self.base / "home"
        prefix = f"devenv-t{RUN}-m{next(_numbers)}"
        settings = Settings(prefix=prefix, image=IMAGE, memory=Wanted.memory)
        self.at: dict[str, Workspace] = {}
        for project in ("app", "lib"):
            path = home / "work" / project
            path.mkdir(parents=True)
            self.at[project] = Workspace(engine, home, path, settings)
        for relative, content in CONFIGURATION.items():
            self.at["app"].write(relative, content)
        for path in (home, home / "work", *(at.path for at in self.at.values())):
            give(path)
        self.engine, self.prefix, self.home = engine, prefix, home
        self.client: Any = engine._client
        self.world = World(prefix, {name: str(at.path) for name, at in self.at.items()})
        self.look = Look(engine, prefix)
        self.archives: list[tuple[str, str, Volume]] = []  # path, name, what is in it
        self.before = self.configuration()

    def configuration(self) -> str:
        leave = [self.home / path for path in ("work", ".local/state", ".cache-of-tests")]
        return digest(self.home, leave)

    def volume(self, suffix: str) -> str:
        if suffix.startswith("own-"):
            return self.world.cache_of(suffix.removeprefix("own-"))
        return f"{self.prefix}-{suffix}"

    def does(self, verb: Callable[[], object], expected: Expected) -> object:
        """Carry a verb out, which has to be refused in the model's words, or not to be."""
        result, refused = attempt(verb)
        assert bool(refused) == bool(expected.says), (refused or result, expected)
        assert not refused or any(why in refused for why in expected.says), (refused, expected)
        return result

    # Environments

    @rule(project=PROJECTS, recreate=booleans())
    @checked
    def up(self, project: str, recreate: bool) -> None:
        expected = self.world.up(project, recreate=recreate)
        found = self.does(lambda: self.at[project].up(recreate=recreate), expected)
        if isinstance(found, containers.Environment):
            outcome = (found.outcome, bool(found.differs), set(found.unlabelled))
            assert outcome == expected.result, found.differs

    @rule(project=PROJECTS, keep=booleans())
    @checked
    def stop(self, project: str, keep: bool) -> None:
        expected = self.world.stop(project, keep=keep)
        stopped = containers.stop(self.engine, self.at[project].project, keep=keep)
        assert [(one.name, one.kept) for one in stopped] == expected.result

    @precondition(lambda self: self.running())
    @rule(
        project=PROJECTS,
        where=sampled_from(["data", "cache", "state", "lock", "project"]),
        file=sampled_from(["f-0", "f-1", "deep/f-2"]),
        content=sampled_from(["one", "two", "three\n", ""]),
    )
    @checked
    def write(self, project: str, where: str, file: str, content: str) -> None:
        """Write a file inside, or with no content remove it: knowingly."""
        if project not in self.running():
            return
        place = f"{PLACES.get(where, '.')}/{file}"
        files = self.world.project_files.setdefault(project, {})
        if where == "lock":
            place, file = "/home/devuser/.config/tvim/lazy-lock.json", "lazy-lock.json"
        if where != "project":
            suffix = "tvim-lock" if where == "lock" else where
            names = self.world.environments[project].volumes
            (name,) = (n for n in names if n.startswith(f"{self.prefix}-{suffix}"))
            files = self.world.volumes[name].files
        script = 'mkdir -p "${1%/*}" && printf %s "$2" > "$1"'
        if not content and where != "lock":
            script, files[file] = 'rm -f "$1"', ""
            del files[file]
        else:
            files[file] = content
        container = containers.find(self.engine, self.at[project].project).ready
        assert container
        words = ["sh", "-c", script, "sh", place, content]
        assert containers.execute(self.engine, container, words) == 0

    def running(self) -> list[str]:
        return [p for p, c in self.world.environments.items() if c.state == "running"]

    @precondition(lambda self: self.world.environments)
    @rule(project=PROJECTS, what=sampled_from(["remove", "stop", "pause", "unpause"]))
    @checked
    def by_hand(self, project: str, what: str) -> None:
        """A person does something to an environment with the docker program."""
        there = self.world.environments.get(project)
        needs = {"remove": "", "stop": "running", "pause": "running", "unpause": "paused"}[what]
        if there is None or needs not in ("", there.state):
            return
        name = self.world.container_name(project)
        if what == "remove":
            del self.world.environments[project]
            self.client.remove_container(name, force=True)
        else:
            there.state = {"stop": "exited", "pause": "paused", "unpause": "running"}[what]
            getattr(self.client, what)(name)

    # Settings

    @rule(
        memory=sampled_from([1 << 30, 3 << 29]),
        own_cache=booleans(),
        protected=sampled_from([(), (), ("data",), ("c*", "x")]),
        zone=sampled_from(["UTC", "Europe/Berlin"]),
    )
    @checked
    def configure(self, memory: int, own_cache: bool, protected: Sequence[str], zone: str) -> None:
        """Change the settings; the time zone does not count as a difference."""
        self.world.wanted = Wanted(memory, own_cache)
        self.world.protected = tuple(f"{self.prefix}-{pattern}" for pattern in protected)
        scope = {f"{self.prefix}-cache": "project" if own_cache else "shared"}
        own = Volumes(protected=self.world.protected, scope=scope)  # type: ignore[arg-type]
        for at in self.at.values():
            at.configure(memory=memory, volumes=own)
            at.environ["TZ"] = zone

    # Volumes

    @rule(
        suffixes=sampled_from([["data"], ["x"], ["state", "cache"], ["x", "y"], ["own-app"], None]),
        answer=sampled_from(["y", "Y", "force", "n", "", "yes", " y"]),
        meanwhile=sampled_from(["", "", "", "use", "remove", "replace"]),
    )
    @checked
    def rm(self, suffixes: Sequence[str] | None, answer: str, meanwhile: str) -> None:
        """Remove volumes as the task does: plan, ask, and remove what was planned.

        While the question waits, others may come.
        """
        names = None if suffixes is None else [self.volume(suffix) for suffix in suffixes]
        removed, refused = self.world.removal(names)
        protected = self.world.protected
        plan = volumes.plan_removal(self.engine, self.prefix, names, protected)
        said = {(one.volume, one.reason) for one in plan.refusals}
        assert len(said) == len(refused), (said, refused)
        assert all(any(n == v and why in r for v, r in said) for n, why in refused), (said, refused)
        if refused:
            self.does(
                lambda: volumes.remove(self.engine, self.prefix, plan),
                Expected(says=("Nothing was removed",)),
            )
            return
        assert {volume.name for volume in plan.volumes} == removed
        if removed:
            self.answered(plan, answer, meanwhile)

    def answered(self, plan: RemovalPlan, answer: str, meanwhile: str) -> None:
        first = plan.volumes[0].name
        if meanwhile == "use":
            self.come("late", first, running=False)
        elif meanwhile:
            self.client.remove_volume(first)
            self.world.volumes.pop(first)
        if meanwhile == "replace":
            self.make(first, "unlabelled")
        if not self.agreed(answer):
            return
        expected = Expected(says=("changed since",)) if meanwhile else Expected()
        removals = self.does(lambda: volumes.remove(self.engine, self.prefix, plan), expected)
        if not meanwhile:
            assert isinstance(removals, tuple)
            assert [one.failure for one in removals] == [""] * len(plan.volumes)
            for volume in plan.volumes:
                del self.world.volumes[volume.name]

    def agreed(self, answer: str) -> bool:
        """Answer devenv's one question, on what it takes for a terminal."""
        if answer == "force":
            return True
        stdin = patch.object(sys, "stdin", _Terminal(f"{answer}\n"))
        with stdin, redirect_stderr(_Terminal()):
            yes = report.confirm("Remove these volumes?", "Nothing was removed")
        assert yes == (answer in ("y", "Y"))
        return yes

    @rule(suffix=SUFFIXES)
    @checked
    def adopt(self, suffix: str) -> None:
        name = self.volume(suffix)
        expected = self.world.adopt(name)
        found = self.does(lambda: volumes.adopt(self.engine, self.prefix, name, IMAGE), expected)
        assert found == expected.result

    def directory(self) -> Path:
        directory = self.base / f"archives-{self.steps}"
        directory.mkdir()
        return directory

    @rule(suffix=SUFFIXES)
    @checked
    def backup(self, suffix: str) -> None:
        name, to = self.volume(suffix), self.directory()
        expected = self.world.backup(name)
        found = self.does(
            lambda: volumes.backup(self.engine, self.prefix, name, to, IMAGE), expected
        )
        if isinstance(found, volumes.Backup) and isinstance(expected.result, Volume):
            self.archives.append((found.path, name, expected.result))
            assert read_archive(None, found.path) == expected.result.files
        else:
            assert list(to.iterdir()) == []

    @precondition(lambda self: self.archives)
    @rule(number=integers(0, 9), suffix=SUFFIXES, own=booleans(), replace=booleans())
    @checked
    def restore(self, number: int, suffix: str, own: bool, replace: bool) -> None:
        """Restore an archive, to the volume that it is of or to another one."""
        path, source, saved = self.archives[number % len(self.archives)]
        name, to = source if own else self.volume(suffix), self.directory()
        expected = self.world.restore(saved, source, name, replace=replace)
        unknown = bool(expected.says) and self.world.volumes[name].touched

        def verb() -> volumes.Restored:
            options: dict[str, Any] = {"replace": to if replace else None}
            options["protected"] = self.world.protected
            with volumes.opened(Path(path)) as archive:
                return volumes.restore(
                    self.engine, self.prefix, archive, IMAGE, name=name, **options
                )

        if unknown and expected.says == ("is not empty",) and not self.world.volumes[name].files:
            _, refused = attempt(verb)
            assert not refused or "is not empty" in refused
            if not refused:
                self.world.filled(name, saved)
            return
        found = self.does(verb, expected)
        if isinstance(found, volumes.Restored):
            before = expected.result
            assert found.saved or not isinstance(before, Volume)
            if found.saved:
                content = before if isinstance(before, Volume) else Volume("ours", touched=True)
                self.archives.append((found.saved, name, content))

    @rule(source=SUFFIXES, suffix=SUFFIXES)
    @checked
    def clone(self, source: str, suffix: str) -> None:
        names = self.volume(source), self.volume(suffix)
        expected = self.world.clone(*names)
        found = self.does(lambda: volumes.clone(self.engine, self.prefix, *names, IMAGE), expected)
        assert not isinstance(found, volumes.Cloned) or found.name == expected.result

    @rule()
    @checked
    def listing(self) -> None:
        """Both lists: the labelled volumes with their users, and the environments."""
        found = {one.name: one for one in volumes.examine(self.engine, self.prefix, sizes=False)}
        mine = {n: v for n, v in self.world.volumes.items() if v.whose == "ours"}
        assert set(found) == set(mine)
        for name, one in found.items():
            users = self.world.users(name)
            states = {container.state for container in users.values()}
            assert set(one.used_by) == set(users)
            assert one.in_use == bool(states & {"running", "paused"})
            assert (one.path or "") == mine[name].path
        status = {"exited": "stopped"}
        environments = {
            self.world.container_name(p): status.get(c.state, c.state)
            for p, c in self.world.environments.items()
        }
        surveyed = containers.survey(self.engine, self.prefix)
        assert {one.name: one.status for one in surveyed} == environments

    # Others on the same engine

    @rule(suffix=SUFFIXES, whose=sampled_from(["unlabelled", "unlabelled", "stranger", "claimed"]))
    @checked
    def foreign_volume(self, suffix: str, whose: str) -> None:
        """Somebody makes a volume of one of our names, if there is none."""
        if self.volume(suffix) not in self.world.volumes:
            self.make(self.volume(suffix), whose)

    def make(self, name: str, whose: str) -> None:
        labels = {"keep": "me"}
        if whose != "unlabelled":
            labels |= {"devenv": "true", "devenv.prefix": self.prefix}
        if whose == "stranger":
            labels["devenv.prefix"] = f"{self.prefix}-other"
        path = "/somewhere/else" if whose == "claimed" else ""
        if path:
            labels["devenv.path"] = path
        self.client.create_volume(name, labels=labels)
        kinds: dict[str, Whose] = {"unlabelled": "unlabelled", "stranger": "stranger"}
        self.world.volumes[name] = Volume(kinds.get(whose, "ours"), path)

    @rule(suffix=SUFFIXES)
    @checked
    def foreign_removal(self, suffix: str) -> None:
        """Somebody removes a volume with the docker program, knowingly."""
        name = self.volume(suffix)
        if name in self.world.volumes and not self.world.users(name):
            self.client.remove_volume(name)
            del self.world.volumes[name]

    @rule(slot=sampled_from(["one", "two"]), suffix=SUFFIXES, running=booleans())
    @checked
    def foreign_container(self, slot: str, suffix: str, running: bool) -> None:
        """A foreign container comes with a volume, or goes if it is there."""
        name = f"{self.prefix}-foreign-{slot}"
        if name in self.world.foreign:
            self.client.remove_container(name, force=True)
            del self.world.foreign[name]
            return
        self.come(slot, self.volume(suffix), running=running)

    def come(self, slot: str, volume: str, *, running: bool) -> None:
        """Make a container with a volume, which it makes if it has to; one that runs writes."""
        name = f"{self.prefix}-foreign-{slot}"
        if name in self.world.foreign:
            self.client.remove_container(name, force=True)
        mount = {"Type": "volume", "Source": volume, "Target": "/v"}
        config = self.client.create_host_config(mounts=[mount], init=True, network_mode="none")
        made = self.client.create_container(
            IMAGE, ["sleep", "infinity"], user="0", name=name, host_config=config
        )
        there = self.world.volumes.setdefault(volume, Volume("unlabelled"))
        self.world.foreign[name] = Container("running" if running else "created", (volume,))
        if running:
            self.client.start(made["Id"])
            content = f"of step {self.steps}"
            script = f"printf %s '{content}' > /v/g-{slot}"
            doing = self.client.exec_create(made["Id"], ["sh", "-c", script])
            self.client.exec_start(doing["Id"])
            assert self.client.exec_inspect(doing["Id"])["ExitCode"] == 0
            there.files[f"g-{slot}"] = content

    # The promises

    def check(self, *, whole: bool = False) -> None:
        """Compare all that there is with the model."""
        self.check_containers()
        self.check_volumes()
        mine = self.world.volumes
        files = self.look.files(mine, whole=whole)
        assert files is None or files == {name: volume.files for name, volume in mine.items()}
        for project, at in self.at.items():
            assert read_tree(at.path) == self.world.project_files.get(project, {})
        assert self.configuration() == self.before, "the host's configuration was changed"

    def check_containers(self) -> None:
        expected = {
            name: (one.state, tuple(sorted(one.volumes)))
            for name, one in self.world.containers.items()
        }
        assert self.look.containers() == expected

    def check_volumes(self) -> None:
        """There are these volumes and no others: no copy, no marker; and they have their labels."""
        found = self.look.volumes()
        assert set(found) == set(self.world.volumes)
        for name, volume in self.world.volumes.items():
            labels = found[name]["Labels"] or {}
            prefix = labels.get("devenv.prefix") if labels.get("devenv") == "true" else None
            whose = {None: "unlabelled", self.prefix: "ours"}.get(prefix, "stranger")
            assert (name, whose) == (name, volume.whose)
            assert (name, labels.get("devenv.path", "")) == (name, volume.path)

    def teardown(self) -> None:
        """Check everything once more, by another way, and remove what this machine made."""
        failed = sys.exc_info()[0] is not None
        try:
            if not failed and self.steps:
                self.check(whole=True)
                for path, _, saved in self.archives:
                    assert read_archive(None, path) == saved.files
        finally:
            self.clean()

    def clean(self) -> None:
        names = [n for n in self.look.containers() if n.startswith(f"{self.prefix}-")]
        for name in names:
            self.client.remove_container(name, force=True, v=True)
        for name in self.look.volumes():
            self.client.remove_volume(name)
        shutil.rmtree(self.base)
