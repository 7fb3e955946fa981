"""Engines: which throw-away engines there are, and how they are named."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.engines.catalogue import ENGINES, chosen


def test_all_engines_or_some_by_name_are_chosen_once_each() -> None:
    assert chosen("all") == ENGINES
    assert [e.name for e in chosen("podman-5.4, docker-26.1,podman-5.4")] == [
        "podman-5.4",
        "docker-26.1",
    ]


@pytest.mark.parametrize("names", ["", "docker", "docker-26.1,", "../x"])
def test_an_engine_that_is_not_there_is_an_error_that_names_those_that_are(names: str) -> None:
    with pytest.raises(ValueError, match=r"there are all, docker-20\.10, "):
        chosen(names)


def test_every_engine_has_a_directory_of_its_own_and_an_address_that_fits() -> None:
    """The path of a socket has at most 107 bytes."""
    assert len({engine.directory for engine in ENGINES}) == len(ENGINES)
    assert all(len(str(engine.socket)) <= 107 for engine in ENGINES)
    assert all(engine.url == f"unix://{engine.socket}" for engine in ENGINES)


def test_the_command_says_which_engines_there_are() -> None:
    words = [sys.executable, "-m", "tests.engines", "stop", "docker-1.0"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, "docker-1.0" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr
