"""Make an engine's root file system out of Debian's archive."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from threading import Lock

from devenv_lib.setup.machine import install
from tests.engines.catalogue import ARCHIVE, ThrowAway

_KEYRINGS = "/usr/share/keyrings/debian-archive-{}-{}.gpg"
#: A suite that is being made may change between its index and its packages: then once more.
_ATTEMPTS = 2
_SHOWN = 2000
_installing = Lock()


class EngineTrouble(Exception):
    """An engine could not be made or started; the message says why, and where its log is."""


def bootstrap(engine: ThrowAway) -> None:
    """Make the root file system, whole or not at all.

    Raises:
        EngineTrouble: it cannot be made, with the last words and the place of the whole log.
    """
    with _installing:
        if shutil.which("mmdebstrap") is None:
            install(["mmdebstrap", "debian-archive-keyring"])
    log, begun = engine.directory / "making.log", engine.root.with_name("root.begun")
    with log.open("wb") as said:
        for _ in range(_ATTEMPTS):
            shutil.rmtree(begun, ignore_errors=True)
            words = words_for(engine, begun)
            if subprocess.run(words, stdout=said, stderr=said, check=False).returncode == 0:
                begun.rename(engine.root)
                return
    shutil.rmtree(begun, ignore_errors=True)
    last = log.read_text(errors="replace")[-_SHOWN:]
    raise EngineTrouble(
        f"{engine.name} could not be made from {ARCHIVE} ({engine.suite}), {_ATTEMPTS} times; all "
        f"of it is in {log}, which ends: {last}"
    )


def words_for(engine: ThrowAway, directory: Path) -> list[str]:
    """Return the command line that makes an engine's root file system in a directory."""
    keys = [_KEYRINGS.format(engine.keyring, kind) for kind in ("stable", "automatic")]
    return [
        *("mmdebstrap", "--variant=minbase"),
        *(f"--keyring={key}" for key in keys),
        # A mirror's copy of a suite that is being made may be older than its own date allows.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        # A download that fails is begun again, after 1, 2, 4, … seconds.
        '--aptopt=Acquire::Retries "5"',
        '--aptopt=Acquire::http::Timeout "30"',
        f"--include={','.join(engine.packages)}",
        *(engine.suite, str(directory), ARCHIVE),
    ]
