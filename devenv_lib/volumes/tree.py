"""Look into volumes and copy them, in a helper."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from devenv_lib.errors import EngineFailure
from devenv_lib.plans.adoption import Content
from devenv_lib.records import MountPoint
from devenv_lib.scripts import script

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.engine.helper import Helper

#: Where helpers have the volumes that they work on: no image has anything there.
FROM, TO = "/devenv/from", "/devenv/to"
#: What comes next where a connection may have broken.
AGAIN = "See whether the engine runs: docker info; then run the same command again."
_CHUNK = 1 << 18
#: GNU tar's comparison goes through what is in the first directory.
_COMPARE = """
tar --create --file=- --format=pax --numeric-owner --warning=no-file-ignored --directory="$1" . |
    tar --compare --file=- --numeric-owner --directory="$2" >/dev/null 2>&1 &&
    echo same || echo other
"""
_STAMPS = """
{ find "$@" -printf '%i %n %C@ %P\\0' || cat /proc/sys/kernel/random/uuid; } | sha256sum
"""


def volume_at(name: str, target: str, *, read_only: bool = True) -> MountPoint:
    """Return the mount of a volume in a helper."""
    return MountPoint("volume", name, target, read_only)


@contextmanager
def looking(
    engine: Engine, prefix: str, names: Sequence[str], image: str
) -> Iterator[tuple[Helper, Mapping[str, str]]]:
    """Give a helper that reads several volumes, and where each is. It keeps nobody off."""
    places = {name: f"{FROM}/{number}" for number, name in enumerate(names)}
    mounts = [volume_at(name, place) for name, place in places.items()]
    with engine.helper(image, mounts, prefix, f"look-{uuid.uuid4().hex}") as helper:
        yield helper, places


def look_into(helper: Helper, target: str) -> Content:
    """Return what is in the volume that ``helper`` has at ``target``. It reads every file.

    Raises:
        EngineFailure: something could not be read, or changed while it was.
    """
    output = helper.run(["sh", "-c", script("volumes/tree.sh"), "devenv", target]).decode()
    root, entries, status, digest = output.splitlines()
    if status != "0":
        raise EngineFailure(
            "The volume could not be read as a whole, or changed while it was read.",
            "See who uses it: docker ps -a; then run the same command again.",
        )
    return Content(root, int(entries), digest.split()[0])


def stamps(helper: Helper, target: str, *tests: str) -> bytes:
    """Return a digest of all names in a volume with the times of their last change.

    The kernel sets that time at every change, and nobody can choose it (`stat(2)`, ctime): while
    the digest stays the same, nothing was written. What could not be looked at is none twice.
    ``tests`` are find's, which come before.
    """
    return helper.run(["sh", "-c", _STAMPS, "devenv", target, *tests])


def last_changes(
    engine: Engine, prefix: str, names: Sequence[str], image: str
) -> Mapping[str, bytes]:
    """Return the `stamps` of volumes, by name, from one helper that reads all of them."""
    if not names:
        return {}
    with looking(engine, prefix, names, image) as (helper, places):
        return {name: stamps(helper, place) for name, place in places.items()}


def is_in_copy(helper: Helper) -> bool:
    """Whether all that is in the volume at `FROM` is in the one at `TO` too, and is the same.

    There may be more in that. Times of directories, and attributes, are not compared.
    """
    return helper.run(["sh", "-c", _COMPARE, "devenv", FROM, TO]) == b"same\n"


def copy_tree(helper: Helper) -> None:
    """Copy the volume at `FROM` into the one at `TO`, which is empty, with all that tar keeps.

    It is on the disk then: what it was copied from may be removed next.
    """
    helper.run(["cp", "--archive", f"{FROM}/.", f"{TO}/"])
    helper.run(["sync", "--file-system", TO])


def records(stream: IO[bytes] | None) -> Iterator[bytes]:
    """Yield what NULs end in a stream, as it comes."""
    rest = b""
    while stream and (chunk := stream.read(_CHUNK)):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole


def listing(words: Sequence[str]) -> list[str]:
    """Return the words of a program whose list ends with an empty record: see `whole_records`."""
    return ["sh", "-c", '"$@"; status=$?; printf "\\0"; exit $status', "devenv", *words]


def whole_records(stream: IO[bytes] | None) -> Iterator[bytes]:
    """Yield the records of a program that `listing` ran.

    That it told its end does not say that all of its output came: an engine passes the two on
    beside each other, and its connection may break between.

    Raises:
        EngineFailure: the list is not there to its end.
    """
    last = None
    for record in records(stream):
        if last is not None:
            yield last
        last = record
    if last != b"":
        raise broken_list()


def broken_list() -> EngineFailure:
    """Return the failure of a list of which a part did not come."""
    return EngineFailure("The list of what is in the volume broke off.", AGAIN)
