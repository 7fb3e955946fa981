"""Whose a volume is that has a name of an environment's: may that use it?"""

from __future__ import annotations

from devenv_lib.errors import Refused
from devenv_lib.names import LABEL, LABEL_PATH, ours, prefix_of
from devenv_lib.records import Volume


def claimed(volume: Volume, prefix: str, path: str = "") -> Refused | None:
    """Return why environments of ``prefix`` may not use a volume, or ``None``.

    ``path`` is the project's whose environment has it, or empty. One without labels may be
    used; one of another prefix, or that is another project's own, may not: the name of one can
    be chosen, be it by who makes directories.
    """
    if not ours(volume.labels, prefix):
        if volume.labels.get(LABEL) != "true":
            return None
        return Refused(
            f"The volume {volume.name} belongs to the prefix {prefix_of(volume.labels)}, "
            f"not to {prefix}.",
            "Use another prefix: DEVENV_PREFIX=NAME inv run",
        )
    owner = volume.labels.get(LABEL_PATH)
    if owner and path and owner != path:
        return Refused(
            f"The volume {volume.name} is the own one of the project {owner}, not of {path}.",
            "Choose another name in devenv.volumes.extra; or, if that project is gone: "
            f"inv volume.rm --name {volume.name}",
        )
    return None
