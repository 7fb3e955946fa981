"""Builders of records and plans for the tests that need no engine.

Each has a sensible value for everything, so that a test names only what it is about.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, Literal

from devenv_lib.mounts import LeftOut, Mount, MountPlan, build_mounts
from devenv_lib.names import common_labels
from devenv_lib.plans import EnvironmentPlan, creation
from devenv_lib.project import Project, project_at
from devenv_lib.records import (
    Container,
    EngineInfo,
    Found,
    Host,
    Identity,
    MountPoint,
    Port,
    Snapshot,
    Volume,
    Worktree,
)
from devenv_lib.settings import Settings

P = PurePosixPath

HOME = P("/home/me")
INSIDE = P("/home/devuser")
IDENTITY = Identity("devuser", 1000, 1000, INSIDE, "/bin/bash")
PROJECT = project_at(HOME / "code" / "app", HOME)

Kind = Literal["file", "directory", "socket", "other", "missing", "dangling"]


def project(
    path: str = "/home/me/code/app", home: str = "/home/me", prefix: str = "devenv"
) -> Project:
    """Return a project; without arguments, `PROJECT`."""
    return project_at(P(path), P(home), prefix)


def found(path: str | PurePosixPath, kind: Kind = "file", real: str = "", *names: str) -> Found:
    """Return what a look at ``path`` (below the home, if relative) showed."""
    place = HOME / path
    return Found(place, P(real) if real else place, kind, names)


def host(
    *seen: Found,
    agent: Found | None = None,
    worktree: Worktree | None = None,
    sockets: Iterable[str] = (),
    keys: bool = False,
) -> Host:
    """Return a host on which exactly ``seen`` was found."""
    return Host(
        home=HOME,
        state=HOME / ".local/state/devenv",
        found={one.path: one for one in seen},
        agent=agent,
        worktree=worktree,
        sockets=tuple(map(P, sockets)),
        keys=keys,
    )


def tvim(*entries: str) -> Found:
    """Return a host's ``~/.config/tvim`` with these entries."""
    return found(".config/tvim", "directory", "", *(entries or ("init.lua", "lazy-lock.json")))


def mount_plan(
    *seen: Found,
    at: Project = PROJECT,
    settings: Settings | None = None,
    machine: str = "",
    agent: Found | None = None,
    worktree: Worktree | None = None,
    sockets: Iterable[str] = (),
) -> MountPlan:
    """Return the mounts of a project on a host on which ``seen`` was found."""
    here = host(*seen, agent=agent, worktree=worktree, sockets=sockets)
    return build_mounts(at, settings or Settings(), here, IDENTITY, machine)


def mount_at(plan: MountPlan, target: str | PurePosixPath) -> Mount:
    """Return the one mount at ``target``, which is below the home inside, if relative."""
    (mount,) = [mount for mount in plan.mounts if mount.target == INSIDE / target]
    return mount


def left_at(plan: MountPlan, target: str | PurePosixPath) -> LeftOut:
    """Return the mount at ``target`` as left out; it was, exactly once."""
    (left,) = [left for left in plan.left_out if left.target == INSIDE / target]
    return left


def why_not(plan: MountPlan, target: str | PurePosixPath) -> str:
    """Return why the mount at ``target`` was left out."""
    return left_at(plan, target).why


def info(cpus: int = 8, api: str = "1.45", **more: Any) -> EngineInfo:
    """Return what an engine says about itself."""
    return EngineInfo(version="26.1.5", api=api, cpus=cpus, **more)


def environment_plan(
    mounts: MountPlan | None = None,
    *,
    at: Project = PROJECT,
    settings: Settings | None = None,
    engine: EngineInfo | None = None,
    image: tuple[str, str] = ("devenv:latest", "sha256:" + "a" * 64),
    identity: Identity = IDENTITY,
    ssh: bool = False,
) -> EnvironmentPlan:
    """Return the plan of an environment."""
    plan = mount_plan(at=at, settings=settings) if mounts is None else mounts
    return creation(
        at, settings or Settings(), plan, identity, info=engine or info(), image=image, ssh=ssh
    )


def container(
    name: str = "devenv-code-app",
    state: str = "running",
    labels: Mapping[str, str] = PROJECT.labels,
    volumes: Iterable[str] = (),
    published: Iterable[Port] = (),
) -> Container:
    """Return a container that mounts ``volumes``; without arguments, `PROJECT`'s environment."""
    mounts = tuple(MountPoint("volume", v, f"/mnt/{v}", read_only=False) for v in volumes)
    return Container(
        id=f"id-{name}",
        name=name,
        state=state,
        labels=labels,
        mounts=mounts,
        published=tuple(published),
    )


def volume(name: str = "devenv-data", prefix: str | None = "devenv") -> Volume:
    """Return a volume with the labels of ``prefix``; ``None``: without any label."""
    return Volume(name, {} if prefix is None else common_labels(prefix))


def snapshot(*objects: Volume | Container) -> Snapshot:
    """Return an engine's volumes and containers."""
    return Snapshot(
        tuple(one for one in objects if isinstance(one, Volume)),
        tuple(one for one in objects if isinstance(one, Container)),
    )


class Stream(io.StringIO):
    """A text stream that is a terminal, or is none."""

    def __init__(self, text: str = "", *, terminal: bool = False) -> None:
        super().__init__(text)
        self._terminal = terminal

    def isatty(self) -> bool:
        """Whether it was made as a terminal."""
        return self._terminal
