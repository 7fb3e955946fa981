"""The plan of an environment: everything that its container is created with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from devenv_lib.mounts import MountPlan
from devenv_lib.names import LABEL_SETTINGS, LABEL_SSH, LABEL_USER
from devenv_lib.plans.ssh import SSH_PORT, published
from devenv_lib.project import Project
from devenv_lib.records import LIMITS, EngineInfo, Identity, Port
from devenv_lib.settings import Settings

#: Where bash keeps its history: in the state volume, so that it survives the container.
HISTORY = PurePosixPath(".local/state/bash/history")

#: The API from which a read-only bind also covers what is mounted below its source.
RECURSIVE_READ_ONLY, RECURSIVE_KERNEL = (1, 44), (5, 12)


@dataclass(frozen=True)
class EnvironmentPlan:
    """One container to be. ``memory`` and ``swap`` are bytes, ``swap`` counts memory in.

    ``shallow`` leaves what is mounted below a read-only bind's source out of it: until
    Docker 25 (API 1.44), or with a kernel before 5.12, such a mount stays writable inside.
    ``ssh`` says whether it has an sshd, whose port is one of ``ports`` then.
    ``unlimited`` are the settings whose limits the engine cannot set; they are 0 here.
    ``volume_options`` are the driver's, for volumes that are made.
    """

    project: Project
    image: str
    image_id: str
    identity: Identity
    mounts: MountPlan
    environment: Mapping[str, str]
    workdir: PurePosixPath
    memory: int
    swap: int
    cpus: float
    ports: tuple[Port, ...]
    shallow: bool = False
    ssh: bool = False
    unlimited: tuple[str, ...] = ()
    volume_options: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """A digest of what the settings decide, as in the label ``devenv.settings``.

        The ssh agent does not count: it moves with every login.
        """
        agent = self.mounts.agent
        facts = {
            "image": self.image_id,
            "user": [self.identity.user, self.identity.name],
            "workdir": str(self.workdir),
            "mounts": sorted(
                [m.kind, m.source, str(m.target), m.read_only]
                for m in self.mounts.mounts
                if m.target != agent
            ),
            "environment": {k: v for k, v in self.environment.items() if k != "SSH_AUTH_SOCK"},
            "limits": [self.memory, self.swap, self.cpus],
            "ports": sorted([port.host, port.container] for port in self.ports),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of the container."""
        own = {LABEL_USER: self.identity.name, LABEL_SETTINGS: self.digest}
        # Also where there is none: else the image's own label would count.
        ssh = {LABEL_SSH: str(SSH_PORT) if self.ssh else ""}
        return {**self.project.labels, **own, **ssh}


def creation(
    project: Project,
    settings: Settings,
    mounts: MountPlan,
    identity: Identity,
    *,
    info: EngineInfo,
    image: tuple[str, str],
    ssh: bool = False,
) -> EnvironmentPlan:
    """Return the plan of the project's environment.

    ``image`` is a name and an id (empty while it is not built). More processors than the
    engine has would be an error at create, so their number is capped. ``ssh`` is what
    `devenv_lib.plans.ssh.wants_ssh` says.

    Raises:
        SettingsError: a port of the settings' is sshd's.
    """
    workdir = project.target(identity.home)
    # Swap counts memory in: there is no limit of both without one of memory.
    can = info.limits if "memory" in info.limits else info.limits - {"memory_swap"}
    return EnvironmentPlan(
        project=project,
        image=image[0],
        image_id=image[1],
        identity=identity,
        mounts=mounts,
        environment=_environment(identity.home, workdir, mounts),
        workdir=workdir,
        memory=settings.memory if "memory" in can else 0,
        swap=settings.swap_limit if "memory_swap" in can else 0,
        cpus=min(settings.cpus, float(info.cpus)) if "cpus" in can else 0.0,
        ports=published(settings, ssh=ssh),
        ssh=ssh,
        shallow=tuple(map(int, info.api.split("."))) < RECURSIVE_READ_ONLY
        or () < info.kernel < RECURSIVE_KERNEL,
        unlimited=tuple(sorted(LIMITS - can)),
        volume_options=info.volume_options,
    )


def _environment(
    home: PurePosixPath, workdir: PurePosixPath, mounts: MountPlan
) -> Mapping[str, str]:
    """Return the variables that every process inside starts with.

    git refuses a directory of another owner unless it is named as safe, which happens where
    the project is root's; the variables do it without writing to anybody's configuration.
    """
    variables = {
        "HOME": str(home),  # an engine would take that of the first who has the uid
        "LANG": "C.UTF-8",
        "HISTFILE": str(home / HISTORY),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": str(workdir),
    }
    return {**variables, **({"SSH_AUTH_SOCK": str(mounts.agent)} if mounts.agent else {})}
