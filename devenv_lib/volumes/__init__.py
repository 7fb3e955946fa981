"""Volumes: a module for each verb. What the volumes promise is in specs/persistent-volumes.md."""

from typing import TYPE_CHECKING

from devenv_lib.lazily import lazily

if TYPE_CHECKING:
    from devenv_lib.volumes.adopt import adopt, plan_adoption, rehearse_adoption
    from devenv_lib.volumes.archive import Archive, opened
    from devenv_lib.volumes.backup import Backup, backup, check_directory, plan_backup
    from devenv_lib.volumes.clone import Cloned, clone, plan_clone
    from devenv_lib.volumes.compression import SUFFIXES, Compression, best
    from devenv_lib.volumes.ensure import check_claims, ensure
    from devenv_lib.volumes.examine import VolumeReport, examine
    from devenv_lib.volumes.filling import settle
    from devenv_lib.volumes.hold import clear_up
    from devenv_lib.volumes.inward import copy_in
    from devenv_lib.volumes.measuring import WALK, measure
    from devenv_lib.volumes.outward import copy_out
    from devenv_lib.volumes.partial import remove_left
    from devenv_lib.volumes.provision import provision
    from devenv_lib.volumes.remove import Removal, plan_removal, remove
    from devenv_lib.volumes.repair import Repair, plan_repair, rehearse_repair, repair
    from devenv_lib.volumes.restore import Restored, plan_restore, restore
    from devenv_lib.volumes.saved import check_saved
    from devenv_lib.volumes.tree import last_changes

__all__ = [
    "SUFFIXES",
    "WALK",
    "Archive",
    "Backup",
    "Cloned",
    "Compression",
    "Removal",
    "Repair",
    "Restored",
    "VolumeReport",
    "adopt",
    "backup",
    "best",
    "check_claims",
    "check_directory",
    "check_saved",
    "clear_up",
    "clone",
    "copy_in",
    "copy_out",
    "ensure",
    "examine",
    "last_changes",
    "measure",
    "opened",
    "plan_adoption",
    "plan_backup",
    "plan_clone",
    "plan_removal",
    "plan_repair",
    "plan_restore",
    "provision",
    "rehearse_adoption",
    "rehearse_repair",
    "remove",
    "remove_left",
    "repair",
    "restore",
    "settle",
]

lazily(
    __name__,
    {
        "adopt": ("adopt", "plan_adoption", "rehearse_adoption"),
        "archive": ("Archive", "opened"),
        "backup": ("Backup", "backup", "check_directory", "plan_backup"),
        "clone": ("Cloned", "clone", "plan_clone"),
        "compression": ("SUFFIXES", "Compression", "best"),
        "ensure": ("check_claims", "ensure"),
        "examine": ("VolumeReport", "examine"),
        "filling": ("settle",),
        "hold": ("clear_up",),
        "inward": ("copy_in",),
        "measuring": ("WALK", "measure"),
        "outward": ("copy_out",),
        "partial": ("remove_left",),
        "provision": ("provision",),
        "remove": ("Removal", "plan_removal", "remove"),
        "repair": ("Repair", "plan_repair", "rehearse_repair", "repair"),
        "restore": ("Restored", "plan_restore", "restore"),
        "saved": ("check_saved",),
        "tree": ("last_changes",),
    },
)
