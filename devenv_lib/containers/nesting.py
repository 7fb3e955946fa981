"""Binds that lie in other binds, and what they are mounted on there."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath

from devenv_lib import host as machine
from devenv_lib.errors import SettingsError
from devenv_lib.mounts import MountPlan

#: What is a directory, and what is not there.
_KINDS = {"directory": "directory", "missing": "", "dangling": ""}
#: How what a bind is mounted on is made, if it is to be there.
_MAKE = {"directory": "mkdir -p", "file": "install -D -m 644 /dev/null"}


def check_points(plan: MountPlan) -> None:
    """Refuse a bind in another bind in which there is nothing to mount it on.

    An engine makes what is missing, as root's: on the host, in a directory that is not devenv's,
    or not at all where that is read-only.

    Raises:
        SettingsError: with the command that makes it.
    """
    for mount, outer in plan.nested:
        place = PurePosixPath(outer.source) / mount.target.relative_to(outer.target)
        kinds = (machine.find(PurePosixPath(mount.source)).kind, machine.find(place).kind)
        wanted, there = (_KINDS.get(kind, "file") for kind in kinds)
        if wanted and wanted != there:  # what went meanwhile is said at the start
            raise SettingsError(
                f"{mount.source} cannot be mounted at {mount.target} ({mount.why}): that is in "
                f"{outer.target} ({outer.why}), and there is no {wanted} {place}, which the "
                "engine would make there as root.",
                f"Make it: {_MAKE[wanted]} {shlex.quote(str(place))}; or choose other targets: "
                "inv mounts",
            )
