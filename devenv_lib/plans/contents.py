"""What may be looked into, read from and written to in a volume, and what comes out of one.

What is in a volume was written by programs that nobody vouches for: its names and symlinks are
judged here, as text, before anything on the host is made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from devenv_lib.errors import Refused, UsageError
from devenv_lib.plans.pending import pending
from devenv_lib.plans.refusal import in_hand, not_ours, with_prefix
from devenv_lib.project import check_name
from devenv_lib.records import Container, Snapshot

#: How many omissions a report names; the others are counted.
_NAMED = 20


def reachable(snapshot: Snapshot, prefix: str, name: str) -> tuple[Container, ...]:
    """Return the running containers that mount a volume, if its content may be reached.

    Raises:
        UsageError: it is no volume's name.
        Refused: it is not there, not devenv's in this prefix, or in the hands of another command.
    """
    volume = snapshot.volume(check_name(name))
    if volume is None:
        raise Refused(f"There is no volume {name}.", "See what there is: inv volume.list")
    unlabelled = f"If it is yours: inv volume.adopt --name {name}"
    refusal = not_ours(volume, prefix, unlabelled, with_prefix("inv volume.list"))
    if under_way := pending(snapshot.volumes, prefix).get(name):
        refusal = refusal or in_hand(name, under_way)
    if refusal:
        raise refusal.error()
    return tuple(user for user in snapshot.users(name) if user.running)


def parts_of(path: str) -> tuple[str, ...]:
    """Return the parts of a path in a volume, relative to its top: none for ``.``.

    Raises:
        UsageError: it is empty or absolute, or goes up.
    """
    what = ""
    if not path:
        what = "No file of the volume was named"
    elif path.startswith("/"):
        what = f"{path!r} is absolute"
    elif ".." in path.split("/"):
        what = f"{path!r} goes up"
    elif "\0" in path:
        what = f"{path!r} is no path"
    if what:
        raise UsageError(
            f"{what}: a path in a volume is relative to its top.",
            "For instance: --file nvim/lazy; for all of it: --file .",
        )
    return tuple(part for part in path.split("/") if part not in ("", "."))


def spelled(path: str) -> str:
    """Return a path as ``printf %b`` makes it again: engines take no words but UTF-8."""
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/"
    data = path.encode(errors="surrogateescape")
    return "".join(chr(byte) if byte in plain else f"\\0{byte:03o}" for byte in data)


def member_parts(name: str) -> tuple[str, ...] | None:
    """Return where an archive's member belongs below what is copied; ``None``: nowhere there."""
    parts = name.removeprefix("./").split("/") if name not in (".", "./") else []
    odd = name.startswith("/") or any(part in ("", ".", "..") or "\0" in part for part in parts)
    return None if odd else tuple(parts)


def link_stays(at: Sequence[str], text: str) -> bool:
    """Whether a symlink, ``at`` these parts, leads only to what is copied with it.

    It may go up as far as the top and then down. Up after down is not judged: where that leads
    depends on other symlinks on the way.
    """
    if not text or text.startswith("/"):
        return False
    parts = [part for part in text.split("/") if part not in ("", ".")]
    ups = next((n for n, part in enumerate(parts) if part != ".."), len(parts))
    return ups < len(at) and ".." not in parts[ups:]


@dataclass(frozen=True)
class Omission:
    """Something that was not copied: where it is, and why."""

    path: str
    why: str


@dataclass(frozen=True)
class Copied:
    """What a copy has made: where, how much, and what was left out.

    ``bytes`` are those of the files' contents. ``omissions`` are the first of ``omitted``.
    ``changed`` says that something was written to while it was read.
    """

    target: str
    bytes: int
    files: int
    omissions: tuple[Omission, ...] = ()
    omitted: int = 0
    changed: bool = False


@dataclass
class Tally:
    """What a copy has come to so far."""

    bytes: int = 0
    files: int = 0
    omissions: list[Omission] = field(default_factory=list)
    omitted: int = 0

    def omit(self, path: str, why: str) -> None:
        """Note something that is left out."""
        self.omitted += 1
        if len(self.omissions) < _NAMED:
            self.omissions.append(Omission(path, why))

    def done(self, target: str, *, changed: bool = False) -> Copied:
        """Return what was copied to ``target``."""
        left = tuple(self.omissions)
        return Copied(target, self.bytes, self.files, left, self.omitted, changed)
