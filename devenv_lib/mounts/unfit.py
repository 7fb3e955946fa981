"""Why configuration of the host, or what a symlink in it leads to, is not mounted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from devenv_lib.mounts.records import SECRETS, LeftOut
from devenv_lib.project import Project
from devenv_lib.records import Found, Host, Survey


def unfit(
    found: Found, target: PurePosixPath, project: Project, host: Host, inside: PurePosixPath
) -> str:
    """Return why ``found`` cannot be mounted at ``target``, or an empty string.

    ``inside`` is the home directory of the environment's user.
    """
    if not found.exists:
        return absence(found)
    if found.kind in ("socket", "other"):
        return "neither a file nor a directory"
    if reason := no_text(found):
        return reason
    place = project.target(inside)
    if target.is_relative_to(place):
        return "it lies inside the project, which is mounted writable there"
    if place.is_relative_to(target):
        return "it would hide the project, which lies inside it"
    return _strays(found, host)


def absence(found: Found) -> str:
    """Return why something does not exist."""
    if found.kind == "dangling":
        return f"a symlink that leads nowhere ({found.real})"
    return "not there"


def without(found: Found, target: PurePosixPath, why: str) -> LeftOut:
    """Return what is to be said of something of the host's that is not mounted."""
    nothing = found.kind if found.kind in ("missing", "dangling") else ""
    return LeftOut(str(found.path), target, why, nothing)


def no_text(found: Found) -> str:
    """Return why no engine can take the name of what was found, or an empty string."""
    try:
        f"{found.path}{found.real}".encode()
    except UnicodeEncodeError:
        return "its name, or that of what it leads to, is not valid UTF-8"
    return ""


def chosen_inside(found: Found, writable: Iterable[PurePosixPath]) -> PurePosixPath | None:
    """Return in which of the ``writable`` places a symlink chooses what ``found`` is.

    Whatever runs inside can change a symlink in a place that it may write, and what it then leads
    to would be mounted at the next start. Within that place it leads to nothing that is not there
    anyway. The places are resolved ones.
    """
    for place in writable:
        by_link = any(link.is_relative_to(place) for link in found.links)
        if by_link and not found.real.is_relative_to(place):
            return place
    return None


def _strays(found: Found, host: Host) -> str:
    """Return why a configuration's symlinks may not be followed, or an empty string."""
    if host.home.is_relative_to(found.real):
        return f"it leads to {found.real}, which is the home directory or above it"
    for secret in (host.home / name for name in SECRETS):
        led = found.real.is_relative_to(secret) and not found.path.is_relative_to(secret)
        if led or secret.is_relative_to(found.real):
            return f"it leads to {found.real}, where secrets are kept"
    return ""


def astray(found: Found, tree: PurePosixPath, writable: Sequence[PurePosixPath], host: Host) -> str:
    """Return why what a symlink in configuration leads to is not mounted, or an empty string.

    This comes on top of `unfit`: nobody asked for what a link leads to. ``tree`` is where it may
    lead, and ``writable`` are the real paths that the environment may write; others may write
    ``host.shared``.
    """
    real = found.real
    if not real.is_relative_to(tree):
        return f"it leads to {real}, out of {tree}"
    for path in (*writable, *host.shared):
        if any(link.is_relative_to(path) for link in found.links):
            return f"a symlink in {path}, which can be written inside, decides that it is {real}"
        if _overlap(real, path):
            return f"it leads to {real}, and {path} can be written inside"
    if any(_overlap(real, secret) for secret in host.secrets) or {*real.parts} & {*SECRETS}:
        return f"it leads to {real}, where secrets are kept"
    if any(socket.is_relative_to(real) for socket in host.sockets):
        return f"it leads to {real}, which would hand over the engine's socket"
    return _unknown(real, host.surveys.get(real)) if found.kind == "directory" else ""


def _unknown(real: PurePosixPath, survey: Survey | None) -> str:
    """Return why a directory cannot be mounted for what is in it, or an empty string."""
    if survey is None or not survey.whole:
        return f"it leads to {real}, which has too many entries to look at each"
    if survey.secret:
        return f"it leads to {real}, where secrets are kept, in {survey.secret}"
    return ""


def _overlap(one: PurePosixPath, other: PurePosixPath) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)
