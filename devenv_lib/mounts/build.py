"""Decide which mounts an environment gets, in the order of the README's table."""

from __future__ import annotations

import hashlib
import itertools
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from devenv_lib.errors import SettingsError
from devenv_lib.mounts.linked import follow
from devenv_lib.mounts.records import (
    AGENT,
    AUTH,
    CONFIG_ROOT,
    CONFIGS,
    FILES,
    KEYS,
    LOCK_ROOT,
    MACHINE_AGENT,
    MACHINES_WITH_AGENT,
    LeftOut,
    LockDirectory,
    Mount,
    MountPlan,
    below,
)
from devenv_lib.mounts.scoped import check_further, volume_mount
from devenv_lib.mounts.tree import Places
from devenv_lib.mounts.unfit import absence, chosen_inside, no_text, unfit, without
from devenv_lib.names import CACHE, DATA, STATE, volume_name
from devenv_lib.project import Project
from devenv_lib.readers import MountRequest
from devenv_lib.records import Found, Host, Identity
from devenv_lib.settings import Settings


def build_mounts(
    project: Project, settings: Settings, host: Host, identity: Identity, machine: str = ""
) -> MountPlan:
    """Return every mount of an environment, and beside it what was left out and why.

    ``machine`` names the maker of the virtual machine that the engine runs in, if any.

    Raises:
        SettingsError: a required source is missing, a target is taken twice, or a mount would
            hand the engine's own socket to the environment.
    """
    draft = _Draft(project, settings, host, identity, _writable(project, settings, host))
    draft.volumes()
    draft.configuration()
    draft.lock_directories()
    draft.optional(AUTH, "opencode's login, on top of the data volume")
    draft.optional(KEYS, "who may log in by ssh")
    draft.ssh_agent(machine)
    draft.worktree()
    for request in settings.mounts:
        draft.requested(request)
    draft.refuse_engine_socket()
    draft.linked()
    return draft.plan()


class _Writable(NamedTuple):
    """How people know a place that an environment may write, and whether only others may."""

    words: str
    others: bool = False


def _writable(
    project: Project, settings: Settings, host: Host
) -> Mapping[PurePosixPath, _Writable]:
    """Return the resolved places that this or another environment may write."""
    asked = (host.at(below(host.home, one.source)) for one in settings.mounts if one.mode == "rw")
    own = [found.real for found in asked if found.exists]
    if host.worktree and not host.worktree.unfit:
        own.append(host.worktree.real)
    others = {p: _Writable(f"{p}, another environment's,", others=True) for p in host.shared}
    mine = {p: _Writable(f"{p}, which can be written inside,") for p in own}
    return {**others, **mine, project.path: _Writable("the project")}


@dataclass
class _Draft:
    """A mount plan in the making; one method for each kind."""

    project: Project
    settings: Settings
    host: Host
    identity: Identity
    writable: Mapping[PurePosixPath, _Writable]
    mounts: list[Mount] = field(default_factory=list)
    further: list[Mount] = field(default_factory=list)
    left: list[LeftOut] = field(default_factory=list)
    locks: list[LockDirectory] = field(default_factory=list)
    agent: PurePosixPath | None = None

    def volumes(self) -> None:
        """Add the three volumes, further ones, and the project."""
        for (suffix, where), why in zip(
            (DATA, CACHE, STATE), ("programs' data", "caches", "state and history"), strict=True
        ):
            self._volume(suffix, self.identity.home / where, why)
        for name, where in self.settings.volumes.extra.items():
            target = below(self.identity.home, where)
            self.further.append(self._named(name, target, "further volume, from the settings"))
        target = self.project.target(self.identity.home)
        self.mounts.append(
            Mount("bind", str(self.project.path), target, read_only=False, why="the project")
        )

    def configuration(self) -> None:
        """Add dotfiles and configuration, read-only."""
        home = self.host.home
        for path in (*(home / name for name in FILES), *self.host.gitconfigs):
            self.optional(path.relative_to(home), "configuration")
        for name in CONFIGS:
            if name not in self.settings.lockfiles:
                self.optional(PurePosixPath(".config") / name, "configuration")

    def lock_directories(self) -> None:
        """Add the read-only directory and, elsewhere, the volume with its lockfiles."""
        for name, files in self.settings.lockfiles.items():
            relative = PurePosixPath(".config") / name
            found, target = self.host.at(self.host.home / relative), self.identity.home / relative
            source = self._links(name, files)
            left = self._unfit(found, target)
            reason = "not a directory" if found.kind != "directory" else self._exposed(source)
            if left or reason:
                self.left.append(left or without(found, target, reason))
                continue
            config, lock = CONFIG_ROOT / name, LOCK_ROOT / name
            self._bind(found, config, f"configuration, linked from ~/{relative}")
            self._volume(f"{name}-lock", lock, f"writable {', '.join(files)}")
            why = "links to both, which nobody inside can change"
            self.mounts.append(Mount("bind", str(source), target, read_only=True, why=why))
            self.locks.append(LockDirectory(source, target, config, lock, files, found.entries))

    def _links(self, name: str, files: tuple[str, ...]) -> PurePosixPath:
        """Return the host's directory of links for these lockfiles, which all prefixes share."""
        digest = hashlib.sha256("/".join(files).encode()).hexdigest()[:6]
        return self.host.state / "links" / f"{name}-{digest}"

    def _unfit(self, found: Found, target: PurePosixPath) -> LeftOut | None:
        """Return something of the host's as left out, if it cannot be mounted."""
        inside = self.identity.home
        if reason := unfit(found, target, self.project, self.host, inside):
            return without(found, target, reason)
        return self._chosen(found, target)

    def _chosen(self, found: Found, target: PurePosixPath) -> LeftOut | None:
        """Return it as left out, if something inside an environment chooses what it is."""
        place = chosen_inside(found, self.writable)
        if place is None:
            return None
        chooser = self.writable[place]
        why = f"a symlink in {chooser.words} decides that it is {found.real}"
        return LeftOut(str(found.path), target, why, "another" if chooser.others else "")

    def _exposed(self, links: PurePosixPath) -> str:
        """Return why a directory of links would not be what devenv makes it, or nothing."""
        places = (at for place, at in self.writable.items() if links.is_relative_to(place))
        return next((f"its links, in {links}, would lie in {at.words}" for at in places), "")

    def optional(self, relative: PurePosixPath, why: str) -> None:
        """Add a read-only bind of a path below the home if it exists and fits."""
        found, target = self.host.at(self.host.home / relative), self.identity.home / relative
        if left := self._unfit(found, target):
            self.left.append(left)
        else:
            self._bind(found, target, why)

    def ssh_agent(self, machine: str) -> None:
        """Add the agent's socket itself, never its directory."""
        agent = self.host.agent
        if machine and agent is not None:
            if machine in MACHINES_WITH_AGENT:
                agent = Found(MACHINE_AGENT, MACHINE_AGENT, "socket")
            else:
                reason = f"a host's socket cannot be reached from {machine}'s virtual machine"
                self.left.append(LeftOut(str(agent.path), AGENT, reason))
                return
        if agent is None or agent.kind != "socket":
            source = str(agent.path) if agent else "$SSH_AUTH_SOCK"
            self.left.append(LeftOut(source, AGENT, "no ssh agent is running"))
            return
        if reason := no_text(agent):
            self.left.append(without(agent, AGENT, reason))
            return
        if left := self._chosen(agent, AGENT):
            self.left.append(left)
            return
        self._bind(agent, AGENT, "the ssh agent")
        self.agent = AGENT

    def worktree(self) -> None:
        """Add a worktree's common directory: without it, it is no repository."""
        tree = self.host.worktree
        if tree is None:
            return
        project = self.project.target(self.identity.home)
        target = PurePosixPath(posixpath.normpath(project / tree.named))
        if tree.unfit:
            self.left.append(LeftOut(str(tree.real), target, tree.unfit))
            return
        taken = any(mount.target == target for mount in self.mounts) or any(
            target.is_relative_to(lock.target) for lock in self.locks
        )
        if taken or any(p.is_relative_to(target) for p in (project, self.identity.home)):
            reason = "the place that the worktree names is taken by another mount"
            self.left.append(LeftOut(str(tree.real), target, reason))
            return
        why = "the git worktree's common directory"
        self.mounts.append(Mount("bind", str(tree.real), target, read_only=False, why=why))

    def requested(self, request: MountRequest) -> None:
        """Add a mount from the settings."""
        found = self.host.at(below(self.host.home, request.source))
        target = below(self.identity.home, request.target)
        volumes = (mount for mount in self.mounts if mount.kind == "volume")
        hidden = next((m for m in volumes if m.target.is_relative_to(target)), None)
        if hidden and hidden.target != target:
            raise SettingsError(
                f"'devenv.mounts' puts {found.path} at {target}, above {hidden.target} "
                f"({hidden.why}), which could not be mounted then.",
                "Choose another target; see what is mounted: inv mounts",
            )
        if found.exists and (reason := no_text(found)):
            raise SettingsError(
                f"'devenv.mounts' has {found.path}: {reason}.", "Rename it, or choose another."
            )
        if found.exists and (left := self._chosen(found, target)):
            raise SettingsError(
                f"'devenv.mounts' has {found.path}, and {left.why}.",
                f"If that is meant, name it itself: {found.real}",
            )
        if found.exists:
            mode = request.mode == "ro"
            self.mounts.append(Mount("bind", str(found.real), target, mode, "settings"))
        elif request.required:
            raise SettingsError(
                f"'devenv.mounts' requires {found.path}, which is {absence(found)}.",
                "Create it, or take 'required' from that entry.",
            )
        else:
            self.left.append(without(found, target, absence(found)))

    def refuse_engine_socket(self) -> None:
        """Refuse any bind through which the engine, root on this host, could be reached."""
        for mount, socket in itertools.product(self.mounts, self.host.sockets):
            if mount.kind == "bind" and socket.is_relative_to(mount.source):
                raise SettingsError(
                    f"{mount.source}, for {mount.target} ({mount.why}), would hand the engine's "
                    f"socket {socket} to the environment, and with it root on this machine.",
                    "Take it out of the settings, or choose another project directory.",
                )

    def linked(self) -> None:
        """Add what symlinks in configuration lead to, where no place is taken yet."""
        places = Places(self.mounts, self.locks)
        made, left = follow(self.project, self.settings, self.host, self.identity.home, places)
        self.mounts += made
        self.left += left

    def plan(self) -> MountPlan:
        """Return the finished plan: volumes before binds, parents before children."""
        self._refuse_covered_lock_directories()
        home = self.identity.home
        check_further(self.further, self.mounts, self.project.target(home), home)
        ordered = sorted(self.mounts, key=lambda m: (m.kind != "volume", len(m.target.parts)))
        targets = [mount.target for mount in ordered]
        for target in targets:
            if targets.count(target) > 1 or target == home:
                taken = "the home directory" if target == home else "taken already"
                raise SettingsError(
                    f"'devenv.mounts' mounts something at {target}, which is {taken}.",
                    "Choose another target; see what is mounted: inv mounts",
                )
        return MountPlan(tuple(ordered), tuple(self.left), tuple(self.locks), self.agent)

    def _refuse_covered_lock_directories(self) -> None:
        """Refuse a mount over or in a directory of links: links would be made in it or over it."""
        for mount, lock in itertools.product(self.mounts, self.locks):
            if mount.source == str(lock.source):
                continue
            over = lock.target.is_relative_to(mount.target)
            if over or mount.target.is_relative_to(lock.target):
                key = "volumes.extra" if mount.kind == "volume" else "mounts"
                raise SettingsError(
                    f"'devenv.{key}' puts {mount.source} at {mount.target}, over or in "
                    f"{lock.target}, which is put together from 'devenv.lockfiles'.",
                    "Choose another target; see what is mounted: inv mounts",
                )

    def _volume(self, suffix: str, target: PurePosixPath, why: str) -> None:
        self._named(volume_name(self.settings.prefix, suffix), target, why)

    def _named(self, name: str, target: PurePosixPath, why: str) -> Mount:
        scope = self.settings.volumes.scope.get(name, "shared")
        self.mounts.append(volume_mount(self.project, self.host, scope, name, target, why))
        return self.mounts[-1]

    def _bind(self, found: Found, target: PurePosixPath, why: str) -> None:
        self.mounts.append(Mount("bind", str(found.real), target, read_only=True, why=why))
