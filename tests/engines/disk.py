"""Where a throw-away engine keeps its data: a directory, or a disk of a fixed size."""

from __future__ import annotations

import subprocess

from tests.engines.catalogue import ThrowAway


def make_data(engine: ThrowAway) -> None:
    """Make the directory for an engine's data, or the file that is its disk, unless it is there."""
    if not engine.size:
        engine.data.mkdir(exist_ok=True)
    elif not engine.data.exists():
        begun = engine.data.with_name("disk.begun")
        with begun.open("wb") as file:
            file.truncate(engine.size)
        # Nothing is kept back for root, whom the engine's disk is to be full for too.
        words = ["mkfs.ext4", "-q", "-F", "-m", "0", str(begun)]
        subprocess.run(words, check=True, capture_output=True)
        begun.rename(engine.data)
