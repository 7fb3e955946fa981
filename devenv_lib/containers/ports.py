"""See that the ports which an environment is to publish are free, before anything is changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from devenv_lib import loopback
from devenv_lib.errors import Refused
from devenv_lib.plans.ports import refuse_taken
from devenv_lib.project import Project
from devenv_lib.records import Port

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def check_ports(
    engine: Engine, project: Project, ports: Sequence[Port], known: Collection[str]
) -> Refused | None:
    """Refuse ports that somebody else has.

    ``known`` are the ids of the project's containers that were seen before. Where another one
    has come, it may have taken the port for this very environment: then the refusal is
    returned, and whoever asked looks again. First the ports and then the containers: the engine
    lists a container before that has its ports.

    Raises:
        Refused: see `devenv_lib.plans.ports.refuse_taken`.
    """
    if not (fixed := [port for port in ports if port.host]):
        return None
    busy = loopback.busy(port.host for port in fixed)
    everyone = engine.containers()
    try:
        refuse_taken(project, fixed, everyone, busy)
    except Refused as refusal:
        if {each.id for each in everyone if project.owns(each)} <= set(known):
            raise
        return refusal
    return None
