"""One look at this machine: which paths exist, who owns the project, the agent, the terminal."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from devenv_lib.errors import ProjectError
from devenv_lib.mounts import KEYS, candidates
from devenv_lib.project import Project, project_at
from devenv_lib.records import Found, Host, Worktree
from devenv_lib.settings import Settings

_FORGED = "its repository does not name this worktree; if it was moved: git worktree repair"
_TERMINAL = ("TERM", "COLORTERM")
#: Where engines listen on a machine by default, besides the one that is in use.
_SOCKETS = (
    *("/run/docker.sock", "/run/docker/containerd/containerd.sock", "/run/podman/podman.sock"),
    *("/run/containerd/containerd.sock", "/run/buildkit/buildkitd.sock", "/run/crio/crio.sock"),
)
#: Bytes of an ``authorized_keys`` that are read.
_LARGEST_KEYS = 1 << 20
_USER_SOCKETS = ("docker.sock", "podman/podman.sock")


def home() -> PurePosixPath:
    """Return the user's home directory, resolved.

    Raises:
        ProjectError: there is none to be found.
    """
    try:
        return PurePosixPath(Path.home().resolve())
    except RuntimeError:
        raise ProjectError(
            "This user's home directory is unknown.", "Set it: export HOME=/home/you"
        ) from None


def locate(path: str, prefix: str, *, must_exist: bool = True) -> Project:
    """Return the project at ``path``, which may be relative, a symlink or begin with ``~``.

    Raises:
        ProjectError: it is no directory (only with ``must_exist``: a project can be gone and
            its environment still be there), or it cannot be a project.
    """
    if not path:  # an unset variable in a script, hardly the current directory
        raise ProjectError("The path is empty.", "Name a directory: --path DIRECTORY")
    try:
        real = Path(os.path.realpath(Path(path).expanduser()))
        is_directory = real.is_dir()
    except (OSError, RuntimeError, ValueError) as error:
        raise ProjectError(
            f"{path!r} is not a path: {str(error).rstrip('.')}.", "See: inv run --help"
        ) from None
    if must_exist and not is_directory:
        what = "is not a directory" if real.exists() else "does not exist"
        raise ProjectError(f"{real} {what}.", "Name a directory: inv run --path DIRECTORY")
    return project_at(PurePosixPath(real), home(), prefix)


def look(
    project: Project,
    settings: Settings,
    environ: Mapping[str, str] = os.environ,
    sockets: Iterable[str] = (),
) -> Host:
    """Look at everything on this machine that a plan for ``project`` depends on.

    ``sockets`` are further engine sockets, such as the one in use.
    """
    runtime = environ.get("XDG_RUNTIME_DIR")
    local = [*_SOCKETS, *(f"{runtime}/{name}" for name in _USER_SOCKETS if runtime), *sockets]
    agent = environ.get("SSH_AUTH_SOCK")
    owner = Path(project.path).stat()
    gitconfigs = _gitconfigs(project.home)
    return Host(
        home=project.home,
        found={
            path: find(path, entries=path.name in settings.lockfiles)
            for path in (*candidates(project.home, settings), *gitconfigs)
        },
        gitconfigs=gitconfigs,
        agent=find(PurePosixPath(agent)) if agent else None,
        owner=(owner.st_uid, owner.st_gid),
        worktree=_worktree(project.path),
        terminal=terminal(environ),
        state=_state(project.home, environ),
        keys=_has_key(Path(project.home / KEYS)),
        sockets=tuple(dict.fromkeys(PurePosixPath(os.path.realpath(s)) for s in local)),
    )


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


def find(path: PurePosixPath, *, entries: bool = False) -> Found:
    """Return what is at ``path`` and where it really is; with ``entries``, also what is in it."""
    real = PurePosixPath(os.path.realpath(path))
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return Found(path, real, "dangling" if os.path.islink(path) else "missing")
    links = tuple(_links(path))
    if stat.S_ISDIR(mode):
        return Found(path, real, "directory", _names(path) if entries else (), links)
    if stat.S_ISREG(mode):
        return Found(path, real, "file", links=links)
    return Found(path, real, "socket" if stat.S_ISSOCK(mode) else "other", links=links)


def _links(path: PurePosixPath) -> Iterator[PurePosixPath]:
    """Yield the symlinks by which a path that leads to something is resolved."""
    at, rest = PurePosixPath("/"), list(path.parts[1:])
    while rest:
        part = rest.pop(0)
        if part == "..":
            at = at.parent
        elif os.path.islink(at / part):
            yield at / part
            target = Path(at / part).readlink()
            at = PurePosixPath("/") if target.is_absolute() else at
            rest = [name for name in target.parts if name != "/"] + rest
        else:
            at /= part


def _names(directory: PurePosixPath) -> tuple[str, ...]:
    try:
        return tuple(sorted(entry.name for entry in Path(directory).iterdir()))
    except OSError:  # not readable for us, so not for the environment's user either
        return ()


def terminal(environ: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """Return ``TERM``, ``COLORTERM`` and ``TZ`` as far as they are known here."""
    known = {name: environ[name] for name in _TERMINAL if environ.get(name)}
    zone = environ.get("TZ") or _zone(os.path.realpath("/etc/localtime"))
    return {**known, **({"TZ": zone} if zone else {})}


def displaced(path: str) -> str:
    """Return what became of a bind's source, a resolved path; nothing, if it is in place.

    The engine follows symlinks anew at every start. Whoever may write around a source could
    put one there that leads to anything. What may not be looked at counts as there.
    """
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return "is gone"
    except OSError:
        return ""
    return "" if os.path.realpath(path) == path else "leads elsewhere"


def _zone(localtime: str) -> str:
    """Return the zone that ``/etc/localtime`` links to, such as ``Europe/Zurich``."""
    return localtime.partition("/zoneinfo/")[2]


def _gitconfigs(home: PurePosixPath) -> tuple[PurePosixPath, ...]:
    """Return ``~/.gitconfig-*``, which people include from ``~/.gitconfig``."""
    return tuple(sorted(PurePosixPath(path) for path in Path(home).glob(".gitconfig-*")))


def _worktree(project: PurePosixPath) -> Worktree | None:
    """Return the common directory of a git worktree, if ``project`` truly is one.

    ``.git`` is a file that anything inside can write, and the common directory is mounted
    writable. So the repository has to be one and to point back: git records each worktree's
    ``.git`` in ``<common>/worktrees/<id>/gitdir``, on the other side, out of a project's reach.
    """
    dot_git = Path(project) / ".git"
    named = None if os.path.islink(dot_git) else _pointer(dot_git, "gitdir: ")
    if named is None:
        return None
    real = Path(os.path.realpath(Path(project) / named))
    if real.parent.name != "worktrees" or real.is_relative_to(project):
        return None
    return Worktree(
        PurePosixPath(os.path.normpath(named)).parent.parent,
        PurePosixPath(real.parent.parent),
        "" if _points_back(real, dot_git) else _FORGED,
    )


def _points_back(record: Path, dot_git: Path) -> bool:
    """Whether a repository's ``worktrees/<id>`` is the record of the worktree with ``dot_git``."""
    back = _pointer(record / "gitdir")
    return (
        back is not None
        and _pointer(record / "commondir") == "../.."
        and _is_repository(record.parent.parent)
        and os.path.realpath(record / back) == os.path.realpath(dot_git)
    )


def _is_repository(common: Path) -> bool:
    """Whether a directory is what git takes for a repository's common directory."""
    directories = (common / "objects", common / "refs")
    return os.path.isfile(common / "HEAD") and all(map(os.path.isdir, directories))


def _pointer(path: Path, head: str = "") -> str | None:
    """Return the path that a one-line file of git's holds, or ``None``."""
    try:
        line = path.read_text().removesuffix("\n") if path.is_file() else ""
    except (OSError, ValueError):
        return None
    if not line.startswith(head) or line == head or "\0" in line:
        return None
    return line.removeprefix(head)
