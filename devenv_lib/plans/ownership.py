"""What is wrong when an image's user is not the owner of the project, and what mends it."""

from __future__ import annotations

import shlex

from devenv_lib.project import Project
from devenv_lib.records import Identity

#: Directories in which nobody should be told to change owners.
_SYSTEM = ("/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys", "/usr")


def roots_project(who: Identity, owner: int, project: Project) -> tuple[str, str] | None:
    """Return what is wrong with a project of root's (``owner`` is its uid), and what mends it.

    The second is empty where changing owners would do harm. ``None``: nothing is wrong.
    """
    if owner != 0 or who.uid == 0:
        return None
    why = f"{project.path} belongs to root; the user inside ({who.uid}) cannot write it"
    if any(project.path.is_relative_to(system) for system in _SYSTEM):
        return why, ""
    command = f"sudo chown -R {who.user} {shlex.quote(str(project.path))}"
    return why, f"to make it writable: {command}"


def another_user(
    who: Identity, owner: int, project: Project, kind: str, at: str = ""
) -> tuple[str, str] | None:
    """Return what is wrong when the project's ``owner`` is another ordinary user.

    The volumes belong to the image's user, so an image for the owner takes volumes of its own.
    ``kind`` is the image's (`devenv_lib.images.Choice`), ``at`` the flag that names the project.
    """
    if owner in (0, who.uid):
        return None
    why = (
        f"the image's user is uid {who.uid}, the project's owner is {owner}: what one writes the "
        "other may not be able to"
    )
    how, more = {
        "default": ("with an image and volumes of its own", ""),
        "project": ("make the user with USER_UID in .devenv/Dockerfile, then", ""),
        "given": (f"with an image whose user is {owner}", " --image IMAGE"),
    }[kind]
    return why, f"to mend it, {how}: DEVENV_PREFIX={project.prefix}-{owner} inv run{at}{more}"
