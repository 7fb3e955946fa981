"""Read an archive as a whole before anything is done with it, and once more to unpack it."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from devenv_lib.errors import DevenvError, Refused, UsageError
from devenv_lib.plans.archive import Judge
from devenv_lib.plans.manifest import Manifest, read_manifest
from devenv_lib.plans.stream import Unfit, entries
from devenv_lib.texts import quoted
from devenv_lib.volumes.compression import errors, reader
from devenv_lib.volumes.tar import Counted

_CHUNK = 1 << 20
#: Bytes of a manifest that are read: it comes from wherever its archive does.
_LARGEST_MANIFEST = 1 << 20
#: How an archive's name ends; a volume's, with which it begins, may have a ``.tar`` too.
_SUFFIX = re.compile(r"\.tar(\.[^.]*)?\Z")


@dataclass(frozen=True)
class Archive:
    """An archive that was read as a whole, and whose entries may all be unpacked.

    ``file`` is open, so that what is unpacked is what was read. ``files`` counts its entries,
    ``bytes`` is its length as a tar stream, ``size`` and ``sha256`` are of the file. ``top`` says
    whether it has an entry for the volume's own directory, ``names`` counts what comes to lie
    below that. ``manifest`` is what lies beside it, or
    ``None``.
    """

    path: Path
    file: IO[bytes]
    files: int
    bytes: int
    size: int
    sha256: str
    top: bool
    names: int
    manifest: Manifest | None


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Give an archive, after its digest and every entry in it were checked.

    Raises:
        UsageError: there is no such file, or it is a pipe.
        Refused: it is not what its manifest says, it is broken, or an entry of it is refused.

    Example::

        from pathlib import Path
        from tempfile import TemporaryDirectory

        with devenv.environment(settings=settings):
            pass  # its volumes stay
        cache = f"{settings.prefix}-cache"
        with TemporaryDirectory() as to:
            saved = devenv.backup(engine, settings.prefix, cache, Path(to), "devenv:latest")
            with devenv.opened(Path(saved.path)) as archive:
                assert archive.sha256 == saved.manifest.sha256
                assert archive.names == archive.files - 1  # the volume's own directory
    """
    with _file(path) as file:
        try:
            archive = _examined(path, file)
        except OSError as error:
            raise _unreadable(path, error.strerror or str(error)) from None
        yield archive


def _file(path: Path) -> IO[bytes]:
    """Open a file to read it more than once."""
    try:
        return _regular(path)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None


def _regular(path: Path) -> IO[bytes]:
    """Open a file, and wait for no writer of a fifo."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no file, which can be read more than once")
    return os.fdopen(descriptor, "rb")


def _unreadable(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} cannot be read: {why}.", "Name an archive: --from FILE")


def _examined(path: Path, file: IO[bytes]) -> Archive:
    manifest = _manifest(path)
    sha256, size = _Hashed(file).whole()
    if manifest and (manifest.sha256, manifest.size) != (sha256, size):
        raise Refused(
            f"{path} is not what its manifest says: its SHA-256 is {sha256}.",
            "It is damaged, or another file. Nothing was changed; use another backup.",
        )
    source = _Hashed(file)
    judge, count = _judged(path, source)
    if source.whole() != (sha256, size):
        raise _unreadable(path, "it changed while it was read")
    return Archive(path, file, judge.files, count, size, sha256, judge.top, judge.names, manifest)


def _manifest(path: Path) -> Manifest | None:
    """Return the manifest beside an archive, or what a symlink leads to; ``None`` without one."""
    beside = path.with_name(f"{_SUFFIX.sub('', path.name)}.json")
    if path.is_symlink() and not os.path.lexists(beside):
        return _manifest(path.resolve())
    try:
        return read_manifest(_manifest_text(beside))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Refused(
            f"The manifest {beside} cannot be read: {error}.",
            "To go without it, move it away: the archive's digest is not verified then.",
        ) from None


def _manifest_text(path: Path) -> str:
    with _regular(path) as file:
        text = file.read(_LARGEST_MANIFEST + 1)
    if len(text) > _LARGEST_MANIFEST:
        raise ValueError("it is larger than manifests are")
    return text.decode()


class _Hashed:
    """A file from its beginning, and what was read of it: SHA-256 and bytes.

    What was read is what counts: the file can be another one before and after.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek(0)

    def seek(self, at: int) -> int:
        """Begin anew, which is all that readers of archives ask for."""
        self._digest, self._size = hashlib.sha256(), 0
        return self._file.seek(at)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        data = self._file.read(size)
        self._digest.update(data)
        self._size += len(data)
        return data

    def whole(self) -> tuple[str, int]:
        """Return the digest and size of all, once what no reader wanted is read too."""
        while self.read(_CHUNK):
            pass
        return self._digest.hexdigest(), self._size


def _judged(path: Path, source: _Hashed) -> tuple[Judge, int]:
    """Return who judged all entries of a tar stream, and how long it is."""
    judge, stream = Judge(os.urandom(16)), Counted(reader(cast("IO[bytes]", source)))
    try:
        for entry in entries(stream.read):
            if why := judge.judge(entry):
                raise Refused(
                    f"{path} is refused: its entry {quoted(entry.name)} {why}.",
                    "Nothing was changed. See what is in it: tar -tvf FILE",
                )
    except Unfit as error:
        raise _refused(path, str(error)) from None
    except _broken_by() as error:
        raise _refused(path, f"is no whole archive: {error}") from None
    if not judge.files:
        raise _refused(path, "is no whole archive: nothing is in it")
    return judge, stream.count


def _broken_by() -> tuple[type[Exception], ...]:
    """Return what reading a broken file raises."""
    return (zlib.error, EOFError, OSError, *errors())


def _refused(path: Path, why: str) -> DevenvError:
    return Refused(f"{path} {why}.", "Nothing was changed. Use another backup.")


def chunks(archive: Archive) -> Iterator[bytes]:
    """Yield the archive's tar stream, and fail at its end if the file changed since it was read.

    Raises:
        Refused: it is not what it was.
    """
    changed = Refused(
        f"{archive.path} changed while it was unpacked.",
        "The volume is as it was. Repeat the command with a file that stays.",
    )
    file, count = _Hashed(archive.file), 0
    source = reader(cast("IO[bytes]", file))
    while data := _read(source, changed):
        count += len(data)
        yield data
    if count != archive.bytes or file.whole() != (archive.sha256, archive.size):
        raise changed


def _read(source: IO[bytes], changed: Refused) -> bytes:
    """Return the next bytes of a stream that could be read before."""
    try:
        return source.read(_CHUNK)
    except _broken_by():
        raise changed from None
