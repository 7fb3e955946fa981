"""Which mounts an environment gets, in what order, and which it does not get and why.

Pure: `candidates` says which host paths matter, `devenv_lib.host` looks at them, `build_mounts`
decides. The README's table is theirs, in the same order.
"""

from devenv_lib.mounts.build import build_mounts
from devenv_lib.mounts.records import (
    AGENT,
    AUTH,
    KEYS,
    MACHINE_AGENT,
    SECRETS,
    LeftOut,
    LockDirectory,
    Mount,
    MountPlan,
    candidates,
    directories,
)
from devenv_lib.mounts.tree import nested_parents, writable_homes
from devenv_lib.names import CACHE, DATA, STATE, volume_name

__all__ = [
    "AGENT",
    "AUTH",
    "CACHE",
    "DATA",
    "KEYS",
    "MACHINE_AGENT",
    "SECRETS",
    "STATE",
    "LeftOut",
    "LockDirectory",
    "Mount",
    "MountPlan",
    "build_mounts",
    "candidates",
    "directories",
    "nested_parents",
    "volume_name",
    "writable_homes",
]
