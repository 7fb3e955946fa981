"""Binds that lie in other binds, and what they are mounted on there."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath

from devenv_lib import host as machine
from devenv_lib.errors import SettingsError
from devenv_lib.mounts import MountPlan

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
        is_directory = machine.find(PurePosixPath(mount.source)).kind == "directory"
        there = machine.find(place)
        if not there.exists or (there.kind == "directory") != is_directory:
            what, make = (
                ("directory", "mkdir -p")
                if is_directory
                else ("file", "install -D -m 644 /dev/null")
            )
            raise SettingsError(
                f"{mount.source} cannot be mounted at {mount.target} ({mount.why}): that is in "
                f"{outer.target} ({outer.why}), and there is no {kind} {place}, which the engine "
                "would make there as root.",
                f"Make it: {_MAKE[kind]} {shlex.quote(str(place))}; or choose other targets: inv mounts",
            )
