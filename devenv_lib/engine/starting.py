"""Start a helper. Its name is a lock: an engine has at most one container of a name."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import docker

from devenv_lib.engine import answers, bodies
from devenv_lib.engine.creating import create
from devenv_lib.engine.endpoint import Endpoint
from devenv_lib.engine.helper import PATIENCE, Helper, gone
from devenv_lib.engine.interrupts import whole
from devenv_lib.engine.program import docker_words
from devenv_lib.errors import Refused
from devenv_lib.names import helper_name, is_helper
from devenv_lib.records import MountPoint

#: Seconds between looks, and that a helper may exist without having been started: its maker needs
#: milliseconds for it.
_PAUSE, _UNSTARTED = 0.05, 3.0


def begin(
    client: docker.APIClient,
    endpoint: Endpoint,
    image: str,
    mounts: Sequence[MountPoint],
    prefix: str,
    about: str,
) -> Helper:
    """Return a helper that has ``mounts``, which are volumes; whoever calls ends it.

    There is at most one at a time of what it is ``about``, a volume's name. It has the volumes at
    once, and is being started: see `Helper.ready`.

    Raises:
        ProgramMissing: there is no docker program.
        Refused: another command's is there and stays.
    """
    name, words, token = helper_name(prefix, about), docker_words(endpoint), uuid.uuid4().hex
    body = bodies.helper_body(image, mounts, prefix, token)
    make = partial(create, client, body, name)
    identity = ""
    try:
        with whole():
            identity = _created(client, make, name, prefix)
        return Helper(client, identity, words, image, token)
    except BaseException:  # Ctrl-C, which was held back, or no room for another process
        if identity:
            with suppress(docker.errors.DockerException, OSError):
                gone(client, identity)
        raise


def _created(client: docker.APIClient, make: Callable[[], str], name: str, prefix: str) -> str:
    """Return the id of a container that ``make`` creates once ``name`` is free."""
    began = time.monotonic()
    unstarted: dict[str, float] = {}
    while True:
        try:
            return make()
        except docker.errors.APIError as error:
            if not answers.name_is_taken(str(error.explanation)):
                raise
        now = time.monotonic()
        if now - began > PATIENCE:
            raise Refused(
                f"Another command is at work on it: its helper {name} is there.",
                "Wait for its end, then run the same command again.",
            )
        for found in answers.containers(
            client.containers(all=True, filters={"name": f"^/?{name}$"})
        ):
            if not found.running and is_helper(found.name, found.labels, prefix):
                since = unstarted.setdefault(found.id, now)
                if now - since > _UNSTARTED:  # its maker was killed, or its engine
                    gone(client, found.id)
        time.sleep(_PAUSE)
