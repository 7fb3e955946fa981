"""inv setup on a machine that has everything; on a fresh one, .ci/run and the README show it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from devenv_lib.errors import EngineNotInstalled, EngineNotRunning, SetupError
from devenv_lib.scripts import script
from devenv_lib.setup import machine
from tests.conftest import Workspace


@pytest.mark.engine
@pytest.mark.internet  # a throw-away engine has no base image
def test_setup_has_nothing_to_do_and_says_each_step(workspace: Workspace) -> None:
    variables = {"DEVENV_PREFIX": "devenv", "DEVENV_IMAGE": ""}
    for flags in ([], ["--dry"]):
        result = workspace.inv("setup", *flags, variables=variables)
        assert result.returncode == 0, result.stderr
        steps = [line.split("  ")[0] for line in result.stderr.splitlines()[:-1]]
        assert steps == ["engine OK", "base image OK", "image OK"]


@pytest.mark.engine
def test_setup_diagnoses_an_engine_that_was_named(workspace: Workspace) -> None:
    """It installs nothing: somebody said which engine is meant."""
    url = f"unix://{workspace.home}/no.sock"
    for variables in ({"DOCKER_HOST": url}, {"DOCKER_CONTEXT": "no-such"}):
        result = workspace.inv("setup", variables=variables)
        assert result.returncode == 1
        assert "error: " in result.stderr
        assert "Installing" not in result.stderr


def refuse(error: Exception) -> Callable[..., NoReturn]:
    def refusing(*_: object, **__: object) -> NoReturn:
        raise error

    return refusing


def test_setup_does_not_install_where_a_socket_is_without_its_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A socket that was mounted in, or an engine of another make: diagnosed, left alone."""
    monkeypatch.setattr(machine, "connect", refuse(EngineNotRunning("nobody serves it")))
    monkeypatch.setattr(machine, "engine_program", lambda: None)
    monkeypatch.setattr(machine, "_install_engine", refuse(AssertionError("it installs")))
    with pytest.raises(EngineNotRunning, match="nobody serves it"):
        machine.ensure_engine({"HOME": str(tmp_path)}, print, dry=False)


def test_setup_would_install_an_engine_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "connect", refuse(EngineNotInstalled("there is none")))
    monkeypatch.setattr(machine, "engine_program", lambda: None)
    done = machine.ensure_engine({"HOME": str(tmp_path)}, print, dry=True)
    assert (done.outcome, done.detail) == ("WOULD", "install docker.io and start it")


def test_elsewhere_than_on_debian_the_instructions_are_exact(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for system, command in (("darwin", "brew"), ("fedora", "dnf"), ("arch", "pacman")):
        monkeypatch.setattr(machine, "system_id", lambda found=system: found)
        with pytest.raises(SetupError) as error:
            machine._install_engine(print)
        assert command in error.value.hint
        assert error.value.exit_code == 1


def test_without_root_and_sudo_the_command_for_root_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SetupError) as error:
        machine.as_root("apt-get install docker.io")
    assert error.value.hint == "As root: apt-get install docker.io"


def test_the_start_script_removes_only_stale_pid_files(tmp_path: Path) -> None:
    """A pid that is another program's now would keep dockerd from starting; a live one stays."""
    text = script("setup/start.sh")
    live = tmp_path / "dockerd"
    live.write_text("#!/bin/sh\nsleep 30\n")
    live.chmod(0o755)
    running = subprocess.Popen([str(live)])
    try:
        stale, kept = tmp_path / "stale.pid", tmp_path / "kept.pid"
        stale.write_text(str(os.getpid()))
        kept.write_text(str(running.pid))
        for before, after in (
            ("/var/run/docker.pid", str(stale)),
            ("/var/run/docker/containerd/containerd.pid", str(kept)),
        ):
            assert before in text
            text = text.replace(before, after)
        log = tmp_path / "log"
        subprocess.run(["sh", "-c", text, "devenv", "true", str(log)], check=True)
        assert (stale.exists(), kept.exists()) == (False, True)
    finally:
        running.terminate()
        running.wait()
