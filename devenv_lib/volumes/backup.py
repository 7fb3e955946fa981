"""Back volumes up: an archive for each, which is whole or not there, and a manifest beside it."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from devenv_lib import texts
from devenv_lib.engine.program import PIPE
from devenv_lib.errors import EngineFailure, Refused, UsageError
from devenv_lib.names import prefix_of
from devenv_lib.plans.archive import LONGEST_PATH, RESERVED
from devenv_lib.plans.kinds import MOST
from devenv_lib.plans.manifest import Manifest, write_manifest
from devenv_lib.plans.saving import SavingPlan, between, saving, writers
from devenv_lib.records import Container, Snapshot, Volume
from devenv_lib.scripts import script
from devenv_lib.volumes import partial, tar
from devenv_lib.volumes.compression import SUFFIXES, Compression, writer
from devenv_lib.volumes.hold import reading
from devenv_lib.volumes.tree import AGAIN, FROM

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.engine.helper import Helper

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Backup:
    """One volume's backup: where its archive is, and what the manifest beside it says."""

    path: str
    manifest: Manifest


@dataclass(frozen=True)
class _Source:
    """A volume that a helper reads, and who could write into it when that began.

    ``held`` says that the caller has it in hand, with a helper of its own.
    """

    engine: Engine
    helper: Helper
    volume: Volume
    using: Sequence[Container]
    held: bool

    def used(self) -> Iterator[str]:
        """Yield a note, if somebody could write into it up to now."""
        using = between(self.using, _writers(self.engine, self.volume))
        names = ", ".join(user.name for user in using)
        if using and all(user.state == "paused" for user in using):
            yield f"in use by {names}: paused meanwhile"
        elif using:
            yield f"in use by {names}: it may not be consistent; --pause pauses these meanwhile"
        elif not self.held and self.engine.used_since(self.volume.name, self.helper.id):
            yield "somebody may have written into it while it was read: it may not be consistent"


@dataclass
class _Stream:
    """What came out of a volume: entries, sockets that were left out, bytes, and tar's words.

    ``reserved`` are the entries at its top whose names a restore needs itself, ``long`` those
    whose paths no system call takes; ``words`` is what tar said though it did not fail.
    """

    files: int
    sockets: int
    reserved: int
    long: int
    bytes: int = field(default=0, init=False)
    changed: bool = field(default=False, init=False)
    words: str = field(default="", init=False)


def plan_backup(
    engine: Engine, prefix: str, names: Sequence[str] | None, directory: Path
) -> SavingPlan:
    """Return what backing ``names`` (``None``: all) up to ``directory`` would do.

    Raises:
        UsageError: a name that an engine cannot take literally, or no directory to write to.
    """
    check_directory(directory)
    return saving(engine.snapshot(), prefix, names)


def check_directory(directory: Path) -> None:
    """Refuse a directory that archives cannot be written to.

    Raises:
        UsageError: with the reason.
    """
    if not os.path.isdir(directory):
        raise UsageError(
            f"{directory} is no directory.",
            f"Make it, if it is meant: mkdir -p {shlex.quote(str(directory))}",
        )
    if not os.access(directory, os.W_OK | os.X_OK):
        raise UsageError(f"{directory} may not be written to.", "Name another directory: --to DIR")


def backup(
    engine: Engine,
    prefix: str,
    name: str,
    directory: Path,
    image: str,
    *,
    compression: Compression = "gzip",
    pause: bool = False,
    moved: Callable[[int], None] = lambda _: None,
    held: bool = False,
) -> Backup:
    """Save all that is in the volume ``name`` to a new archive in ``directory``.

    Owners, modes, links, sparse and special files, times, extended attributes and access lists
    are in it; sockets are not, which no archive has. The archive gets its name when it is whole
    and on the disk, and has a manifest beside it then; nothing is overwritten. With ``pause`` the
    running containers that could write into the volume are paused meanwhile. ``image`` is what
    the helper is made from, and ``moved`` is told how many further bytes came out of the volume.
    ``held`` is for who has the volume in hand and made its marker.

    Raises:
        Refused: the volume is not ours, or in the hands of a command that is not finished.
        EngineFailure: it could not be read as a whole.
        DevenvError: the directory cannot be written to, or is full.

    Example::

        from pathlib import Path
        from tempfile import TemporaryDirectory

        with devenv.environment(settings=settings):
            pass  # its volumes stay
        name = f"{settings.prefix}-cache"
        with TemporaryDirectory() as to:
            saved = devenv.backup(engine, settings.prefix, name, Path(to), "devenv:latest")
            assert Path(saved.path).stat().st_size == saved.manifest.size
    """
    _fit(engine.snapshot(), prefix, name, held=held)
    with reading(engine, prefix, name, image) as helper:
        snapshot = engine.snapshot()
        volume = _fit(snapshot, prefix, name, held=held)  # as it is once it is in hand
        using = writers(snapshot, prefix, name)
        with _paused(engine, using if pause else ()):
            using = _writers(engine, volume) if pause else using
            source = _Source(engine, helper, volume, using, held)
            return _save(source, directory, compression, moved)


def _fit(snapshot: Snapshot, prefix: str, name: str, *, held: bool) -> Volume:
    """Return the volume, if it may be saved."""
    plan = saving(snapshot, prefix, [name], held=held)
    for refusal in plan.refusals:
        raise Refused(f"{name}: {refusal.reason}.", refusal.remedy)
    return plan.volumes[0]


def _writers(engine: Engine, volume: Volume) -> tuple[Container, ...]:
    return writers(engine.snapshot(), prefix_of(volume.labels), volume.name)


@contextmanager
def _paused(engine: Engine, containers: Sequence[Container]) -> Iterator[None]:
    """Pause those of ``containers`` that run, and let exactly these go on again."""
    with ExitStack() as held:
        for container in containers:
            if container.state == "running":
                held.enter_context(_pause(engine, container.id))  # each goes on, if another fails
        yield


@contextmanager
def _pause(engine: Engine, container: str) -> Iterator[None]:
    """Pause a container and let it go on, unless somebody else has paused it meanwhile."""
    mine = True
    with engine.stand_in(container) as done:
        try:
            try:
                engine.pause(container)
            except EngineFailure as failure:
                mine = "already paused" not in str(failure)
                raise
            yield
        finally:
            if mine:
                engine.unpause(container)
            done()


def _save(
    source: _Source, directory: Path, compression: Compression, moved: Callable[[int], None]
) -> Backup:
    volume, suffix = source.volume, SUFFIXES[compression]
    with partial.partial_file(directory, volume.name) as (path, sink):
        stream = _stream(source.helper, sink, compression, moved, tolerant=bool(source.using))
        notes = (*source.used(), *_notes(stream, plain=volume.plain))
        sink.sync()  # which takes a while; between the next steps are moments
        stem, written = _reserve(directory, volume.name, suffix)
        manifest = Manifest(
            name=volume.name,
            archive=f"{stem}{suffix}",
            compression=compression,
            engine=source.engine.endpoint.title,
            labels=dict(volume.labels),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            files=stream.files,
            bytes=stream.bytes,
            size=sink.size,
            sha256=sink.sha256,
            notes=notes,
        )
        try:
            with os.fdopen(written, "w", encoding="utf-8") as file:
                file.write(write_manifest(manifest))
                file.flush()
                os.fsync(written)
            partial.finish(path, directory / manifest.archive)
        except BaseException:
            if not os.path.lexists(directory / manifest.archive):  # else it is whole, and stays
                (directory / f"{stem}.json").unlink(missing_ok=True)
            raise
    return Backup(str(directory / manifest.archive), manifest)


def _reserve(directory: Path, name: str, suffix: str) -> tuple[str, int]:
    """Make an empty manifest: whoever makes it has the archive's name too.

    Returns the names' stem, and a descriptor: its path is known to all who may write there.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    while True:
        stem = f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        path = directory / f"{stem}.json"
        if not os.path.lexists(directory / f"{stem}{suffix}"):
            try:
                return stem, os.open(path, flags, 0o600)
            except FileExistsError:
                pass
        time.sleep(0.1)  # until the next second


def _notes(stream: _Stream, *, plain: bool) -> Iterator[str]:
    if stream.changed:
        yield "something in it changed or went while it was read"
    if stream.sockets:
        several = texts.counted(stream.sockets, "socket was", "sockets were")
        yield f"{several} left out: no archive can hold one"
    if stream.words and not stream.changed:  # as of attributes and access lists
        yield f"not everything could be read: {stream.words}"
    if stream.long:
        yield f"a restore would refuse it: paths in it are longer than {LONGEST_PATH:,} bytes"
    if stream.reserved:
        yield f"a restore would refuse it: names at its top begin with {RESERVED}"
    if stream.files > MOST:
        yield f"a restore would refuse it: it has more than {MOST:,} entries"
    if not plain:
        yield "it has a driver or options of its own, which no archive has"


def _stream(
    helper: Helper,
    sink: partial.Sink,
    compression: Compression,
    moved: Callable[[int], None],
    *,
    tolerant: bool,
) -> _Stream:
    """Read the volume as a tar stream, and write it compressed."""
    counting = f"{script('volumes/sparse.sh')}{tar.COUNT}\nsparse ."
    counts = helper.run(["sh", "-c", counting, "devenv", FROM]).decode().split()
    stream = _Stream(*map(int, counts[:4]))
    words = [*tar.CREATE, *counts[4:], "--totals", f"--directory={FROM}", "."]
    tolerated = (tar.CHANGED,) if tolerant else ()
    with helper.stream(words, stdout=PIPE, tolerated=tolerated) as program:
        if program.stdout is None:
            raise EngineFailure("The helper has no output.", AGAIN)
        buffer, end = memoryview(bytearray(_CHUNK)), b""
        with closing(writer(cast("IO[bytes]", sink), compression)) as compressed:
            while count := program.stdout.readinto(buffer):  # type: ignore[attr-defined]
                compressed.write(buffer[:count])
                end = (end + bytes(buffer[max(0, count - tar.END) : count]))[-tar.END :]
                stream.bytes += count
                moved(count)
    # The program has told its end, and its output may yet be lost. Zeros may be a file's.
    if end != bytes(tar.END) or tar.total(program.said) != stream.bytes:
        raise EngineFailure("The archive does not end as tar ends one.", AGAIN)
    stream.changed = program.status == tar.CHANGED
    stream.words = tar.warned(program.said)
    return stream
