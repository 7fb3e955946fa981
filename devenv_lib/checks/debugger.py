"""The debugger of ``inv check -- --pdb``: pdb as this user has set it up, and no project."""

from __future__ import annotations

import pdb  # noqa: T100 - it is one
from contextlib import suppress
from pathlib import Path
from typing import Any


class Debugger(pdb.Pdb):
    """pdb that obeys ``~/.pdbrc`` and not the current directory's, which may be a project's."""

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **{**options, "readrc": False})
        with suppress(OSError, RuntimeError, ValueError):
            self.rcLines += (Path.home() / ".pdbrc").read_text().splitlines(keepends=True)
