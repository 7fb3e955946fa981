"""The shells' side of completion: their scripts, and the words that this machine knows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path

from invoke import Context

from devenv_lib import containers, report, texts, volumes
from devenv_lib.cli.complete import ENVIRONMENTS, VOLUMES, complete
from devenv_lib.cli.program import commands
from devenv_lib.engine import connect
from devenv_lib.errors import DevenvError, UsageError
from devenv_lib.tasks._config import ProjectConfig
from devenv_lib.tasks._task import settings_of

SHELLS = ("bash", "zsh", "fish")


def print_script(shell: str) -> None:
    """Print the completion script of a shell.

    Raises:
        UsageError: there is none for it.
    """
    if shell not in SHELLS:
        raise UsageError(
            f"There is no completion for {shell!r}.",
            f"devenv --print-completion-script {'|'.join(SHELLS)}",
        )
    report.out((files("devenv_lib") / "cli" / "completion" / shell).read_text().rstrip())


def print_completions(words: Sequence[str]) -> None:
    """Print what the last of ``words`` can become, a word to a line."""
    partial = words[-1] if words else ""
    report.lines(complete(words, commands(), lambda kind: _known(kind, partial)))


def _known(kind: str, partial: str) -> Iterable[str]:
    if kind not in (ENVIRONMENTS, VOLUMES):
        return _directories(partial)
    try:
        engine = connect()
        prefix = settings_of(Context(ProjectConfig())).prefix
        if kind == VOLUMES:
            return [volume.name for volume in volumes.examine(engine, prefix, sizes=False)]
        return [one.name for one in containers.survey(engine, prefix)]
    except DevenvError:  # a tab key is no place for an error
        return ()


def _directories(partial: str) -> list[str]:
    """Return the directories that begin with ``partial``, as it was written, each with a slash."""
    tail = partial.rpartition("/")[2]
    typed = partial[: len(partial) - len(tail)]
    try:
        there = list(os.scandir(Path(typed or ".").expanduser()))
    except (OSError, RuntimeError):
        return []
    hidden = tail.startswith(".")
    names = (e.name for e in there if os.path.isdir(e) and (hidden or not e.name.startswith(".")))
    # A name that would have to be spelled out would not be the directory's.
    return [f"{typed}{name}/" for name in names if texts.printable(name, "") == name]
