"""How the mounts of a plan lie in each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from devenv_lib.mounts.records import Mount, MountPlan
from devenv_lib.project import Project


def writable_homes(plan: MountPlan, project: Project) -> tuple[Mount, ...]:
    """Return the read-only mounts whose real home is inside the writable project.

    Their files can be changed from inside through the project after all; `run` says so.
    """
    return tuple(
        mount
        for mount in plan.mounts
        if mount.kind == "bind"
        and mount.read_only
        and PurePosixPath(mount.source).is_relative_to(project.path)
    )


def nested_parents(plan: MountPlan, paths: Iterable[PurePosixPath]) -> Sequence[PurePosixPath]:
    """Return the directories between each path and the volume that it lies in, parents first.

    A path whose nearest mount is no volume has none: nothing outside the volumes is changed,
    and nothing is ever written through a writable bind.
    """
    kinds: Mapping[PurePosixPath, str] = {mount.target: mount.kind for mount in plan.mounts}
    parents = {parent for path in paths for parent in _climb(path, kinds)}
    return sorted(parents, key=lambda path: (len(path.parts), path))


def _climb(path: PurePosixPath, kinds: Mapping[PurePosixPath, str]) -> Iterator[PurePosixPath]:
    """Yield the ancestors of ``path`` below the nearest mount, if that is a volume."""
    climbed: list[PurePosixPath] = []
    for parent in path.parents:
        if parent in kinds:
            yield from climbed if kinds[parent] == "volume" else ()
            return
        climbed.append(parent)
