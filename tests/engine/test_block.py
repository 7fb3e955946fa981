"""An environment for a block: it is afterwards as it was before, whatever the block does."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

import devenv_lib as devenv
from devenv_lib.containers import block, captured
from devenv_lib.engine.program import Output
from devenv_lib.errors import EngineFailure, ProjectError, UsageError
from tests.conftest import Workspace, docker
from tests.relay import REFUSAL, Fault, relay

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def _home(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The block looks at this machine itself."""
    monkeypatch.setenv("HOME", str(workspace.home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)


def _ready(workspace: Workspace, stopped: bool) -> None:
    """Have an environment that is stopped, or none, and the image's user known."""
    workspace.up()
    if stopped:
        docker("stop", workspace.name)
    else:
        workspace.stop()


@contextmanager
def environment(workspace: Workspace, *, keep: bool = False) -> Iterator[devenv.Inside]:
    """An environment of the workspace's project, for a block."""
    with devenv.environment(workspace.path, workspace.settings, keep=keep) as inside:
        yield inside


def state(workspace: Workspace) -> str:
    """Return the state of the workspace's one container."""
    return docker("inspect", "--format", "{{.State.Status}}", workspace.name).stdout.strip()


def test_a_new_one_is_there_in_the_block_and_gone_after_it(workspace: Workspace) -> None:
    """The volumes and the project stay."""
    with environment(workspace) as inside:
        assert (workspace.name, "running") == (inside.name, state(workspace))
        assert inside.execute(["touch", "made", "/home/devuser/.cache/made"]) == 0
    assert workspace.container_names() == []
    assert workspace.volume("cache") in workspace.volume_names()
    assert (workspace.path / "made").exists()


def test_one_that_ran_before_runs_on(workspace: Workspace) -> None:
    before = workspace.up().container.id
    with environment(workspace) as inside:
        assert before == inside.environment.container.id
    assert (before, "running") == (workspace.up().container.id, state(workspace))


def test_one_that_was_stopped_is_stopped_again_with_all_that_is_in_it(
    workspace: Workspace,
) -> None:
    workspace.up()
    workspace.sh("touch /tmp/kept")
    docker("stop", workspace.name)
    with environment(workspace) as inside:
        assert inside.execute(["test", "-e", "/tmp/kept"]) == 0  # noqa: S108 - inside
    assert state(workspace) == "exited"
    assert [workspace.name] == workspace.container_names()


def test_a_status_that_is_dockers_own_is_not_the_commands(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker exits 255 in silence when the engine, or the container, goes meanwhile."""

    def gone(_: Sequence[str]) -> Output:
        docker("stop", "--time=0", workspace.name)
        return Output(255, "", "")

    with environment(workspace) as inside:
        assert inside.output(["sh", "-c", "exit 255"]).status == 255
        monkeypatch.setattr(captured, "capture", gone)
        with pytest.raises(EngineFailure, match="is not running any more"):
            inside.output(["true"])


def test_with_keep_it_runs_on(workspace: Workspace) -> None:
    with environment(workspace, keep=True):
        pass
    assert state(workspace) == "running"
    with pytest.raises(ZeroDivisionError), environment(workspace, keep=True):
        raise ZeroDivisionError
    assert state(workspace) == "running"


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit, EngineFailure])
def test_it_is_gone_after_an_exception_too(
    workspace: Workspace, error: type[BaseException]
) -> None:
    """Which is the one that is raised."""
    with pytest.raises(error, match="mine"), environment(workspace):
        raise error("mine")
    assert workspace.container_names() == []


@pytest.mark.parametrize(
    ("verb", "number"),
    [
        ("output", signal.SIGINT),
        ("execute", signal.SIGINT),
        ("execute", signal.SIGTERM),
        ("execute", signal.SIGHUP),
    ],
)
def test_a_signal_ends_the_block_and_the_environment(
    workspace: Workspace, verb: str, number: signal.Signals
) -> None:
    """The real signal, while Python and a program inside are at work."""
    code = f"""
import devenv_lib as devenv
with devenv.environment(settings=devenv.settings_of()) as inside:
    print("in", flush=True)
    inside.{verb}(["sleep", "60"])
    print("after it")
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=workspace.path,
        env=workspace.process_environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "in\n"
    deadline = time.monotonic() + 60
    while "sleep 60" not in workspace.programs() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(number)
    out, said = process.communicate(timeout=120)
    assert said.splitlines()[-1] == "KeyboardInterrupt"
    assert out == ""  # nothing behind it in the block
    assert workspace.container_names() == []


def test_when_both_fail_the_blocks_exception_is_raised_with_a_note(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise EngineFailure("it went away")

    monkeypatch.setattr(block, "take_down", fail)
    with pytest.raises(ZeroDivisionError) as caught, environment(workspace):
        raise ZeroDivisionError
    assert [f"The environment {workspace.name} was not stopped: it went away"] == (
        caught.value.__notes__
    )
    monkeypatch.undo()


def test_when_only_stopping_fails_that_is_raised(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise EngineFailure("it went away")

    monkeypatch.setattr(block, "take_down", fail)
    with pytest.raises(EngineFailure, match="it went away"), environment(workspace):
        pass


@pytest.mark.parametrize("stopped", [True, False])
def test_what_somebody_put_in_its_place_is_theirs(workspace: Workspace, stopped: bool) -> None:
    """The block ends the very container that it brought up, and no other."""
    if stopped:
        workspace.up()
        docker("stop", workspace.name)
    with environment(workspace) as inside:
        theirs = workspace.up(recreate=True).container.id
        assert theirs != inside.environment.container.id
    assert (theirs, "running") == (workspace.up().container.id, state(workspace))


@pytest.mark.parametrize("stopped", [True, False])
def test_one_that_somebody_removed_meanwhile_is_no_failure(
    workspace: Workspace, stopped: bool
) -> None:
    if stopped:
        workspace.up()
        docker("stop", workspace.name)
    with environment(workspace):
        workspace.stop()
    assert workspace.container_names() == []


def test_a_block_in_a_block_leaves_the_outer_ones(workspace: Workspace) -> None:
    with environment(workspace) as outer:
        with environment(workspace) as inner:
            assert inner.name == outer.name
        assert outer.execute(["true"]) == 0
    assert workspace.container_names() == []


def test_output_has_both_streams_and_the_status(workspace: Workspace) -> None:
    """In the project, as the user, with the image's variables and without stdin."""
    with environment(workspace) as inside:
        script = 'pwd; id -un; echo "$HOME $LANG"; cat; echo problem >&2; exit 7'
        found = inside.output(["sh", "-c", script])
        assert found.status == 7
        assert f"{inside.path}\ndevuser\n/home/devuser C.UTF-8\n" == found.stdout
        assert found.stderr == "problem\n"
        assert inside.output(["printf", r"%s|", "a  b", "", "*"]).stdout == "a  b||*|"
        assert inside.output(["printf", r"\377"]).stdout == "\N{REPLACEMENT CHARACTER}"
        assert inside.output(["no-such-program"]).status in (126, 127)


def test_execute_works_in_any_thread(workspace: Workspace) -> None:
    """Python lets the main thread alone handle signals."""
    found: list[int] = []
    with environment(workspace) as inside:
        thread = threading.Thread(target=lambda: found.append(inside.execute(["false"])))
        thread.start()
        thread.join()
    assert found == [1]


@pytest.mark.parametrize("words", ["make test", "", []])
def test_a_command_is_a_list_of_words(workspace: Workspace, words: list[str]) -> None:
    """A text would be one, letter by letter."""
    inside = devenv.Inside(workspace.engine, workspace.up(), {})
    for run in (inside.execute, inside.output):
        with pytest.raises(UsageError, match="is not a command"):
            run(words)


@pytest.mark.parametrize("stopped", [True, False])
@pytest.mark.parametrize("keep", [True, False])
def test_what_fails_behind_its_start_and_before_the_block_leaves_it_as_it_was(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, stopped: bool, keep: bool
) -> None:
    """The renaming is a start's last step, and then it still looks at what there is."""
    socket = str(workspace.engine.endpoint.socket)
    _ready(workspace, stopped)
    with relay(socket, unix=True) as door, monkeypatch.context() as patch:
        patch.setenv("DOCKER_HOST", door.url)
        with environment(workspace):
            renamings = sum(line.endswith("/rename") for line in door.requests)
    _ready(workspace, stopped)
    with (
        relay(socket, fault=Fault.REFUSED, unix=True) as door,
        monkeypatch.context() as patch,
    ):
        door.when = lambda made: sum(line.endswith("/rename") for line in made[:-1]) == renamings
        patch.setenv("DOCKER_HOST", door.url)
        with pytest.raises(EngineFailure, match=REFUSAL), environment(workspace, keep=keep):
            pytest.fail("the block was entered")
    left = ["running"] if keep else ["exited"] if stopped else []
    assert left == [state(workspace) for _ in workspace.container_names()]


def test_what_fails_before_the_block_starts_nothing(workspace: Workspace) -> None:
    nowhere = devenv.environment(workspace.path / "nowhere", workspace.settings)
    with pytest.raises(ProjectError, match="does not exist"), nowhere:
        pytest.fail("the block was entered")
    assert workspace.container_names() == []
