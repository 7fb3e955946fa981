"""Connect: four kinds of no engine, each from a real failure, and each with its remedy."""

from __future__ import annotations

import errno
import gc
import json
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer
from typing import Any

import pytest
import requests
import urllib3

from devenv_lib.engine import connect as connect_to
from devenv_lib.engine import engine_program
from devenv_lib.engine.endpoint import Endpoint
from devenv_lib.engine.reach import diagnose
from devenv_lib.errors import (
    EngineNoPermission,
    EngineNotInstalled,
    EngineNotRunning,
    EngineTooOld,
    EngineUnavailable,
    UnknownContext,
)


def refused(environ: dict[str, str]) -> EngineUnavailable:
    """Return how connecting fails."""
    with warnings.catch_warnings():
        # docker-py leaves the socket of a failed attempt to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        with pytest.raises(EngineUnavailable) as caught:
            connect_to(environ)
        error = caught.value.with_traceback(None)
        error.__context__ = None
        del caught
        gc.collect()
    return error


def host(path: Path) -> dict[str, str]:
    return {"DOCKER_HOST": f"unix://{path}"}


def default(path: Path) -> Endpoint:
    """Return an endpoint that nobody named, at ``path``."""
    return Endpoint(f"unix://{path}", "the default", "default")


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Path]:
    """A socket that nobody listens on, as a killed engine leaves it."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
        yield path


def met(endpoint: Endpoint) -> BaseException:
    """Return what the HTTP library raises when it connects to nothing, with its causes."""
    path = str(endpoint.socket)
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
        except OSError as error:
            aborted = urllib3.exceptions.ProtocolError("Connection aborted.", error)
            return requests.exceptions.ConnectionError(aborted)
    raise AssertionError(f"somebody listens at {path}")


def test_a_named_engine_whose_socket_is_missing_is_not_running(tmp_path: Path) -> None:
    """Somebody said that it is there, so nothing is to be installed."""
    error = refused(host(tmp_path / "no.sock"))

    assert isinstance(error, EngineNotRunning)
    assert f"No engine answers at unix://{tmp_path}/no.sock, chosen by DOCKER_HOST" in str(error)
    assert "No such file or directory" in str(error)
    assert "unset DOCKER_HOST" in error.hint


def test_a_named_engine_that_nobody_listens_for_is_not_running(silent: Path) -> None:
    error = refused(host(silent))

    assert isinstance(error, EngineNotRunning)
    assert "Connection refused" in str(error)


def test_a_named_engine_on_a_network_that_refuses_is_not_running() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        error = refused({"DOCKER_HOST": f"tcp://127.0.0.1:{port}"})

    assert isinstance(error, EngineNotRunning)
    assert f"tcp://127.0.0.1:{port}" in str(error)


def test_the_default_engine_that_nobody_listens_for_is_not_running(silent: Path) -> None:
    """Its socket is there, so it was installed: the advice is to start it."""
    error = diagnose(default(silent), met(default(silent)))

    assert isinstance(error, EngineNotRunning)
    assert "is not running: Connection refused." in str(error)
    assert error.hint.startswith("Start it: inv setup")


def test_the_default_engine_without_socket_and_program_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The docker program alone is no engine."""
    monkeypatch.setattr("devenv_lib.engine.reach.engine_program", lambda: None)
    endpoint = default(tmp_path / "no.sock")
    error = diagnose(endpoint, met(endpoint))

    assert isinstance(error, EngineNotInstalled)
    assert "No Docker engine is installed" in str(error)
    assert error.hint == "Install one: inv setup"


def test_the_default_engine_without_socket_whose_program_is_there_is_not_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devenv_lib.engine.reach.engine_program", lambda: "/usr/sbin/dockerd")
    endpoint = default(tmp_path / "no.sock")

    assert isinstance(diagnose(endpoint, met(endpoint)), EngineNotRunning)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
@pytest.mark.parametrize("context", ["default", ""])
def test_a_socket_that_may_not_be_used_is_a_matter_of_permission(number: int, context: str) -> None:
    """Whoever chose it; with the command that joins the group, and what that means."""
    cause = PermissionError(number, "Permission denied")
    error = diagnose(
        Endpoint("unix:///var/run/docker.sock", "the default", context),
        requests.exceptions.ConnectionError(("Connection aborted.", cause), cause),
    )

    assert isinstance(error, EngineNoPermission)
    assert "unix:///var/run/docker.sock" in str(error)
    assert "usermod -aG docker" in error.hint
    assert "root on this machine" in error.hint


def test_a_cause_that_is_only_chained_is_found() -> None:
    """The client library raises its own error from the HTTP library's."""
    error = RuntimeError("outer")
    error.__cause__ = PermissionError(errno.EACCES, "no")

    assert isinstance(diagnose(Endpoint("unix:///x", "x"), error), EngineNoPermission)


def test_a_failure_without_a_system_error_is_told_in_its_own_first_line() -> None:
    error = diagnose(Endpoint("tcp://a", "DOCKER_HOST"), RuntimeError("no such host\nmore"))

    assert isinstance(error, EngineNotRunning)
    assert str(error).endswith("no such host.")


def test_an_engine_over_ssh_says_what_has_to_be_installed() -> None:
    """The client library needs another one for that."""
    cause = RuntimeError("Install paramiko package to enable ssh:// support")
    error = diagnose(Endpoint("ssh://a", "DOCKER_HOST"), cause)

    assert "over ssh" in str(error)
    assert "docker[ssh]" in error.hint


@pytest.mark.parametrize("url", ["nonsense", "tcp://[::1", "tcp://127.0.0.1:99999"])
def test_what_is_no_address_is_said_to_be_none(url: str) -> None:
    """Instead of an engine that does not answer."""
    error = refused({"DOCKER_HOST": url})

    assert f"{url!r}, chosen by DOCKER_HOST, is not an engine's address." == str(error)
    assert "unix:///var/run/docker.sock" in error.hint


@pytest.mark.parametrize("url", ["unix://", "unix://run/docker.sock", "http+unix://"])
def test_a_local_address_without_a_whole_path_is_refused_before_anything_is_connected_to(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client library would take the default socket instead, an engine that nobody named."""

    def connected(**_: object) -> None:
        raise AssertionError(f"{url} was connected to")

    monkeypatch.setattr("devenv_lib.engine.reach.docker.APIClient", connected)
    error = refused({"DOCKER_HOST": url})

    assert isinstance(error, EngineNotRunning)
    assert f"{url!r}, chosen by DOCKER_HOST, is not an engine's address." == str(error)


def test_the_four_kinds_have_four_messages_and_four_remedies(
    tmp_path: Path, silent: Path, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is sent to install what only has to be started."""
    monkeypatch.setattr("devenv_lib.engine.reach.engine_program", lambda: None)
    missing = default(tmp_path / "no.sock")
    errors = [
        diagnose(missing, met(missing)),
        diagnose(default(silent), met(default(silent))),
        diagnose(missing, PermissionError(errno.EACCES, "no")),
        refused(host(old)),
    ]

    kinds = {EngineNotInstalled, EngineNotRunning, EngineNoPermission, EngineTooOld}
    assert kinds == {type(error) for error in errors}
    assert len({error.hint for error in errors}) == 4


class Ancient(BaseHTTPRequestHandler):
    """An engine that knows nothing but its version."""

    api = "1.40"

    def do_GET(self) -> None:
        """Answer whatever is asked."""
        body = json.dumps({"ApiVersion": self.api, "Version": "19.03"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """Return nothing: a socket's peer has no address."""
        return ""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def served(path: Path, handler: type[BaseHTTPRequestHandler]) -> Iterator[Path]:
    """Have an engine answer at a socket."""
    with UnixStreamServer(str(path), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield path
        server.shutdown()
        thread.join()


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    """The socket of an engine that is too old."""
    with served(tmp_path / "old.sock", Ancient) as path:
        yield path


def test_every_request_has_the_headers_that_docker_is_configured_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy before the engine may ask for one. Those too that docker-py does not make."""
    tokens: dict[str, str | None] = {}

    class Guarded(Ancient):
        api = "1.41"

        def do_GET(self) -> None:
            tokens[self.path.partition("?")[0]] = self.headers["X-Token"]
            super().do_GET()

    (tmp_path / "config.json").write_text('{"HttpHeaders": {"X-Token": "mine"}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with served(tmp_path / "new.sock", Guarded) as path:
        engine = connect_to(host(path))
        engine.volumes()
        assert engine._sizes() == {}
    assert tokens.pop("/v1.41/system/df") == "mine"
    assert set(tokens.values()) == {"mine"}


@pytest.mark.parametrize(
    "headers",
    ['"secret"', '[["X", "secret"]]', '{"X": ["secret"]}', '{"X": "secret\\n"}', '{"X": 7}'],
)
def test_headers_that_cannot_be_sent_are_the_configurations_fault(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, headers: str
) -> None:
    """And no engine's; what requests says of them has their values."""
    (tmp_path / "config.json").write_text(f'{{"HttpHeaders": {headers}}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    error = refused(host(old))

    assert f"{tmp_path}/config.json cannot be used: its HttpHeaders are " in str(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize("text", ["[]", "null", '"x"', "5"])
def test_a_configuration_that_is_no_mapping_is_its_own_fault(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "config.json").write_text(text)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert f"{tmp_path}/config.json cannot be used: " in str(refused(host(old)))


def test_an_engine_that_speaks_an_old_api_is_too_old(old: Path) -> None:
    """With the versions that would do."""
    error = refused(host(old))

    assert isinstance(error, EngineTooOld)
    assert "speaks API 1.40; devenv needs 1.41" in str(error)
    assert "Docker 20.10" in error.hint
    assert "Podman 4.3" in error.hint


def test_an_unknown_context_is_refused_before_anything_is_connected_to(tmp_path: Path) -> None:
    environ = {"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "gone"}

    assert isinstance(refused(environ), UnknownContext)


def test_certificates_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    """Instead of a connection without them."""
    (tmp_path / "ca.pem").mkdir()
    environ = {
        "DOCKER_HOST": "tcp://127.0.0.1:1",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(tmp_path),
    }

    error = refused(environ)

    assert f"The certificates in {tmp_path} cannot be used" in str(error)
    assert "DOCKER_HOST" in error.hint


def test_the_engines_program_is_found_where_only_root_has_it_in_the_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """``PATH`` comes first, then the directories of system programs."""
    program = tmp_path / "dockerd"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert str(program) == engine_program()
