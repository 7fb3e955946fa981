"""How the mounts of a plan lie in each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from devenv_lib.mounts.records import LockDirectory, Mount, MountPlan


def writable_homes(plan: MountPlan) -> tuple[tuple[Mount, Mount], ...]:
    """Return the read-only binds whose real home is in a writable one, and that one.

    Their files can be changed from inside through it after all; `run` says so.
    """
    binds = [mount for mount in plan.mounts if mount.kind == "bind"]
    return tuple(
        (mount, other)
        for mount in binds
        for other in binds
        if mount.read_only
        and not other.read_only
        and PurePosixPath(mount.source).is_relative_to(other.source)
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


class Places:
    """The places inside that mounts have taken so far, and what is to be seen there."""

    def __init__(self, mounts: Iterable[Mount], locks: Iterable[LockDirectory] = ()) -> None:
        self._mounts: dict[PurePosixPath, Mount] = {}
        self._above: set[PurePosixPath] = set()
        self._locks = tuple(locks)
        for mount in mounts:
            self.add(mount)

    def add(self, mount: Mount) -> None:
        """Take a mount's place."""
        self._mounts[mount.target] = mount
        self._above.update(mount.target.parents)

    @property
    def writable(self) -> tuple[PurePosixPath, ...]:
        """The real paths on the host that the environment may write."""
        binds = (m for m in self._mounts.values() if m.kind == "bind" and not m.read_only)
        return tuple(PurePosixPath(mount.source) for mount in binds)

    def around(self, place: PurePosixPath) -> Mount | None:
        """Return the mount that a place is, or lies in."""
        near = (self._mounts.get(path) for path in (place, *place.parents))
        return next((mount for mount in near if mount), None)

    def is_above(self, place: PurePosixPath) -> bool:
        """Whether a mount lies in a place, so that another one there would cover it."""
        return place in self._above

    def shown(self, place: PurePosixPath) -> tuple[Mount, PurePosixPath] | None:
        """Return the bind in which a place lies, and the host path that is to be seen there.

        In a directory of links, that is what these lead to.
        """
        place = self._followed(place)
        mount = self.around(place)
        if mount is None or mount.kind == "volume":
            return None
        return mount, PurePosixPath(mount.source) / place.relative_to(mount.target)

    def _followed(self, place: PurePosixPath) -> PurePosixPath:
        for lock in self._locks:
            if place == lock.target:
                return lock.config
            if place.is_relative_to(lock.target):
                name, *rest = place.relative_to(lock.target).parts
                return lock.links.get(name, lock.target / name).joinpath(*rest)
        return place
