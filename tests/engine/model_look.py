"""What an engine and this machine really have: looked at without devenv's own eyes."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import shlex
import stat
import subprocess
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import zstandard

from devenv_lib.engine import Engine
from tests.conftest import IMAGE

#: The files that the model knows of are called like this, and are whose; an environment makes
#: others too.
OWNERS = {"f-": 1000, "g-": 0, "lazy-lock.json": 1000}
#: Owner, group, mode and content of files.
Files = dict[str, tuple[int | None, int | None, int, str]]
#: Seconds in which the engine has to be done with helpers that have ended.
_PATIENCE = 120
_HELPER = re.compile("(work|give|probe)-[0-9a-f]{12}")


class Look:
    """The volumes and containers of an engine whose names begin with a prefix."""

    def __init__(self, engine: Engine, prefix: str) -> None:
        self._client: Any = engine._client
        self._begins = f"{prefix}-"
        self._words = ["docker"]
        if engine.endpoint.context != "default":
            self._words += ["--host", engine.endpoint.url]

    def volumes(self) -> dict[str, dict[str, Any]]:
        found = self._client.volumes()["Volumes"] or []
        return {v["Name"]: v for v in found if v["Name"].startswith(self._begins)}

    def containers(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """State and volumes of the containers, once the engine is done with what has ended."""
        ends = time.monotonic() + _PATIENCE
        while True:
            found = dict(self._containers())
            passing = [n for n, (state, _) in found.items() if state in ("removing", "dead")]
            passing += [n for n in found if _HELPER.fullmatch(n.removeprefix(self._begins))]
            if not passing or time.monotonic() > ends:
                return found
            time.sleep(0.02)

    def _containers(self) -> Iterator[tuple[str, tuple[str, tuple[str, ...]]]]:
        for one in self._client.containers(all=True):
            name = (one["Names"] or ["/?"])[0].lstrip("/")
            if name.startswith(self._begins):
                mounts = [m["Name"] for m in one["Mounts"] if m["Type"] == "volume"]
                yield name, (one["State"], tuple(sorted(mounts)))

    def files(self, names: Iterable[str], *, whole: bool) -> dict[str, Files] | None:
        """Return the known files of volumes.

        They are read where the engine keeps them, if that can be: it takes no time. Else, or as a
        ``whole``, a container with all volumes reads them, which takes most of a second; without
        ``whole`` the answer is ``None`` then.
        """
        if not whole:
            places = {n: Path(v["Mountpoint"]) for n, v in self.volumes().items() if n in names}
            if os.geteuid() or not all(place.is_dir() for place in places.values()):
                return None
            return {name: read_tree(place) for name, place in places.items()}
        names = list(names)
        return by_volume(names, self._run(names, "mkdir -p /v && tar -C /v -c .", ",readonly"))

    def put(self, volume: str, file: str, content: str) -> None:
        """Write root's file to a volume's root, where the engine keeps it if that can be."""
        place = Path(self.volumes()[volume]["Mountpoint"])
        if os.geteuid() or not place.is_dir():
            self._run([volume], f"printf %s {shlex.quote(content)} > /v/{volume}/{file}")
        else:
            (place / file).write_text(content)

    def _run(self, names: Iterable[str], script: str, mode: str = "") -> bytes:
        """Run a script as root in a container that has volumes below ``/v``."""
        mounts = [f"--mount=type=volume,src={n},dst=/v/{n},volume-nocopy{mode}" for n in names]
        words = ["run", "--rm", "--network=none", "--user=0", *mounts, IMAGE, "sh", "-c", script]
        done = subprocess.run([*self._words, *words], check=True, capture_output=True)
        return done.stdout


def owner(path: str) -> int | None:
    """Return whose a file is by its name, or ``None`` for one that the model does not know."""
    name = path.rpartition("/")[2]
    return next((uid for begin, uid in OWNERS.items() if name.startswith(begin)), None)


def shown(files: Mapping[str, str]) -> Files:
    """Return what a look at the model's files has to show: all are ordinary ones."""
    return {path: (owner(path), owner(path), 0o644, content) for path, content in files.items()}


def read_tree(top: Path) -> Files:
    """Return the known files below a directory, with owner, group, mode and content."""
    found: Files = {}
    for file in top.rglob("*"):
        if owner(file.name) is not None and file.is_file() and not file.is_symlink():
            seen, name = file.stat(), str(file.relative_to(top))
            found[name] = (seen.st_uid, seen.st_gid, stat.S_IMODE(seen.st_mode), file.read_text())
    return found


def read_saved(path: str) -> Files:
    """Return the known files of a backup."""
    data = Path(path).read_bytes()
    if path.endswith(".zst"):
        with zstandard.ZstdDecompressor().stream_reader(data) as stream:
            return read_archive(io.BytesIO(stream.read()))
    return read_archive(io.BytesIO(gzip.decompress(data)))


def read_archive(file: io.BytesIO) -> Files:
    """Return the known files of a tar archive."""
    found: Files = {}
    with tarfile.open(fileobj=file) as archive:
        for member in archive:
            data = archive.extractfile(member) if member.isreg() else None
            if data and owner(member.name) is not None:
                content, name = data.read().decode(), member.name.removeprefix("./")
                found[name] = (member.uid, member.gid, member.mode, content)
    return found


def by_volume(names: Iterable[str], archive: bytes) -> dict[str, Files]:
    """Sort the files of an archive by the volumes that are at its top."""
    found: dict[str, Files] = {name: {} for name in names}
    for path, content in read_archive(io.BytesIO(archive)).items():
        volume, _, rest = path.partition("/")
        found[volume][rest] = content
    return found


def digest(top: Path, leave: Iterable[Path]) -> str:
    """Return a digest of a tree: names, kinds, modes, owners, times, links, contents."""
    lines, left = [], set(leave)
    for directory, directories, files in os.walk(top):
        here = Path(directory)
        directories[:] = [name for name in directories if here / name not in left]
        for path in (here, *(here / name for name in files)):
            seen = path.lstat()
            content: object = path.readlink() if path.is_symlink() else None
            if path.is_file() and not path.is_symlink():
                content = path.read_bytes()
            # What is left out comes and goes in its directory, and changes that one's time.
            when = seen.st_mtime_ns if path.is_file() else 0
            lines.append((str(path), seen.st_mode, seen.st_uid, seen.st_gid, when, content))
    return hashlib.sha256(repr(sorted(lines, key=str)).encode()).hexdigest()
