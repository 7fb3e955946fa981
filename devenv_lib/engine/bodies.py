"""Write plans as the engine's requests.

Pure: plans in, JSON out. Field names are the Engine API's, as in `devenv_lib.engine.answers`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devenv_lib.mounts import Mount
from devenv_lib.names import LABEL_MADE_BY, LABEL_TEMPORARY, common_labels
from devenv_lib.plans.commands import COMMAND, ENTRYPOINT, SECURITY
from devenv_lib.plans.creation import EnvironmentPlan
from devenv_lib.records import LOOPBACK, MountPoint, Port

#: What programs of an image are found by: its own ``PATH`` may begin in a shared volume.
SAFE_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
#: What a helper's programs, which are root's, are found and loaded by: an image may name places
#: in shared volumes for its own.
_SAFE = (f"PATH={SAFE_PATH}", "LD_PRELOAD=", "LD_LIBRARY_PATH=")


def container_body(plan: EnvironmentPlan) -> dict[str, Any]:
    """Write a plan as the body of a create request."""
    ports = {f"{port.container}/tcp": _published(plan, port) for port in plan.ports}
    return {
        "Image": plan.image,
        "Hostname": plan.project.hostname,
        "User": plan.identity.user,
        "WorkingDir": str(plan.workdir),
        "Entrypoint": [ENTRYPOINT],
        "Cmd": [COMMAND],
        "Env": [f"{key}={value}" for key, value in plan.environment.items()],
        "Labels": dict(plan.labels),
        "ExposedPorts": {inside: {} for inside in ports},
        "HostConfig": {
            "Init": True,
            "SecurityOpt": list(SECURITY),
            "Memory": plan.memory,
            "MemorySwap": plan.swap,
            "NanoCpus": round(plan.cpus * 1e9),
            "PortBindings": ports,
            "Mounts": [_mount_body(mount, plan) for mount in plan.mounts.mounts],
        },
    }


def _published(plan: EnvironmentPlan, port: Port) -> list[dict[str, str]]:
    same = [p for p in plan.ports if p.container == port.container]
    return [{"HostIp": LOOPBACK, "HostPort": str(p.host or "")} for p in same]


def _mount_body(mount: Mount, plan: EnvironmentPlan) -> dict[str, Any]:
    target = str(mount.target)
    body: dict[str, Any] = {"Type": mount.kind, "Source": mount.source, "Target": target}
    if mount.read_only:
        body["ReadOnly"] = True
    if mount.kind == "volume":
        # An engine that has to make a vanished volume then makes it labelled.
        body["VolumeOptions"] = {"Labels": dict(mount.labels)}
    elif mount.read_only and plan.shallow:
        body["BindOptions"] = {"NonRecursive": True}
    return body


def probe_body(image: str, prefix: str, token: str = "") -> dict[str, Any]:
    """Write the create request of a container that is only read from, never started.

    The user does not matter; Podman would look up the image's, and fail where it cannot.
    """
    return {"Image": image, "User": "0", "Cmd": [COMMAND], "Labels": _temporary(prefix, token)}


def _temporary(prefix: str, token: str = "") -> dict[str, str]:
    """Return the labels of a container that lives for a moment; no other one has the token."""
    made_by = {LABEL_MADE_BY: token} if token else {}
    return {**common_labels(prefix), LABEL_TEMPORARY: "true", **made_by}


def one_shot_body(
    image: str, volumes: Mapping[str, str], words: Sequence[str], prefix: str, token: str = ""
) -> dict[str, Any]:
    """Write the create request of a helper: a root process that sees volumes alone.

    ``volumes`` maps their names to where they are mounted. The fixed ``PATH`` keeps the
    image's own out of it, which may begin in a shared volume, where others can write.
    """
    return {
        "Image": image,
        "User": "0",
        "Env": list(_SAFE),
        "Entrypoint": [words[0]],
        "Cmd": list(words[1:]),
        "Labels": _temporary(prefix, token),
        "NetworkDisabled": True,
        "HostConfig": {
            "AutoRemove": True,
            "NetworkMode": "none",
            "CapDrop": ["ALL"],
            "CapAdd": ["CHOWN", "DAC_OVERRIDE"],
            "SecurityOpt": list(SECURITY),
            "Mounts": [
                {
                    "Type": "volume",
                    "Source": name,
                    "Target": target,
                    "VolumeOptions": {"Labels": common_labels(prefix)},
                }
                for name, target in volumes.items()
            ],
        },
    }


#: Bytes that a helper may have in `/dev/shm`: lists of entries, of some hundred bytes each.
_SCRATCH = 4 << 30
#: A shell that runs what it reads, each piece after a line with its length in bytes. It does not
#: wait for what it runs: it has to see the end of its input, with which everything ends.
_SERVE = 'while read -r length; do script=$(head -c "$length"); eval "$script" & done'


def helper_body(
    image: str, mounts: Sequence[MountPoint], prefix: str, token: str = ""
) -> dict[str, Any]:
    """Write the create request of a helper that stays while somebody holds its stdin.

    Root, with what copying files faithfully takes: their owners, modes, devices and file
    capabilities. Its own file system is read-only, so that nothing can be written but volumes,
    and `/dev/shm`, which is memory. It has ``token`` as a label, as has a volume that is not there.
    """
    labels = {**common_labels(prefix), LABEL_MADE_BY: token}
    return {
        "Image": image,
        "User": "0",
        # An image's TAR_OPTIONS would leave out what it says from archives and comparisons.
        "Env": [*_SAFE, "LC_ALL=C", "TAR_OPTIONS="],
        "WorkingDir": "/",
        "Entrypoint": ["sh", "-c", _SERVE],
        "Cmd": [],
        "Labels": _temporary(prefix, token),
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "NetworkDisabled": True,
        "HostConfig": {
            "AutoRemove": True,
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "ShmSize": _SCRATCH,
            "CapDrop": ["ALL"],
            "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "MKNOD", "SETFCAP"],
            "SecurityOpt": list(SECURITY),
            "LogConfig": {"Type": "none"},
            "Mounts": [
                {
                    "Type": "volume",
                    "Source": mount.source,
                    "Target": mount.target,
                    "ReadOnly": mount.read_only,
                    # A volume that is to be filled must not first get what an image has there.
                    "VolumeOptions": {"Labels": labels, "NoCopy": True},
                }
                for mount in mounts
            ],
        },
    }
