"""Every error is documented, drawn in the module's tree, and ends with the code drawn there."""

from __future__ import annotations

import inspect
import re

import pytest

from devenv_lib import errors
from devenv_lib.errors import DevenvError, EngineFailure, SettingsError, UsageError

CLASSES = [
    value
    for _, value in inspect.getmembers(errors, inspect.isclass)
    if issubclass(value, BaseException)
]


def drawn() -> dict[str, tuple[str, int | None]]:
    """Read the tree of the docstring: each class's name, its parent's, and the code if shown."""
    tree: dict[str, tuple[str, int | None]] = {}
    above: list[str] = ["Exception"]
    for line in (errors.__doc__ or "").splitlines():
        match = re.fullmatch(r" {4}([│├└─ ]*)([A-Z]\w+)(?: +(\d))?(?: .*)?", line)
        if match:
            depth = len(match[1]) // 4 + 1
            tree[match[2]] = (above[depth - 1], int(match[3]) if match[3] else None)
            above[depth:] = [match[2]]
    return tree


def test_the_tree_names_every_class_and_no_other() -> None:
    """Whoever adds an error draws it."""
    assert sorted(one.__name__ for one in CLASSES) == sorted(drawn())


@pytest.mark.parametrize("error", CLASSES)
def test_each_class_is_where_the_tree_draws_it(error: type[BaseException]) -> None:
    """The base class drawn is the base class there is."""
    parent, _ = drawn()[error.__name__]

    assert (parent,) == tuple(base.__name__ for base in error.__bases__)


@pytest.mark.parametrize("error", CLASSES)
def test_each_class_exits_with_the_code_that_is_drawn(error: type[DevenvError]) -> None:
    """A class without a code in the tree has its parent's."""
    tree = drawn()
    name, code = error.__name__, tree[error.__name__][1]
    while code is None:
        name = tree[name][0]
        code = tree[name][1]

    assert code == error.exit_code


@pytest.mark.parametrize("error", CLASSES)
def test_each_class_is_documented_in_its_own_words(error: type[DevenvError]) -> None:
    """A docstring that is inherited says nothing about the class."""
    assert error.__dict__.get("__doc__")


def test_the_codes_are_pytests() -> None:
    """Refused or failed is 1, interrupted 2, a defect 3, wrong usage 4."""
    assert (
        DevenvError.exit_code,
        errors.INTERRUPTED,
        errors.DEFECT,
        UsageError.exit_code,
    ) == (1, 2, 3, 4)


def test_an_error_has_a_message_and_a_hint() -> None:
    """The text is what happened, the hint what to run next."""
    error = SettingsError("what happened", "what next")

    assert (str(error), error.hint) == ("what happened", "what next")


def test_a_hint_may_be_missing() -> None:
    """Where nothing can be done there is no hint, instead of an empty promise."""
    assert DevenvError("what happened").hint == ""


def test_an_engine_failure_knows_the_status() -> None:
    """It is there for messages; without an answer there is none."""
    assert (EngineFailure("a", "b", 409).status, EngineFailure("a").status) == (409, None)
