"""How a container that is there differs from the one that would be made now."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from devenv_lib.mounts import AGENT
from devenv_lib.plans.creation import EnvironmentPlan
from devenv_lib.plans.ssh import SSH_PORT
from devenv_lib.records import MountPoint, Port

#: Variables that follow the login session instead of the settings.
VOLATILE = frozenset({"SSH_AUTH_SOCK", "TERM", "COLORTERM", "TZ"})


@dataclass(frozen=True)
class Existing:
    """What an environment's container was created with, as far as a plan decides it.

    ``running`` is whether it runs: an engine's list says so for a while of one that has ended.
    """

    image_id: str
    user: str
    mounts: tuple[MountPoint, ...]
    environment: Mapping[str, str]
    memory: int
    swap: int
    cpus: float
    ports: tuple[Port, ...]
    running: bool = True


def differences(existing: Existing, plan: EnvironmentPlan) -> tuple[str, ...]:
    """Return a line for each thing that a new container would have otherwise."""
    return tuple(_differences(existing, plan))


def _differences(existing: Existing, plan: EnvironmentPlan) -> Iterator[str]:
    if existing.image_id != plan.image_id:
        short = plan.image_id.removeprefix("sha256:")[:12] or "not here yet"
        yield f"the image is now {plan.image} ({short})"
    if existing.user != plan.identity.user:
        who = f"{plan.identity.user} ({plan.identity.name})"
        yield f"the user was {existing.user}, is now {who}"
    yield from _mounts(existing, plan)
    for name, was, now, unit in (
        ("memory", existing.memory, plan.memory, 1 << 30),
        ("memory and swap", existing.swap, plan.swap, 1 << 30),
        ("cpus", existing.cpus, plan.cpus, 1),
    ):
        if was > 0 and was != now:  # an engine that cannot set a limit says 0 or -1
            scale = " GiB" if unit > 1 else ""
            yield f"{name}: was {was / unit:g}{scale}, is now {now / unit:g}{scale}"
    if not _same_ports(existing.ports, plan.ports):
        yield f"ports are now {', '.join(map(_port, plan.ports)) or 'none'}"
    for name in sorted(set(plan.environment) - VOLATILE):
        if existing.environment.get(name) != plan.environment[name]:
            yield f"the variable {name} is now {plan.environment[name]}"


def _same_ports(was: Sequence[Port], now: Sequence[Port]) -> bool:
    """Whether the ports are the planned ones: where the engine may pick, any will do."""
    free = {port.container for port in now if not port.host}
    return {Port(0, p.container) if p.container in free else p for p in was} == set(now)


def _port(port: Port) -> str:
    if port.container == SSH_PORT:
        return f"ssh on {port.host or 'a port that the engine picks'}"
    return f"{port.host}:{port.container}"


def _mounts(existing: Existing, plan: EnvironmentPlan) -> Iterator[str]:
    now = {m.point for m in plan.mounts.mounts if m.target != AGENT}
    was = {m for m in existing.mounts if m.target != str(AGENT) and not _anonymous(m)}
    for mount in sorted(now - was, key=lambda m: m.target):
        yield f"new mount: {_shown(mount)}"
    for mount in sorted(was - now, key=lambda m: m.target):
        yield f"no longer mounted: {_shown(mount)}"


def _anonymous(mount: MountPoint) -> bool:
    """Whether a mount is a volume that the image asked for, which the engine named."""
    return mount.kind == "volume" and re.fullmatch("[0-9a-f]{64}", mount.source) is not None


def _shown(mount: MountPoint) -> str:
    return f"{mount.source or mount.kind} at {mount.target} ({'ro' if mount.read_only else 'rw'})"
