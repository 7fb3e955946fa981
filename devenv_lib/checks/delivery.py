"""Write into a project, whose symlinks anything in its environment may have made."""

from __future__ import annotations

import errno
import os
import uuid
from contextlib import suppress
from pathlib import Path, PurePosixPath

from devenv_lib.below import NEW_FILE, into
from devenv_lib.errors import DevenvError
from devenv_lib.host import links


def deliver(made: Path, to: PurePosixPath, project: str) -> None:
    """Put a file in its place, of which symlinks that the project planted know nothing."""
    if not made.exists():  # pytest ended before it wrote one
        return
    try:
        directory = _directory(to.parent, project)
        try:
            _put(made, directory, to.name)
        finally:
            os.close(directory)
    except OSError as error:
        raise DevenvError(
            f"{to} could not be written: {error.strerror}.", "Name another: --junit FILE"
        ) from None


def _directory(path: PurePosixPath, project: str) -> int:
    """Open a directory, made if it is missing; within the project no symlink is followed.

    ``path`` may reach the project, a resolved path, by other names.
    """
    if any(link.is_relative_to(project) for link in links(path)):
        raise OSError(errno.ELOOP, "a symlink in the project leads there")
    ways = (*reversed(path.parents), path)
    real = ((way, PurePosixPath(os.path.realpath(way))) for way in ways)
    found = next(((way, place) for way, place in real if place.is_relative_to(project)), None)
    if found is None:
        Path(path).mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    descriptor = os.open(project, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        way, place = found
        for part in (*place.relative_to(project).parts, *path.relative_to(way).parts):
            descriptor = into(descriptor, part)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _put(made: Path, directory: int, name: str) -> None:
    """Write a copy of a file into an open directory, and then give it its name."""
    partial = f".{name}.{uuid.uuid4().hex[:12]}"
    try:
        with os.fdopen(os.open(partial, NEW_FILE, 0o666, dir_fd=directory), "wb") as file:
            file.write(made.read_bytes())
        os.replace(partial, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(partial, dir_fd=directory)
        raise
