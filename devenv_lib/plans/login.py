"""The words that make a login shell run other words, exactly as they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath


def login_words(shell: str, words: Sequence[str]) -> list[str]:
    """Return the command line of ``shell``, as a login shell, that runs ``words``.

    They are its arguments, so nothing is quoted anew. There is no ``exec`` before them: a
    profile's functions can be called too.
    """
    name = PurePosixPath(shell).name
    if name == "fish":
        return [shell, "--login", "--command", "$argv", "--", *words]
    return [shell, "-l", "-c", '"$@"', name, *words]
