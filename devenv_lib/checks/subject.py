"""What a run of checks is about, as data that one process can write and another one read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from devenv_lib.mounts import AGENT, AUTH
from devenv_lib.plans.ports import Exposure, Published
from devenv_lib.plans.remedies import repair_command
from devenv_lib.records import MountPoint

if TYPE_CHECKING:
    from devenv_lib.containers import Environment
    from devenv_lib.engine import Engine
    from devenv_lib.records import Host


@dataclass(frozen=True)
class Lockfile:
    """A lockfile in read-only configuration: its paths inside, and the host's own file.

    ``place`` is where programs open it, ``volume`` the mount point of the volume it has to lie
    on. ``name`` is for people: ``tvim/lazy-lock.json``.
    """

    name: str
    place: str
    volume: str
    host: str


@dataclass(frozen=True)
class Subject:
    """One running environment: what it is, what it has, and what it should have.

    ``container`` is its id, ``project`` the directory on the host, ``path`` the same inside and
    ``home`` the user's. ``owner`` is the uid of the project's owner, ``uid`` that of the user
    inside. ``mounts`` are those that the container has, ``planned`` those that it would get now.
    ``agent`` is the ssh agent's place inside, or empty with ``no_agent`` as the reason, ``auth``
    that of opencode's login or empty. ``sockets`` are the engine's own on the host, ``exposure``
    is where it can be reached. ``memory`` and ``swap`` are bytes, ``swap`` counts memory in.
    ``variables`` are what a command inside is told of this machine. ``docker`` begins a docker
    command line, and ``repair`` the one that gives volumes to the user inside.
    """

    name: str
    container: str
    project: str
    path: str
    home: str
    owner: int
    uid: int
    mounts: tuple[MountPoint, ...]
    planned: tuple[MountPoint, ...]
    locks: tuple[Lockfile, ...]
    agent: str
    no_agent: str
    auth: str
    sockets: tuple[str, ...]
    exposure: Exposure
    memory: int
    swap: int
    cpus: float
    root: bool
    docker: tuple[str, ...]
    repair: str
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def volumes(self) -> tuple[MountPoint, ...]:
        """The volumes that it should have."""
        return tuple(mount for mount in self.planned if mount.kind == "volume")

    @property
    def read_only(self) -> tuple[MountPoint, ...]:
        """The binds that it has and that it should not be able to write."""
        writable = {(m.source, m.target) for m in self.planned if not m.read_only}
        binds = (mount for mount in self.mounts if mount.kind == "bind")
        return tuple(sorted((m for m in binds if (m.source, m.target) not in writable), key=_place))


def _place(mount: MountPoint) -> str:
    return mount.target


def subject_of(
    engine: Engine, environment: Environment, host: Host, *, root: bool = False
) -> Subject:
    """Return what checks of a running environment have to know; the engine is asked once more.

    ``root`` says whether the settings want root as the user.
    """
    container, plan, user = environment.container, environment.plan, environment.identity
    targets = {mount.target for mount in container.mounts}
    sources = {str(mount.target): mount.source for mount in plan.mounts.mounts}
    auth = str(user.home / AUTH)
    left = [one.why for one in plan.mounts.left_out if one.target == AGENT]
    agent = str(AGENT) if str(AGENT) in targets else ""
    return Subject(
        name=container.name,
        container=container.id,
        project=str(plan.project.path),
        path=str(plan.project.target(user.home)),
        home=str(user.home),
        owner=host.owner[0],
        uid=user.uid,
        mounts=container.mounts,
        planned=tuple(mount.point for mount in plan.mounts.mounts),
        locks=tuple(
            Lockfile(
                f"{lock.target.name}/{name}",
                str(lock.target / name),
                str(lock.lock),
                str(PurePosixPath(sources[str(lock.config)]) / name),
            )
            for lock in plan.mounts.locks
            for name in lock.files
        ),
        agent=agent,
        no_agent=left[0] if left else "the environment was created without an agent",
        auth=auth if auth in targets else "",
        sockets=tuple(map(str, host.sockets)),
        exposure=engine.exposure(container.id),
        memory=plan.memory,
        swap=plan.swap,
        cpus=plan.cpus,
        root=root,
        docker=("docker", *engine.endpoint.words),
        repair=repair_command(plan.project.prefix, plan.image),
        variables={key: value for key, value in host.terminal.items() if key == "TZ"},
    )


def dump(subject: Subject) -> str:
    """Return a subject as JSON."""
    return json.dumps(asdict(subject))


def load(text: str) -> Subject:
    """Return the subject that `dump` wrote."""
    data: dict[str, Any] = json.loads(text)
    exposure = data["exposure"]
    records = {
        "mounts": tuple(MountPoint(**one) for one in data["mounts"]),
        "planned": tuple(MountPoint(**one) for one in data["planned"]),
        "locks": tuple(Lockfile(**one) for one in data["locks"]),
        "exposure": Exposure(
            exposure["network"], tuple(Published(**one) for one in exposure["published"])
        ),
        "sockets": tuple(data["sockets"]),
        "docker": tuple(data["docker"]),
    }
    return Subject(**{**data, **records})


def covering(mounts: Mapping[str, Any], path: str) -> str:
    """Return the mount point, one of ``mounts``, on which a resolved path lies."""
    place = PurePosixPath(path)
    return next((str(p) for p in (place, *place.parents) if str(p) in mounts), "/")
