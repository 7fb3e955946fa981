"""Run a program in a container that is there, and take all that it wrote."""

from __future__ import annotations

import time
from collections.abc import Sequence

import docker
import requests

from devenv_lib.engine import answers
from devenv_lib.engine.bodies import SAFE_PATH
from devenv_lib.engine.failures import check_status
from devenv_lib.errors import EngineFailure

#: How often to look how a program ended, and how long apart (seconds).
_LOOKS, _PAUSE = 250, 0.02
#: Bytes that a program may write whose answer is kept.
_LARGEST = 4 << 20


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
    asked = {"Detach": False, "Tty": False}
    with client.post(url, json=asked, timeout=None, stream=True) as answer:
        check_status(answer)
        return answers.stream(_limited(answer))


def _limited(answer: requests.Response) -> bytes:
    """Read an answer to its end. A program of an image's, which it comes from, may have none."""
    data = b""
    for chunk in answer.iter_content(1 << 16):
        data += chunk
        if len(data) > _LARGEST:
            raise EngineFailure(
                f"A program in the container wrote more than {_LARGEST >> 20} MiB.",
                "See what this image has in the place of usual programs, as /bin/sh.",
            )
    return data


def _status(client: docker.APIClient, created: str) -> int:
    """Return a finished exec's status; the engine notes it a moment after the output ends."""
    for _ in range(_LOOKS):
        state = client.exec_inspect(created)
        if not state["Running"] and state["ExitCode"] is not None:
            return int(state["ExitCode"])
        time.sleep(_PAUSE)
    raise EngineFailure(
        "The engine does not say how a program in the container ended.",
        "See whether it is well: docker info; then run the same command again.",
    )
