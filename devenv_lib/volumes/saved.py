"""Whether what was saved can be had back, before what it is of goes."""

from __future__ import annotations

from pathlib import Path

from devenv_lib import texts
from devenv_lib.errors import DevenvError, Refused
from devenv_lib.volumes.archive import opened
from devenv_lib.volumes.backup import Backup


def check_saved(saved: Backup, otherwise: str) -> None:
    """Read a new archive again, as a restore of it would, and see that all is in it.

    ``otherwise`` says what has not happened then, such as ``Nothing was removed``.

    Raises:
        Refused: it is not what was written, or a restore would refuse it.
    """
    try:
        with opened(Path(saved.path)) as archive:
            files = archive.files
    except DevenvError as error:
        raise Refused(f"{otherwise}: {error}", error.hint) from None
    if files != saved.manifest.files:
        entries = texts.counted(files, "entry", "entries")
        raise Refused(
            f"{otherwise}: {saved.path} has {entries}, and {saved.manifest.files} were expected.",
            "Somebody may have used the volume meanwhile: repeat the command.",
        )
