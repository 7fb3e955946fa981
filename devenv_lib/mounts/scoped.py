"""Volumes that one project has alone, and further volumes from the settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from devenv_lib.errors import SettingsError
from devenv_lib.mounts.records import Mount
from devenv_lib.names import (
    LABEL_HOST,
    LABEL_MOUNT,
    LABEL_PARENT,
    LABEL_PATH,
    LABEL_PROJECT,
    common_labels,
    project_volume,
)
from devenv_lib.project import Project
from devenv_lib.readers import Scope
from devenv_lib.records import Host


def volume_mount(
    project: Project, host: Host, scope: Scope, name: str, target: PurePosixPath, why: str
) -> Mount:
    """Return the mount of the volume that environments share as ``name``, or of the project's own.

    A project's own says by its labels whose it is, and how it is known that the project is gone:
    on which machine it was, on which file system, and in which directory.
    """
    labels = common_labels(project.prefix)
    if scope == "project":
        name, why = project_volume(name, str(project.path)), f"{why}; this project's own"
        labels |= {
            LABEL_PROJECT: project.title,
            LABEL_PATH: str(project.path),
            LABEL_HOST: host.machine,
            LABEL_MOUNT: str(host.mount_point),
            LABEL_PARENT: host.parent,
        }
    return Mount("volume", name, target, read_only=False, why=why, labels=labels)


def check_further(
    further: Sequence[Mount], mounts: Sequence[Mount], project: PurePosixPath, home: PurePosixPath
) -> None:
    """Refuse ``further`` volumes at places where something else is or would be covered.

    They are among ``mounts``. ``project`` and ``home`` are the places inside. An engine makes
    mount points that are missing: in the project they would be directories on the host, in what
    is read-only they cannot be made, and above the project they would stay in the volume.

    Raises:
        SettingsError: with what is there.
    """
    for mine in further:
        others = (mount for mount in mounts if mount is not mine)
        reasons = (*_covering(mine.target, project, home), *(_taken(mine, one) for one in others))
        reason = next(filter(None, reasons), "")
        if reason:
            raise SettingsError(
                f"'devenv.volumes.extra' puts {mine.source} at {mine.target}, {reason}.",
                "Choose another place; see what is mounted: inv mounts",
            )


def _covering(
    target: PurePosixPath, project: PurePosixPath, home: PurePosixPath
) -> tuple[str, ...]:
    above_home = "which is the home directory, or above it" if home.is_relative_to(target) else ""
    above = project.is_relative_to(target) and project != target
    return above_home, f"above {project} (the project)" if above else ""


def _taken(mine: Mount, other: Mount) -> str:
    """Return why a further volume cannot be where it is, or what it is, beside another mount."""
    if mine.kind == other.kind and mine.source == other.source:
        return f"and the same volume is at {other.target} ({other.why})"
    if mine.target == other.target:
        return f"which is taken ({other.why})"
    if other.kind == "bind" and mine.target.is_relative_to(other.target):
        return f"in {other.target} ({other.why})"
    return ""
