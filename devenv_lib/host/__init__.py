"""What this machine has: everything about it that a plan depends on, looked at once.

Nothing is decided here but what has to be looked at, and nothing is changed.
"""

from devenv_lib.host.directories import directories, machine_digest
from devenv_lib.host.finding import find
from devenv_lib.host.machine import look
from devenv_lib.host.places import displaced, home, locate

__all__ = ["directories", "displaced", "find", "home", "locate", "look", "machine_digest"]
