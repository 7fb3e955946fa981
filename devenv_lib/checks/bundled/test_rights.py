"""What runs inside has no way to the engine, no root, and no right that a user has not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from devenv_lib.checks.look import SOCKETS, Seen
from devenv_lib.checks.subject import Subject

#: What Docker gives to every container's bounding set (Podman gives a part of it): CHOWN,
#: DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW,
#: SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP.
_USUAL = 0xA80425FB
_RECREATE = "To make it anew without that: inv run --recreate"


def test_no_engine_socket(subject: Subject, seen: Seen) -> None:
    """No engine's socket is at a usual place inside, and no bind is one or has one in it."""
    at = [path for path in SOCKETS if seen.said("socket", path)]
    assert not at, f"an engine's socket is inside, at {', '.join(at)}. {_RECREATE}"
    bound = list(_bound(subject))
    assert not bound, f"an engine's socket is mounted: {', '.join(bound)}. {_RECREATE}"


def _bound(subject: Subject) -> Iterator[str]:
    sockets = [PurePosixPath(os.path.realpath(path)) for path in subject.sockets]
    for mount in subject.mounts:
        source = os.path.realpath(mount.source)
        if mount.kind == "bind" and any(socket.is_relative_to(source) for socket in sockets):
            yield f"{mount.source} at {mount.target}"


def test_no_added_capability(seen: Seen) -> None:
    """No set of the process' has one that Docker does not give to every container."""
    status = _status(seen)
    for name in ("CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb"):
        added = int(status[name], 16) & ~_USUAL
        assert not added, (
            f"the process has further capabilities in {name}: numbers {_numbers(added)} of "
            f"capability.h. {_RECREATE}"
        )


def test_no_new_privileges(seen: Seen) -> None:
    """The kernel gives nothing for a set-user-id program, sudo for one."""
    value = _status(seen).get("NoNewPrivs")
    assert value == "1", f"no-new-privileges is not in force (NoNewPrivs is {value}). {_RECREATE}"


def test_not_root(subject: Subject, seen: Seen) -> None:
    """The user is an ordinary one, also for the kernel: uid, and no capability in effect."""
    if subject.root:
        pytest.skip("the setting 'user' asks for root")
    uids = set(_status(seen)["Uid"].split())
    assert "0" not in uids, f"the user inside is root. {_RECREATE}"
    assert seen.said("user", "-") != "0", f"the user inside is root. {_RECREATE}"
    effective = int(_status(seen)["CapEff"], 16)
    assert not effective, f"the user has root's capabilities: {_numbers(effective)}. {_RECREATE}"


def _status(seen: Seen) -> dict[str, str]:
    """Return ``/proc/self/status`` of a process inside (`proc_pid_status(5)`)."""
    lines = (line.partition(":") for line in seen.steps["text", "/proc/self/status"])
    return {name: value.strip() for name, _, value in lines}


def _numbers(mask: int) -> str:
    return ", ".join(str(bit) for bit in range(mask.bit_length()) if mask >> bit & 1)
