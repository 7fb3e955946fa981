"""Running environments as blocks of an ssh client's configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from devenv_lib.mounts import STATE, volume_name
from devenv_lib.names import LABEL_USER
from devenv_lib.plans.ssh import ssh_port
from devenv_lib.project import environment_of
from devenv_lib.records import LOOPBACK, Container

_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def config_lines(containers: Iterable[Container], prefix: str) -> Iterator[str]:
    """Yield a ``Host`` block for each running environment of ``prefix`` with an sshd, by name.

    All of them share the state volume and with it the host key, so the client remembers it
    once, under the volume's name.
    """
    for container in sorted(containers, key=lambda one: one.name):
        if not _is_plain(container, prefix):
            continue
        yield f"Host {container.name}"
        yield f"    HostName {LOOPBACK}"
        yield f"    Port {ssh_port(container)}"
        yield f"    User {container.labels[LABEL_USER]}"
        yield f"    HostKeyAlias {volume_name(prefix, STATE[0])}"
        yield "    StrictHostKeyChecking accept-new"


def _is_plain(container: Container, prefix: str) -> bool:
    """Whether it is an environment with an sshd, and nothing in it could be a directive.

    Anybody can label a container. Its name follows Docker's own rule when it is a project's.
    """
    project = environment_of(container)
    if project is None or project.prefix != prefix or project.stage(container) != "":
        return False
    user = container.labels.get(LABEL_USER, "")
    return ssh_port(container) > 0 and _USER.fullmatch(user) is not None
