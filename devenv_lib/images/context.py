"""A copy of a project's build context, which nothing inside can change while it is built.

Whatever runs in an environment can write the project, at any moment. The docker program reads a
context by its paths: a directory that is swapped for a symlink meanwhile would have it send
what that leads to. So the copy is made by descriptors (`devenv_lib.below`).
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from devenv_lib.below import FILE, Below, opened

#: Directories in each other that a context may have: a copy and a digest go down into each.
DEEPEST = 64


def copy_context(context: Path, project: Path, to: Path) -> None:
    """Copy ``context``, a directory in ``project``, to a new directory ``to``.

    Symlinks are copied as such, but for a Dockerfile that is one: it is read where it leads to.
    Devices, pipes and sockets are left out. Both paths are resolved.

    Raises:
        OSError: something cannot be read, leads out of the project, or changed meanwhile.
    """
    with _opened_below(project, context) as top:
        _copy(top, to, DEEPEST)
    dockerfile = to / "Dockerfile"
    if dockerfile.is_symlink():
        dockerfile.unlink()
        real = Path(os.path.realpath(context / "Dockerfile"))
        with _opened_below(project, real.parent) as directory:
            _copy_file(real.name, directory, dockerfile)


@contextmanager
def _opened_below(project: Path, directory: Path) -> Iterator[int]:
    """Give a descriptor of a directory that is in a project, or is it."""
    if not directory.is_relative_to(project):
        raise OSError(errno.EXDEV, "it leads out of the project", str(directory))
    with opened(str(project)) as top, closing(Below(top)) as below:
        yield below.directory(directory.relative_to(project).parts)


def _copy(directory: int, to: Path, depth: int) -> None:
    if not depth:
        raise OSError(errno.ENAMETOOLONG, "it has too many directories in each other", str(to))
    to.mkdir(mode=0o700)
    for name in os.listdir(directory):
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            (to / name).symlink_to(os.readlink(name, dir_fd=directory))
        elif stat.S_ISREG(status.st_mode):
            _copy_file(name, directory, to / name)
        elif stat.S_ISDIR(status.st_mode):
            with opened(name, directory) as below:
                _copy(below, to / name, depth - 1)
            (to / name).chmod(stat.S_IMODE(status.st_mode) | stat.S_IRWXU)


def _copy_file(name: str, directory: int, to: Path) -> None:
    with (
        os.fdopen(os.open(name, FILE, dir_fd=directory), "rb") as source,
        to.open("xb") as target,
    ):
        status = os.fstat(source.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no longer a file", name)
        shutil.copyfileobj(source, target)
        os.fchmod(target.fileno(), stat.S_IMODE(status.st_mode))
