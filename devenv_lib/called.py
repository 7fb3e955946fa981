"""How the commands in messages are written here: by this program's name, for this project.

Texts name them as ``inv TASK``, as if they were typed with Invoke in the project's directory.
"""

from __future__ import annotations

import re
import shlex

_program = ["inv"]
#: The directory of the project that a command is about, if that is not the current one.
_project = [""]
#: Tasks about the current directory's project, unless they are told otherwise.
_OF_PROJECT = frozenset({"build", "check", "doctor", "exec", "mounts", "run", "stop"})
#: A command in a text: its flags before the task, the task, and the rest up to what ends it.
_COMMAND = re.compile(r"(?<![\w/-])inv(?= [a-z…-])((?: --[a-z-]+)*(?: ([a-z.-]+))?)([^;:,()&|\n]*)")
_NAMED = re.compile(r" --(path|name)\b")


def call_it(program: str) -> None:
    """Name commands by another program's name than ``inv``."""
    _program[0] = program


def is_about(project: str) -> None:
    """Have commands name the project at a path; an empty one is the current directory's."""
    _project[0] = project


def as_called(text: str) -> str:
    """Return a text in which commands can be typed as they are."""
    return _COMMAND.sub(_typed, text)


def _typed(found: re.Match[str]) -> str:
    words, task, rest = found.groups()
    if _project[0] and task in _OF_PROJECT and not _NAMED.search(rest):
        words += f" --path {shlex.quote(_project[0])}"
    return f"{_program[0]}{words}{rest}"
