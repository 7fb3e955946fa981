"""Where inside a symlink leads to, and why nothing can be mounted there."""

from __future__ import annotations

import posixpath
from itertools import dropwhile
from pathlib import PurePosixPath

from devenv_lib.mounts.tree import Places
from devenv_lib.records import Link

#: What every image has for its system. Something of the host's over it or in it could break that.
_SYSTEM = frozenset(
    {
        *("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "root", "run"),
        *("sbin", "sys", "tmp", "usr", "var"),
    }
)
#: Directories of an image in which a place may be, and which are none themselves.
_SHARED = frozenset({"home", "media", "mnt", "opt", "srv", "workspaces"})


def landing(target: PurePosixPath, link: Link) -> PurePosixPath:
    """Return where the kernel inside looks for what a link in ``target`` leads to."""
    place = posixpath.normpath(target / link.path.parent / link.text)
    return PurePosixPath("/" + place.lstrip("/"))  # two slashes at the head would stay two


def turns_back(link: Link) -> bool:
    """Whether a link's text goes up after it went down.

    It leads through directories that are there on the host, and perhaps not inside.
    """
    down = dropwhile(lambda part: part in ("..", link.text.anchor), link.text.parts)
    return ".." in down


def misplaced(place: PurePosixPath, places: Places, homes: tuple[PurePosixPath, ...]) -> str:
    """Return why nothing can be mounted at a place, or an empty string.

    An engine leaves a mount point behind in a volume and in a writable bind, and can make none in
    a read-only one. ``homes`` are the home directories of the user inside and on the host, in
    which no system has anything, wherever they are.
    """
    if around := places.around(place):
        return f"inside it leads to {place}, and {around.target} is another mount ({around.why})"
    if places.is_above(place) or homes[0].is_relative_to(place):
        return f"inside it leads to {place}, in which other mounts are"
    if _is_the_systems(place, homes):
        return f"inside it leads to {place}, which is the system's"
    return ""


def _is_the_systems(place: PurePosixPath, homes: tuple[PurePosixPath, ...]) -> bool:
    """Whether a place may be a system's own; into ``/root`` nobody but its user gets."""
    inside, home = homes
    top = place.parts[1]
    if place.is_relative_to(inside) or (place.is_relative_to(home) and top != "root"):
        return False
    return top in _SYSTEM or (top in _SHARED and len(place.parts) == 2)
