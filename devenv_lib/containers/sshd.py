"""Start sshd in an environment, as its user, before anyone gets in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devenv_lib.errors import ImageError
from devenv_lib.mounts import KEYS, STATE
from devenv_lib.names import LABEL_SSH
from devenv_lib.plans import EnvironmentPlan
from devenv_lib.plans.ssh import (
    HOST_KEY,
    LOG_FILE,
    LOGIN_FILE,
    PID_FILE,
    SSH_PORT,
    sshd_options,
)
from devenv_lib.records import Container, Identity
from devenv_lib.scripts import script

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

_NO_PROGRAM = 3
#: Characters that are passed on of what was printed inside.
_LONGEST = 500


def has_sshd(container: Container, who: Identity) -> bool:
    """Whether a container was made to have an sshd: an image can bring the label too."""
    targets = {mount.target for mount in container.mounts}
    mounted = not targets or str(who.home / KEYS) in targets  # a new one has not been listed
    return mounted and container.labels.get(LABEL_SSH) == str(SSH_PORT)


def start_sshd(
    engine: Engine, container: str, plan: EnvironmentPlan, *, needed: bool = False
) -> tuple[str, ...]:
    """Start sshd in the running ``container`` (an id), unless it runs; return what is wrong.

    Nothing is, when that is empty. An environment without its sshd is one all the same.

    Raises:
        ImageError: the image has no sshd, and it is ``needed``.
        EngineFailure: the engine does not do its part.
    """
    home, environment = plan.identity.home, engine.existing(container).environment
    places = [home, home / STATE[1], home / HOST_KEY, PID_FILE, LOG_FILE]
    login = [LOGIN_FILE, script("containers/login.sh")]
    words = [container[:12], *map(str, places), *login, *sshd_options(home, environment)]
    command = ["/bin/sh", "-c", script("containers/sshd.sh"), "devenv", *words]
    status, output = engine.run(container, command, plan.identity.user)
    said = output[-_LONGEST:].strip().splitlines()
    if status == _NO_PROGRAM and needed:
        raise ImageError(
            f"ssh was asked for, and there is {said[-1]} {plan.image}.",
            "Install openssh-server in the image, or do without: DEVENV_SSH=auto inv run",
        )
    return tuple(said) or ((f"sshd did not start (status {status})",) if status else ())
