"""The commands that come next, where several plans name the same ones."""

from __future__ import annotations

import shlex

from devenv_lib.names import is_helper
from devenv_lib.project import environment_of
from devenv_lib.records import Container


def stop_command(container: Container, prefix: str) -> str:
    """Return the command that takes an environment down, for whoever uses ``prefix``.

    Empty, where the container is no environment.
    """
    project = environment_of(container)
    if project is None:
        return ""
    other = project.prefix
    variable = "" if other == prefix else f"DEVENV_PREFIX={shlex.quote(other)} "
    return f"{variable}inv stop --path {shlex.quote(str(project.path))}"


def repair_command(prefix: str, image: str) -> str:
    """Return how the command begins that gives volumes to the user of ``image``.

    It takes the default image's unless it is told; an empty one is that.
    """
    told = image and image != f"{prefix}:latest"
    return f"DEVENV_IMAGE={shlex.quote(image)} inv volume.repair" if told else "inv volume.repair"


def holding(user: Container) -> str:
    """Return how a container has a volume: what completes "it is …"."""
    how = "mounted by the running" if user.running else "referenced by the stopped"
    return f"{how} container {user.name}"


def freeing(user: Container, prefix: str) -> str:
    """Return the command that ends a container's use of its volumes.

    A helper at work is another devenv command's, which nobody should be told to stop half-way.
    """
    if command := stop_command(user, prefix):
        return command
    if user.running and is_helper(user.name, user.labels, prefix):
        return "wait for the devenv command that is at work on it, then run this one again"
    remove = f"docker rm {user.name}"
    return f"docker stop {user.name} && {remove}" if user.running else remove


def no_room(said: str) -> str:
    """Return what an engine's words mean, and what shows more, if its disk is full; else empty."""
    if "no space left on device" not in said.lower():
        return ""
    return (
        "The engine's disk is full. What takes the room: docker system df; on its machine: df -h."
    )


def lost_part(said: str) -> str:
    """Return what helps a Podman that lists no container any more, by its words; else empty.

    Seen on Podman 5.4 after a full disk.
    """
    if "container not known" not in said:
        return ""
    return (
        "Podman has lost a part of that container, and lists none until it is removed: "
        "podman rm --force ID, with the id above."
    )


def when_mended(said: str, command: str) -> str:
    """Return what comes next after a failure that ``command`` carries on from."""
    then = f"When that is mended: {command}"
    return " ".join(filter(None, (no_room(said), lost_part(said), then)))
