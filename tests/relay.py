"""A relay between devenv and the engine's socket that counts requests, and fails at one of them.

It goes by how clients behave: they send a request's head in one piece, and wait for the answer
before the next one on the same connection.
"""

from __future__ import annotations

import json
import re
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from math import inf
from pathlib import Path

_METHODS = (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"DELETE ")
#: What a request that is refused is answered, after how many seconds a late one is passed on, and
#: after how many bytes behind a torn one its connection ends.
REFUSAL = "the fault suite refuses this request"
_LATE, _TORN = 1.0, 500
_END = b"\r\n\r\n"
#: What says in an answer's head that there is no body.
_EMPTY = re.compile(rb"HTTP/1.\d [23]04|\r\ncontent-length: 0\r\n", re.IGNORECASE)


class Fault(Enum):
    """What happens at a request."""

    #: The engine dies before it: all connections end, and nobody answers any more.
    DIES = auto()
    #: Its connection ends before it came to the engine, which goes on answering others.
    CUT = auto()
    #: The engine carries it out, and its connection ends before the answer.
    LOST = auto()
    #: The engine carries it out, and its connection ends in the middle of what it answers first,
    #: or of what is streamed to it.
    TORN = auto()
    #: It is answered with status 500 and does not come to the engine.
    REFUSED = auto()
    #: It comes to the engine a second later.
    LATE = auto()


@dataclass
class _Passing:
    """What passes on a connection, both ways: all, unless the request under way has a fault.

    ``left`` are the client's bytes that may still pass.
    """

    fault: Fault | None = None
    left: float = inf
    bodiless: bool = False
    _headed: bool = False

    def expect(self, request: bytes, fault: Fault | None) -> None:
        """Begin with a request."""
        self.fault, self._headed = fault, False
        self.left = len(request) + _TORN if fault is Fault.TORN else inf
        self.bodiless = request.startswith(b"HEAD ")

    def asked(self, data: bytes) -> bytes:
        """Return as much of what the client sends as may pass."""
        passed = data if self.left == inf else data[: max(0, int(self.left))]
        self.left -= len(data)
        return passed

    def answered(self, data: bytes) -> bytes:
        """Return as much of what the engine sends as may pass."""
        if self.fault is Fault.TORN:
            return self._half(data)
        return b"" if self.fault is Fault.LOST else data

    def _half(self, data: bytes) -> bytes:
        """Return half of the first piece of a body, behind its head; half a head that has none."""
        head, _, body = (b"", b"", data) if self._headed else data.partition(_END)
        self._headed = True
        if body:
            return data[: len(data) - len(body) + len(body) // 2]
        return data[: len(data) // 2] if self.bodiless or _EMPTY.search(head + b"\r\n") else data


@dataclass
class Relay:
    """A relay to the socket ``engine``, its address, and the requests that came so far.

    At the request number ``at``, which counts from 1, ``fault`` happens, or where ``when`` says
    so of all requests up to one. ``before`` is called there first: somebody may be killed while
    the engine carries the request out. ``struck`` is whether it did happen: an answer was really
    withheld, for one.
    """

    engine: str
    at: int = 0
    fault: Fault | None = None
    before: Callable[[], None] | None = None
    url: str = ""
    when: Callable[[Sequence[str]], bool] | None = None
    requests: list[str] = field(default_factory=list)
    struck: bool = False
    _dead: bool = False
    _ends: list[socket.socket] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def reached(self) -> bool:
        """Whether the request came that the fault is for, or would be: see ``struck``."""
        return 0 < self.at <= len(self.requests)

    def accept(self, server: socket.socket) -> None:
        """Serve whoever connects, until the server's socket is closed."""
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def end(self) -> None:
        """End all connections."""
        self._dead = True
        _shut(*self._ends)

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as upstream:
            if self._dead:
                return
            try:
                upstream.connect(self.engine)
            except OSError:  # it is down
                return
            self._ends += (client, upstream)
            passing = _Passing()
            back = threading.Thread(
                target=self._copy, args=(upstream, client, passing), daemon=True
            )
            back.start()
            with suppress(OSError):
                while data := client.recv(65536):
                    if data.startswith(_METHODS):
                        hit = self._is_hit(data)
                        passing.expect(data, self.fault if hit else None)
                        if hit and not self._goes_on(client):
                            break
                    upstream.sendall(passed := passing.asked(data))
                    if len(passed) < len(data):
                        self.struck = True
                        break
                else:
                    upstream.shutdown(socket.SHUT_WR)
                    back.join()  # it may still be answered: stdin of a program has ended
            _shut(client, upstream)
            back.join(timeout=5)

    def _is_hit(self, data: bytes) -> bool:
        """Note a request, and return whether it is the one with the fault, or after a death."""
        with self._lock:
            method, path, _ = data.split(b" ", 2)
            self.requests.append(f"{method.decode()} {path.partition(b'?')[0].decode()}")
            number = len(self.requests)
            if self.when and not self.at and self.when(self.requests):
                self.at = number
            return self._dead or number == self.at

    def _goes_on(self, client: socket.socket) -> bool:
        """Let the fault happen, and return whether the request is passed on."""
        if self.before and not self._dead:
            self.before()
        later = self.fault in (Fault.LOST, Fault.TORN)
        self.struck = self.struck or not later
        match self.fault:
            case Fault.DIES:
                self.end()
            case Fault.REFUSED:
                _refuse(client)
            case Fault.LATE:
                time.sleep(_LATE)
        return later or self.fault in (Fault.LATE, None)

    def _copy(self, source: socket.socket, target: socket.socket, passing: _Passing) -> None:
        """Copy what the engine says, until something of it is withheld."""
        with suppress(OSError):
            while data := source.recv(65536):
                passed = passing.answered(data)
                self.struck = self.struck or len(passed) < len(data)
                target.sendall(passed)
                if len(passed) < len(data):
                    _shut(source, target)
                    return
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextmanager
def relay(
    engine: str,
    *,
    at: int = 0,
    fault: Fault | None = Fault.DIES,
    before: Callable[[], None] | None = None,
    unix: bool = False,
) -> Iterator[Relay]:
    """Give a relay to ``engine``, over TCP or another socket, that fails at the n-th request."""
    with tempfile.TemporaryDirectory() as directory, _listen(directory, unix=unix) as server:
        name = server.getsockname()
        url = f"unix://{name}" if unix else f"tcp://{name[0]}:{name[1]}"
        made = Relay(engine, at, fault, before, url)
        accepting = threading.Thread(target=made.accept, args=(server,), daemon=True)
        accepting.start()
        try:
            yield made
        finally:
            _shut(server)
            accepting.join(timeout=5)
            made.end()


def _listen(directory: str, *, unix: bool) -> socket.socket:
    server = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
    server.bind(str(Path(directory) / "relay.sock") if unix else ("127.0.0.1", 0))
    server.listen(64)
    return server


def _refuse(client: socket.socket) -> None:
    """Answer with an error, and read what was still being sent: else the answer may be lost."""
    body = json.dumps({"message": REFUSAL}).encode()
    head = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close"
    client.sendall(f"HTTP/1.1 500 {REFUSAL}\r\n{head}\r\n\r\n".encode() + body)
    client.shutdown(socket.SHUT_WR)
    client.settimeout(5)
    while client.recv(65536):
        pass


def _shut(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
