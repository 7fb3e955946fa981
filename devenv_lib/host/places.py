"""Where things are on this machine: the home directory, the project, a mount's source."""

from __future__ import annotations

import errno
import os
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from devenv_lib.errors import ProjectError
from devenv_lib.project import Project, project_at

#: Errors of a look by which it is known that there is nothing, or a symlink that leads nowhere.
_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
#: Errors by which somebody sees to it that this user may not look.
_CLOSED = (errno.EACCES, errno.EPERM)


class Displaced(NamedTuple):
    """What became of a bind's source, for people.

    It is not ``known`` whether it is there where somebody has closed it to this user, or its file
    system does not answer at the moment.
    """

    what: str
    known: bool = True


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

    Example::

        project = devenv.locate(".", settings.prefix)
        assert project.path.is_absolute()
        assert project.names[0].startswith(f"{settings.prefix}-")
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


def displaced(path: str) -> Displaced | None:
    """Return what became of a bind's source, a resolved path; ``None``, if it is in place.

    The engine follows symlinks anew at every start. Whoever may write around a source could put
    one there that leads to anything, and then see to it that this user may not look.
    """
    try:
        Path(path).stat()
    except OSError as error:
        if error.errno in _NOTHING:
            return Displaced("is gone")
        if error.errno in _CLOSED:
            return Displaced("may not be looked at any more", known=False)
        return Displaced(f"cannot be looked at ({error.strerror})", known=False)
    return None if os.path.realpath(path) == path else Displaced("leads elsewhere")


def inode(path: str) -> int | None:
    """Return the number of the inode at a path, or ``None`` where nothing can be seen."""
    try:
        return Path(path).stat().st_ino
    except (OSError, ValueError):
        return None
