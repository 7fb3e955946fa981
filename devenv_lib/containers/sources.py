"""Whether the sources of a container's binds are still where they were when they were looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from devenv_lib import host as machine
from devenv_lib.errors import Refused
from devenv_lib.mounts import MACHINE_AGENT
from devenv_lib.records import Container, MountPoint

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def vanished(container: Container) -> list[str]:
    """Return which of a container's bind sources are gone or lead elsewhere."""
    return [f"{path} {found.what}" for path, found in _displaced(container.mounts) if found.known]


def unseen(container: Container) -> list[str]:
    """Return which of a container's bind sources cannot be looked at, and why."""
    displaced = _displaced(container.mounts)
    return [f"{path} {found.what}" for path, found in displaced if not found.known]


def check_seen(container: Container) -> None:
    """Refuse to start a container, or to make it anew, with a source that cannot be looked at.

    The engine, which is root, may see what this user does not, and follows a symlink there; what
    does not answer, as a file system of another machine's, will be there again. What is in the
    container would go with it.

    Raises:
        Refused: there is one.
    """
    if hidden := unseen(container):
        raise Refused(
            f"{', '.join(hidden)}, so that nobody knows what the engine would mount.",
            "Let this user look at it again; or make a new container: inv run --recreate",
        )


def refuse_displaced(mounts: Iterable[MountPoint]) -> None:
    """Refuse a start with sources that were looked at before and are not in place now.

    Raises:
        Refused: with what became of them.
    """
    if gone := [f"{path} {found.what}" for path, found in _displaced(mounts)]:
        raise Refused(
            f"{', '.join(gone)} since it was looked at: what is there now is not mounted.",
            "See what changes it; then run the same command again.",
        )


def former_binds(
    engine: Engine, container: Container, mounts: Iterable[MountPoint]
) -> tuple[MountPoint, ...]:
    """Return the binds of ``mounts`` that show something else than there is at their source now.

    A bind follows the inode: an editor that writes a new file and renames it leaves the old one
    inside, and so does whoever replaces a directory.
    """
    binds = [mount for mount in mounts if mount.kind == "bind"]
    words = ["stat", "-c", "%i %n", "--", *(mount.target for mount in binds)]
    _, output = engine.run(container.id, words)
    lines = (line.split(" ", 1) for line in output.splitlines())
    inside = {line[1]: int(line[0]) for line in lines if len(line) > 1 and line[0].isdecimal()}
    return tuple(
        mount
        for mount in binds
        if mount.target in inside and inside[mount.target] != machine.inode(mount.source)
    )


def _displaced(mounts: Iterable[MountPoint]) -> Iterator[tuple[str, machine.Displaced]]:
    """Yield what is not in place: a virtual machine's own is not here to be seen."""
    binds = (mount.source for mount in mounts if mount.kind == "bind")
    for source in binds:
        if PurePosixPath(source) != MACHINE_AGENT and (found := machine.displaced(source)):
            yield source, found
