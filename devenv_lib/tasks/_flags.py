"""What was typed behind a task: flags that do not go together, and the words after ``--``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from invoke import Context

from devenv_lib.errors import UsageError

#: What most reports can be printed as.
FORMATS = ("table", "json", "names")


def check_format(name: str, *formats: str) -> None:
    """Refuse a format that a task has not got; the usual ones are `FORMATS`."""
    formats = formats or FORMATS
    if name not in formats:
        raise UsageError(f"{name!r} is not a format.", f"Formats: {', '.join(formats)}.")


def exactly_one(name: Sequence[str], **others: bool) -> None:
    """Refuse several of ``--name`` and the flags ``others``, or none of them.

    Raises:
        UsageError: with those that were given.
    """
    flags = {"--name": bool(name), **{f"--{flag}": value for flag, value in others.items()}}
    chosen = [flag for flag, is_given in flags.items() if is_given]
    if len(chosen) != 1:
        what = f"{'Both ' if len(chosen) == 2 else ''}{' and '.join(chosen)} were given"
        what = what if chosen else f"Neither {' nor '.join(flags)} was given"
        raise UsageError(f"{what}: it takes exactly one of them.", "inv volume.list")


def needed(names: Sequence[str]) -> list[str]:
    """Return the names that were given, each once.

    Raises:
        UsageError: there are none.
    """
    if not names:
        raise UsageError("No volume was named.", "Name one: --name NAME; see: inv volume.list")
    return list(dict.fromkeys(names))


def not_empty(**flags: str | None) -> None:
    """Refuse flags that were given with nothing behind them, as by a variable that is not set.

    Without one the command would do something else: remove without a backup, say.

    Raises:
        UsageError: naming the flag.
    """
    for flag, value in flags.items():
        if value is not None and not value.strip():
            raise UsageError(
                f"--{flag} was given without a value.",
                f"Name what is meant, or leave --{flag} out; is a variable of the shell not set?",
            )


def path_at(text: str) -> Path:
    """Return the absolute path that a flag names.

    Raises:
        UsageError: it is none: a home of nobody's, or relative to a directory that is gone.
    """
    try:
        return Path(text).expanduser().absolute()
    except (OSError, RuntimeError) as error:
        raise UsageError(
            f"{text!r} is not a path: {str(error).rstrip('.')}.", "Name it from the root: /…"
        ) from None


def words_after(context: Context, argv: Sequence[str] | None = None) -> list[str]:
    """Return the words after ``--``, as they were typed.

    Invoke joins them with spaces, which loses their bounds. The process's own words still have
    them, unless the task was called by a program.

    Raises:
        UsageError: there are none.
    """
    words = further_words(context, argv)
    if not words:
        raise UsageError("There is no command to run.", "inv exec -- COMMAND…")
    return words


def further_words(context: Context, argv: Sequence[str] | None = None) -> list[str]:
    """Return the words after ``--`` as `words_after` does; there may be none."""
    argv = sys.argv if argv is None else argv
    typed = list(argv[argv.index("--") + 1 :]) if "--" in argv else []
    return typed if " ".join(typed) == context.remainder else shlex.split(context.remainder)
