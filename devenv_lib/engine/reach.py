"""Connect to the engine, or say exactly why that cannot be done."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import docker.tls
import docker.utils.config
import requests

from devenv_lib.engine.client import Engine
from devenv_lib.engine.endpoint import DEFAULT_URL, Endpoint, without_passwords
from devenv_lib.engine.program import engine_program
from devenv_lib.errors import (
    EngineNoPermission,
    EngineNotInstalled,
    EngineNotRunning,
    EngineTooOld,
    EngineUnavailable,
)

#: Docker Engine 20.10 speaks 1.41, and so does Podman from 4.3 on.
OLDEST_API = (1, 41)
#: What docker-py raises on an address or a configuration that makes no sense to it.
_NONSENSE = (ValueError, TypeError, AttributeError)


def reach(endpoint: Endpoint) -> Engine:
    """Return the engine at ``endpoint``, connected.

    Raises:
        EngineUnavailable: one of its kinds, or itself for a docker configuration of no use.
    """
    if endpoint.socket is not None and not endpoint.socket.is_absolute():
        raise _malformed(endpoint)  # docker-py would take the default socket instead
    try:
        client = docker.APIClient(base_url=endpoint.url, version="auto", tls=_tls(endpoint))
        # docker-py gives them to its own requests, and not to those that this room makes itself.
        client.headers.update(docker.utils.config.load_general_config().get("HttpHeaders") or {})
    except (docker.errors.DockerException, requests.RequestException, *_NONSENSE) as error:
        _blame_configuration()
        raise diagnose(endpoint, error) from None
    if _version(client.api_version) < OLDEST_API:
        raise EngineTooOld(
            f"The engine {endpoint.title} speaks API {client.api_version}; devenv needs 1.41.",
            "Update it to Docker 20.10 or newer, or Podman 4.3 or newer.",
        )
    return Engine(client, endpoint)


def _blame_configuration() -> None:
    """Raise, if it is docker's configuration that docker-py fails on; nobody is contacted."""
    why = ""
    try:
        docker.APIClient(base_url=DEFAULT_URL, version=".".join(map(str, OLDEST_API)))
    except (docker.errors.DockerException, *_NONSENSE) as error:
        why = without_passwords(str(error).strip().splitlines()[0])
    config = docker.utils.config.load_general_config()
    if isinstance(config, dict) and not _can_be_sent(config.get("HttpHeaders") or {}):
        why = "its HttpHeaders are no names with a text each that can be sent"
    if why:
        directory = os.environ.get("DOCKER_CONFIG") or "~/.docker"
        raise EngineUnavailable(
            f"{directory}/config.json cannot be used: {why}",
            "Mend its auths, proxies or HttpHeaders; docker itself says more: docker info",
        ) from None


def _can_be_sent(headers: Any) -> bool:
    """Whether headers can be sent. What requests says of one that cannot has its value in it."""
    try:
        requests.Request("GET", "http://localhost", headers=headers).prepare()
        for name, value in headers.items():
            f"{name}{value}".encode("latin-1")
    except (requests.RequestException, *_NONSENSE):
        return False
    return True


def diagnose(endpoint: Endpoint, error: BaseException) -> EngineUnavailable:
    """Return which kind of unavailable it is, from the error that a connection met."""
    numbers = set(_errnos(error))
    where = endpoint.title + (f", chosen by {endpoint.chosen}" if endpoint.meant else "")
    if numbers & {errno.EACCES, errno.EPERM}:
        return EngineNoPermission(
            f"No permission to use the engine at {where}.",
            'Join its group: sudo usermod -aG docker "$USER", then log in again '
            "(whoever is in that group is root on this machine).",
        )
    if endpoint.url.startswith("ssh://") and "paramiko" in str(error):
        return EngineNotRunning(
            f"The engine at {where} is reached over ssh, which docker-py cannot do yet.",
            "Install what it needs: pip install 'docker[ssh]'",
        )
    if not numbers and ("://" not in endpoint.url or isinstance(error, ValueError)):
        return _malformed(endpoint)
    if endpoint.meant:
        return EngineNotRunning(
            f"No engine answers at {where}: {_reason(error)}",
            f"Start that engine, or choose another: {endpoint.other}; see: docker context ls",
        )
    if not _installed(endpoint):
        return EngineNotInstalled(
            f"No Docker engine is installed on this machine (looked at {where}).",
            "Install one: inv setup",
        )
    start = "open -a Docker" if sys.platform == "darwin" else "sudo systemctl start docker"
    return EngineNotRunning(
        f"The Docker engine at {where} is not running: {_reason(error)}",
        f"Start it: inv setup, or {start}",
    )


def _malformed(endpoint: Endpoint) -> EngineNotRunning:
    address = without_passwords(endpoint.url)
    return EngineNotRunning(
        f"{address!r}, chosen by {endpoint.chosen}, is not an engine's address.",
        "Write it as unix:///var/run/docker.sock or tcp://HOST:PORT, or unset DOCKER_HOST",
    )


def _installed(endpoint: Endpoint) -> bool:
    """Whether there is an engine here that could be started.

    The docker program alone is no engine: it is often installed to talk to one elsewhere.
    """
    socket = endpoint.socket
    return bool(engine_program()) or (socket is not None and Path(socket).exists())


def _tls(endpoint: Endpoint) -> docker.tls.TLSConfig | bool:
    directory = endpoint.tls
    if directory is None:
        return False
    authority, certificate, key = (directory / name for name in ("ca.pem", "cert.pem", "key.pem"))
    try:
        pair = (str(certificate), str(key)) if certificate.exists() and key.exists() else None
        return docker.tls.TLSConfig(
            client_cert=pair,
            ca_cert=str(authority) if authority.exists() else None,
            verify=endpoint.verify,
        )
    except (docker.errors.TLSParameterError, OSError) as error:
        raise EngineNotRunning(
            f"The certificates in {directory} cannot be used: {error}",
            f"Mend them, or choose another engine; this one was chosen by {endpoint.chosen}.",
        ) from None


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def _errnos(error: BaseException | None) -> Iterator[int]:
    """Yield the system error numbers in an exception's causes and arguments."""
    for link in _chain(error):
        if isinstance(link, OSError) and link.errno:
            yield link.errno


def _chain(error: Any) -> Iterator[BaseException]:
    """Yield an exception and everything that it wraps: urllib3 hides causes in arguments."""
    seen: list[Any] = [error]
    while seen:
        link = seen.pop()
        if isinstance(link, BaseException):
            yield link
            seen.extend([*link.args, getattr(link, "reason", None), link.__cause__])


def _reason(error: BaseException) -> str:
    """Return the innermost cause's own words in one line."""
    causes = [link for link in _chain(error) if isinstance(link, OSError) and link.strerror]
    text = (causes[-1].strerror if causes else "") or str(error).split("\n")[0]
    return f"{without_passwords(text)}."
