"""The directories of symlinks on the host that stand in for configuration with lockfiles."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from devenv_lib.errors import DevenvError
from devenv_lib.mounts import LockDirectory, MountPlan


def make_links(plan: MountPlan) -> None:
    """Bring the directories of links that a plan mounts up to date.

    What is running sees it at once. Two processes may do it at the same time.

    Raises:
        DevenvError: a directory cannot be written.
    """
    for lock in plan.locks:
        try:
            _make(lock, Path(lock.source))
        except OSError as error:
            raise DevenvError(
                f"The links for {lock.target} could not be written: {error}.",
                "Make that place writable, or choose another: XDG_STATE_HOME=DIRECTORY inv run",
            ) from None


def _make(lock: LockDirectory, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)  # another uid reads it, whatever this user's umask
    links = lock.links
    for entry in directory.iterdir():
        with suppress(FileNotFoundError):  # another process was first
            if entry.is_symlink() and str(entry.readlink()) != str(links.get(entry.name)):
                entry.unlink()
    for name, target in links.items():
        with suppress(FileExistsError):
            (directory / name).symlink_to(target)
