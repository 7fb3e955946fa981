"""What a create or a removal would do, as data: it can be printed, compared and carried out."""

from typing import TYPE_CHECKING

from devenv_lib.lazily import lazily

if TYPE_CHECKING:
    from devenv_lib.plans.creation import EnvironmentPlan, creation
    from devenv_lib.plans.differences import differences
    from devenv_lib.plans.login import login_words
    from devenv_lib.plans.orphans import Directories, is_orphan
    from devenv_lib.plans.provisioning import Gifts, Place, Step, gifts, provisioning, read_place
    from devenv_lib.plans.refusal import Refusal
    from devenv_lib.plans.removal import RemovalPlan, removal
    from devenv_lib.plans.sessions import read_processes, sessions

__all__ = [
    "Directories",
    "EnvironmentPlan",
    "Gifts",
    "Place",
    "Refusal",
    "RemovalPlan",
    "Step",
    "creation",
    "differences",
    "gifts",
    "is_orphan",
    "login_words",
    "provisioning",
    "read_place",
    "read_processes",
    "removal",
    "sessions",
]

lazily(
    __name__,
    {
        "creation": ("EnvironmentPlan", "creation"),
        "differences": ("differences",),
        "login": ("login_words",),
        "orphans": ("Directories", "is_orphan"),
        "provisioning": ("Gifts", "Place", "Step", "gifts", "provisioning", "read_place"),
        "refusal": ("Refusal",),
        "removal": ("RemovalPlan", "removal"),
        "sessions": ("read_processes", "sessions"),
    },
)
