"""The shell scripts that lie beside this package's modules."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def script(path: str) -> str:
    """Return the text of a script, by its path in this package: ``volumes/swap.sh``."""
    return files("devenv_lib").joinpath(path).read_text()
