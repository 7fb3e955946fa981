"""One finding of an examination, and what can be done about it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from devenv_lib.errors import DevenvError

#: ``WARN`` is what works now and may surprise; with a ``FAIL`` a command of devenv's refuses.
Word = Literal["OK", "WARN", "FAIL"]


@dataclass(frozen=True)
class Mend:
    """What one of devenv's own verbs does about a finding without losing anything.

    ``name`` is a volume's, or an image's: ``repair`` gives its user what an engine left as
    root's, ``adopt`` gives it the labels, ``image`` builds or pulls it.
    """

    verb: Literal["repair", "adopt", "image"]
    name: str


@dataclass(frozen=True)
class Finding:
    """What was found about one subject.

    ``why`` says it in words for people, ``remedy`` is the command that mends it, or empty where
    there is nothing to mend. With a ``mend``, that can be done unasked for any detail.
    """

    subject: str
    word: Word
    why: str
    remedy: str = ""
    mend: Mend | None = None


def failing(subject: str, error: DevenvError, word: Word = "FAIL") -> Finding:
    """Return the finding that an examination ended with ``error``."""
    return Finding(subject, word, sentence(error.discreet or str(error)), error.hint)


def failed(findings: Iterable[Finding]) -> bool:
    """Whether one of them is a ``FAIL``."""
    return any(finding.word == "FAIL" for finding in findings)


def sentence(text: str) -> str:
    """Return a text without the full stop at its end: a line of a report has none."""
    return text.removesuffix(".")


def at_path(command: str, path: PurePosixPath | str) -> str:
    """Return a command about the project at ``path``."""
    return f"{command} --path {shlex.quote(str(path))}"
