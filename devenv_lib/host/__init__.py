"""What this machine has: everything about it that a plan depends on, looked at once.

Nothing is decided here but what has to be looked at, and nothing is changed.
"""

from typing import TYPE_CHECKING

from devenv_lib.lazily import lazily

if TYPE_CHECKING:
    from devenv_lib.host.agent import ask_agent
    from devenv_lib.host.directories import directories, machine_digest, state
    from devenv_lib.host.disk import disk
    from devenv_lib.host.finding import find, links
    from devenv_lib.host.machine import look
    from devenv_lib.host.places import Displaced, displaced, home, inode, locate

__all__ = [
    "Displaced",
    "ask_agent",
    "directories",
    "disk",
    "displaced",
    "find",
    "home",
    "inode",
    "links",
    "locate",
    "look",
    "machine_digest",
    "state",
]

lazily(
    __name__,
    {
        "agent": ("ask_agent",),
        "directories": ("directories", "machine_digest", "state"),
        "disk": ("disk",),
        "finding": ("find", "links"),
        "machine": ("look",),
        "places": ("Displaced", "displaced", "home", "inode", "locate"),
    },
)
