"""Prune: which of Docker's commands do not spare the volumes, and what makes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devenv_lib.engine import prune_filters
from devenv_lib.plans.prune import FILTER, prune_note


@pytest.mark.parametrize(
    ("api", "commands"),
    [
        ("1.41", "docker volume prune and docker system prune --volumes remove "),
        ("1.42", "docker volume prune --all removes "),
        ("1.52", "docker volume prune --all removes "),
    ],
)
def test_the_commands_are_those_of_the_engines_version(api: str, commands: str) -> None:
    what, how = prune_note(api, (), "/x/config.json")
    assert what.startswith(commands)
    assert how == f'To spare them, in /x/config.json: "pruneFilters": ["{FILTER}"]'


@pytest.mark.parametrize("filters", [[FILTER], ["label!=devenv"], [FILTER, "until=24h"]])
def test_nothing_is_said_where_the_volumes_are_spared(filters: list[str]) -> None:
    assert prune_note("1.41", filters, "") == ()


@pytest.mark.parametrize("filters", [["label!=other"], ["label=devenv=true"], ["label!=devenv=no"]])
def test_other_filters_do_not_spare_them(filters: list[str]) -> None:
    assert prune_note("1.41", filters, "")


def test_beside_another_label_the_filter_spares_only_what_has_both() -> None:
    _, how = prune_note("1.41", [FILTER, "label!=keep"], "")
    assert "without label!=keep" in how


def test_the_filters_are_the_docker_programs_own(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    assert prune_filters(environ) == (file, ())
    file.write_text(json.dumps({"pruneFilters": [FILTER, "until=1h"]}))
    assert prune_filters(environ) == (file, (FILTER, "until=1h"))


@pytest.mark.parametrize("text", ["{", "[]", '{"pruneFilters": "x"}', "", "\xff", "[" * 100_000])
def test_a_file_that_cannot_be_read_spares_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    assert prune_filters({"DOCKER_CONFIG": str(tmp_path)})[1] == ()
