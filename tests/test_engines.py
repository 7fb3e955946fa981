"""Engines: which throw-away engines there are, and how they are named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.catalogue import BREAKABLE, ENGINES, chosen
from tests.engines.machinery import EngineTrouble
from tests.faults.site import Breakdown, site
from tests.faults.trial import breakdowns


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
    every = (*ENGINES, *BREAKABLE)
    assert len({engine.directory for engine in every}) == len(every)
    assert all(len(str(engine.socket)) <= 107 for engine in every)
    assert all(engine.url == f"unix://{engine.socket}" for engine in every)


def test_each_engine_has_one_that_may_break_down_with_the_same_root_and_a_disk_of_its_own() -> None:
    assert [engine.root for engine in ENGINES] == [engine.root for engine in BREAKABLE]
    assert all(engine.size and engine.data.name == "disk" for engine in BREAKABLE)
    assert chosen("docker-20.10-faults") == BREAKABLE[:1]
    assert not set(BREAKABLE) & set(chosen("all"))


@pytest.mark.parametrize("url", ["unix:///var/run/docker.sock", ENGINES[0].url, ""])
def test_no_other_engine_is_made_to_break_down(url: str, tmp_path: Path) -> None:
    with pytest.raises(EngineTrouble, match="no engine that may break down"), site(url, tmp_path):
        pytest.fail("it would have")


def test_each_breakdown_happens_at_requests_that_are_spread_over_the_command() -> None:
    kinds = [Breakdown.KILLED, Breakdown.FULL]
    assert len(breakdowns(5, "seed", kinds)) == 10
    some = breakdowns(30, "seed", kinds, 3)
    assert some == breakdowns(30, "seed", kinds, 3)
    assert [trial.kind for trial in some] == [kinds[0]] * 3 + [kinds[1]] * 3
    assert [(trial.at - 1) // 10 for trial in some] == [0, 1, 2] * 2


def test_the_command_says_which_engines_there_are() -> None:
    words = [sys.executable, "-m", "tests.engines", "stop", "docker-1.0"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, "docker-1.0" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr
