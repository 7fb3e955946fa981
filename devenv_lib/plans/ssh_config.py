"""Running environments as blocks of an ssh client's configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from devenv_lib.names import LABEL_USER, NAME, STATE, volume_name
from devenv_lib.plans.ssh import ssh_port
from devenv_lib.project import environment_of
from devenv_lib.records import LOOPBACK, Container

_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def config_lines(containers: Iterable[Container], prefix: str) -> Iterator[str]:
    """Yield a ``Host`` block for each running environment of ``prefix`` with an sshd, by name.

    The host key is in the state volume, so the client remembers it under that volume's name: once
    for all environments that share it.
    """
    for container in sorted(containers, key=lambda one: one.name):
        if not _is_plain(container, prefix):
            continue
        yield f"Host {container.name}"
        yield f"    HostName {LOOPBACK}"
        yield f"    Port {ssh_port(container)}"
        yield f"    User {container.labels[LABEL_USER]}"
        yield f"    HostKeyAlias {_state_volume(container, prefix)}"
        yield "    StrictHostKeyChecking accept-new"


def _state_volume(container: Container, prefix: str) -> str:
    """Return the name of a container's state volume, which may be its project's own."""
    shared = volume_name(prefix, STATE[0])
    own = (
        mount.source
        for mount in container.mounts
        if mount.kind == "volume"
        and mount.target.endswith(f"/{STATE[1]}")
        and mount.source.startswith(f"{shared}-")
        and NAME.fullmatch(mount.source)
    )
    return next(own, shared)


def _is_plain(container: Container, prefix: str) -> bool:
    """Whether it is an environment with an sshd, and nothing in it could be a directive.

    Anybody can label a container. Its name follows Docker's own rule when it is a project's.
    """
    project = environment_of(container)
    if project is None or project.prefix != prefix or project.stage(container) != "":
        return False
    user = container.labels.get(LABEL_USER, "")
    return ssh_port(container) > 0 and _USER.fullmatch(user) is not None
