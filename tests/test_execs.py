"""Execs: what an engine sends is all taken, however it arrives."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import docker
import pytest

from devenv_lib.engine import Endpoint, Engine
from devenv_lib.errors import EngineFailure


class _Engine(BaseHTTPRequestHandler):
    """An engine that sends a program's output together with the head of its answer."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[tuple[str, Any]]] = []

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append((self.path.rpartition("/")[2], json.loads(asked)))
        if self.path.endswith("/gone/exec"):
            self._answer(404, b'{"message": "No such container: gone"}', "Content-Length: 38")
        elif self.path.endswith("/exec"):
            self._answer(201, b'{"Id": "e"}', "Content-Length: 11")
        else:
            frames = b"\x01\0\0\0\0\0\0\x04one\n" + b"\x02\0\0\0\0\0\0\x04two\n"
            self._answer(200, frames, "Content-Type: application/vnd.docker.raw-stream")
            self.close_connection = True

    def do_GET(self) -> None:
        body = json.dumps({"Running": False, "ExitCode": 3}).encode()
        self._answer(200, body, f"Content-Length: {len(body)}")

    def _answer(self, status: int, body: bytes, header: str) -> None:
        self.wfile.write(f"HTTP/1.1 {status} So\r\n{header}\r\n\r\n".encode() + body)


@pytest.fixture
def served() -> Iterator[Engine]:
    _Engine.asked.clear()
    server = HTTPServer(("127.0.0.1", 0), _Engine)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    client = docker.APIClient(base_url=url, version="1.41")
    yield Engine(client, Endpoint(url, "the test"))
    client.close()
    server.shutdown()
    thread.join()
    server.server_close()


def test_output_that_comes_with_the_answers_head_is_not_lost(served: Engine) -> None:
    """docker-py's own call lost it, so that an image seemed to have no programs."""
    assert served.run("c", ["true"]) == (3, "one\ntwo\n")


def test_a_program_for_a_container_that_is_gone_is_a_failure(served: Engine) -> None:
    with pytest.raises(EngineFailure, match="No such container"):
        served.run("gone", ["true"])


@pytest.mark.parametrize("user", ["1000:1000", ""])
def test_a_program_is_that_users_and_found_in_the_system_alone(served: Engine, user: str) -> None:
    """An image's own PATH may begin in a shared volume."""
    served.run("c", ["ls", "-l"], user)
    (created,) = [asked for action, asked in _Engine.asked if action == "exec"]
    kept = {key: created[key] for key in ("Cmd", "User", "Env", "WorkingDir", "Privileged", "Tty")}
    assert kept == {
        "Cmd": ["ls", "-l"],
        "User": user,
        "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
        "WorkingDir": "/",
        "Privileged": False,
        "Tty": False,
    }
