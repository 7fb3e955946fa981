"""Called: commands in messages are written as they are to be typed here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devenv_lib import called


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    called.call_it("inv")
    called.is_about("")


@pytest.mark.parametrize(
    "text",
    ["inv run", "then: inv volume.rm --all", "DEVENV_IMAGE= inv …", "see inv --list", "(inv exec)"],
)
def test_a_command_has_the_name_of_the_program(text: str) -> None:
    assert called.as_called(text) == text
    called.call_it("devenv")
    assert called.as_called(text) == text.replace("inv", "devenv")


@pytest.mark.parametrize("text", ["invoke run", "/usr/bin/inv run", "my-inv run", "inv.", "inv"])
def test_what_is_no_command_stays(text: str) -> None:
    called.call_it("devenv")
    assert called.as_called(text) == text


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("inv run", "inv run --path '/a b'"),
        ("inv check --trust; or inv check -k x", "inv check --path '/a b' --trust; or inv check "),
        ("inv exec -- COMMAND…", "inv exec --path '/a b' -- COMMAND…"),
        ("inv build, inv run --recreate", "inv build --path '/a b', inv run --path '/a b' --rec"),
        ("DEVENV_USER=root inv run", "DEVENV_USER=root inv run --path '/a b'"),
        ("inv --dry stop && inv run", "inv --dry stop --path '/a b' && inv run --path '/a b'"),
        # These say for themselves what they are about, or are about no project.
        ("inv run --path /c", "inv run --path /c"),
        ("inv exec --env A=b --name NAME -- X", "inv exec --env A=b --name NAME -- X"),
        ("inv --dry doctor --fix", "inv --dry doctor --path '/a b' --fix"),
        ("inv volume.list", "inv volume.list"),
        ("inv list", "inv list"),
    ],
)
def test_a_command_about_another_directorys_project_names_it(text: str, typed: str) -> None:
    """Typed as it is printed it would otherwise act on the current directory's."""
    called.is_about("/a b")
    assert called.as_called(text).startswith(typed)
    called.is_about("")
    assert called.as_called(text) == text
