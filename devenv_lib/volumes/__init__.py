"""Volumes: a module for each verb. What the volumes promise is in specs/persistent-volumes.md."""

from devenv_lib.volumes.adopt import adopt, plan_adoption, rehearse_adoption
from devenv_lib.volumes.backup import Backup, backup, plan_backup
from devenv_lib.volumes.compression import SUFFIXES, Compression, best
from devenv_lib.volumes.ensure import ensure, unlabelled
from devenv_lib.volumes.examine import VolumeReport, examine
from devenv_lib.volumes.partial import remove_left
from devenv_lib.volumes.provision import provision
from devenv_lib.volumes.remove import Removal, plan_removal, remove

__all__ = [
    "SUFFIXES",
    "Backup",
    "Compression",
    "Removal",
    "VolumeReport",
    "adopt",
    "backup",
    "best",
    "ensure",
    "examine",
    "plan_adoption",
    "plan_backup",
    "plan_removal",
    "provision",
    "rehearse_adoption",
    "remove",
    "remove_left",
    "unlabelled",
]
