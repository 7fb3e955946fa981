"""Engines: which throw-away engines there are, and how they are named."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.engines import catalogue
from tests.engines.bootstrap import EngineTrouble, bootstrap, words_for
from tests.engines.catalogue import BREAKABLE, ENGINES, ROOTLESS, ThrowAway, chosen
from tests.engines.session import Session
from tests.faults.sample import breakdowns
from tests.faults.site import Breakdown, site


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
    every = (*ENGINES, *ROOTLESS, *BREAKABLE)
    assert len({engine.directory for engine in every}) == len(every)
    assert all(len(str(engine.socket)) <= 107 for engine in every)
    assert {engine.root for engine in ROOTLESS} <= {engine.root for engine in ENGINES}
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


def test_what_is_downloaded_is_tried_again_and_checked_with_the_suites_keys() -> None:
    (engine,) = chosen("docker-28.5")
    words = words_for(engine, Path("/x/root.begun"))
    assert '--aptopt=Acquire::Retries "5"' in words
    assert [w for w in words if w.startswith("--keyring=")] == [
        "--keyring=/usr/share/keyrings/debian-archive-trixie-stable.gpg",
        "--keyring=/usr/share/keyrings/debian-archive-trixie-automatic.gpg",
    ]
    assert words[-3:-1] == ["forky", "/x/root.begun"]


def test_an_engine_that_cannot_be_made_is_an_error_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried twice, and nothing half made is left."""
    program = tmp_path / "mmdebstrap"
    program.write_text(
        "#!/bin/sh\necho 'E: no such suite' >&2\nmkdir -p ${0%/*}/podman-5.4/root.begun; exit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(catalogue, "CACHE", tmp_path)
    (engine,) = chosen("podman-5.4")
    engine.directory.mkdir()
    with pytest.raises(EngineTrouble) as raised:
        bootstrap(engine)
    assert str(engine.directory / "making.log") in str(raised.value)
    assert str(raised.value).endswith("E: no such suite\nE: no such suite\n")
    assert [path.name for path in engine.directory.iterdir()] == ["making.log"]


class _Engines:
    """Engines that are only told of: `broken` cannot be had, and those of `running` run."""

    def __init__(self, running: tuple[str, ...] = (), broken: tuple[str, ...] = ()) -> None:
        self.running, self.broken, self.log = set(running), broken, list[str]()
        self.stuck = ""

    def runs(self, engine: ThrowAway) -> bool:
        return engine.name in self.running

    def start(self, engine: ThrowAway, image: str, say: object) -> None:
        if engine.name in self.broken:
            raise EngineTrouble(f"{engine.name} could not be made")
        assert (image, callable(say)) == ("image", True)
        self.running.add(engine.name)

    def stop(self, engine: ThrowAway) -> bool:
        if engine.name == self.stuck:
            raise OSError("stuck")
        self.running.discard(engine.name)
        return True

    def test(self, engine: ThrowAway, words: Sequence[str]) -> int:
        assert engine.name in self.running
        self.log.append(f"{engine.name} {' '.join(words)}")
        if words == ["ended"]:
            raise KeyboardInterrupt
        return {"fails": 3, "killed": -9}.get(words[0], 0)


TWO = chosen("docker-28.5,podman-5.4")


@pytest.mark.parametrize(("word", "status"), [("passes", 0), ("fails", 3), ("killed", 137)])
def test_a_run_ends_the_engines_that_it_started_and_no_other(word: str, status: int) -> None:
    machinery = _Engines(running=("podman-5.4",))
    assert Session(machinery, "image", print).run(TWO, [word]) == status
    assert machinery.log == [f"docker-28.5 {word}", f"podman-5.4 {word}"]
    assert machinery.running == {"podman-5.4"}


def test_an_interrupted_run_ends_what_it_started() -> None:
    machinery = _Engines()
    with pytest.raises(KeyboardInterrupt):
        Session(machinery, "image", print).run(TWO, ["ended"])
    assert (machinery.log, machinery.running) == (["docker-28.5 ended"], set())


def test_an_engine_that_cannot_be_had_is_an_error_and_the_others_are_used() -> None:
    machinery, said = _Engines(broken=("docker-28.5",)), list[str]()
    assert Session(machinery, "image", said.append).run(TWO, ["passes"]) == 1
    assert machinery.log == ["podman-5.4 passes"]
    assert "error: docker-28.5 could not be made" in said


def test_an_engine_that_does_not_end_keeps_no_other_from_its_end() -> None:
    machinery = _Engines()
    machinery.stuck = "podman-5.4"
    with pytest.raises(OSError, match="stuck"):
        Session(machinery, "image", print).run(TWO, ["passes"])
    assert machinery.running == {"podman-5.4"}
