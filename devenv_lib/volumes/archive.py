"""Read an archive as a whole before anything is done with it, and once more to unpack it."""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from devenv_lib.errors import DevenvError, Refused, UsageError
from devenv_lib.plans.archive import Entry, Judge, Kind
from devenv_lib.plans.manifest import Manifest, read_manifest
from devenv_lib.volumes.compression import errors, reader

_CHUNK = 1 << 20
#: An archive ends with two empty blocks of 512 bytes.
_END = 1024


@dataclass(frozen=True)
class Archive:
    """An archive that was read as a whole, and whose entries may all be unpacked.

    ``file`` is open, so that what is unpacked is what was read. ``files`` counts its entries,
    ``bytes`` is its length as a tar stream, ``size`` and ``sha256`` are of the file. ``top`` says
    whether it has an entry for the volume's own directory. ``manifest`` is what lies beside it, or
    ``None``.
    """

    path: Path
    file: IO[bytes]
    files: int
    bytes: int
    size: int
    sha256: str
    top: bool
    manifest: Manifest | None


class _Stream:
    """A stream that is read to its end: how long it was, and with how many zeros it ends."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.count = self.zeros = 0

    def read(self, size: int = _CHUNK) -> bytes:
        data = self._source.read(size)
        self.count += len(data)
        kept = data.rstrip(b"\0")
        self.zeros = len(data) - len(kept) + (0 if kept else self.zeros)
        return data


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Give an archive, after its digest and every entry in it were checked.

    Raises:
        UsageError: there is no such file.
        Refused: it is not what its manifest says, it is broken, or an entry of it is refused.
    """
    try:
        with path.open("rb") as file:
            yield _examined(path, file)
    except OSError as error:
        if error.filename != str(path):
            raise
        raise UsageError(
            f"{path} cannot be read: {error.strerror}.", "Name an archive: --from FILE"
        ) from None


def _examined(path: Path, file: IO[bytes]) -> Archive:
    manifest = _manifest(path)
    sha256, size = _digest(file)
    if manifest and (manifest.sha256, manifest.size) != (sha256, size):
        raise Refused(
            f"{path} is not what its manifest says: its SHA-256 is {sha256}.",
            "It is damaged, or another file. Nothing was changed; use another backup.",
        )
    judge, count = _judged(path, file)
    return Archive(path, file, judge.files, count, size, sha256, judge.top, manifest)


def _manifest(path: Path) -> Manifest | None:
    """Return the manifest beside an archive, or ``None`` if there is none."""
    beside = path.with_name(f"{path.name.partition('.tar')[0]}.json")
    try:
        return read_manifest(beside.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Refused(
            f"The manifest {beside} cannot be read: {error}.",
            "To go without it, move it away: the archive's digest is not verified then.",
        ) from None


def _digest(file: IO[bytes]) -> tuple[str, int]:
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
    return digest.hexdigest(), file.tell()


def _judged(path: Path, file: IO[bytes]) -> tuple[Judge, int]:
    """Return who judged all entries of a tar stream, and how long it is."""
    file.seek(0)
    judge = Judge()
    try:
        stream = _Stream(reader(file))
        with tarfile.open(
            fileobj=cast("IO[bytes]", stream), mode="r|", encoding="utf-8", errors="surrogateescape"
        ) as tar:
            for member in tar:
                if why := judge.judge(_entry(member)):
                    raise Refused(
                        f"{path} is refused: its entry {member.name!r} {why}.",
                        "Nothing was changed. See what is in it: tar -tvf FILE",
                    )
                cast("Any", tar).members = []  # it would keep all of them
        while rest := stream.read():
            if rest.strip(b"\0"):
                raise Refused(
                    f"{path} goes on after its end.", "Nothing was changed. Make the archive anew."
                )
    except _broken_by() as error:
        raise _broken(path, str(error)) from None
    if stream.zeros < _END or not judge.files:
        raise _broken(path, "it ends too early")
    return judge, stream.count


def _broken_by() -> tuple[type[Exception], ...]:
    """Return what reading a broken file raises."""
    return (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, *errors())


def _broken(path: Path, why: str) -> DevenvError:
    return Refused(
        f"{path} is no whole archive: {why}.", "Nothing was changed. Use another backup."
    )


def _entry(member: tarfile.TarInfo) -> Entry:
    # A file with holes has its name there, and a made up one as its path: GNU tar goes by the
    # former, tarfile by whichever comes last.
    name = member.pax_headers.get("GNU.sparse.name", member.name)
    return Entry(name, _kind(member), member.linkname, member.size)


def _kind(member: tarfile.TarInfo) -> Kind:
    if member.type == tarfile.CONTTYPE:
        return "unknown"
    if member.isreg():
        return "file"
    if member.isdir():
        return "directory"
    if member.issym():
        return "symlink"
    if member.islnk():
        return "link"
    return "special" if member.isdev() else "unknown"


def chunks(archive: Archive) -> Iterator[bytes]:
    """Yield the archive's tar stream, and fail at its end if the file changed since it was read.

    Raises:
        Refused: it is not what it was.
    """
    changed = Refused(
        f"{archive.path} changed while it was unpacked.",
        "The volume is as it was. Repeat the command with a file that stays.",
    )
    archive.file.seek(0)
    source, count = reader(archive.file), 0
    while data := _read(source, changed):
        count += len(data)
        yield data
    if count != archive.bytes or _digest(archive.file) != (archive.sha256, archive.size):
        raise changed


def _read(source: IO[bytes], changed: Refused) -> bytes:
    """Return the next bytes of a stream that could be read before."""
    try:
        return source.read(_CHUNK)
    except _broken_by():
        raise changed from None
