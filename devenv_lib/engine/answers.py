"""Read the engine's answers into records.

Pure: JSON in, records out. Field names are the Engine API's
(https://docs.docker.com/reference/api/engine/); Podman answers with the same ones.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from devenv_lib.plans.differences import Existing
from devenv_lib.plans.ports import Exposure, Published
from devenv_lib.records import LOOPBACK, Container, EngineInfo, Image, MountPoint, Port, Volume

Json = Mapping[str, Any]
#: Limits, and where an engine says whether it can set them: it needs a control group's controller
#: for each. Podman fails to start a container with one that it cannot set, Docker leaves it out.
_LIMITS = {"memory": "MemoryLimit", "memory_swap": "SwapLimit", "cpus": "CpuCfsQuota"}
#: Docker Desktop tells of a bind by its place in the virtual machine (read, not measured): an
#: environment there would else seem to have lost all that it mounts.
_MACHINES_ROOT = re.compile("^/host_mnt(?=/(Users|home|private|tmp)/)")
#: What Podman puts before an image's name, and Docker leaves out.
_SHORTENED = re.compile("^(docker\\.io/library|localhost)/")
#: What Podman tells of a volume that was made with `EngineInfo.volume_options`.
_OWNED = {"UID": "0", "GID": "0", "o": "uid=0,gid=0"}
ANY = "0.0.0.0"  # noqa: S104 - read from an engine, never bound


def volume(data: Json) -> Volume:
    """Read one entry of ``/volumes``."""
    plain = data.get("Driver") in ("local", None) and (data.get("Options") or _OWNED) == _OWNED
    return Volume(data["Name"], data.get("Labels") or {}, data.get("CreatedAt") or "", plain)


def container(data: Json) -> Container:
    """Read one entry of ``/containers/json``."""
    names = [name[1:] for name in data.get("Names") or [] if name.count("/") == 1]
    return Container(
        id=data["Id"],
        name=names[0] if names else data["Id"][:12],
        state=data.get("State") or "",
        labels=data.get("Labels") or {},
        mounts=tuple(mount_point(mount) for mount in data.get("Mounts") or []),
        image=_SHORTENED.sub("", data.get("Image") or ""),
        image_id=data.get("ImageID") or "",
        created=int(data.get("Created") or 0),
        status=data.get("Status") or "",
        published=_published_now(data.get("Ports") or []),
    )


def containers(data: Iterable[Json]) -> list[Container]:
    """Read ``/containers/json``, without ghosts.

    Docker 20.10, killed and started again, lists helpers that it has removed since as dead until
    its next start. They have no name, and can neither be inspected nor removed.
    """
    return [container(one) for one in data if one.get("State") != "dead" or one.get("Names")]


def _published_now(ports: Sequence[Json]) -> tuple[Port, ...]:
    """Read ``Ports``: one entry for each address, and IPv6 is told of beside IPv4."""
    found = {
        Port(int(port["PublicPort"]), int(port["PrivatePort"]))
        for port in ports
        if port.get("PublicPort")
        and port.get("Type") == "tcp"
        and (port.get("IP") or ANY) in (ANY, LOOPBACK)
    }
    return tuple(sorted(found, key=lambda port: (port.container, port.host)))


def mount_point(data: Json) -> MountPoint:
    """Read one entry of a container's ``Mounts``."""
    kind = data.get("Type") or ""
    source = data.get("Name") if kind == "volume" else data.get("Source")
    source = "" if kind == "tmpfs" else source or ""
    source = _MACHINES_ROOT.sub("", source) if kind == "bind" else source
    return MountPoint(kind, source, data.get("Destination") or "", not data.get("RW"))


def info(data: Json, api: str) -> EngineInfo:
    """Read ``/info``."""
    podman = "BuildahVersion" in data
    return EngineInfo(
        version=data.get("ServerVersion") or "",
        api=api,
        cpus=int(data.get("NCPU") or 1),
        rootless=any(
            name in option
            for option in data.get("SecurityOptions") or []
            for name in ("rootless", "name=userns")
        ),
        machine=_machine(data),
        id="" if podman else data.get("ID") or "",  # Podman makes a new one up for each answer
        root=data.get("DockerRootDir") or "",
        podman=podman,
        limits=frozenset(name for name, key in _LIMITS.items() if data.get(key) is not False),
        kernel=tuple(map(int, re.findall(r"\d+", data.get("KernelVersion") or "")[:2])),
    )


def _machine(data: Json) -> str:
    """Return the maker of the virtual machine that the engine runs in, or an empty string."""
    system, name = data.get("OperatingSystem") or "", data.get("Name") or ""
    if system in ("Docker Desktop", "OrbStack"):
        return str(system)
    if name.startswith("colima"):
        return "Colima"
    return "a virtual machine" if sys.platform == "darwin" else ""


def image(data: Json) -> Image:
    """Read an image's inspection."""
    config = data.get("Config") or {}
    labels = config.get("Labels") or {}
    return Image(data["Id"], config.get("User") or "", labels, data.get("Created") or "")


def existing(data: Json) -> Existing:
    """Read a container's inspection."""
    config, host = data["Config"], data["HostConfig"]
    return Existing(
        image_id=data["Image"],
        user=config.get("User") or "",
        mounts=tuple(mount_point(mount) for mount in data.get("Mounts") or []),
        environment=dict(entry.partition("=")[::2] for entry in config.get("Env") or []),
        memory=host.get("Memory") or 0,
        swap=host.get("MemorySwap") or 0,
        cpus=(host.get("NanoCpus") or 0) / 1e9,
        ports=tuple(_ports(host.get("PortBindings") or {})),
        running=(data.get("State") or {}).get("Running") is not False,
    )


def _ports(bindings: Json) -> list[Port]:
    return [
        Port(int(binding.get("HostPort") or 0), int(inside.partition("/")[0]))
        for inside, published in bindings.items()
        for binding in published or []
    ]


def exposure(data: Json) -> Exposure:
    """Read from a container's inspection where it can be reached; no address is any address."""
    ports = (data.get("NetworkSettings") or {}).get("Ports") or {}
    published = tuple(
        Published(binding.get("HostIp") or ANY, int(binding.get("HostPort") or 0), inside)
        for inside, bindings in ports.items()
        for binding in bindings or []
    )
    return Exposure(data["HostConfig"].get("NetworkMode") or "", published)


def stream(data: bytes) -> bytes:
    """Read what a program wrote: frames, each with its stream (a byte) and its length before it."""
    written, at = [], 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8])
        written.append(data[at + 8 : at + 8 + length])
        at += 8 + length
    return b"".join(written)


def used_since(events: Iterable[Json], helper: str) -> bool | None:
    """Read a volume's events: whether others could write since the ``helper``, an id, had it.

    Who had it before, and let go of it only since, could.
    """
    writing: set[str] = set()
    seen = False
    for event in events:
        about = event["Actor"]["Attributes"]
        action, who = event.get("Action"), about.get("container")
        if who == helper:
            seen = seen or action == "mount"
        elif action == "mount" and about.get("read/write") != "false":
            writing.add(who)
        elif action == "unmount" and not seen:
            writing.discard(who)
    return bool(writing) if seen else None


def name_is_taken(said: str) -> bool:
    """Whether an engine refused because of a container's name, by its words.

    Docker answers 409 and Podman 500, and both for other things too. Docker says it also of a
    name that it has reserved and does not list yet. For a renaming, Podman 5.4 quotes its database.
    """
    taken = "container name .* is already in use|UNIQUE constraint failed: ContainerConfig.Name"
    return re.search(taken, said) is not None
