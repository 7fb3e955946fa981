"""The engines that tests run on, as data: what each is made of and how it is started."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

#: Where root file systems and sockets are, outside of the repository and of `/tmp`, which is
#: often a tmpfs: overlayfs wants a real file system. A socket's path has at most 107 bytes.
CACHE = Path("~/.cache/devenv-engines").expanduser()
ARCHIVE = "http://deb.debian.org/debian"


@dataclass(frozen=True)
class ThrowAway:
    """An engine of a Debian release. ``keyring`` names the release whose keys sign that suite.

    ``base`` names the engine whose root file system it shares, and ``size`` are the bytes of a
    disk of its own that has its data; without one, that is a directory. A ``rootless`` one is an
    ordinary user's.
    """

    name: str
    kind: Literal["docker", "podman"]
    suite: str
    keyring: str
    packages: tuple[str, ...]
    base: str = ""
    size: int = 0
    rootless: bool = False

    @property
    def directory(self) -> Path:
        """All that this engine has on the host."""
        return CACHE / self.name

    @property
    def root(self) -> Path:
        """The root file system, which is made once."""
        return CACHE / (self.base or self.name) / "root"

    @property
    def data(self) -> Path:
        """Images, containers and volumes: a directory, or the file that is its disk."""
        return self.directory / ("disk" if self.size else "data")

    @property
    def socket(self) -> Path:
        return self.directory / ("user/engine.sock" if self.rootless else "engine.sock")

    @property
    def ending(self) -> Path:
        """While this file is there, the engine's end is not its namespaces'; it becomes `down`."""
        return self.socket.with_name("engine.sock.ending")

    @property
    def down(self) -> Path:
        """While this file is there, the engine is not started again."""
        return self.socket.with_name("engine.sock.down")

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def pid_file(self) -> Path:
        """Number and start time of the process whose end is the engine's."""
        return self.directory / "pid"

    @property
    def url(self) -> str:
        """What `DOCKER_HOST` has to be."""
        return f"unix://{self.socket}"


_DOCKER = (
    "docker.io",
    "iptables",
    "iproute2",
    "ca-certificates",
    "uidmap",
    "rootlesskit",
    "slirp4netns",
)
_PODMAN = (
    *("podman", "crun", "netavark", "nftables", "catatonit", "iproute2", "ca-certificates"),
    *("uidmap", "passt"),
)

ENGINES = (
    ThrowAway("docker-20.10", "docker", "bookworm", "bookworm", _DOCKER),
    ThrowAway("docker-26.1", "docker", "trixie", "trixie", _DOCKER),
    # The keys of the release before sign a suite that has not been released yet.
    ThrowAway("docker-28.5", "docker", "forky", "trixie", _DOCKER),
    ThrowAway("podman-5.4", "podman", "trixie", "trixie", _PODMAN),
)

#: Those of an ordinary user, in the same root file systems: environments are refused there.
_ROOTLESS = ("docker-26.1", "docker-28.5", "podman-5.4")
ROOTLESS = tuple(
    replace(e, name=f"{e.name}-rootless", base=e.name, rootless=True)
    for e in ENGINES
    if e.name in _ROOTLESS
)

#: The fault suite's own: it fills the disk up, and ends the engine in the middle.
_DISK = 3 << 30
BREAKABLE = tuple(replace(e, name=f"{e.name}-faults", base=e.name, size=_DISK) for e in ENGINES)


def chosen(names: str) -> tuple[ThrowAway, ...]:
    """Return the engines that ``names`` are: ``all``, or names with commas between them.

    Those of the fault suite and the rootless ones are not among all.

    Raises:
        ValueError: there is no engine of such a name.
    """
    if names == "all":
        return ENGINES
    known = {engine.name: engine for engine in (*ENGINES, *ROOTLESS, *BREAKABLE)}
    wanted = [name.strip() for name in names.split(",")]
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"No engine {', '.join(unknown)}: there are all, {', '.join(known)}.")
    return tuple(known[name] for name in dict.fromkeys(wanted))
