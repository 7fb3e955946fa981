"""Which image a project's environment starts from, and what it would be built from."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from devenv_lib.below import FILE
from devenv_lib.errors import ImageError
from devenv_lib.images.context import DEEPEST
from devenv_lib.project import Project
from devenv_lib.settings import Settings

DOCKERFILE = Path(".devenv/Dockerfile")
#: Entries and bytes of a build context: each start takes a digest of all of it.
_MOST, _LARGEST = 20_000, 4 << 30


@dataclass(frozen=True)
class Choice:
    """An image's name, and how it comes to be.

    ``given`` is somebody else's image, pulled when missing; ``default`` and ``project`` are
    built from ``context``, a directory.
    """

    name: str
    kind: Literal["given", "default", "project"]
    context: Path = Path()

    @property
    def bringing(self) -> str:
        """The command that builds or pulls it, for a project's own one in its directory."""
        if self.kind == "given":
            return f"docker pull {self.name}"
        # Without a name, `inv build` is about the project's own image where it has one.
        return f"DEVENV_IMAGE={self.name} inv build" if self.kind == "default" else "inv build"


def choose(project: Project, settings: Settings) -> Choice:
    """Return the image for a project: the setting's, its own Dockerfile's, or the default."""
    dockerfile = Path(project.path) / DOCKERFILE
    try:
        if not settings.image and dockerfile.is_file():
            refuse_outside(dockerfile, Path(project.path))
            return Choice(project.image, "project", dockerfile.parent)
    except OSError as error:
        raise unreadable(dockerfile, error) from None
    return shared_image(settings)


def shared_image(settings: Settings) -> Choice:
    """Return the image that is no project's: the setting's, or the default one."""
    default = default_image(settings.prefix)
    is_default = settings.image in ("", default.name, settings.prefix)
    return default if is_default else Choice(settings.image, "given")


def refuse_outside(dockerfile: Path, project: Path) -> None:
    """Refuse a symlink, which whatever runs inside could put there, as a way out of the project."""
    for path in (dockerfile.parent, dockerfile):
        real = path.resolve()
        if not real.is_relative_to(project):
            raise ImageError(
                f"{path} leads out of the project, to {real}: a build would read that.",
                "Put the files themselves into .devenv, then: inv build",
            )


def default_image(prefix: str) -> Choice:
    """Return the default image of a prefix."""
    return Choice(f"{prefix}:latest", "default", Path(str(files("devenv_lib") / "image")))


def user_ids(owner: tuple[int, int]) -> tuple[int, int]:
    """Return the uid and gid that an image is built for: the project owner's, or 1000 for root."""
    return owner if owner[0] != 0 else (1000, 1000)


def context_digest(context: Path, *more: str) -> str:
    """Return a digest of a directory's names, modes and content, and of further text.

    A directory ``checks`` at its top does not count: a change of checks is none of the image.
    Symlinks count as their text, since a build context does not follow them.
    """
    try:
        return _digest(context, more)
    except OSError as error:
        raise unreadable(context, error) from None


def unreadable(path: Path, error: OSError) -> ImageError:
    """Return the error of a build context that this user may not read."""
    return ImageError(
        f"{error.filename or path} cannot be read: {error.strerror}.",
        "A build takes all of .devenv: make it readable, then: inv build",
    )


def _digest(context: Path, more: Sequence[str]) -> str:
    digest, count, size = hashlib.sha256(), 0, 0
    for entry in _entries(context, context):
        found = entry.lstat()
        count, size = count + 1, size + found.st_size
        if count > _MOST or size > _LARGEST:
            raise ImageError(
                f"{context} is more than a build context: {_MOST:,} entries, {_LARGEST >> 30} GiB.",
                f"See what takes the room, holes included: du -a --apparent-size {context}",
            )
        content = os.fsencode(entry.readlink()) if stat.S_ISLNK(found.st_mode) else b""
        if stat.S_ISREG(found.st_mode):
            # Whoever can write the project may put a pipe or a symlink there just now.
            with os.fdopen(os.open(entry, FILE), "rb") as file:
                content = hashlib.file_digest(file, "sha256").digest()
        name = os.fsencode(entry.relative_to(context))
        for part in (name, str(entry.lstat().st_mode).encode(), content):
            digest.update(len(part).to_bytes(8) + part)
    for text in more:
        digest.update(len(text.encode()).to_bytes(8) + text.encode())
    return digest.hexdigest()


def _entries(directory: Path, top: Path, depth: int = DEEPEST) -> Iterator[Path]:
    if not depth:
        raise OSError(errno.ENAMETOOLONG, "it has too many directories in each other", str(top))
    for entry in sorted(directory.iterdir()):
        # Made by an interpreter, not by a person; and the project's checks, which run on the host.
        if entry.name == "__pycache__" or entry == top / "checks":
            continue
        yield entry
        if entry.is_dir() and not entry.is_symlink():
            yield from _entries(entry, top, depth - 1)
