"""Each volume is where it should be, and the user's to write."""

from __future__ import annotations

from devenv_lib.checks.look import Seen
from devenv_lib.checks.subject import Subject
from devenv_lib.plans.remedies import no_room
from devenv_lib.records import MountPoint


def test_volume_is_mounted(volume: MountPoint, subject: Subject, seen: Seen) -> None:
    """The engine has this volume at its place, and inside something is mounted there."""
    there = [one for one in subject.mounts if one.target == volume.target]
    named = ", ".join(one.source for one in there) or "nothing"
    assert volume in there, (
        f"{named} is mounted at {volume.target} instead of the volume {volume.source}. "
        "To mount it: inv run --recreate"
    )
    assert volume.target in seen.mounts, f"inside, nothing is mounted at {volume.target}"


def test_volume_is_writable(volume: MountPoint, subject: Subject, seen: Seen) -> None:
    """The user makes a file at its top, reads it back and removes it."""
    said = seen.said("new", volume.target)
    owner = f"If its owner is wrong: {subject.repair} --name {volume.source}"
    assert said == "written", (
        f"the user cannot write {volume.target}: {said or 'no answer'}. {no_room(said) or owner}"
    )


def test_volume_belongs_to_the_user(volume: MountPoint, subject: Subject, seen: Seen) -> None:
    """Its top is the user's: another owner could shut the user out at any time."""
    owner = seen.said("owner", volume.target) or "unknown"
    assert owner == str(subject.uid), (
        f"the owner of {volume.target} is {owner}, the user inside is {subject.uid}. "
        f"To mend it: {subject.repair} --name {volume.source}"
    )
