"""Compressed files: zstd where this Python has it, else gzip; told apart by their first bytes."""

from __future__ import annotations

import gzip
import importlib
from contextlib import suppress
from typing import IO, Any, Literal

from devenv_lib.errors import Refused

Compression = Literal["zstd", "gzip", "none"]
SUFFIXES: dict[Compression, str] = {"zstd": ".tar.zst", "gzip": ".tar.gz", "none": ".tar"}
_MAGIC: dict[bytes, Compression] = {b"\x28\xb5\x2f\xfd": "zstd", b"\x1f\x8b": "gzip"}
#: How files of other compressions begin, and what unpacks them.
_OTHERS = {b"\xfd7zX": "xz -dk", b"BZh": "bzip2 -dk", b"\x04\x22\x4d\x18": "lz4 -dk"}


def best() -> Compression:
    """Return the best compression that this Python offers."""
    return "zstd" if _zstd() else "gzip"


def _zstd() -> Any:
    """Return a module for zstd: the standard library's (from Python 3.14 on), or ``zstandard``."""
    for name in ("compression.zstd", "zstandard"):
        with suppress(ImportError):
            return importlib.import_module(name)
    return None


def errors() -> tuple[type[Exception], ...]:
    """Return what a broken file raises besides what gzip's does."""
    zstd = _zstd()
    return (zstd.ZstdError,) if zstd else ()


def writer(file: IO[bytes], compression: Compression) -> IO[bytes]:
    """Return a stream that writes to ``file`` compressed; closing it leaves ``file`` open."""
    if compression == "none":
        return file
    if compression == "gzip":
        # No time and no name: the same content is the same file.
        return gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0)  # type: ignore[return-value]
    zstd = _zstd()
    if zstd.__name__ == "zstandard":
        made: IO[bytes] = zstd.ZstdCompressor(level=3).stream_writer(file, closefd=False)
        return made
    made = zstd.ZstdFile(file, "wb")
    return made  # noqa: RET504 - typed, which the module is not everywhere


def reader(file: IO[bytes]) -> IO[bytes]:
    """Return a stream that reads what ``file``, which can be sought in, has compressed.

    Raises:
        Refused: it is compressed otherwise, or with zstd, and this Python cannot read that.
    """
    first = file.read(4)
    file.seek(0)
    found = next((name for magic, name in _MAGIC.items() if first.startswith(magic)), "none")
    for magic, command in _OTHERS.items():
        if first.startswith(magic):
            raise Refused(
                f"The archive is compressed by {command.split()[0]}, which is not read here.",
                f"Unpack it first: {command} FILE",
            )
    if found == "none":
        return file
    if found == "gzip":
        return gzip.GzipFile(fileobj=file, mode="rb")  # type: ignore[return-value]
    zstd = _zstd()
    if zstd is None:
        raise Refused(
            "The archive is compressed with zstd, which this Python cannot read.",
            "pip install zstandard; or use Python 3.14",
        )
    if zstd.__name__ == "zstandard":
        made: IO[bytes] = zstd.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        return made
    made = zstd.ZstdFile(file, "rb")
    return made  # noqa: RET504 - see above
