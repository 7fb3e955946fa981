"""What is known about the host, the engine, an image, a volume and a container, as frozen data.

These records are what the acting half examines and the deciding half decides by. They hold
facts only; nothing here looks anything up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

#: States in which an engine keeps a container's mounts in place.
RUNNING_STATES = frozenset({"running", "paused", "restarting", "removing", "stopping"})


#: What an environment's use of the machine is limited in, as settings are called.
LIMITS = frozenset({"memory", "memory_swap", "cpus"})

#: The only address on which ports are published.
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Port:
    """A port inside, published on ``127.0.0.1:host``; the engine picks a ``host`` of 0."""

    host: int
    container: int


@dataclass(frozen=True)
class Identity:
    """Who the image's user is: the line of the image's passwd that environments run as.

    An engine is told ``user``, the numbers, and never the name: it reads the passwd by rules of
    its own, and an image can have two lines of one name, the first of them root's.
    """

    name: str
    uid: int
    gid: int
    home: PurePosixPath
    shell: str = "/bin/sh"

    @property
    def user(self) -> str:
        """The numeric uid and gid, as engines take them."""
        return f"{self.uid}:{self.gid}"


@dataclass(frozen=True)
class Found:
    """One host path after a look: where it leads, and what is there.

    ``real`` is the path with every symlink resolved, and ``links`` are the symlinks that lead
    there, each where it really is. ``kind`` is ``missing`` when there is nothing, ``dangling``
    when there is a symlink that leads nowhere.
    """

    path: PurePosixPath
    real: PurePosixPath
    kind: Literal["file", "directory", "socket", "other", "missing", "dangling"]
    entries: tuple[str, ...] = ()
    links: tuple[PurePosixPath, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether the path leads to something."""
        return self.kind not in ("missing", "dangling")


@dataclass(frozen=True)
class Link:
    """A symlink that leads out of the directory that it is in, by its text.

    ``path`` is relative to that directory. ``text`` is what the link says, absolute or relative.
    ``found`` is what it leads to on the host.
    """

    path: PurePosixPath
    text: PurePosixPath
    found: Found


@dataclass(frozen=True)
class Survey:
    """What was found below a real directory, at any depth, symlinks not followed.

    ``tree`` is the repository or the tree of directories that it belongs to, ``links`` are the
    symlinks that lead out of it, and ``secret`` is the first entry that has the name of a place
    where secrets are kept, relative to it. ``whole`` is false if it has too many entries for a
    look at each.
    """

    tree: PurePosixPath
    links: tuple[Link, ...] = ()
    secret: PurePosixPath | None = None
    whole: bool = True


@dataclass(frozen=True)
class Worktree:
    """A git worktree's common directory: the path that the worktree names, and the real one.

    ``named`` is as the worktree's ``.git`` has it: git can write it relative to the worktree.
    ``unfit`` says why it cannot be mounted, or is empty.
    """

    named: PurePosixPath
    real: PurePosixPath
    unfit: str = ""


@dataclass(frozen=True)
class Host:
    """This machine, as looked at once.

    ``home`` is resolved. ``found`` has a record for each path that was asked for.
    ``agent`` is the ssh agent's socket, ``owner`` the uid and gid of the project directory.
    ``terminal`` holds ``TERM``, ``COLORTERM`` and ``TZ`` as far as they are known.
    ``sockets`` are the engines' own sockets on this machine: they are never mounted.
    ``state`` is a resolved directory of devenv's own for what has to outlive a command.
    ``machine`` is a digest that tells this machine from others, ``mount_point`` is where the
    file system of the project directory is mounted, and ``parent`` tells the directory that the
    project is in from others.
    ``keys`` says whether ``~/.ssh/authorized_keys`` has a key in it.
    ``surveys`` has a record for each real directory of configuration, and for those that links
    in them lead to. ``secrets`` are the resolved places where secrets are kept, and those that
    links in them lead to. ``shared`` are the resolved directories that other environments may
    write, which is not to be seen on the host but on the engine.
    """

    home: PurePosixPath
    state: PurePosixPath
    found: Mapping[PurePosixPath, Found] = field(default_factory=dict)
    gitconfigs: tuple[PurePosixPath, ...] = ()
    agent: Found | None = None
    owner: tuple[int, int] = (1000, 1000)
    worktree: Worktree | None = None
    terminal: Mapping[str, str] = field(default_factory=dict)
    sockets: tuple[PurePosixPath, ...] = ()
    surveys: Mapping[PurePosixPath, Survey] = field(default_factory=dict)
    secrets: tuple[PurePosixPath, ...] = ()
    shared: tuple[PurePosixPath, ...] = ()
    keys: bool = False
    machine: str = ""
    mount_point: PurePosixPath = field(default_factory=lambda: PurePosixPath("/"))
    parent: str = ""

    def at(self, path: PurePosixPath) -> Found:
        """Return what was found at ``path``; a path nobody looked at counts as missing."""
        return self.found.get(path, Found(path, path, "missing"))


@dataclass(frozen=True)
class EngineInfo:
    """What an engine says about itself, as far as a plan depends on it.

    ``machine`` names the virtual machine's maker (``Docker Desktop``, ``OrbStack``, or any
    other text) when the engine's kernel is not this host's, else it is empty. ``id`` tells it
    from other engines, and ``root`` is where it keeps its data; either may be empty. ``limits``
    are those of `LIMITS` that it can set. ``rootless`` is also one that remaps all users.
    ``kernel`` is its kernel's version, as far as it is told.
    """

    version: str
    api: str
    cpus: int
    rootless: bool = False
    machine: str = ""
    id: str = ""
    root: str = ""
    podman: bool = False
    limits: frozenset[str] = LIMITS
    kernel: tuple[int, ...] = ()

    @property
    def volume_options(self) -> Mapping[str, str]:
        """The driver options of a new volume whose root stays its owner's until devenv gives it.

        Podman makes the root of an *empty* volume each container's user's in turn: a helper would
        take it from an environment that runs. It does not where an owner was named (5.4).
        """
        return {"o": "uid=0,gid=0"} if self.podman else {}


@dataclass(frozen=True)
class Image:
    """One image of the engine: its id, the user it runs as (may be empty) and its labels.

    ``created`` is ISO 8601, or empty if unknown.
    """

    id: str
    user: str
    labels: Mapping[str, str]
    created: str = ""


@dataclass(frozen=True)
class MountPoint:
    """A mount that a container has. ``source`` is a volume's name or a host path."""

    kind: str
    source: str
    target: str
    read_only: bool


@dataclass(frozen=True)
class Container:
    """One container, as the engine lists it.

    ``created`` is in seconds since 1970, ``status`` the engine's own words, such as
    ``Up 2 hours`` or ``Exited (0) 3 days ago``. ``published`` are its TCP ports that this
    machine's ``127.0.0.1`` leads to; one that does not run has none.
    """

    id: str
    name: str
    state: str
    labels: Mapping[str, str]
    mounts: tuple[MountPoint, ...] = ()
    image: str = ""
    image_id: str = ""
    created: int = 0
    status: str = ""
    published: tuple[Port, ...] = ()

    @property
    def running(self) -> bool:
        """Whether the engine has its mounts in place now."""
        return self.state in RUNNING_STATES


@dataclass(frozen=True)
class Volume:
    """One volume, as the engine lists it. ``created`` is ISO 8601, or empty if unknown.

    ``plain`` is false for one with a driver of its own, or options: it may lie anywhere.
    """

    name: str
    labels: Mapping[str, str]
    created: str = ""
    plain: bool = True


@dataclass(frozen=True)
class Snapshot:
    """All volumes of an engine and all containers, seen within a few milliseconds.

    ``sizes`` maps a volume's name to bytes; a volume that the engine did not size is absent.
    """

    volumes: tuple[Volume, ...]
    containers: tuple[Container, ...]
    sizes: Mapping[str, int] = field(default_factory=dict)

    def volume(self, name: str) -> Volume | None:
        """Return the volume of that name, or ``None``."""
        return next((volume for volume in self.volumes if volume.name == name), None)

    def users(self, volume: str) -> tuple[Container, ...]:
        """Return the containers that reference ``volume``: running first, then by name."""
        users = [
            container
            for container in self.containers
            if any(m.kind == "volume" and m.source == volume for m in container.mounts)
        ]
        return tuple(sorted(users, key=lambda user: (not user.running, user.name)))
