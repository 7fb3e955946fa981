"""Loopback: which ports of this machine are taken, and by whom."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from devenv_lib.loopback import busy

HERE = (
    f"{Path('/proc/self/comm').read_text().strip()}, process {os.getpid()}"
    if Path("/proc/self/comm").exists()
    else ""
)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
def test_a_port_that_something_listens_on_is_busy(address: str) -> None:
    """The program is named, this one."""
    with socket.socket() as taken:
        taken.bind((address, 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = busy([port, 0])
    assert set(found) == {port}
    assert found[port] == (HERE if sys.platform == "linux" else "")
    assert busy([port]) == {}


def test_connections_that_have_ended_are_in_nobodys_way() -> None:
    """The server's side closes first, and its port lingers a minute."""
    with socket.socket() as server, socket.socket() as client:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        client.connect(("127.0.0.1", port))
        server.accept()[0].close()
    assert busy([port]) == {}
