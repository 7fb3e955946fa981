"""A lockfile in read-only configuration is written in place, persists, and is all that is."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from devenv_lib.checks.look import Seen, identity
from devenv_lib.checks.subject import Lockfile, Subject, covering


def test_lockfile_is_written_in_place(lock: Lockfile, seen: Seen) -> None:
    """Programs can open it for writing at its usual place; what is in it stays as it is."""
    said = seen.said("append", lock.place)
    assert said == "opened", (
        f"{lock.place} cannot be opened for writing: {said or 'no answer'}. inv run --recreate"
    )


def test_lockfile_survives_recreation(lock: Lockfile, subject: Subject, seen: Seen) -> None:
    """It lies on a volume.

    Nobody's environment is recreated to show it: what `inv run --recreate` throws away is the
    container's own layer, and what it keeps are volumes. So the file, all symlinks followed,
    has to be on the mount that is the volume for it.
    """
    place, _ = identity(lock, seen)
    on = covering(seen.mounts, place)
    volume = next((m for m in subject.mounts if m.target == on and m.kind == "volume"), None)
    assert place, f"there is no {lock.place}. inv run --recreate"
    assert volume is not None, f"{lock.place} is {place} inside, which is not on a volume"
    assert on == lock.volume, f"{lock.place} is on the volume {volume.source}, which is not for it"


def test_lockfile_of_the_host_stays(lock: Lockfile, seen: Seen) -> None:
    """It is another file than the host's, and that one did not change when it was opened."""
    assert seen.before[lock.host] == seen.after[lock.host], f"{lock.host} changed"
    try:
        found = Path(lock.host).stat()
    except OSError:
        return  # the host has none, and got none
    _, inside = identity(lock, seen)
    major_minor = f"{found.st_dev}:{found.st_ino}"
    assert inside != major_minor, (
        f"{lock.place} is the host's own file {lock.host}. To part them: inv run --recreate"
    )


def test_nothing_is_planted_beside_the_lockfile(lock: Lockfile, seen: Seen) -> None:
    """No new file can be made where programs would load it as configuration."""
    directory = str(PurePosixPath(lock.place).parent)
    said = seen.said("new", directory)
    assert said.startswith("refused"), (
        f"a file can be made in {directory}, beside the lockfile: {said or 'no answer'}. "
        "inv run --recreate"
    )
