"""A model of an engine's volumes that dies at any moment, for protocols that have to bear it.

It keeps what an engine would keep, and raises `Killed` before the operation that it was told, or
in the middle of a copy. That the real engine behaves like it is shown in ``tests/engine``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from devenv_lib.errors import EngineFailure
from devenv_lib.records import MountPoint, Snapshot, Volume

#: What a volume holds: names and contents.
Content = dict[str, str]


class Killed(BaseException):
    """The process ends here: nothing of it runs any more."""


@dataclass
class Stored:
    """A volume: its labels, its files, and which directory it is."""

    labels: Mapping[str, str]
    root: int
    files: Content = field(default_factory=dict)


@dataclass
class ModelEngine:
    """As much of an `Engine` as the protocols use."""

    volumes: dict[str, Stored] = field(default_factory=dict)
    dies_at: int | None = None
    fails_at: int | None = None
    operations: int = 0
    writers: set[str] = field(default_factory=set)
    tears: bool = False
    _roots: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def tick(self) -> None:
        """Count an operation, or die or fail before it."""
        self.operations += 1
        if self.operations == self.fails_at:
            raise EngineFailure("No space left on device.")
        if self.operations == self.dies_at:
            raise Killed

    def make(self, name: str, labels: Mapping[str, str], files: Content | None = None) -> None:
        self.volumes.setdefault(name, Stored(dict(labels), next(self._roots), dict(files or {})))

    def snapshot(self) -> Snapshot:
        found = tuple(Volume(name, each.labels) for name, each in self.volumes.items())
        return Snapshot(found, ())

    def volume(self, name: str) -> Volume | None:
        return self.snapshot().volume(name)

    def create_volume(self, name: str, labels: Mapping[str, str]) -> None:
        self.tick()
        self.make(name, labels)

    def remove_volume(self, name: str) -> None:
        self.tick()
        if name not in self.volumes:
            raise EngineFailure(f"no such volume: {name}")
        if self.tears and self.volumes[name].files:
            self.volumes[name].files.popitem()
            raise EngineFailure("The engine died, or its disk did.")
        del self.volumes[name]

    def used_since(self, volume: str, helper: str) -> bool:
        assert helper
        return volume in self.writers

    @contextmanager
    def helper(
        self, image: str, mounts: Sequence[MountPoint], prefix: str, about: str
    ) -> Iterator[ModelHelper]:
        assert (image, bool(about)) == ("image", True)
        for mount in mounts:  # as an engine does it
            self.make(mount.source, {"devenv": "true", "devenv.prefix": prefix})
        yield ModelHelper(self, {mount.target: mount for mount in mounts})


@dataclass
class ModelHelper:
    """A helper that can look into volumes and copy them."""

    engine: ModelEngine
    mounts: Mapping[str, MountPoint]
    id: str = "helper"

    def at(self, target: str) -> Stored:
        return self.engine.volumes[self.mounts[target].source]

    def ready(self) -> None:
        """It always is."""

    def run(self, words: Sequence[str]) -> bytes:
        if words[0] == "cp":
            source, target = words[-2].removesuffix("/."), words[-1].removesuffix("/")
            assert not self.mounts[target].read_only
            for name, content in self.at(source).files.items():
                self.engine.tick()
                self.at(target).files[name] = content
            return b""
        if words[0] == "sync":
            return b""
        if "%C@" in words[2]:
            return b"nobody writes during a look here"
        if "--compare" in words[2]:
            some, every = (self.at(target).files.items() for target in words[-2:])
            return b"same\n" if some <= every else b"other\n"
        tree = self.at(words[-1])
        digest = repr(sorted(tree.files.items())).encode().hex()
        return f"{tree.root}\n{len(tree.files)}\n0\n{digest}  -\n".encode()
