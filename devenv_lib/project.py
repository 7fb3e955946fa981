"""A project: a host directory, where it appears inside, and the names that follow from it.

Pure: the path and the home directory come in resolved (`devenv_lib.host.locate` does that).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Literal

from devenv_lib.errors import ProjectError, UsageError
from devenv_lib.names import (
    DEFAULT_PREFIX,
    LABEL_PATH,
    LABEL_PROJECT,
    NAME,
    common_labels,
    container_name,
    container_stage,
    is_reserved,
    ours,
    path_digest,
    prefix_of,
)
from devenv_lib.records import Container

#: Volumes are mounted at these places below the home: no project can be there or above.
RESERVED = (".local/share", ".local/state", ".cache")

_LISTING = {"volume": "volume.list", "container": "list --all"}


def check_name(name: str, kind: Literal["volume", "container"] = "volume") -> str:
    """Return ``name`` if an engine can take it literally.

    Raises:
        UsageError: it has slashes, spaces, control characters, a leading dot, or is too short.
            docker-py puts names into URLs as they are, so that ``../containers/x`` as a
            volume would delete a container.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a {kind} name: two or more letters, digits, '_', '.' and '-', "
            "beginning with a letter or digit.",
            f"See the names there are: inv {_LISTING[kind]} --format names",
        )
    return name


def check_new_volume(name: str, hint: str) -> str:
    """Return ``name`` if a volume may be made by it.

    Raises:
        UsageError: devenv makes volumes of such names by itself, and removes them.
    """
    if is_reserved(name):
        raise UsageError(
            f"{name!r} ends as the volumes do that devenv makes beside others for a while.", hint
        )
    return name


def check_volume_name(name: str, prefix: str, hint: str) -> str:
    """Return ``name`` if it can be one of a prefix's volumes.

    Raises:
        UsageError: an engine cannot take it literally, or it is no name of the prefix, for which
            ``hint`` says what to do.
    """
    if not check_name(name).startswith(f"{prefix}-"):
        raise UsageError(
            f"{name!r} is no name of the prefix {prefix}: its volumes begin with {prefix}-.", hint
        )
    return name


@dataclass(frozen=True)
class Project:
    """One project directory on the host.

    ``path`` and ``home`` are absolute and resolved. Make one with `project_at`.
    """

    path: PurePosixPath
    home: PurePosixPath
    prefix: str = DEFAULT_PREFIX

    @property
    def title(self) -> str:
        """``<parent>/<project>``, as in the label ``devenv.project``."""
        return f"{self.path.parent.name}/{self.path.name}".lstrip("/")

    @property
    def digest(self) -> str:
        """Six hex digits of the path's SHA-256, which set namesakes apart."""
        return path_digest(str(self.path))

    @property
    def names(self) -> tuple[str, str]:
        """The container's name, and the one it takes when that belongs to another path."""
        name = container_name(str(self.path), self.prefix)
        return name, f"{name}-{self.digest}"

    @property
    def hostname(self) -> str:
        """The project's name as a host name (RFC 1123: 63 letters, digits and hyphens)."""
        name = re.sub(r"[^a-zA-Z0-9]+", "-", self.path.name)[:63].strip("-")
        return name or "devenv"

    @property
    def image(self) -> str:
        """The image that the project's own ``.devenv/Dockerfile`` is built as."""
        parts = ["project", self.path.parent.name, self.path.name, self.digest]
        # An image's name has at most 255 characters; the digest sets long ones apart.
        cleaned = [re.sub(r"[^a-z0-9]+", "-", part.lower())[:60].strip("-") for part in parts]
        return "-".join([self.prefix, *(part for part in cleaned if part)]) + ":latest"

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels by which the project's container is known."""
        own = {LABEL_PROJECT: self.title, LABEL_PATH: str(self.path)}
        return MappingProxyType({**common_labels(self.prefix), **own})

    def target(self, home: PurePosixPath) -> PurePosixPath:
        """Where the project is mounted for a user whose home inside is ``home``."""
        if self.path.is_relative_to(self.home):
            return home / self.path.relative_to(self.home)
        return PurePosixPath("/workspaces") / self.path.name

    def owns(self, container: Container) -> bool:
        """Whether a container is this project's, finished or not.

        Labels, path and name have to agree; one of these alone is not enough, since anybody
        can label a container.
        """
        return (
            ours(container.labels, self.prefix)
            and container.labels.get(LABEL_PATH) == str(self.path)
            and self.stage(container) is not None
        )

    def stage(self, container: Container) -> str | None:
        """Return how a container's name ends, or ``None`` if it is none of the project's.

        Empty is a finished one; see `devenv_lib.names.STAGES` for the others.
        """
        return container_stage(container.name, container.id, str(self.path), self.prefix)


def environment_of(container: Container) -> Project | None:
    """Return the project, of whatever prefix, whose environment a container is, or ``None``.

    Its home is unknown and stands for none: such a project can be found and taken down.
    """
    path = PurePosixPath(container.labels.get(LABEL_PATH, ""))
    project = Project(path, path, prefix_of(container.labels))
    return project if path.is_absolute() and project.owns(container) else None


def project_at(path: PurePosixPath, home: PurePosixPath, prefix: str = DEFAULT_PREFIX) -> Project:
    """Return the project at ``path``.

    Raises:
        ProjectError: the whole home or more would be writable from inside, a volume would be
            mounted over it, or the path is not valid UTF-8, which labels have to be.
    """
    if home.is_relative_to(path):
        what = "the home directory" if path == home else f"above the home directory {home}"
        what = "the root of the file system" if path == PurePosixPath("/") else what
        raise ProjectError(
            f"{path} cannot be a project: it is {what}, and a project is writable from inside.",
            "Choose a directory of its own: inv run --path DIRECTORY",
        )
    reserved = next((r for r in RESERVED if (home / r).is_relative_to(path)), None)
    if reserved:
        raise ProjectError(
            f"{path} cannot be a project: a volume is mounted at its place, ~/{reserved}.",
            "Choose a directory elsewhere: inv run --path DIRECTORY",
        )
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise ProjectError(
            f"{str(path)!r} cannot be a project: its name is not valid UTF-8.",
            "Rename the directory, then: inv run --path DIRECTORY",
        ) from None
    return Project(path, home, prefix)
