"""A project: a host directory, where it appears inside, and the names that follow from it.

Pure: the path and the home directory come in resolved (`devenv_lib.host.locate` does that).
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

from devenv_lib.errors import ProjectError, UsageError
from devenv_lib.records import (
    DEFAULT_PREFIX,
    LABEL,
    LABEL_PATH,
    LABEL_PREFIX,
    LABEL_PROJECT,
    Container,
    ours,
)

#: Docker's own rule for container and volume names, without its one-letter exception.
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
#: A prefix also heads image names, which must be lower-case with single separators.
PREFIX = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
#: How a container's name ends while it is not to be entered. ``.starting`` is a new one, in which
#: nobody has been; ``.restarting`` one that was stopped; ``.replaced`` one that is kept until the
#: one in its place is finished.
STARTING, RESTARTING, REPLACED = ".starting", ".restarting", ".replaced"
STAGES = (STARTING, RESTARTING, REPLACED)
_STAGE = re.compile(rf"({'|'.join(map(re.escape, STAGES))})(\.[0-9a-f]{{12}})?$")
#: Volumes are mounted at these places below the home: no project can be there or above.
RESERVED = (".local/share", ".local/state", ".cache")


def check_name(name: str, kind: str = "volume") -> str:
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
            "See the names there are: inv volume.list --format names",
        )
    return name


def check_prefix(prefix: str) -> str:
    """Return ``prefix`` if volumes, containers and images can all begin with it.

    Raises:
        ValueError: with the accepted form.
    """
    if not 2 <= len(prefix) <= 40 or not PREFIX.fullmatch(prefix):
        raise ValueError("2 to 40 lower-case letters and digits, with single '-', '_', '.'")
    return prefix


def common_labels(prefix: str) -> Mapping[str, str]:
    """Return the labels that every volume and container of ``prefix`` carries."""
    return MappingProxyType({LABEL: "true", LABEL_PREFIX: prefix})


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
        return hashlib.sha256(str(self.path).encode()).hexdigest()[:6]

    @property
    def names(self) -> tuple[str, str]:
        """The container's name, and the one it takes when that belongs to another path."""
        parts = [part for part in (self.path.parent.name, self.path.name) if part]
        cleaned = [re.sub(r"[^a-zA-Z0-9_.-]+", "-", part) for part in parts]
        # What ends like a provisional name would be taken for one.
        name = _STAGE.sub(lambda end: end[0].replace(".", "-"), "-".join([self.prefix, *cleaned]))
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

        Empty is a finished one; see `STAGES` for the others. The first twelve digits of its
        id behind that keep others off one that somebody gives up; it still counts as the same.
        """
        if container.name in self.names:
            return ""
        for name, stage in itertools.product(self.names, STAGES):
            if container.name in (name + stage, given_up(name + stage, container)):
                return stage
        return None


def given_up(name: str, container: Container) -> str:
    """Return the name by which a container that has ``name`` is kept from others."""
    return f"{name}.{container.id[:12]}"


def base_name(name: str) -> str:
    """Return a container's name without the stage that it is in."""
    return _STAGE.sub("", name)


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
