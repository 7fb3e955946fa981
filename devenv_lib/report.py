"""Records as text or JSON, outcome lines, and the one question. Nothing else prints or asks.

Tables and JSON go to stdout, everything else to stderr, so that a program can read the one
while a person reads the other.
"""

from __future__ import annotations

import codecs
import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, TextIO, cast

from devenv_lib.called import as_called
from devenv_lib.errors import DevenvError, Refused
from devenv_lib.texts import printable, size

_GREEN, _RED, _YELLOW, _RESET = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"
_DONE = "OK CREATED STARTED RUNNING BUILT MADE STOPPED REMOVED"
_KEPT = "ADOPTED SAVED RESTORED CLONED COPIED REPAIRED MENDED"
_COLOURS = dict.fromkeys([*_DONE.split(), *_KEPT.split()], _GREEN)
_COLOURS |= dict.fromkeys(["PASSED", "TRUSTED"], _GREEN)
_COLOURS |= dict.fromkeys(["REFUSED", "FAILED", "FAIL", "ERROR"], _RED)
_COLOURS |= dict.fromkeys(
    ["KEPT", "WOULD", "WARN", "SKIPPED", "XFAILED", "XPASSED", "UNKNOWN"], _YELLOW
)


def _below(text: str, lead: str = "    ") -> str:
    """Return a text whose further lines are indented.

    At the margin are devenv's own lines alone: none can be forged by a newline in a name.
    """
    return printable(text).replace("\n", f"\n{lead}")


def out(text: str) -> bool:
    """Write a line to stdout, and return whether somebody reads it.

    A reader that has gone (``| head -1``) ends the output silently.
    """
    return _write(sys.stdout, printable(text, "\n\t"))


class _Spelled:
    """A terminal as a place for bytes: what it would obey is spelled out."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def write(self, data: bytes) -> int:
        self._stream.write(printable(self._decoder.decode(data), "\n\t"))
        return len(data)

    def flush(self) -> None:
        self._stream.flush()

    def end(self) -> None:
        """Write what may be the beginning of a letter that never came to its end."""
        self._stream.write(printable(self._decoder.decode(b"", final=True)))


@contextmanager
def bytes_out() -> Iterator[IO[bytes]]:
    """Give stdout for bytes; a reader that has gone ends the block silently, a full disk loudly."""
    if (stream := sys.stdout) is None:
        raise DevenvError("There is no stdout to write to.", "Name a place: --to PATH")
    try:
        if stream.isatty():
            spelled = _Spelled(stream)
            yield cast("IO[bytes]", spelled)
            spelled.end()
        else:
            yield stream.buffer
        stream.flush()
    except BrokenPipeError:
        _forget(stream)
    except OSError as error:
        _forget(stream)
        raise _unwritten(error) from None


def say(text: str) -> None:
    """Write a line for people to stderr."""
    _write(sys.stderr, _below(as_called(text)))


def lines_said(text: str) -> None:
    """Write what another program said, without its empty lines, to stderr."""
    for line in text.splitlines():
        if line.strip():
            _write(sys.stderr, printable(line, "\t"))


def outcome(name: str, word: str, detail: str = "", remedy: str = "") -> None:
    """Write an outcome line: what became of one object, a detail, and below it what to run next."""
    behind = f"  {_below(detail)}" if detail else ""
    _write(sys.stderr, f"{printable(name, '')} {_coloured(word)}{behind}")
    if remedy:
        reason(remedy)


def found(subject: str, word: str, detail: str, remedy: str = "") -> bool:
    """Write to stdout what was found and, below it, what to run next; return whether it is read."""
    below = f"\n      {printable(as_called(remedy), '')}" if remedy else ""
    what = printable(f"{subject}: {as_called(detail)}", "")
    return _write(sys.stdout, f"{_coloured(word)}{' ' * (6 - len(word))}{what}{below}")


def reason(text: str) -> None:
    """Write why, or what to run next, below an outcome line."""
    _write(sys.stderr, f"    {_below(as_called(text), ' ' * 6)}")


def summary(counts: Mapping[str, int], engine: str, seconds: float) -> None:
    """Write the summary line, as pytest's: what there was, how long it took, and where."""
    parts = [f"{number} {word}" for word, number in counts.items() if number]
    text = f" {', '.join(parts) or 'nothing to do'} in {seconds:.2f}s on {printable(engine, '')} "
    width = max(shutil.get_terminal_size().columns, len(text) + 4)
    say(text.center(width, "="))


def table(rows: Sequence[Mapping[str, Any]], headers: Sequence[str]) -> bool:
    """Write rows as a table with ``headers``, and return whether somebody reads it.

    Without rows nothing at all is written.
    """
    if not rows:
        return True
    from tabulate import tabulate  # noqa: PLC0415 - 15 ms that only a table needs

    cells = [[printable(str(value), "") for value in row.values()] for row in rows]
    return out(tabulate(cells, headers=headers, tablefmt="plain", disable_numparse=True))


def can_write(text: str) -> bool:
    """Whether stdout's encoding has the characters of ``text``."""
    encoding = (sys.stdout and sys.stdout.encoding) or "utf-8"
    return text == text.encode(encoding, "replace").decode(encoding)


def as_json(records: object) -> None:
    """Write records as JSON."""
    out(json.dumps(records, indent=2))


def lines(texts: Iterable[str]) -> None:
    """Write a name, a comment or a command to a line each.

    A newline stays in a command, where it is quoted. A shell that reads these lines would take what
    is behind one in a comment for a command.
    """
    for text in texts:
        out(printable(text, "" if text.startswith("#") else "\n"))


@contextmanager
def progress(name: str) -> Iterator[Callable[[int], None]]:
    """Give a function that is told of further bytes, and show how many, and how fast.

    Only on a terminal, at most ten times a second, on one line that is gone at the end.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    began = shown = time.monotonic()
    total = 0

    def moved(number: int) -> None:
        nonlocal total, shown
        total += number
        now = time.monotonic()
        if now - shown >= 0.1:
            shown = now
            rate = f"{size(total)}, {size(round(total / (now - began)))}/s"
            sys.stderr.write(f"\r{printable(name, '')}  {rate}\x1b[K")
            sys.stderr.flush()

    try:
        yield moved
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def confirm(question: str, otherwise: str) -> bool:
    """Ask a question whose default is No; only ``y`` or ``Y`` is yes, and no other bytes are.

    ``otherwise`` says what has not happened then, such as ``Nothing was removed``.

    Raises:
        Refused: there is no terminal to ask on.
    """
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        raise Refused(
            f"{otherwise}: there is no terminal to ask on.",
            "To go on without the question (every check stays): add --force",
        )
    sys.stderr.write(f"{printable(question)} [y/N]: ")
    sys.stderr.flush()
    try:
        return sys.stdin.readline().rstrip("\r\n") in ("y", "Y")
    except UnicodeDecodeError:
        return False


def failure(error: DevenvError) -> None:
    """Write what happened and why, and what to run next."""
    _write(sys.stderr, f"{_coloured('error', _RED)}: {_below(str(error))}")
    if error.hint:
        reason(error.hint)


def defect() -> None:
    """Write the current exception's traceback: it is devenv's own mistake."""
    _write(sys.stderr, printable(traceback.format_exc()))
    say("This is a defect of devenv, not of yours. Please report it with the lines above.")


def _unwritten(error: OSError) -> DevenvError:
    return DevenvError(
        f"The output could not be written: {error.strerror}.",
        "See where it goes, and whether there is room: df -h; then run the same command again.",
    )


def _forget(stream: TextIO) -> None:
    """Let go what a stream keeps: the interpreter flushes again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _write(stream: TextIO | None, text: str) -> bool:
    if stream is None:  # closed by whoever started us: nobody wants to read it
        return False
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        _forget(stream)
        return False
    except OSError as error:
        _forget(stream)
        raise _unwritten(error) from None
    return True


def _coloured(word: str, colour: str = "") -> str:
    colour = colour or _COLOURS.get(word, "")
    streams = (sys.stdout, sys.stderr)
    terminal = all(stream is not None and stream.isatty() for stream in streams)
    wanted = terminal and not os.environ.get("NO_COLOR")
    return f"{colour}{word}{_RESET}" if colour and wanted else word
