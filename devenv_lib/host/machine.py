"""One look at this machine: which paths exist, who owns the project, the agent, the terminal."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from devenv_lib.errors import ProjectError
from devenv_lib.host.directories import machine_digest, mount_point, which
from devenv_lib.host.finding import find
from devenv_lib.host.survey import secrets, surveys
from devenv_lib.host.worktree import worktree_of
from devenv_lib.mounts import KEYS, candidates, directories
from devenv_lib.project import Project
from devenv_lib.records import Host
from devenv_lib.settings import Settings
from devenv_lib.terminal import terminal

#: Where engines listen on a machine by default, besides the one that is in use.
_SOCKETS = (
    *("/run/docker.sock", "/run/docker/containerd/containerd.sock", "/run/podman/podman.sock"),
    *("/run/containerd/containerd.sock", "/run/buildkit/buildkitd.sock", "/run/crio/crio.sock"),
)
#: Bytes of an ``authorized_keys`` that are read.
_LARGEST_KEYS = 1 << 20
_USER_SOCKETS = ("docker.sock", "podman/podman.sock")


def look(
    project: Project,
    settings: Settings,
    environ: Mapping[str, str] = os.environ,
    sockets: Iterable[str] = (),
) -> Host:
    """Look at everything on this machine that a plan for ``project`` depends on.

    ``sockets`` are further engine sockets, such as the one in use (``engine.endpoint.sockets``):
    a mount that would contain one is refused later. No file is opened but git's own small ones
    and ``authorized_keys``.

    Raises:
        ProjectError: the project's directory is gone, or closed to this user.

    Example::

        host = devenv.look(project, settings)
        assert host.home.is_absolute()
        assert set(host.terminal) <= {"TERM", "COLORTERM", "TZ"}
    """
    runtime = environ.get("XDG_RUNTIME_DIR")
    local = [*_SOCKETS, *(f"{runtime}/{name}" for name in _USER_SOCKETS if runtime), *sockets]
    agent = environ.get("SSH_AUTH_SOCK")
    owner = _owner(project.path)
    gitconfigs = _gitconfigs(project.home)
    found = {
        path: find(path, entries=path.name in settings.lockfiles)
        for path in (*candidates(project.home, settings), *gitconfigs)
    }
    config = (found[path] for path in directories(project.home, settings))
    return Host(
        home=project.home,
        found=found,
        gitconfigs=gitconfigs,
        agent=find(PurePosixPath(agent)) if agent else None,
        owner=owner,
        worktree=worktree_of(project.path),
        terminal=terminal(environ),
        machine=machine_digest(),
        mount_point=mount_point(project.path),
        parent=which(str(project.path.parent)),
        keys=_has_key(Path(project.home / KEYS)),
        state=_state(project.home, environ),
        sockets=tuple(dict.fromkeys(PurePosixPath(os.path.realpath(s)) for s in local)),
        surveys=surveys((one.real for one in config if one.kind == "directory"), project.home),
        secrets=secrets(project.home),
    )


def _owner(path: PurePosixPath) -> tuple[int, int]:
    try:
        seen = Path(path).stat()
    except OSError as error:
        what = f"The project {path} cannot be looked at: {error.strerror}."
        raise ProjectError(what, "Name a directory: inv run --path DIRECTORY") from None
    return seen.st_uid, seen.st_gid


def _has_key(path: Path) -> bool:
    """Whether an ``authorized_keys`` has a line that is neither empty nor a comment."""
    try:
        # Anything may lie there; a pipe would wait for a writer.
        if not path.is_file():
            return False
        with path.open("rb") as file:
            lines = file.read(_LARGEST_KEYS).split(b"\n")
    except (OSError, ValueError):
        return False
    return any(line.strip() and not line.strip().startswith(b"#") for line in lines)


def _state(home: PurePosixPath, environ: Mapping[str, str]) -> PurePosixPath:
    """Return devenv's directory below ``XDG_STATE_HOME``; a relative one is to be ignored."""
    given = PurePosixPath(environ.get("XDG_STATE_HOME", ""))
    root = given if given.is_absolute() else home / ".local/state"
    return PurePosixPath(os.path.realpath(root / "devenv"))


def _gitconfigs(home: PurePosixPath) -> tuple[PurePosixPath, ...]:
    """Return ``~/.gitconfig-*``, which people include from ``~/.gitconfig``."""
    return tuple(sorted(PurePosixPath(path) for path in Path(home).glob(".gitconfig-*")))
