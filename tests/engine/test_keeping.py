"""An environment that people have been in is lost only to `stop`, or once another is finished."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator

import pytest

from devenv_lib import containers, loopback
from devenv_lib.errors import EngineFailure, Refused
from devenv_lib.names import REPLACED, RESTARTING, STARTING
from devenv_lib.records import Port
from tests.conftest import IMAGE, Workspace, docker

pytestmark = pytest.mark.engine


@pytest.fixture
def used(workspace: Workspace) -> Workspace:
    """A workspace whose environment somebody has been in."""
    workspace.up()
    workspace.sh("echo precious > ~/written")
    return workspace


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def written(workspace: Workspace) -> str:
    return workspace.sh("cat ~/written")


@pytest.mark.parametrize("given_up", [False, True])
def test_a_restart_that_was_killed_is_carried_on(used: Workspace, given_up: bool) -> None:
    """Also when the settings are others meanwhile: it is no new one."""
    container = used.up().container
    docker("stop", used.name)
    ending = f".{container.id[:12]}" if given_up else ""
    used.engine.rename(container.id, used.name + RESTARTING + ending)
    used.write(".inputrc")
    environment = used.up()
    assert (container.id, "started") == (environment.container.id, environment.outcome)
    assert [used.name] == used.container_names()
    assert written(used) == "precious"


def test_a_restart_that_was_killed_is_kept_by_stop_keep(used: Workspace) -> None:
    container = used.up().container
    docker("stop", used.name)
    used.engine.rename(container.id, used.name + RESTARTING)
    stopped = containers.stop(used.engine, used.project, keep=True)
    assert [one.kept for one in stopped] == [True]
    assert used.up().container.id == container.id
    assert written(used) == "precious"


def test_a_killed_restart_that_cannot_go_on_gives_the_environment_back(used: Workspace) -> None:
    container = used.up().container
    docker("stop", used.name)
    used.engine.rename(container.id, used.name + RESTARTING)
    used.in_volume("state", "touch kept; chown 4321:4321 .")
    with pytest.raises(Refused):
        used.up()
    assert [used.name] == used.container_names()
    used.in_volume("state", "chown 1000:1000 .")
    assert used.up().container.id == container.id
    assert written(used) == "precious"


def test_a_recreation_that_fails_late_gives_the_old_environment_back(
    used: Workspace, taken_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that somebody takes after the look shows when the new container starts."""
    monkeypatch.setattr(loopback, "busy", lambda _: {})
    said: list[str] = []
    settings = used.settings
    used.configure(ports=(Port(taken_port, 80),))
    with pytest.raises(EngineFailure, match="starting"):
        used.up(recreate=True, say=said.append)
    assert f"{used.name} is kept as it was, and stopped." in said
    assert [used.name] == used.container_names()
    used.settings = settings
    assert used.up().outcome == "started"
    assert written(used) == "precious"


def test_a_recreation_for_a_user_whose_volumes_these_are_not_is_given_back(
    used: Workspace,
) -> None:
    used.in_volume("state", "chown 4321:4321 .")
    with pytest.raises(Refused, match="belongs to uid 4321"):
        used.up(recreate=True)
    used.in_volume("state", "chown 1000:1000 .")
    assert used.up().outcome == "started"
    assert written(used) == "precious"


@pytest.mark.every_engine
def test_a_recreation_that_was_killed_is_carried_on(used: Workspace) -> None:
    """The old one goes only when the new one is finished."""
    old = used.up().container
    used.engine.stop(old.id)
    used.engine.rename(old.id, used.name + REPLACED)
    environment = used.up()
    assert (environment.outcome, environment.container.id != old.id) == ("created", True)
    assert [used.name] == used.container_names()


def test_a_recreation_that_was_killed_at_its_end_is_finished(used: Workspace) -> None:
    """The new one is there, so the one that it replaced goes."""
    labels = [f"--label={key}={value}" for key, value in used.project.labels.items()]
    docker("create", f"--name={used.name}{REPLACED}", *labels, IMAGE)
    said = list(containers.rehearse_stop(used.engine, used.project, keep=True))
    assert said[1:] == [f"docker {word} {used.name}{REPLACED}" for word in ("stop", "rm")]
    assert used.up().outcome == "running"
    assert [used.name] == used.container_names()


def test_a_killed_recreation_is_taken_down_or_kept_by_stop(used: Workspace) -> None:
    for keep in (True, False):
        old = used.up().container
        used.engine.stop(old.id)
        used.engine.rename(old.id, used.name + REPLACED)
        then = f"docker rename {used.name}{REPLACED} {used.name}"
        said = list(containers.rehearse_stop(used.engine, used.project, keep=keep))
        assert said[1:] == [then if keep else f"docker rm {used.name}{REPLACED}"]
        containers.stop(used.engine, used.project, keep=keep)
        assert used.container_names() == ([used.name] if keep else [])
        if keep:
            used.up()
            assert written(used) == "precious"


def test_a_recreation_that_is_called_off_at_last_keeps_the_environment(
    workspace: Workspace,
) -> None:
    """When all is ready somebody may have come in, which is what is asked for then."""
    before = workspace.up().container

    def replacing() -> None:
        raise Refused("somebody is in it")

    with pytest.raises(Refused, match="somebody is in it"):
        workspace.up(recreate=True, replacing=replacing)
    (found,) = workspace.engine.containers([f"devenv.prefix={workspace.prefix}"])
    assert (found.id, found.name, found.state) == (before.id, before.name, "running")


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("words", [("--recreate",), ()])
def test_ended_at_any_moment_there_is_an_environment_afterwards(
    used: Workspace, words: tuple[str, ...], sent: signal.Signals
) -> None:
    """A restart keeps what was written, whenever it ends; a recreation leaves one container."""
    for moment in (0.2, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8):
        if not words:
            docker("stop", used.name)
        process = used.begin("run", "--detach", *words)
        time.sleep(moment)
        process.send_signal(sent)
        process.communicate()
        left = [name for name in used.container_names() if name.endswith(STARTING)]
        assert sent == signal.SIGKILL or left == []
        used.up()
        assert [used.name] == used.names_when_tidy()
        if not words:
            assert written(used) == "precious"


def test_what_a_person_restarted_by_hand_is_as_it_was(used: Workspace) -> None:
    """Nothing that devenv prepares is lost with a start of its own."""
    docker("restart", "--time=1", used.name)
    assert used.sh("ls ~/.config/tvim; cat ~/.config/tvim/init.lua") == (
        "init.lua\nlazy-lock.json\n-- tvim"
    )
    assert (used.up().outcome, written(used)) == ("running", "precious")
