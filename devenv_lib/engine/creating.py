"""Create a container of devenv's own, and leave none behind that never ran.

The engine removes one that runs when that ends. One that was created and never started stays until
somebody takes it for a killed process's: whoever creates it has to see to that.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import docker
import requests

from devenv_lib.names import LABEL_MADE_BY

#: How an engine that is asked fails.
NO_ANSWER = (requests.exceptions.RequestException, docker.errors.DockerException, OSError)
#: How often to look for a container of whose making the answer was lost, and how long apart
#: (seconds).
_LOOKS, _PAUSE = 50, 0.02


def create(client: docker.APIClient, body: dict[str, Any], name: str) -> str:
    """Create a container of devenv's own that never ran yet, and return its id.

    An engine whose answer is lost may have made it all the same. Then it is removed, found by the
    label that no other has: by its name it may be another process's.
    """
    try:
        return str(client.create_container_from_config(body, name)["Id"])
    except docker.errors.APIError:
        raise
    except Exception:
        if token := body["Labels"].get(LABEL_MADE_BY):
            with suppress(*NO_ANSWER):
                _discard_made(client, f"{LABEL_MADE_BY}={token}")
        raise


def _discard_made(client: docker.APIClient, label: str) -> None:
    """Remove the container with a label, which the engine may be a moment yet in making."""
    for _ in range(_LOOKS):
        if found := client.containers(all=True, filters={"label": label}):
            discard(client, found[0]["Id"])
            return
        time.sleep(_PAUSE)


def discard(client: docker.APIClient, container: str) -> None:
    """Remove a container that never ran; an engine that fails once is asked once more.

    Nobody else knows of it before it counts as stale.
    """
    try:
        client.remove_container(container, v=True)
    except NO_ANSWER:
        with suppress(docker.errors.NotFound):
            client.remove_container(container, v=True)
