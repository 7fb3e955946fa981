"""Whatever comes from the host is read-only, but for the project and what settings ask for."""

from __future__ import annotations

from devenv_lib.checks.look import Seen, attempt
from devenv_lib.records import MountPoint


def test_mount_refuses_a_write(mount: MountPoint, seen: Seen) -> None:
    """A new file in a directory is refused, and so is opening a file for writing.

    Nothing is written to a file that is there, so that none is harmed where the promise is
    broken. That the user may not write would be no proof: the mount has to be read-only too.
    """
    options = seen.mounts.get(mount.target)
    assert options is not None, f"inside, nothing is mounted at {mount.target}"
    said = seen.said(*attempt(mount))
    assert said not in ("written", "opened"), (
        f"{mount.target} can be written from inside, and it is {mount.source} of this machine. "
        "To mount it read-only: inv run --recreate"
    )
    assert "ro" in options, (
        f"{mount.target} is mounted writable; a write was refused only by its owner and mode "
        f"({said or 'it is no file or directory'}). To mount it read-only: inv run --recreate"
    )


def test_host_file_is_unchanged(mount: MountPoint, seen: Seen) -> None:
    """After the attempt to write, the host has what it had before."""
    before, after = seen.before[mount.source], seen.after[mount.source]
    assert before == after, f"{mount.source} of this machine changed while {mount.target} was tried"
