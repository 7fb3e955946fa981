"""Which mounts an environment gets, in what order, and which it does not get and why.

Pure: `candidates` says which host paths matter, `devenv_lib.host` looks at them, `build_mounts`
decides. ``specs/persistent-volumes.md`` has the table.
"""

from devenv_lib.mounts.build import build_mounts, candidates
from devenv_lib.mounts.records import (
    AGENT,
    CACHE,
    DATA,
    DEFAULT_VOLUMES,
    KEYS,
    MACHINE_AGENT,
    STATE,
    LeftOut,
    LockDirectory,
    Mount,
    MountPlan,
    volume_name,
    volume_names,
)
from devenv_lib.mounts.tree import nested_parents, writable_homes

__all__ = [
    "AGENT",
    "CACHE",
    "DATA",
    "DEFAULT_VOLUMES",
    "KEYS",
    "MACHINE_AGENT",
    "STATE",
    "LeftOut",
    "LockDirectory",
    "Mount",
    "MountPlan",
    "build_mounts",
    "candidates",
    "nested_parents",
    "volume_name",
    "volume_names",
    "writable_homes",
]
