"""Whether a project is a git worktree, and where its repository's common directory is."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from devenv_lib.records import Worktree

#: Characters of a file of git's that holds a path: a project may have anything in its place.
_LARGEST = 1 << 14
_FORGED = "its repository does not name this worktree; if it was moved: git worktree repair"


def worktree_of(project: PurePosixPath) -> Worktree | None:
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


def _read(path: Path) -> str:
    with path.open() as file:
        text = file.read(_LARGEST + 1)
    return text if len(text) <= _LARGEST else ""


def _pointer(path: Path, head: str = "") -> str | None:
    """Return the path that a one-line file of git's holds, or ``None``."""
    try:
        line = _read(path).removesuffix("\n") if path.is_file() else ""
    except (OSError, ValueError):
        return None
    if not line.startswith(head) or line == head or "\0" in line:
        return None
    return line.removeprefix(head)
