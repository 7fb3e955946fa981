"""Which ports of this machine's ``127.0.0.1`` something listens on, and what it is."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from devenv_lib.records import LOOPBACK

_LISTENS = "0A"


def busy(ports: Iterable[int]) -> Mapping[int, str]:
    """Return those of ``ports`` that are taken, each with its program, such as ``nc, process 7``.

    The program is empty where this user may not see it. Port 0 is never taken.
    """
    return {port: _program(port) for port in ports if port and _is_taken(port)}


def _is_taken(port: int) -> bool:
    """Whether a server could not listen there; one that only root may take is not taken."""
    with socket.socket() as probe:
        # As servers do: else connections that have just ended would count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _program(port: int) -> str:
    """Return who listens on a port, as far as Linux tells this user."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(str(fd.readlink()) in sockets for fd in (process / "fd").iterdir()):
                name = (process / "comm").read_text().strip()
                return f"{name}, process {process.name}"
    return ""


def _inodes(port: int) -> Iterator[str]:
    """Yield the sockets that listen on a port."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENS and fields[1].endswith(f":{port:04X}"):
                    yield fields[9]
