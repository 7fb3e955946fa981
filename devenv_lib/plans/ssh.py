"""Whether an environment has an sshd, on which port, and how that is started.

It runs as the environment's user on a port that needs no root, and lets in who has a key in the
host's ``~/.ssh/authorized_keys``. Its host key lives in the state volume, so that it is the
same in every container.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from devenv_lib.errors import SettingsError, UsageError
from devenv_lib.mounts import KEYS, STATE, MountPlan
from devenv_lib.names import LABEL_SSH
from devenv_lib.records import LOOPBACK, Container, Host, Port
from devenv_lib.settings import Settings

#: The port inside. An ordinary user may listen from 1024 on.
SSH_PORT = 2222
HOST_KEY = PurePosixPath(STATE[1], "devenv/ssh/ssh_host_ed25519_key")
#: In memory of the container's own, and empty after each of its starts: what is written there
#: is about this run of it, even where something of the host's is mounted at ``/tmp``.
PID_FILE, LOG_FILE = "/dev/shm/devenv-sshd.pid", "/dev/shm/devenv-sshd.log"  # noqa: S108
#: What every login runs: `containers/login.sh`, which sshd's start puts there.
LOGIN_FILE = "/dev/shm/devenv-login.sh"  # noqa: S108


def wants_ssh(settings: Settings, host: Host, mounts: MountPlan, home: PurePosixPath) -> bool:
    """Return whether an environment has an sshd; ``home`` is its user's.

    Raises:
        UsageError: ssh was asked for, and nobody could log in.
    """
    reason = _keyless(host, mounts, home)
    if settings.ssh and reason:
        raise UsageError(
            f"ssh was asked for, and nobody could log in: {reason}.",
            "Make a key and let it in: ssh-keygen -t ed25519 && "
            "cat ~/.ssh/id_ed25519.pub >> ~/.ssh/authorized_keys",
        )
    return settings.ssh is not False and not reason


def _keyless(host: Host, mounts: MountPlan, home: PurePosixPath) -> str:
    """Return why there is no key inside, or an empty string."""
    target = home / KEYS
    if left := next((one for one in mounts.left_out if one.target == target), None):
        return f"{left.source} is not mounted ({left.why})"
    if not host.keys or all(mount.target != target for mount in mounts.mounts):
        return f"{host.home / KEYS} has no key in it"
    return ""


def published(settings: Settings, *, ssh: bool) -> tuple[Port, ...]:
    """Return all ports to publish: the settings' own, then sshd's.

    Raises:
        SettingsError: one of the settings' takes the port inside, or the one outside.
    """
    if not ssh:
        return settings.ports
    own = Port(settings.ssh_port, SSH_PORT)
    for port in settings.ports:
        if own.container == port.container or own.host == port.host:
            where = "inside" if own.container == port.container else "on this machine"
            number = own.container if own.container == port.container else own.host
            raise SettingsError(
                f"'devenv.ports' has {port.host}:{port.container}, and port {number} {where} is "
                "sshd's ('devenv.ssh_port').",
                "Choose another port, or do without ssh: DEVENV_SSH=false inv run",
            )
    return (*settings.ports, own)


def ssh_address(container: Container) -> str:
    """Return where a container's sshd is reached, as ``127.0.0.1:PORT``, or an empty string."""
    port = ssh_port(container)
    return f"{LOOPBACK}:{port}" if port else ""


def ssh_port(container: Container) -> int:
    """Return the port of this machine that leads to a running container's sshd, or 0."""
    if container.labels.get(LABEL_SSH) != str(SSH_PORT) or not container.running:
        return 0
    return next((port.host for port in container.published if port.container == SSH_PORT), 0)


def sshd_options(home: PurePosixPath, environment: Mapping[str, str]) -> Sequence[str]:
    """Return sshd's options as words; ``environment`` is what a process of an exec starts with.

    ``StrictModes`` stays on. What is named here is what matters whatever an sshd was built
    with; one address family, so that of two that start at once only one can have the port.
    """
    keys = str(home / KEYS).replace("%", "%%")
    variables = " ".join(_quoted(f"{name}={value}") for name, value in environment.items())
    options = {
        "AddressFamily": "inet",
        "PidFile": PID_FILE,
        "UsePAM": "no",
        "AuthenticationMethods": "publickey",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "no",
        "AuthorizedKeysFile": _quoted(keys),
        "SetEnv": variables,
        "ExposeAuthInfo": "yes",
        "ForceCommand": f"/bin/sh {LOGIN_FILE} {shlex.quote(str(home / KEYS))}",
    }
    words = ["-f", "/dev/null", "-p", str(SSH_PORT), "-h", str(home / HOST_KEY)]
    return [*words, *(f"-o{name}={value}" for name, value in options.items())]


def _quoted(text: str) -> str:
    """Return a word as sshd reads it back, with whatever is in it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
