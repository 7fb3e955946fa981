"""Which ports are taken, by whom, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from devenv_lib.errors import Refused
from devenv_lib.plans.remedies import stop_command
from devenv_lib.plans.ssh import SSH_PORT
from devenv_lib.project import Project
from devenv_lib.records import Container, Port


@dataclass(frozen=True)
class Published:
    """A port inside, published on an address of the host."""

    address: str
    host: int
    inside: str


@dataclass(frozen=True)
class Exposure:
    """Where a container can be reached: its network's kind, and its published ports.

    A ``network`` of ``host`` is the host's own, where every port inside is one of the host's.
    """

    network: str
    published: tuple[Published, ...] = ()


def refuse_taken(
    project: Project,
    wanted: Iterable[Port],
    containers: Sequence[Container],
    busy: Mapping[int, str],
) -> None:
    """Refuse a port that somebody else has; the project's own containers do not count.

    ``busy`` are ports of this machine that something listens on, each with the program's name
    and process, or empty where that cannot be told.

    Raises:
        Refused: it names the port, who has it, and the command that comes next.
    """
    holders = {port.host: each for each in containers for port in each.published}
    for port in wanted:
        holder = holders.get(port.host)
        if holder and not project.owns(holder):
            who = f"the container {holder.name}"
            command = stop_command(holder, project.prefix) or f"docker stop {holder.name}"
            raise _refusal(port, who, f"Stop it: {command}")
        if port.host in busy and not holder:
            program = busy[port.host]
            who = f"another program ({program})" if program else "another program"
            look = f"ss -ltnp 'sport = :{port.host}'"
            raise _refusal(port, who, "End it" if program else f"See which one: {look}")


def _refusal(port: Port, who: str, remedy: str) -> Refused:
    if port.container == SSH_PORT:
        other = "choose another for ssh: inv run --port PORT (0: one that is free)"
    else:
        other = "choose another: DEVENV_PORTS='[PORT]' inv run"
    return Refused(f"Port {port.host} is taken by {who}.", f"{remedy}; or {other}")
