"""Turn what docker-py and its libraries raise into this project's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import docker
import requests
import urllib3

from devenv_lib.engine.endpoint import without_passwords
from devenv_lib.errors import EngineFailure
from devenv_lib.plans import remedies


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


def check_status(answer: requests.Response) -> None:
    """Raise what docker-py raises, if an engine refused a request that was not docker-py's own.

    Raises:
        docker.errors.APIError: it did.
    """
    try:
        answer.raise_for_status()
    except requests.HTTPError as error:
        docker.errors.create_api_error_from_http_exception(error)


def free_room(said: str) -> str:
    """Return what comes next where an engine's disk is full, by its words; else empty."""
    full = remedies.no_room(said)
    return full and f"{full} Free some, then run the same command again."


def _hint(said: str) -> str:
    """Return the command that comes next after an engine's refusal."""
    if full := free_room(said):
        return full
    if "port is already allocated" in said or "address already in use" in said:
        other = "DEVENV_PORTS='[PORT]' inv run; for ssh: inv run --port PORT"
        return f"Free that port, or choose another: {other}"
    return remedies.lost_part(said) or "See what the engine has: docker ps -a; docker volume ls"


def failed(program: str, status: int, said: str) -> EngineFailure:
    """Return the failure of a program in a helper, with its last words."""
    return EngineFailure(
        f"{program} failed in the helper container: {said or 'silently'} (status {status}).",
        free_room(said)
        or "See what the engine has, and whether its disk is full: docker ps -a; docker system df",
        status,
    )


def broken_off(program: str, said: str) -> EngineFailure:
    """Return the failure of a program in a helper that did not say how it ended."""
    return EngineFailure(
        f"The connection to {program} in the helper container broke off: {said or 'silently'}.",
        free_room(said)
        or "See whether the engine runs: docker info; then run the same command again.",
    )


def explained(failure: EngineFailure, said: str) -> EngineFailure:
    """Return a failure with the docker program's words, which say why it came to that."""
    return EngineFailure(f"{failure} {said}", free_room(said) or failure.hint, failure.status)
