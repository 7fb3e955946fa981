"""What an engine and this machine really have: looked at without devenv's own eyes."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import subprocess
import tarfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import zstandard

from devenv_lib.engine import Engine
from tests.conftest import IMAGE

#: The files that the model knows of are called like this; an environment makes others too.
KNOWN = ("f-", "g-", "lazy-lock.json")
#: Seconds in which the engine has to be done with helpers that have ended.
_PATIENCE = 10
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

    def files(self, names: Iterable[str], *, whole: bool) -> dict[str, dict[str, str]] | None:
        """Return the known files of volumes, with their content.

        They are read where the engine keeps them, if that can be: it takes no time. Else, or as a
        ``whole``, a container with all volumes reads them, which takes most of a second; without
        ``whole`` the answer is ``None`` then.
        """
        if not whole:
            places = {n: Path(v["Mountpoint"]) for n, v in self.volumes().items() if n in names}
            if os.geteuid() or not all(place.is_dir() for place in places.values()):
                return None
            return {name: read_tree(place) for name, place in places.items()}
        mounts = [f"--mount=type=volume,src={n},dst=/v/{n},readonly,volume-nocopy" for n in names]
        words = ["run", "--rm", "--network=none", "--user=0", *mounts, IMAGE]
        done = subprocess.run(
            [*self._words, *words, "sh", "-c", "mkdir -p /v && tar -C /v -c ."],
            check=True,
            capture_output=True,
        )
        return by_volume(names, done.stdout)


def read_tree(top: Path) -> dict[str, str]:
    """Return the known files below a directory, with their content."""
    return {
        str(file.relative_to(top)): file.read_text()
        for file in top.rglob("*")
        if file.name.startswith(KNOWN) and file.is_file() and not file.is_symlink()
    }


def read_saved(path: str) -> dict[str, str]:
    """Return the known files of a backup, with their content."""
    data = Path(path).read_bytes()
    if path.endswith(".zst"):
        with zstandard.ZstdDecompressor().stream_reader(data) as stream:
            return read_archive(io.BytesIO(stream.read()))
    return read_archive(io.BytesIO(gzip.decompress(data)))


def read_archive(file: io.BytesIO) -> dict[str, str]:
    """Return the known files of a tar archive, with their content."""
    found = {}
    with tarfile.open(fileobj=file) as archive:
        for member in archive:
            data = archive.extractfile(member) if member.isreg() else None
            if data and member.name.rpartition("/")[2].startswith(KNOWN):
                found[member.name.removeprefix("./")] = data.read().decode()
    return found


def by_volume(names: Iterable[str], archive: bytes) -> dict[str, dict[str, str]]:
    """Sort the files of an archive by the volumes that are at its top."""
    found: dict[str, dict[str, str]] = {name: {} for name in names}
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
