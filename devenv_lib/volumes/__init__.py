"""Volumes: a module for each verb. What the volumes promise is in specs/persistent-volumes.md."""

from devenv_lib.volumes.adopt import adopt, plan_adoption, rehearse_adoption
from devenv_lib.volumes.ensure import ensure, unlabelled
from devenv_lib.volumes.examine import VolumeReport, examine
from devenv_lib.volumes.provision import provision
from devenv_lib.volumes.remove import Removal, plan_removal, remove
from devenv_lib.volumes.repair import Repair, plan_repair, rehearse_repair, repair

__all__ = [
    "Removal",
    "Repair",
    "VolumeReport",
    "adopt",
    "ensure",
    "examine",
    "plan_adoption",
    "plan_removal",
    "plan_repair",
    "provision",
    "rehearse_adoption",
    "rehearse_repair",
    "remove",
    "repair",
    "unlabelled",
]
