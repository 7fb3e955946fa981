"""Copy a file or a directory into a volume, as the environment's user's."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from devenv_lib.engine.program import NONE, PIPE
from devenv_lib.errors import DevenvError, Refused, UsageError
from devenv_lib.plans.contents import Copied, Tally, parts_of, reachable, spelled
from devenv_lib.scripts import script
from devenv_lib.volumes import pack
from devenv_lib.volumes.tree import TO, volume_at

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.engine.helper import Helper, Program

#: What in.sh refuses, by its status: what completes "PATH in NAME …", and what to do.
_REFUSALS = {
    33: ("leads through a symlink out of the volume, or nowhere", "Name a place in the volume."),
    34: ("leads through something that is no directory", "Name a place in a directory."),
    35: ("is a directory, and a stream has no name of its own", "Name the file: --file DIR/NAME"),
    36: ("is there already", "To replace a file by a file: add --replace"),
    37: ("is a symlink, and nothing is written through one", "Name another place: --file PATH"),
    38: ("is a directory that is there already", "Name another place: --file PATH"),
}


def copy_in(
    engine: Engine,
    prefix: str,
    name: str,
    path: str,
    source: str | IO[bytes],
    image: str,
    owner: tuple[int, int],
    *,
    replace: bool = False,
) -> Copied:
    """Copy a file or a directory into the volume ``name``, as ``cp -r`` would.

    In a directory ``path`` of the volume the copy has its own name, else ``path`` is its name;
    one that ends with a slash is a directory, made if it is not there, as every one above it is.
    All that is made is ``owner``'s, a uid and a gid: those of the environment's user. ``source``
    is a path, where a symlink is followed, or a stream of a file's content. The copy appears
    under its name when it is whole, and over nothing, except that with ``replace`` a file takes a
    file's place. Symlinks are copied as they are; setuid bits, times and hard links are not, and
    sockets, fifos and devices are left out. The volume may be in use; ``image`` is what the helper
    is made from.

    Raises:
        UsageError: ``path`` is none in a volume, or there is no such ``source``.
        Refused: the volume is not devenv's or another command is at work on it, a symlink leads
            out, or something has the name already; nothing was changed.
        DevenvError: ``source`` could not be read or, as an EngineFailure, not be written.

    Example::

        from pathlib import Path

        with devenv.environment(settings=settings) as inside:
            Path("note").write_text("hello")
            name, owner = f"{settings.prefix}-cache", (1000, 1000)
            devenv.copy_in(
                engine, settings.prefix, name, "notes/", "note", "devenv:latest", owner
            )
            assert inside.output(["cat", "/home/devuser/.cache/notes/note"]).stdout == "hello"
    """
    parts = parts_of(path)
    reachable(engine.snapshot(), prefix, name)
    tally = Tally()
    with (
        _source(source) as (kind, mode, stream),
        engine.helper(image, (volume_at(name, TO, read_only=False),), prefix, name) as helper,
    ):
        reachable(engine.snapshot(), prefix, name)  # as it is once it is in hand
        own = _own(source)
        words = [kind, f"{owner[0]}:{owner[1]}", f"{mode:o}"]
        words += ["1" if path.endswith("/") else "", "1" if replace else ""]
        words += map(spelled, (own, *parts))
        place = _Place(helper, f"{path}{own and f' (or {own} in it)'} in the volume {name}", words)
        try:
            place.receive(stream, source, owner, tally)
            target = place.put()
        except BaseException:
            with suppress(DevenvError):
                place.discard()
            raise
    return tally.done(target)


def _own(source: str | IO[bytes]) -> str:
    """Return the name that a copy has by itself."""
    if not isinstance(source, str):
        return ""
    # Of `..` too, and of a symlink its own: what `Path` offers does one or the other.
    return Path(os.path.abspath(source)).name  # noqa: PTH100


@contextmanager
def _source(source: str | IO[bytes]) -> Iterator[tuple[str, int, IO[bytes] | None]]:
    """Give a source's kind and mode and, of a file, its content."""
    if not isinstance(source, str):
        yield "file", 0o644, source
        return
    if os.path.isdir(source):
        yield "tree", 0o755, None
        return
    if os.path.exists(source) and not os.path.isfile(source):
        raise UsageError(f"{source} is neither a file nor a directory.", "For stdin: --from -")
    with pack.reading(source) as file:
        yield "file", os.fstat(file.fileno()).st_mode & 0o777, file


class _Place:
    """The steps of in.sh, which know the place by the same words."""

    def __init__(self, helper: Helper, title: str, words: list[str]) -> None:
        self._helper, self._title = helper, title
        token = f".devenv-cp-{uuid.uuid4().hex[:12]}"
        self._words = [TO, token, *words]

    def receive(
        self,
        stream: IO[bytes] | None,
        source: str | IO[bytes],
        owner: tuple[int, int],
        tally: Tally,
    ) -> None:
        """Write the source to where nobody looks for it."""
        with self._stream("receive", stdin=PIPE) as program:
            pipe = pack.Pipe(program.stdin)
            try:
                if stream is not None:
                    pack.send_file(stream, pipe, tally)
                elif isinstance(source, str):
                    pack.send_tree(source, pipe, owner, tally)
            finally:
                pipe.broken = True
        self._refuse(program)

    def put(self) -> str:
        """Give what was received its name, and return that, from the volume's top."""
        with self._stream("put", stdout=PIPE) as program:
            target = program.stdout.read() if program.stdout else b""
        self._refuse(program)
        return os.fsdecode(target).lstrip("/")

    def discard(self) -> None:
        """Remove what was received."""
        self._helper.run(self._line("discard"))

    def _line(self, action: str) -> list[str]:
        return ["sh", "-c", script("volumes/in.sh"), "devenv", action, *self._words]

    def _stream(
        self, action: str, *, stdin: int = NONE, stdout: int = NONE
    ) -> AbstractContextManager[Program]:
        return self._helper.stream(self._line(action), stdin, stdout, tuple(_REFUSALS))

    def _refuse(self, program: Program) -> None:
        if program.status in _REFUSALS:
            what, remedy = _REFUSALS[program.status]
            raise Refused(f"{self._title} {what}.", remedy)
