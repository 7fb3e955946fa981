"""Copy a file or a directory out of a volume."""

from __future__ import annotations

import os
import tarfile
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from devenv_lib.engine.program import PIPE
from devenv_lib.errors import EngineFailure, Refused
from devenv_lib.plans.contents import Copied, Tally, parts_of, reachable, spelled
from devenv_lib.scripts import script
from devenv_lib.volumes import unpack
from devenv_lib.volumes.hold import reading
from devenv_lib.volumes.landing import IT, Held, beside, give_name, landing, refuse_taken
from devenv_lib.volumes.tar import CHANGED, Counted
from devenv_lib.volumes.tree import FROM

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

#: See out.sh.
_MISSING, _ASTRAY, _ODD = 32, 33, 34


def copy_out(
    engine: Engine,
    prefix: str,
    name: str,
    path: str,
    to: str | IO[bytes],
    image: str,
    *,
    replace: bool = False,
) -> Copied:
    """Copy a file or a directory out of the volume ``name``, as ``cp -r`` would.

    ``path`` is relative to the volume's top, which is ``.``; symlinks on the way are followed
    inside the volume alone. In a directory ``to`` the copy has its own name, else ``to`` is its
    name; into a stream goes one file's content. It appears under its name when it is whole, and
    over nothing, except that with ``replace`` a file takes a file's place. It is the caller's:
    no owners, setuid bits, times or hard links are copied, and modes are masked by the umask.
    Sockets, fifos and devices are left out, and so are symlinks that lead out of what is copied.
    ``image`` is what the helper is made from.

    Raises:
        UsageError: ``path`` is none in a volume.
        Refused: the volume is not devenv's, there is nothing at ``path``, a symlink leads out, or
            something has the name already; nothing was changed.
        DevenvError: it could not be written or, as an EngineFailure, not read.

    Example::

        from pathlib import Path
        from tempfile import TemporaryDirectory

        with devenv.environment(settings=settings) as inside:
            assert inside.execute(["sh", "-c", "printf hello > ~/.cache/note"]) == 0
        name = f"{settings.prefix}-cache"
        with TemporaryDirectory() as to:
            devenv.copy_out(engine, settings.prefix, name, "note", to, "devenv:latest")
            assert (Path(to) / "note").read_text() == "hello"
    """
    own = (parts_of(path) or (name,))[-1]
    reachable(engine.snapshot(), prefix, name)
    final = landing(to, own, replace=replace) if isinstance(to, str) else None
    title = f"{path} in the volume {name}"
    work = _Work(title, Tally(), final, None if isinstance(to, str) else to)
    with (
        reading(engine, prefix, name, image) as helper,
        beside(final) if final else nullcontext() as held,
    ):
        reachable(engine.snapshot(), prefix, name)  # as it is once it is in hand
        steps = script("volumes/sparse.sh") + script("volumes/out.sh")
        words = ["sh", "-c", steps, "devenv", FROM, spelled(path)]
        tolerated = (CHANGED, _MISSING, _ASTRAY, _ODD)
        with helper.stream(words, stdout=PIPE, tolerated=tolerated) as program:
            whole = work.receive(program.stdout, held)
        _refuse(program.status, name, path)
        if not whole:
            what = f"{title} changed while it was read, and was not copied."
            raise EngineFailure(what, "Run the same command again.")
        if final and held:
            give_name(held, final, replace=replace)
    return work.tally.done(str(final or "-"), changed=program.status == CHANGED)


def _refuse(status: int, name: str, path: str) -> None:
    if status == _MISSING:
        raise Refused(
            f"There is no {path} in the volume {name}.",
            f"See its directories: inv volume.usage --name {name}",
        )
    if status == _ASTRAY:
        raise Refused(
            f"A symlink on the way to {path} leads out of the volume {name}, or nowhere.",
            "Name what is in the volume itself.",
        )
    if status == _ODD:
        raise Refused(
            f"{path} in the volume {name} is neither a file nor a directory.",
            "There is nothing in it to copy.",
        )


class _Work:
    """One copy: what it has come to, and where it goes, which is a name or a stream."""

    def __init__(
        self, title: str, tally: Tally, final: Path | None, stream: IO[bytes] | None
    ) -> None:
        self._title = title
        self.tally, self._final, self._stream = tally, final, stream

    def receive(self, source: IO[bytes] | None, held: Held | None) -> bool:
        """Write what comes to ``held``, or the stream; return whether it was what it said."""
        kind = _word(source)
        if source is None or not kind:
            return False
        if kind == b"directory":
            self._refuse_directory()
        for path in iter(partial(_word, source), b""):
            self.tally.omit(os.fsdecode(path), "a socket")
        counted = Counted(source)
        try:
            with unpack.opened(counted) as archive:
                there = self._write(archive, kind, held)
                return there and unpack.ended(archive, counted)
        except tarfile.TarError:
            return False

    def _write(self, archive: tarfile.TarFile, kind: bytes, held: Held | None) -> bool:
        if self._stream:
            return unpack.pour(archive, self._stream, self.tally)
        write = unpack.write_file if kind == b"file" else unpack.write_tree
        return held is not None and write(archive, held.directory, IT, self.tally)

    def _refuse_directory(self) -> None:
        if self._final is None:
            raise Refused(
                f"{self._title} is a directory, and only a file's content can go to a stream.",
                "Name a place: --to DIR; as an archive, the whole volume: inv volume.backup "
                "--name NAME --to DIR",
            )
        refuse_taken(self._final)


def _word(source: IO[bytes] | None) -> bytes:
    """Read up to the next NUL."""
    word = bytearray()
    while source and (byte := source.read(1)) not in (b"", b"\0"):
        word += byte
    return bytes(word)
