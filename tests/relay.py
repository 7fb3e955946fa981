"""A relay between devenv and the engine's socket, over TCP or another socket, that can be cut."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def relay(engine: str, *, cut_after: int = 0, unix: bool = False) -> Iterator[str]:
    """Give the address of a relay to ``engine`` that cuts at the n-th request, if asked to.

    It then cuts whatever else is open, too, as an engine that dies would.
    """
    with tempfile.TemporaryDirectory() as directory, _listen(directory, unix=unix) as server:
        count = [cut_after or -1]
        ends: list[socket.socket] = []
        accepting = threading.Thread(
            target=_accept, args=(server, engine, count, ends), daemon=True
        )
        accepting.start()
        name = server.getsockname()
        yield f"unix://{name}" if unix else f"tcp://{name[0]}:{name[1]}"
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        accepting.join(timeout=5)


def _listen(directory: str, *, unix: bool) -> socket.socket:
    server = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
    server.bind(str(Path(directory) / "relay.sock") if unix else ("127.0.0.1", 0))
    server.listen()
    return server


def _accept(
    server: socket.socket, engine: str, count: list[int], ends: list[socket.socket]
) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(client, engine, count, ends), daemon=True).start()


def _serve(client: socket.socket, engine: str, count: list[int], ends: list[socket.socket]) -> None:
    with client, socket.socket(socket.AF_UNIX) as upstream:
        upstream.connect(engine)
        ends += (client, upstream)
        back = threading.Thread(target=_copy, args=(upstream, client), daemon=True)
        back.start()
        with suppress(OSError):
            while data := client.recv(65536):
                if data.startswith((b"GET ", b"POST ", b"PUT ", b"HEAD ", b"DELETE ")):
                    count[0] -= 1
                if count[0] == 0:
                    count[0] = 1  # and every request after it is cut too
                    break
                upstream.sendall(data)
        for end in ends if count[0] == 1 else (client, upstream):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        back.join(timeout=5)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
