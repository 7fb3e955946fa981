"""What there is and what has to come of a command, in plain Python and without devenv.

The model of `tests/engine/test_model.py`. Its rules are written down anew, from the documents, so
that a mistake in devenv's own planning is not repeated here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Literal

#: Whose a volume's labels say it is: ours, nobody's, or another prefix's.
Whose = Literal["ours", "unlabelled", "stranger"]
LOCKFILE, LOCKED = "lazy-lock.json", '{"host": 1}\n'


@dataclass
class Volume:
    """A volume. ``path`` is the project's whose own it is, or empty.

    ``files`` are those that the model knows of. ``touched`` says that an environment had it, so
    there may be directories in it that the model does not know of.
    """

    whose: Whose
    path: str = ""
    files: dict[str, str] = field(default_factory=dict)
    touched: bool = False

    def copy(self) -> Volume:
        return replace(self, files=dict(self.files))


@dataclass(frozen=True)
class Wanted:
    """The settings that an environment is made by.

    ``bind`` is what of the host it has beside the usual, or nothing; with ``own_cache`` the cache
    is the project's.
    """

    bind: str = ""
    own_cache: bool = False


@dataclass
class Container:
    """A container: its state, the volumes that it references, and what it was made by."""

    state: str
    volumes: tuple[str, ...]
    made_by: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True)
class Expected:
    """What a command has to do: its result, or else one of ``says`` in its refusal."""

    result: object = None
    says: tuple[str, ...] = ()


@dataclass
class World:
    """All of one prefix. ``projects`` are paths by a short name; so are ``environments``."""

    prefix: str
    projects: dict[str, str]
    volumes: dict[str, Volume] = field(default_factory=dict)
    environments: dict[str, Container] = field(default_factory=dict)
    foreign: dict[str, Container] = field(default_factory=dict)
    project_files: dict[str, dict[str, str]] = field(default_factory=dict)
    wanted: Wanted = field(default_factory=Wanted)
    protected: tuple[str, ...] = ()

    def container_name(self, project: str) -> str:
        return "-".join([self.prefix, *self.projects[project].split("/")[-2:]])

    @property
    def containers(self) -> dict[str, Container]:
        named = {self.container_name(p): found for p, found in self.environments.items()}
        return {**named, **self.foreign}

    def users(self, volume: str) -> dict[str, Container]:
        return {n: c for n, c in self.containers.items() if volume in c.volumes}

    def cache_of(self, project: str) -> str:
        """The name of the cache that is a project's own."""
        path = self.projects[project]
        digest = hashlib.sha256(path.encode()).hexdigest()[:6]
        return f"{self.prefix}-cache-{path.rpartition('/')[2]}-{digest}"

    def volumes_of(self, project: str) -> dict[str, str]:
        """The volumes of a new environment, by what they are for."""
        names = {what: f"{self.prefix}-{what}" for what in ("data", "cache", "state", "tvim-lock")}
        if self.wanted.own_cache:
            names["cache"] = self.cache_of(project)
        return names

    # What commands do

    def up(self, project: str, *, recreate: bool) -> Expected:
        """Bring an environment up: the outcome, whether it differs, the unlabelled volumes."""
        there = self.environments.get(project)
        if there and there.state == "paused":
            return Expected(says=("is paused",))
        if there is None or recreate:
            return self._create(project, there)
        outcome = "running" if there.state == "running" else "started"
        if outcome == "started":
            self._provision()
        there.state = "running"
        return self._is_up(outcome, there)

    def _create(self, project: str, old: Container | None) -> Expected:
        names = self.volumes_of(project)
        path = self.projects[project]
        for what, name in names.items():
            own = path if what == "cache" and self.wanted.own_cache else ""
            self.volumes.setdefault(name, Volume("ours", own)).touched = True
        found = [self.volumes[name] for name in names.values()]
        says = ("belongs to the prefix",) * any(v.whose == "stranger" for v in found)
        if any(v.whose == "ours" and v.path not in ("", path) for v in found):
            says += ("is the own one of the project",)
        if says:
            if old:
                old.state = "exited"
            return Expected(says=says)
        made = Container("running", tuple(names.values()), self.wanted)
        self.environments[project] = made
        self._provision()
        return self._is_up("created", made)

    def _provision(self) -> None:
        """The lockfile begins as the host's, and is never overwritten."""
        self.volumes[f"{self.prefix}-tvim-lock"].files.setdefault(LOCKFILE, LOCKED)

    def _is_up(self, outcome: str, there: Container) -> Expected:
        unlabelled = {n for n in there.volumes if self.volumes[n].whose == "unlabelled"}
        differs = there.made_by != self.wanted
        return Expected((outcome, differs, unlabelled))

    def stop(self, project: str, *, keep: bool) -> Expected:
        """Take an environment down: the names of what was there, and whether it is kept."""
        there = self.environments.get(project)
        if there is None:
            return Expected([])
        if keep:
            there.state = "exited"
        else:
            del self.environments[project]
        return Expected([(self.container_name(project), keep)])

    def removal(self, names: Sequence[str] | None) -> tuple[set[str], set[tuple[str, str]]]:
        """What a removal would remove, and whom it refuses with which words."""
        spared = self.protected
        if names is None:
            names = [n for n, v in self.volumes.items() if v.whose == "ours"]
            names = [n for n in names if not any(fnmatchcase(n, p) for p in spared)]
            spared = ()
        refused = {(name, why) for name in names for why in self._unremovable(name, spared)}
        return set(names) - {name for name, _ in refused}, refused

    def _unremovable(self, name: str, protected: Sequence[str]) -> Iterator[str]:
        if why := self._not_ours(name):
            yield why
            return
        if any(fnmatchcase(name, pattern) for pattern in protected):
            yield "it is protected by"
        for user, container in self.users(name).items():
            if container.state in ("running", "paused"):
                yield f"it is mounted by the running container {user}"
            else:
                yield f"the stopped container {user} still references it"

    def _not_ours(self, name: str) -> str:
        volume = self.volumes.get(name)
        if volume is None:
            return "there is no such volume"
        if volume.whose == "unlabelled":
            return "does not carry the label"
        return "belongs to the prefix" if volume.whose == "stranger" else ""

    def adopt(self, name: str) -> Expected:
        volume = self.volumes.get(name)
        if volume is None:
            return Expected(says=("There is no volume",))
        if volume.whose == "stranger":
            return Expected(says=("belongs to the prefix",))
        if self.users(name):
            return Expected(says=("cannot be recreated",))
        lacked, volume.whose = volume.whose == "unlabelled", "ours"
        return Expected(lacked)

    def backup(self, name: str) -> Expected:
        if why := self._not_ours(name):
            return Expected(says=(why,))
        return Expected(self.volumes[name].copy())

    def fillable(self, name: str, protected: Sequence[str] = ()) -> tuple[str, ...]:
        """With which words a volume is refused that is to be filled, whether it is there or not."""
        if name not in self.volumes:
            return ()
        return tuple(why.removeprefix("it ") for why in self._unremovable(name, protected))

    def restore(self, saved: Volume, source: str, name: str, *, replace: bool) -> Expected:
        """Fill ``name`` from what was ``source`` once; the result is what was there before.

        It is ``None`` where there was nothing, or where the model does not know.
        """
        if says := self.fillable(name, self.protected if replace else ()):
            return Expected(says=says)
        before = self.volumes.get(name)
        if before is None:
            path = saved.path if source == name else ""
            self.volumes[name] = replace_files(Volume("ours", path), saved)
            return Expected(None)
        if before.files and not replace:
            return Expected(says=("is not empty",))
        if before.touched and not before.files and not replace:
            return Expected(None, says=("is not empty",))  # either: see `filled`
        self.filled(name, saved)
        return Expected(before.copy() if before.files else None)

    def filled(self, name: str, saved: Volume) -> None:
        self.volumes[name] = replace_files(self.volumes[name], saved)

    def clone(self, source: str, name: str) -> Expected:
        if why := self._not_ours(source):
            return Expected(says=(why,))
        if says := self.fillable(name):
            return Expected(says=says)
        if name in self.volumes:
            return Expected(says=("There is a volume",))
        self.volumes[name] = replace_files(Volume("ours"), self.volumes[source])
        return Expected(name)


def replace_files(volume: Volume, other: Volume) -> Volume:
    """Return a volume with what is in another one."""
    return replace(volume, files=dict(other.files), touched=other.touched)
