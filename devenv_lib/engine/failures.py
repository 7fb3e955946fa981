"""Turn what docker-py and its libraries raise into this project's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import docker
import requests
import urllib3

from devenv_lib.engine.endpoint import without_passwords
from devenv_lib.errors import EngineFailure


@contextmanager
def translated(doing: str, engine: str) -> Iterator[None]:
    """Raise `EngineFailure` for whatever goes wrong between devenv and the engine inside.

    ``doing`` completes "while …"; ``engine`` is the engine's title.
    """
    try:
        yield
    except docker.errors.APIError as error:
        status = error.response.status_code if error.response is not None else None
        said = without_passwords(str(error.explanation or error).strip().replace("\n", " "))
        raise EngineFailure(
            f"The engine {engine} refused while {doing}: {said}",
            _hint(said),
            status,
        ) from None
    except (
        requests.exceptions.RequestException,
        docker.errors.DockerException,
        urllib3.exceptions.HTTPError,
        OSError,
    ) as error:
        raise EngineFailure(
            f"The engine {engine} stopped answering while {doing} ({type(error).__name__}).",
            "See whether it runs: docker info; then run the same command again.",
        ) from None


def _hint(said: str) -> str:
    """Return the command that comes next after an engine's refusal."""
    if "port is already allocated" in said or "address already in use" in said:
        other = "DEVENV_PORTS='[PORT]' inv run; for ssh: inv run --port PORT"
        return f"Free that port, or choose another: {other}"
    return "See what the engine has: docker ps -a; docker volume ls"
