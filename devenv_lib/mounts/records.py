"""Mounts as data, and the places that they have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Literal

from devenv_lib.records import MountPoint
from devenv_lib.settings import Settings

#: Host configuration, mounted read-only at the same place below the home inside.
FILES = (".bashrc", ".inputrc", ".gitconfig")
CONFIGS = ("bash", "git", "nvim", "starship", "starship.toml", "gh", "gh-copilot", "opencode")
AUTH = PurePosixPath(".local/share/opencode/auth.json")
#: What configuration may never lead to by a symlink.
SECRETS = (".ssh", ".gnupg", ".aws")
KEYS = PurePosixPath(".ssh/authorized_keys")
AGENT = PurePosixPath("/ssh-agent")
#: Where a virtual machine's maker offers the host's ssh agent inside the machine.
MACHINE_AGENT = PurePosixPath("/run/host-services/ssh-auth.sock")
MACHINES_WITH_AGENT = frozenset({"Docker Desktop", "OrbStack"})
#: A directory with lockfiles is put together inside from these two (the spec says why).
CONFIG_ROOT = PurePosixPath("/opt/devenv/config")
LOCK_ROOT = PurePosixPath("/opt/devenv/lock")


@dataclass(frozen=True)
class Mount:
    """One mount. ``source`` is a volume's name or a resolved host path. ``why`` is for people.

    ``labels`` are those of a volume, with which it is made when it is missing.
    """

    kind: Literal["volume", "bind"]
    source: str
    target: PurePosixPath
    read_only: bool
    why: str
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def point(self) -> MountPoint:
        """The same as an engine lists it."""
        return MountPoint(self.kind, self.source, str(self.target), self.read_only)


#: What of a mount's being left out is decided by; its reason is for people.
Cause = Literal["", "missing", "dangling", "limit", "another"]


@dataclass(frozen=True)
class LeftOut:
    """A mount that was considered and not made, and why.

    For a symlink in configuration, ``source`` and ``target`` are the link itself, here and inside.
    ``cause`` is what decisions go by: there is nothing, or only a symlink that leads nowhere; the
    setting's limit is reached; or what ``another`` environment may write would decide.
    """

    source: str
    target: PurePosixPath
    why: str
    cause: Cause = ""


@dataclass(frozen=True)
class LockDirectory:
    """A config directory that is one of symlinks, so that ``files`` in it are writable.

    What is mounted read-only at ``target`` is ``source``, a directory of devenv's own on the
    host. ``entries`` are the names in the host's configuration directory.
    """

    source: PurePosixPath
    target: PurePosixPath
    config: PurePosixPath
    lock: PurePosixPath
    files: tuple[str, ...]
    entries: tuple[str, ...] = ()

    @property
    def links(self) -> Mapping[str, PurePosixPath]:
        """Where each name in the directory leads to, inside."""
        names = sorted({*self.files, *self.entries})
        return {n: (self.lock if n in self.files else self.config) / n for n in names}


@dataclass(frozen=True)
class MountPlan:
    """The ordered mounts (volumes first, parents before children) and what was left out.

    ``agent`` is the target of the ssh agent's socket, or ``None``.
    """

    mounts: tuple[Mount, ...]
    left_out: tuple[LeftOut, ...] = ()
    locks: tuple[LockDirectory, ...] = ()
    agent: PurePosixPath | None = None

    @property
    def volumes(self) -> tuple[Mount, ...]:
        """The mounts that are volumes."""
        return tuple(mount for mount in self.mounts if mount.kind == "volume")

    @property
    def nested(self) -> Iterator[tuple[Mount, Mount]]:
        """The mounts that lie in a bind, each with the innermost one."""
        by_target = {mount.target: mount for mount in self.mounts}
        for mount in self.mounts:
            outer = next((by_target[p] for p in mount.target.parents if p in by_target), None)
            if outer and outer.kind == "bind":
                yield mount, outer

    def held(self, points: Iterable[MountPoint]) -> MountPlan:
        """Return the plan with the volumes that a container really has, at the same places.

        One that was made before a scope was changed has another volume there.
        """
        names = {point.target: point.source for point in points if point.kind == "volume"}
        mounts = (
            replace(m, source=names.get(str(m.target), m.source)) if m.kind == "volume" else m
            for m in self.mounts
        )
        return replace(self, mounts=tuple(mounts))


def below(home: PurePosixPath, path: str) -> PurePosixPath:
    """Return ``path`` with a leading ``~`` replaced by ``home``."""
    return home / path[2:].lstrip("/") if path.startswith("~/") else PurePosixPath(path)


def directories(home: PurePosixPath, settings: Settings) -> tuple[PurePosixPath, ...]:
    """Return the places below ``home`` of configuration that may be directories, each once."""
    names = dict.fromkeys((*CONFIGS, *settings.lockfiles))
    return tuple(home / ".config" / name for name in names)


def candidates(home: PurePosixPath, settings: Settings) -> tuple[PurePosixPath, ...]:
    """Return the host paths that `build_mounts` wants to know about."""
    wanted = [below(home, request.source) for request in settings.mounts]
    return (
        *(home / name for name in FILES),
        *directories(home, settings),
        home / AUTH,
        home / KEYS,
        *wanted,
    )
