"""Promise 4: starts that race, fail or are killed leave what the next command carries on from."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from devenv_lib import containers, loopback
from devenv_lib.engine import connect
from devenv_lib.errors import EngineFailure, ImageError, Refused
from devenv_lib.records import Port
from tests.conftest import IMAGE, PATIENCE, Workspace, built_image, docker

pytestmark = pytest.mark.engine


@pytest.mark.every_engine
def test_a_second_run_finds_the_first_ones_environment(workspace: Workspace) -> None:
    first, second = workspace.up(), workspace.up()
    assert (first.outcome, second.outcome) == ("created", "running")
    assert first.container.id == second.container.id
    assert second.differs == ()


def test_twenty_starts_at_once_end_with_one_container(workspace: Workspace) -> None:
    """All succeed, with the same environment, and no provisional one is left."""
    starts = [workspace.begin("run", "--detach") for _ in range(20)]
    results = [(start.communicate()[1], start.returncode) for start in starts]
    assert [text for text, status in results if status] == []
    assert [workspace.name] == workspace.container_names()
    workspace.sh("touch ~/.cache/x")


@pytest.mark.every_engine
def test_two_projects_of_one_name_have_an_environment_each(make_workspace: Any) -> None:
    """The second takes the path's digest into its name; neither finds the other's."""
    first: Workspace = make_workspace("a/work/app")
    second: Workspace = make_workspace("b/work/app", prefix=first.prefix)
    with ThreadPoolExecutor() as pool:
        own = list(pool.map(_up_alone, (first, second)))
    assert own[0].container.id != own[1].container.id
    names = {environment.container.name for environment in own}
    assert len(names & {first.name}) == 1
    for workspace, environment in zip((first, second), own, strict=True):
        assert workspace.up().container.id == environment.container.id


def _up_alone(workspace: Workspace) -> containers.Environment:
    """Start on a connection of its own: a session is not meant for two threads."""
    host = workspace.host
    return containers.up(connect(), workspace.project, workspace.settings, host)


@pytest.mark.every_engine
def test_a_foreign_container_with_our_name_is_left_alone(workspace: Workspace) -> None:
    """The name belongs to somebody else, so the environment takes the longer one."""
    workspace.extra_containers.append(workspace.name)
    docker("create", f"--name={workspace.name}", IMAGE)
    environment = workspace.up()
    assert workspace.project.names[1] == environment.container.name
    assert docker("inspect", "-f", "{{.State.Status}}", workspace.name).stdout.strip() == "created"


@pytest.mark.every_engine
@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_a_start_that_was_killed_is_carried_on(workspace: Workspace, steps: int) -> None:
    """After volumes, create, start or neither: the next run ends with one ready environment."""
    engine = workspace.engine
    left = ""
    if steps >= 1:
        engine.create_volume(workspace.volume("data"), workspace.project.labels)
    if steps >= 2:
        left = workspace.half_made()
    if steps >= 3:
        engine.start(left)
    environment = workspace.up()
    assert [workspace.name] == workspace.container_names()
    assert left in ("", environment.container.id)
    workspace.sh("touch ~/.local/share/opencode/x ~/.cache/x")


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_a_start_that_is_ended_at_any_moment_leaves_no_trouble(
    workspace: Workspace, sent: signal.Signals
) -> None:
    """Whenever it ends, the next run succeeds with one container and writable volumes."""
    for moment in (0.15, 0.25, 0.3, 0.35, 0.4, 0.5):
        process = workspace.begin("run", "--detach")
        time.sleep(moment)
        process.send_signal(sent)
        _, text = process.communicate()
        if sent == signal.SIGINT:
            assert set(workspace.container_names()) <= {workspace.name}, text
        workspace.up()
        # What was killed while it read the image left a probe; a minute later `up` removes it.
        assert [workspace.name] == workspace.names_when_tidy()
        workspace.sh("touch ~/.local/share/opencode/x ~/.cache/x")
        workspace.stop()


@pytest.mark.every_engine
def test_a_start_that_fails_removes_what_it_created(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that somebody takes after the look; the container that cannot start is gone."""
    monkeypatch.setattr(loopback, "busy", lambda _: {})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        workspace.configure(ports=(Port(taken.getsockname()[1], 80),))
        with pytest.raises(EngineFailure, match="starting"):
            workspace.up()
    assert workspace.container_names() == []
    workspace.up()


@pytest.mark.every_engine
def test_a_stopped_environment_is_started_again(workspace: Workspace) -> None:
    """What was written in the container is still there: only stop removes it."""
    workspace.up()
    workspace.sh("touch /tmp/here")
    docker("stop", workspace.name)
    assert workspace.up().outcome == "started"
    workspace.sh("test -e /tmp/here")


def test_a_stopped_environment_whose_agent_is_gone_is_made_anew(workspace: Workspace) -> None:
    """The engine would refuse to start it: the agent's socket went with the login session."""
    agent = workspace.home / "agent"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(agent))
        workspace.environ["SSH_AUTH_SOCK"] = str(agent)
        workspace.up()
        assert workspace.sh('echo "$SSH_AUTH_SOCK"') == "/ssh-agent"
    workspace.sh("echo kept > ~/.local/state/kept")
    docker("stop", workspace.name)
    agent.unlink()
    said: list[str] = []
    environment = workspace.up(say=said.append)
    assert environment.outcome == "created"
    assert f"Recreating {workspace.name}: {agent} is gone since it was created." in said
    assert workspace.sh("cat ~/.local/state/kept") == "kept"


def test_the_agent_can_be_reached_from_inside(workspace: Workspace) -> None:
    """A real ssh-agent answers through the mounted socket, and its directory is not mounted."""
    directory = workspace.write("agent/beside").parent
    agent = directory / "socket"
    name = f"{workspace.prefix}-agent"
    workspace.extra_containers.append(name)
    serve = ["ssh-agent", "-D", "-a", "/agent/socket"]
    docker("run", "--detach", f"--name={name}", f"--volume={directory}:/agent", IMAGE, *serve)
    _until(agent.exists)
    workspace.environ["SSH_AUTH_SOCK"] = str(agent)
    workspace.up()
    status, output = workspace.try_sh("ssh-add -l")
    assert (status, output.strip()) == (1, "The agent has no identities.")
    assert workspace.sh("ls -A / | grep agent") == "ssh-agent"
    assert workspace.try_sh("test -S /ssh-agent")[0] == 0


def _until(true: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.every_engine
def test_other_settings_are_said_and_applied_only_by_recreating(workspace: Workspace) -> None:
    """A running environment is attached to as it is."""
    workspace.up()
    workspace.configure(memory=4 << 30, memory_swap=6 << 30)
    workspace.write(".config/gh/config.yml", "")
    environment = workspace.up()
    assert environment.outcome == "running"
    limits = {
        "memory": "memory: was 8 GiB, is now 4 GiB",
        "memory_swap": "memory and swap: was 12 GiB, is now 6 GiB",
    }
    can = workspace.engine.info().limits
    assert (
        f"new mount: {workspace.home}/.config/gh at /home/devuser/.config/gh (ro)",
        *(line for name, line in limits.items() if name in can),
    ) == environment.differs
    assert workspace.up(recreate=True).differs == ()


@pytest.mark.every_engine
def test_a_recreation_that_cannot_succeed_keeps_the_old_environment(workspace: Workspace) -> None:
    """The image is made sure of before the old container goes."""
    first = workspace.up().container.id
    workspace.configure(image=f"{workspace.prefix}-no-such:image")
    with pytest.raises(ImageError):
        workspace.up(recreate=True)
    workspace.configure(image=IMAGE)
    assert first == workspace.up().container.id


@pytest.mark.every_engine
def test_stop_takes_the_container_and_leaves_the_volumes(workspace: Workspace) -> None:
    workspace.up()
    before = workspace.volume_names()
    assert [workspace.name] == [stopped.name for stopped in workspace.stop()]
    assert workspace.container_names() == []
    assert before == workspace.volume_names()
    assert workspace.stop() == ()


@pytest.mark.parametrize(
    "name",
    [
        *("with space", "quo'te", 'dou"ble', "ünïcode", "$HOME"),
        *(
            pytest.param(n, marks=pytest.mark.every_engine)
            for n in ("co:lon", "com,ma", "new\nline")
        ),
    ],
)
def test_a_project_and_configuration_in_an_odd_path(make_workspace: Any, name: str) -> None:
    """Spaces, colons, quotes, commas, newlines and unicode change nothing.

    Podman takes some of them for the end of the path, and what is behind it for options.
    """
    workspace: Workspace = make_workspace(f"work/{name}", home=f"home {name}")
    workspace.write(".config/nvim/init.lua", "found")
    workspace.write(".config/tvim/init.lua", "linked")
    if workspace.engine.info().podman and set(name) & set(',"\n'):
        with pytest.raises(Refused, match="cannot mount"):
            workspace.up()
        assert (workspace.container_names(), workspace.volume_names()) == ([], [])
        return
    workspace.up()
    workspace.sh('touch "$PWD/made"; test "$(cat ~/.config/nvim/init.lua)" = found')
    assert (workspace.path / "made").exists()
    assert workspace.sh("cat ~/.config/tvim/init.lua") == "linked"


def test_configuration_that_is_a_symlink_is_followed(workspace: Workspace) -> None:
    """Dotfiles that live elsewhere are mounted from there; dangling ones are left out."""
    real = workspace.write("dotfiles/nvim/init.lua", "from dotfiles").parent
    config = workspace.home / ".config"
    (config / "nvim/init.lua").unlink()
    (config / "nvim").rmdir()
    (config / "nvim").symlink_to(real)
    (config / "gh").symlink_to(workspace.home / "nowhere")
    environment = workspace.up()
    assert workspace.sh("cat ~/.config/nvim/init.lua") == "from dotfiles"
    left = {one.source: one.why for one in environment.plan.mounts.left_out}
    assert f"a symlink that leads nowhere ({workspace.home}/nowhere)" == left[f"{config}/gh"]
    assert not (workspace.home / "nowhere").exists()


@pytest.mark.every_engine
def test_a_git_worktree_is_a_repository_inside(workspace: Workspace) -> None:
    """Its common directory is mounted where its .git names it."""
    _, tree = workspace.worktree()
    workspace.up()
    assert workspace.sh("git log --format=%s") == "first"
    workspace.sh("git -c user.name=T -c user.email=t@t commit -q --allow-empty -m inside")
    log = ["git", "-c", "safe.directory=*", "log", "-1", "--format=%s"]
    assert (
        subprocess.run(log, cwd=tree, capture_output=True, text=True, check=True).stdout.strip()
        == "inside"
    )


def test_an_environment_of_another_image_is_entered_as_its_own_user(
    workspace: Workspace,
) -> None:
    """`run --image` once; afterwards, without it, exec and a restart go on with that image."""
    lines = "USER root\nRUN useradd -m -o -u 1000 other\nUSER other"
    with built_image(workspace, lines) as name:
        assert workspace.inv("run", "--detach", "--image", name).returncode == 0
        for _ in range(2):
            result = workspace.inv("exec", "--", "sh", "-c", "pwd; touch ~/.cache/x")
            assert (result.returncode, result.stdout) == (0, "/home/other/work/app\n")
            docker("stop", workspace.name)
        said = workspace.inv("run", "--detach").stderr
        assert f"{workspace.name} STARTED  {name}, as other" in said
        assert "differs: the image is now devenv:latest" in said


def test_a_project_that_was_replaced_is_said_and_made_anew_if_wanted(workspace: Workspace) -> None:
    """What runs goes on in the former directory, wherever that is now."""
    workspace.up()
    workspace.path.rename(workspace.path.with_name("aside"))
    workspace.write("work/app/new")
    (said,) = workspace.up().differs
    inside = workspace.draft().workdir
    assert said == f"{inside} is still the former {workspace.path}, which was replaced since"
    assert workspace.up(recreate=True).differs == ()
    assert workspace.sh("ls") == "new"
    shutil.rmtree(workspace.path)
    workspace.write("work/app/newer")
    (said,) = workspace.up().differs
    assert "which was replaced since" in said
