"""The security document: each line names the module that keeps it, and a test that shows it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import devenv_lib

ROOT = Path(__file__).parent.parent
LIBRARY = Path(devenv_lib.__file__).parent
TEXT = (ROOT / "specs/security.md").read_text()


def rows() -> Iterator[list[str]]:
    """Yield the cells of the lines in tables that say what shows them."""
    shown = False
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            shown = False
        elif cells[-1] == "shown by":
            shown = True
        elif shown and set(line) - set("|-"):
            yield cells


@cache
def names_in(path: Path) -> frozenset[str]:
    """Return the names of a module's tests."""
    return frozenset(
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


ROWS = list(rows())


def test_there_are_lines() -> None:
    """The search above finds what it looks for."""
    assert len(ROWS) > 40
    assert {len(cells) for cells in ROWS} == {4}


@pytest.mark.parametrize("cells", ROWS, ids=lambda cells: cells[0][:60])
def test_every_line_names_a_module_that_is_there(cells: list[str]) -> None:
    named = re.findall(r"`([^`]+)`", cells[2])

    assert named
    assert [name for name in named if not (LIBRARY / name).is_file()] == []


@pytest.mark.parametrize("cells", ROWS, ids=lambda cells: cells[0][:60])
def test_every_line_names_a_test_that_is_there(cells: list[str]) -> None:
    named = [name.partition("::") for name in re.findall(r"`([^`]+)`", cells[3])]

    assert named
    assert [name for path, _, name in named if name not in names_in(ROOT / path)] == []
