"""Ask the ssh agent whether it is one that answers."""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Mapping
from pathlib import Path

from devenv_lib.plans.health.configuration import Agent

#: The protocol's request for the list of keys, and its answer's type (draft-ietf-sshm-ssh-agent).
_REQUEST, _ANSWER = struct.pack(">IB", 1, 11), 12
#: Seconds that it has for an answer.
_PATIENCE = 2.0


def ask_agent(environ: Mapping[str, str]) -> Agent | None:
    """Return what the agent at ``SSH_AUTH_SOCK`` answers, or ``None`` where that is not set.

    It is asked how many keys it has, which tells nobody anything and uses none.
    """
    path = environ.get("SSH_AUTH_SOCK")
    if not path:
        return None
    try:
        if not stat.S_ISSOCK(Path(path).stat().st_mode):
            return Agent(path, problem="that is no socket")
        return Agent(path, _keys(path))
    except TimeoutError:
        return Agent(path, problem="nobody answers there in time")
    except (OSError, ValueError, struct.error) as error:
        why = (
            error.strerror if isinstance(error, OSError) and error.strerror else "that is no agent"
        )
        return Agent(path, problem=f"no agent answers there: {why}")


def _keys(path: str) -> int:
    """Return how many keys an agent has."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_PATIENCE)
        connection.connect(os.path.realpath(path))
        connection.sendall(_REQUEST)
        head = b""
        while len(head) < 9 and (more := connection.recv(9 - len(head))):
            head += more
    _, kind, number = struct.unpack(">IBI", head)
    if kind != _ANSWER:
        raise ValueError("no list of keys")
    return int(number)
