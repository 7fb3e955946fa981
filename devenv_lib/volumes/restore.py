"""Restore a volume from an archive, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devenv_lib.engine.program import PIPE
from devenv_lib.errors import EngineFailure, Refused
from devenv_lib.plans.restoring import labels_for, refuse_target, target_name
from devenv_lib.volumes import tar
from devenv_lib.volumes.archive import Archive, chunks
from devenv_lib.volumes.backup import backup
from devenv_lib.volumes.compression import best
from devenv_lib.volumes.filling import Filling, begin, commit, filling, taken
from devenv_lib.volumes.hold import reading
from devenv_lib.volumes.saved import check_saved
from devenv_lib.volumes.tree import AGAIN, FROM, TO, stamps

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

#: Prints the first entry at a volume's top, but for what a restore has there.
_ANY = 'find "$1" -mindepth 1 -maxdepth 1 ! -name ".devenv-restore-*" -printf x -quit'
#: Runs a program that may be done before its input ends, and reads the rest of that.
_DRAINING = ("sh", "-c", '"$@" && cat >/dev/null', "devenv")
#: find's tests for what was in a volume before.
_OLD = ("-mindepth", "1", "-path", f"{TO}/.devenv-restore-*", "-prune", "-o")
_COUNT = 'find "$1" ! -type s -printf . | wc -c'


@dataclass(frozen=True)
class Restored:
    """One restored volume: from where, how many entries, how many bytes as a tar stream.

    ``saved`` is the archive of what was there before, or empty; ``earlier`` says what an
    interrupted command had left; ``verified`` whether a manifest vouched for the archive. ``notes``
    say what one should know: that the volume's file system does not keep everything, say.
    """

    name: str
    path: str
    files: int
    bytes: int
    verified: bool
    saved: str = ""
    earlier: str = ""
    notes: tuple[str, ...] = ()


def plan_restore(
    engine: Engine,
    prefix: str,
    name: str,
    image: str,
    *,
    replace: bool = False,
    protected: Sequence[str] = (),
) -> bool:
    """Refuse what `restore` would refuse now, and return whether it would replace anything.

    The volume is looked into, if it is there, in a helper that is made from ``image`` and only
    reads. ``replace`` says whether what is in it may be replaced.

    Raises:
        Refused: the volume is in use, not ours, not empty, or protected.
        UsageError: it is none of this prefix's.
    """
    snapshot = engine.snapshot()
    refuse_target(snapshot, prefix, name, protected if replace else ())
    if snapshot.volume(name) is None:
        return False
    with reading(engine, prefix, name, image) as helper:
        full = bool(helper.run(["sh", "-c", _ANY, "devenv", FROM]))
    if full and not replace:
        raise _not_empty(name)
    return full


def _changed(name: str) -> Refused:
    return Refused(
        f"What was in {name} changed meanwhile, and was to be replaced: it is as it is now.",
        f"See who uses it: docker ps -a --filter volume={name}; then repeat the command.",
    )


def _not_empty(name: str) -> Refused:
    return Refused(
        f"The volume {name} is not empty.",
        "To replace what is in it, which is backed up first: add --replace",
    )


def restore(
    engine: Engine,
    prefix: str,
    archive: Archive,
    image: str,
    *,
    name: str = "",
    replace: Path | None = None,
    protected: Sequence[str] = (),
    moved: Callable[[int], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> Restored:
    """Fill a volume from an ``archive`` that was read as a whole (`opened`).

    The volume is ``name``, or the one that the archive's manifest says; it is made if it is not
    there. One that is not empty is refused, unless ``replace`` is a directory: what is there is
    first backed up to that, and ``say`` is told where it is. Whatever fails or is killed, the
    volume has all of the old or all of the new in the end. ``protected`` are names or patterns of
    volumes that are not replaced.

    Raises:
        Refused: the volume is in use, not ours, not empty, or protected; nothing was changed.
        UsageError: no volume was named, or it is none of this prefix's.
        EngineFailure: the engine failed, or its disk is full; the volume is as it was.

    Example::

        from pathlib import Path
        from tempfile import TemporaryDirectory

        with devenv.environment(settings=settings):
            pass  # its volumes stay
        cache, other = f"{settings.prefix}-cache", f"{settings.prefix}-other"
        with TemporaryDirectory() as to:
            saved = devenv.backup(engine, settings.prefix, cache, Path(to), "devenv:latest")
            with devenv.opened(Path(saved.path)) as archive:
                done = devenv.restore(engine, settings.prefix, archive, "devenv:latest", name=other)
        assert (done.name, done.files) == (other, saved.manifest.files)
    """
    name = target_name(archive.manifest, name)
    notes: tuple[str, ...] = ()
    if (manifest := archive.manifest) and not manifest.notes and archive.files != manifest.files:
        notes = (f"{archive.files} entries are in it, and its manifest says {manifest.files}",)
    with taken(engine, prefix, name, image) as hold:
        snapshot = engine.snapshot()
        refuse_target(snapshot, prefix, name, protected if replace else ())
        if (there := snapshot.volume(name)) and not there.plain:
            notes += ("it has a driver or options of its own: what is in it is theirs to keep",)
        labels, saved = labels_for(archive.manifest, name, prefix), ""
        with filling(hold, labels) as filled:
            before = stamps(filled.helper, TO, *_OLD) if filled.present else b""
            if filled.present and filled.helper.run(["sh", "-c", _ANY, "devenv", TO]):
                saved = _saved(engine, prefix, name, image, replace)
                say(f"What is in {name} was saved first: {saved}")
            begin(filled)
            notes += tuple(_unpack(filled, archive, moved))
            if filled.present and stamps(filled.helper, TO, *_OLD) != before:
                raise _changed(name)
            commit(filled, top=archive.top)
    verified = archive.manifest is not None
    path = str(archive.path)
    return Restored(name, path, archive.files, archive.bytes, verified, saved, hold.earlier, notes)


def _saved(engine: Engine, prefix: str, name: str, image: str, replace: Path | None) -> str:
    """Back up what is to be replaced, see that it can be had back, and return where."""
    if replace is None:
        raise _not_empty(name)
    saved = backup(engine, prefix, name, replace, image, compression=best(), held=True)
    check_saved(saved, "Nothing was replaced")
    return saved.path


def _unpack(filled: Filling, archive: Archive, moved: Callable[[int], None]) -> Iterator[str]:
    """Unpack the archive, and yield what tar did not count as a failure."""
    # What lies in the future, or before 1970, it would tell about too.
    words = [*_DRAINING, *tar.EXTRACT, "--warning=no-timestamp", f"--directory={filled.directory}"]
    whole = False
    with filled.helper.stream(words, stdin=PIPE) as program, suppress(BrokenPipeError):
        for data in chunks(archive):
            if program.stdin is not None:
                program.stdin.write(data)
            moved(len(data))
        whole = True
    if not whole:  # whether it is what was judged shows at its end
        raise EngineFailure(f"{archive.path} could not be unpacked to its end.", AGAIN)
    count = int(filled.helper.run(["sh", "-c", _COUNT, "devenv", filled.directory]))
    if count != archive.names + 1:
        raise EngineFailure(
            f"{count - 1} names came out of {archive.path}, which has {archive.names}.",
            "Look at what this image's tar is: it has to be GNU tar.",
        )
    if said := tar.warned(program.said):  # as of attributes, which not every file system has
        yield f"not everything could be kept: {said}"
