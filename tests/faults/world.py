"""What a command under test finds, and what has to be true of it whatever happened."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devenv_lib import volumes
from devenv_lib.names import LABEL_PREFIX, common_labels
from devenv_lib.volumes.compression import reader
from tests.conftest import IMAGE, Workspace, docker, give

#: Kind, mode, owner, time and content of an entry, by its path in the volume.
Tree = dict[str, tuple[Any, ...]]
#: A volume's files: enough that a copy is under way for a moment.
FILES: Mapping[str, str] = {
    "first": "1" * 70_000,
    "opencode/kept": "precious",
    ".hidden": "h",
    **{f"many/{n}": str(n) * 999 for n in range(40)},
}


@dataclass
class World:
    """A workspace, and beside it what is somebody else's and may not be touched.

    ``trees`` are what was written to volumes, as far as nobody removed it knowingly. ``out`` is
    a directory of the host for archives and copies, ``temporary`` the commands' ``TMPDIR``.
    """

    workspace: Workspace
    out: Path
    temporary: Path
    trees: dict[str, Tree] = field(default_factory=dict)
    #: What was in a volume that a command replaces, and the environment's container.
    before: Tree = field(default_factory=dict)
    container: str = ""
    foreign: str = ""
    configuration: str = ""
    #: How many command lines there were.
    turns: int = 0
    #: Whether the engine was ended since the world was prepared, and with it what ran.
    engine_ended: bool = False

    def __post_init__(self) -> None:
        """Make the foreign ones: a volume without labels, and a container that references it."""
        name = self.volume("foreign")
        self.workspace.extra_volumes.append(name)
        self.workspace.extra_containers.append(f"{name}-container")
        self.fill("foreign", labels={})
        docker("create", f"--name={name}-container", f"--volume={name}:/v", IMAGE)
        self.foreign = self._foreign()
        self.configuration = digest(self.workspace.home)

    def volume(self, suffix: str) -> str:
        return self.workspace.volume(suffix)

    def fill(self, suffix: str, *, labels: Mapping[str, str] | None = None) -> str:
        """Have a volume with `FILES` in it, and note what is in it; return its name."""
        name = self.volume(suffix)
        if name in self.trees and self.workspace.engine.volume(name):
            return name
        self.remove(suffix)
        if labels is None:
            labels = common_labels(self.workspace.prefix)
        else:
            self.workspace.extra_volumes.append(name)
        self.workspace.engine.create_volume(name, labels)
        words = ["run", "--rm", "--interactive", "--network=none", "--user=0"]
        mount = f"type=volume,src={name},dst=/devenv/v,volume-nocopy"
        script = "tar -x -C /devenv/v && chown -R 1000:1000 /devenv/v"
        subprocess.run(
            ["docker", *words, f"--mount={mount}", IMAGE, "sh", "-c", script],
            input=_archive(suffix),
            capture_output=True,
            check=True,
        )
        self.trees[name] = self.scan([name])[name]
        return name

    def remove(self, suffix: str) -> None:
        """Remove a volume, knowingly."""
        name = self.volume(suffix)
        self.trees.pop(name, None)
        if self.workspace.engine.volume(name):
            self.workspace.engine.remove_volume(name)

    def written(self, suffix: str) -> None:
        """Note that a volume was changed, and is to be filled anew."""
        self.trees.pop(self.volume(suffix), None)

    def runs(self) -> bool:
        """Whether the project has a container that runs."""
        labels = [f"{LABEL_PREFIX}={self.workspace.prefix}"]
        return any(c.state == "running" for c in self.workspace.engine.containers(labels))

    def stop(self) -> None:
        """Remove the project's containers."""
        for name in self.workspace.container_names():
            self.workspace.engine.remove(name, force=True)

    def up(self, *, running: bool = True) -> None:
        """Have an environment, running or stopped."""
        self.container = self.workspace.up().container.id
        if not running:
            self.workspace.engine.stop(self.container)

    def empty(self) -> None:
        """Have nothing in the directory for archives and copies."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()
        give(self.out)

    def write(self, relative: str, content: str) -> None:
        """Have a file in the project."""
        file = self.workspace.path / relative
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        for path in (file, *file.relative_to(self.workspace.path).parents):
            give(self.workspace.path / path)
        self.configuration = digest(self.workspace.home)

    def emptied(self) -> list[str]:
        """Remove what is in the ``TMPDIR``, and return what it was."""
        found = sorted(self.temporary.iterdir())
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return [path.name for path in found]

    def forget_images(self) -> None:
        """Have the next command read the image's users anew."""
        shutil.rmtree(self.workspace.home / ".cache-of-tests", ignore_errors=True)

    def scan(self, names: Sequence[str]) -> dict[str, Tree]:
        """Return what is in volumes."""
        mounts = [f"type=volume,src={n},dst=/devenv/v/{n},volume-nocopy,readonly" for n in names]
        words = ["docker", "run", "--rm", "--network=none", "--user=0"]
        words += [*(f"--mount={m}" for m in mounts), IMAGE, "tar", "-c", "-C", "/devenv/v", "."]
        found: dict[str, Tree] = {name: {} for name in names}
        data = subprocess.run(words, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                _, _, rest = member.name.partition("/")
                name, _, path = rest.partition("/")
                if name:
                    found[name][path] = _entry(archive, member)
        return found

    def problems(self, volumes: Sequence[str]) -> list[str]:
        """Return which promises are broken; ``volumes`` are all that are to be there."""
        prefix = self.workspace.prefix
        there = [v.name for v in self.workspace.engine.volumes() if v.name.startswith(prefix)]
        wanted = sorted({*volumes, self.volume("foreign"), *self.trees})
        said = [] if sorted(there) == wanted else [f"volumes are {there}, and not {wanted}"]
        for name, tree in self.scan(sorted(there)).items():
            said += [f"{name} has {p}" for p in tree if Path(p).name.startswith(".devenv")]
            lost = [p for p, e in self.trees.get(name, {}).items() if tree.get(p) != e]
            said += [f"{name} has lost {lost[:9]}"] if lost else []
        said += [] if self._foreign() == self.foreign else ["the foreign container was changed"]
        same = digest(self.workspace.home) == self.configuration
        said += [] if same else ["the host's configuration or the project was changed"]
        state = self.workspace.home / ".local/state"
        files = [*self.out.rglob("*"), *state.rglob("*")]
        left = [str(p) for p in files if ".devenv" in p.name or p.name.endswith(".partial")]
        return [*said, *([f"left on the host: {left}"] if left else [])]

    def _foreign(self) -> str:
        form = "{{.Id}} {{.State.Status}} {{range .Mounts}}{{.Name}}{{end}}"
        name = f"{self.volume('foreign')}-container"
        return docker("inspect", f"--format={form}", name, check=False).stdout


def _archive(seed: str) -> bytes:
    """Return `FILES` as an archive; the contents differ by ``seed``."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for path, text in FILES.items():
            member = tarfile.TarInfo(path)
            content = f"{seed} {text}".encode()
            member.size, member.mtime = len(content), 10**9
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


def archived(path: Path) -> Tree:
    """Return what is in an archive of devenv's, after it was read as a whole and verified."""
    with volumes.opened(path) as whole, path.open("rb") as file:
        assert whole.manifest is not None
        data = reader(file).read()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {m.name.removeprefix(".").removeprefix("/"): _entry(archive, m) for m in archive}


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[Any, ...]:
    """Return an entry's facts; of a directory not the time, as environments make more in them."""
    file = archive.extractfile(member) if member.isreg() else None
    content = digest_of(file.read()) if file else member.linkname
    time = 0 if member.isdir() else int(member.mtime)
    return (member.type, member.mode, member.uid, member.gid, time, content)


def digest_of(content: bytes) -> str:
    """Return a content's digest, as trees have it."""
    return hashlib.sha256(content).hexdigest()


def digest(home: Path) -> str:
    """Return a digest of a home directory, but for what is devenv's own there and Python's."""
    total = hashlib.sha256()
    for path in sorted(home.rglob("*")):
        relative = str(path.relative_to(home))
        own = relative.startswith((".cache-of-tests", ".local/state"))
        if own or "__pycache__" in path.parts:
            continue
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        facts = (relative, status.st_mode, status.st_uid, content)
        total.update(repr(facts).encode())
    return total.hexdigest()


#: What is done to a world before a command, and what is looked at after it.
Step = Callable[[World], None]
