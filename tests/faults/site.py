"""The place where an engine breaks down: ended and started again, or without room on a disk.

Only a throw-away engine of the catalogue's `BREAKABLE` is ever touched.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from tests.engines import machinery
from tests.engines.bootstrap import EngineTrouble
from tests.engines.catalogue import BREAKABLE, ThrowAway

#: Seconds that an engine has to end and to answer again, and between looks.
_PATIENCE, _PAUSE = 60.0, 0.02
#: Bytes that a nearly full disk has left: enough for some names, not for a file.
_NEARLY = 64 << 10
#: Bytes of the host's small disk.
_HOST_DISK = 8 << 20
_SERVERS = ("dockerd", "podman")


class Breakdown(Enum):
    """What happens at a request, on the engine's machine."""

    #: The engine is killed, and is started again at once, which takes a second or two.
    KILLED = auto()
    #: The engine is ended in order, and the request comes when it is there again.
    RESTARTED = auto()
    #: There is no room left on its disk, until the command has ended.
    FULL = auto()
    #: There is hardly any.
    NEARLY_FULL = auto()
    #: There is no room left where the host keeps archives and copies.
    HOST_FULL = auto()

    @property
    def ends_engine(self) -> bool:
        return self in (Breakdown.KILLED, Breakdown.RESTARTED)


@dataclass(frozen=True)
class Site:
    """A throw-away engine that runs, and the directory where a small disk of the host is."""

    engine: ThrowAway
    host: Path

    def strike(self, kind: Breakdown) -> None:
        """Let it happen."""
        match kind:
            case Breakdown.KILLED:
                self.end(signal.SIGKILL)
                self.engine.down.unlink()
            case Breakdown.RESTARTED:
                self.end(signal.SIGTERM)
                self.mend()
            case Breakdown.FULL:
                _fill(self._ballast, 0)
            case Breakdown.NEARLY_FULL:
                _fill(self._ballast, _NEARLY)
            case Breakdown.HOST_FULL:
                _fill(self.host / "ballast", 0)

    def end(self, number: signal.Signals) -> None:
        """End the engine and not its namespaces, and wait until it is gone."""
        server = self._server()
        self.engine.ending.touch()
        os.kill(server, number)
        self._wait(self.engine.down.exists, "end")

    def mend(self) -> None:
        """Have the engine answer, and room on the disks."""
        for ballast in (self._ballast, self.host / "ballast"):
            with suppress(FileNotFoundError):
                ballast.unlink()
                _settled(ballast.parent)
        self.engine.down.unlink(missing_ok=True)
        self._wait(lambda: machinery.answers(self.engine), "come back")

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not done():
            if time.monotonic() > deadline:
                raise EngineTrouble(f"{self.engine.name} does not {what}")
            time.sleep(_PAUSE)

    @property
    def _ballast(self) -> Path:
        """A file on the engine's disk, as it is to be seen from here."""
        return Path(f"/proc/{machinery.first_of(self.engine)}/root/var/lib/engine/ballast")

    def _server(self) -> int:
        """Return the number, here, of the engine's process."""
        first = machinery.first_of(self.engine)
        for child in Path(f"/proc/{first}/task/{first}/children").read_text().split():
            with suppress(OSError):
                if Path(f"/proc/{child}/comm").read_text().strip() in _SERVERS:
                    return int(child)
        raise EngineTrouble(f"{self.engine.name} is not there to be ended")


@contextmanager
def site(url: str, host: Path) -> Iterator[Site]:
    """Give the throw-away engine at ``url``, with a small disk of the host's at ``host``.

    Raises:
        EngineTrouble: it is none that may break down.
    """
    found = next((engine for engine in BREAKABLE if engine.url == url), None)
    if found is None:
        raise EngineTrouble(f"{url} is no engine that may break down: inv dev.faults")
    host.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={_HOST_DISK},mode=0755", "faults", str(host)]
    subprocess.run(words, check=True)
    made = Site(found, host)
    with ExitStack() as ending:  # each, if another fails
        ending.callback(subprocess.run, ["umount", str(host)], check=True)
        ending.callback(made.mend)
        yield made


def _fill(ballast: Path, left: int) -> None:
    """Leave no more than ``left`` bytes on a file's disk."""
    with ballast.open("wb") as file:
        size, piece = 0, 1 << 30
        while piece >= 4096:
            room = os.statvfs(file.fileno())
            if room.f_bavail * room.f_frsize - left < piece:
                piece //= 2
                continue
            try:
                os.posix_fallocate(file.fileno(), size, piece)
            except OSError:
                piece //= 2
            else:
                size += piece
    _settled(ballast.parent)


def _settled(directory: Path) -> None:
    """Have a disk know what is free: what was freed is so when it is written down."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
