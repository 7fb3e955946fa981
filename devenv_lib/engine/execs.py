"""Run a program in a container that is there, and take all that it wrote."""

from __future__ import annotations

import time
from collections.abc import Sequence

import docker
import requests

from devenv_lib.engine import answers
from devenv_lib.engine.bodies import SAFE_PATH
from devenv_lib.errors import EngineFailure

#: How often to look how a program ended, and how long apart (seconds).
_LOOKS, _PAUSE = 250, 0.02


def run(
    client: docker.APIClient, container: str, words: Sequence[str], user: str
) -> tuple[int, str]:
    """Return a program's status and output; an empty ``user`` is the container's own.

    Raises:
        EngineFailure: the engine does not say how it ended.
    """
    path = {"PATH": SAFE_PATH}
    created = client.exec_create(container, list(words), user=user, environment=path, workdir="/")
    output = _output(client, created["Id"])
    return _status(client, created["Id"]), output.decode(errors="replace")


def _output(client: docker.APIClient, created: str) -> bytes:
    """Start an exec and return all that it wrote.

    docker-py's `exec_start` reads past the buffer that has the answer's head, and loses what the
    engine sent together with it: 3 of 300 on Podman 5.4, and once on Docker 20.10.
    """
    url = f"{client.base_url}/v{client.api_version}/exec/{created}/start"
    answer = client.post(url, json={"Detach": False, "Tty": False}, timeout=None)
    try:
        answer.raise_for_status()
    except requests.HTTPError as error:
        docker.errors.create_api_error_from_http_exception(error)
    return answers.stream(answer.content)


def _status(client: docker.APIClient, created: str) -> int:
    """Return a finished exec's status; the engine notes it a moment after the output ends."""
    for _ in range(_LOOKS):
        state = client.exec_inspect(created)
        if not state["Running"] and state["ExitCode"] is not None:
            return int(state["ExitCode"])
        time.sleep(_PAUSE)
    raise EngineFailure("The engine does not say how a program in the container ended.")
