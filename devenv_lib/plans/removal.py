"""Which volumes a removal would remove, and which it refuses and why."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devenv_lib.names import LABEL, ours, prefix_of
from devenv_lib.plans.remedies import stop_command
from devenv_lib.project import check_name
from devenv_lib.records import Container, Snapshot, Volume


@dataclass(frozen=True)
class Refusal:
    """Why a volume is not removed, and the command that makes it removable."""

    volume: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class RemovalPlan:
    """Volumes to remove, in order, and refusals. One refusal refuses all of it."""

    volumes: tuple[Volume, ...]
    refusals: tuple[Refusal, ...]


def removal(snapshot: Snapshot, prefix: str, names: Sequence[str] | None) -> RemovalPlan:
    """Return what removing ``names`` would do; ``None`` is every volume of the prefix.

    Raises:
        UsageError: a name that an engine cannot take literally.
    """
    if names is None:
        names = sorted(v.name for v in snapshot.volumes if ours(v.labels, prefix))
    wanted = tuple(dict.fromkeys(check_name(name) for name in names))
    refusals = tuple(refusal for name in wanted for refusal in _refusals(snapshot, prefix, name))
    refused = {refusal.volume for refusal in refusals}
    found = (snapshot.volume(name) for name in wanted if name not in refused)
    return RemovalPlan(tuple(volume for volume in found if volume), refusals)


def _refusals(snapshot: Snapshot, prefix: str, name: str) -> Iterator[Refusal]:
    volume = snapshot.volume(name)
    if volume is None:
        yield Refusal(name, "there is no such volume", "inv volume.list")
    elif volume.labels.get(LABEL) != "true":
        remedy = f"docker volume rm {name}   (if you are sure: devenv did not make it)"
        yield Refusal(name, "it does not carry the label devenv=true", remedy)
    elif not ours(volume.labels, prefix):
        other = prefix_of(volume.labels)
        remedy = f"DEVENV_PREFIX={shlex.quote(other)} inv volume.rm --name {name}"
        yield Refusal(name, f"it belongs to the prefix {other}, not to {prefix}", remedy)
    else:
        yield from (_in_use(name, user, prefix) for user in snapshot.users(name))


def _in_use(name: str, user: Container, prefix: str) -> Refusal:
    if user.running:
        reason = f"it is mounted by the running container {user.name}"
    else:
        reason = f"the stopped container {user.name} still references it"
    return Refusal(name, reason, _freeing(user, prefix))


def _freeing(user: Container, prefix: str) -> str:
    """Return the command that ends a container's use of its volumes."""
    if command := stop_command(user, prefix):
        return command
    remove = f"docker rm {user.name}"
    return f"docker stop {user.name} && {remove}" if user.running else remove
