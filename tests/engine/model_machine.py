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

from collections.abc import Sequence

from hypothesis.stateful import initialize, precondition, rule
from hypothesis.strategies import booleans, sampled_from

from devenv_lib import containers, volume_settings, volumes
from devenv_lib.readers import MountRequest
from tests.engine.model_base import PROJECTS, checked
from tests.engine.model_volumes import Volumes
from tests.engine.model_world import Wanted

#: Where volumes are inside.
PLACES = {
    "data": "/home/devuser/.local/share",
    "cache": "/home/devuser/.cache",
    "state": "/home/devuser/.local/state",
}


#: Says what it could change of what is not an environment's own.
_ATTACK = """
for path in ~/.bashrc ~/.config/git ~/.config/git/ignore ~/.config/tvim ~/.config/tvim/init.lua \\
        ~/.local/share/opencode/auth.json /opt/devenv/config/tvim /opt/bind; do
    test -e "$path" || continue
    new="$path"
    test -d "$path" && new="$path/new"
    (echo planted >>"$new") && echo "wrote $new"
    mv -f "$path" "$path.moved" && echo "moved $path"
    rm -rf "$path" && echo "removed $path"
    chmod 777 "$path" && echo "opened $path"
done 2>/dev/null
true
"""


class Machine(Volumes):
    """All steps: those with environments, settings and lists are here."""

    @initialize(running=booleans(), taken=sampled_from(["", "unlabelled", "stranger", "claimed"]))
    def begin(self, running: bool, taken: str) -> None:
        """Begin with one of everything, so that no sequence is spent on what is not there.

        ``taken`` is whose the volume is that the project ``lib`` is to have for its own.
        """
        if taken:
            self.configure(bind="", own_cache=True, protected=(), zone="UTC")
            self.foreign_volume(suffix="own-lib", whose=taken)
        self.up(project="app", recreate=False)
        self.write(project="app", where="data", file="f-0", content="first")
        self.clone(source="data", suffix="x")
        self.backup(suffix="x")
        self.foreign_volume(suffix="y", whose="unlabelled")
        if not running:
            self.stop(project="app", keep=False)

    @rule(project=PROJECTS, recreate=booleans())
    @checked
    def up(self, project: str, recreate: bool) -> None:
        expected = self.world.up(project, recreate=recreate)
        found = self.does("up", lambda: self.at[project].up(recreate=recreate), expected)
        if isinstance(found, containers.Environment):
            self.note(f"up: {found.outcome}", *["up: differs"] * bool(found.differs))
            self.note(*["up: unlabelled"] * bool(found.unlabelled))
            outcome = (found.outcome, bool(found.differs), set(found.unlabelled))
            assert outcome == expected.result, found.differs

    @rule(project=PROJECTS, keep=booleans())
    @checked
    def stop(self, project: str, keep: bool) -> None:
        expected = self.world.stop(project, keep=keep)
        stopped = containers.stop(self.engine, self.at[project].project, keep=keep)
        assert [(one.name, one.kept) for one in stopped] == expected.result
        self.note(*[f"stop: {'kept' if keep else 'removed'}"] * len(stopped))

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
        self.note("write: something" if content else "write: away")

    @precondition(lambda self: self.running())
    @rule(project=PROJECTS)
    @checked
    def attack(self, project: str) -> None:
        """Try to write to all of the host's configuration that is there, as its user inside."""
        if project in self.running():
            name = self.world.container_name(project)
            assert self.at[project].sh(_ATTACK, name=name) == ""
            self.note("attack: refused")

    def running(self) -> list[str]:
        return [p for p, c in self.world.environments.items() if c.state == "running"]

    @rule(
        bind=sampled_from(["", "~/.config/git", "~/.bashrc"]),
        own_cache=booleans(),
        protected=sampled_from([(), (), ("data",), ("c*", "x")]),
        zone=sampled_from(["UTC", "Europe/Berlin"]),
    )
    @checked
    def configure(self, bind: str, own_cache: bool, protected: Sequence[str], zone: str) -> None:
        """Change the settings; the time zone does not count as a difference."""
        self.world.wanted = Wanted(bind, own_cache)
        self.world.protected = tuple(f"{self.prefix}-{pattern}" for pattern in protected)
        scope = {f"{self.prefix}-cache": "project" if own_cache else "shared"}
        own = volume_settings.Volumes(protected=self.world.protected, scope=scope)  # type: ignore[arg-type]
        mounts = (MountRequest(bind, "/opt/bind"),) if bind else ()
        for at in self.at.values():
            at.configure(mounts=mounts, volumes=own)
            at.environ["TZ"] = zone

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
