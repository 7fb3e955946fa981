"""What every sequence of steps has: a prefix on the real engine, the model, and the promises."""

from __future__ import annotations

import functools
import itertools
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Concatenate, ParamSpec, TypeVar

from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.strategies import sampled_from

from devenv_lib.engine import connect
from devenv_lib.errors import DevenvError
from devenv_lib.settings import Settings
from tests.conftest import IMAGE, RUN, Workspace, give
from tests.engine.model_look import Look, digest, read_saved, read_tree, shown
from tests.engine.model_world import Expected, Volume, World

_numbers = itertools.count(1)
P = ParamSpec("P")
M = TypeVar("M", bound="Base")
PROJECTS = sampled_from(["app", "lib"])
#: Volumes: those of environments (two of them a project's own), and two others.
SUFFIXES = sampled_from(["data", "cache", "state", "tvim-lock", "own-app", "own-lib", "x", "y"])
#: After how many steps files are read by a container, where they cannot be read directly.
_WHOLE = 5
#: The configuration that people have.
CONFIGURATION = {
    ".bashrc": "alias ll='ls -l'\n",
    ".config/git/ignore": "*.swp\n",
    ".config/tvim/init.lua": "-- tvim\n",
    ".config/tvim/lazy-lock.json": '{"host": 1}\n',
    ".local/share/opencode/auth.json": '{"token": "secret"}\n',
}


def attempt(verb: Callable[[], object]) -> tuple[object, str]:
    """Carry a verb out, and return its result, and what it said if it failed."""
    try:
        return verb(), ""
    except DevenvError as error:
        return None, str(error)


def checked(
    step: Callable[Concatenate[M, P], None],
) -> Callable[Concatenate[M, P], None]:
    """Look at the promises after a step."""

    @functools.wraps(step)
    def both(self: M, /, *words: P.args, **options: P.kwargs) -> None:
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        self.sequence.append(f"state.{step.__name__}({given})")
        try:
            step(self, *words, **options)
            self.steps += 1
            Base.taken += 1
            self.check()
        except Exception as failure:
            # hypothesis says nothing of a failure that it cannot repeat.
            lines = ["state = Machine()", *self.sequence, f"# {failure!r}"]
            sys.stderr.write("\n".join(["", "Failed after:", *lines, ""]))
            raise

    return both


class Base(RuleBasedStateMachine):
    """Two projects of one prefix on the real engine, and the model of all of it."""

    #: Steps that were taken by all machines, and what came of them.
    taken = 0
    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.sequence: list[str] = []
        self.base = Path(tempfile.mkdtemp(prefix="devenv-model-")).resolve()
        self.base.chmod(0o755)
        engine, home = connect(), self.base / "home"
        prefix = f"devenv-t{RUN}-m{next(_numbers)}"
        settings = Settings(prefix=prefix, image=IMAGE)
        self.at: dict[str, Workspace] = {}
        for project in ("app", "lib"):
            path = home / "work" / project
            path.mkdir(parents=True)
            (path / "tasks.py").write_text("from devenv_lib.tasks import ns\n")
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

    def note(self, *outcomes: str) -> None:
        """Remember that this came to pass: a rule that never gets anywhere shows nothing."""
        Base.seen.update(outcome.partition(" container")[0] for outcome in outcomes)

    def does(self, what: str, verb: Callable[[], object], expected: Expected) -> object:
        """Carry a verb out, which has to be refused in the model's words, or not to be."""
        result, refused = attempt(verb)
        assert bool(refused) == bool(expected.says), (refused or result, expected)
        assert not refused or any(why in refused for why in expected.says), (refused, expected)
        self.note(f"{what}: {expected.says[0]}" if refused else f"{what}: done")
        return result

    def check(self, *, whole: bool = False) -> None:
        """Compare all that there is with the model."""
        self.check_containers()
        self.check_volumes()
        mine = self.world.volumes
        files = self.look.files(mine, whole=whole or self.steps % _WHOLE == 0)
        assert files is None or files == {n: shown(volume.files) for n, volume in mine.items()}
        for project, at in self.at.items():
            assert read_tree(at.path) == shown(self.world.project_files.get(project, {}))
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
                    assert read_saved(path) == shown(saved.files)
        finally:
            self.clean()

    def clean(self) -> None:
        names = [n for n in self.look.containers() if n.startswith(f"{self.prefix}-")]
        for name in names:
            self.client.remove_container(name, force=True, v=True)
        for name in self.look.volumes():
            self.client.remove_volume(name)
        shutil.rmtree(self.base)
