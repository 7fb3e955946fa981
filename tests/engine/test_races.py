"""Several commands at once, and containers in states that nobody planned for."""

from __future__ import annotations

import importlib
import json
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from devenv_lib import containers, images
from devenv_lib.containers import start
from devenv_lib.engine import Engine, bodies, connect, starting
from devenv_lib.errors import (
    EngineFailure,
    ProgramMissing,
    ProjectError,
    Refused,
    SettingsError,
)
from devenv_lib.host import locate
from devenv_lib.names import STARTING, helper_name
from devenv_lib.readers import MountRequest
from tests.conftest import IMAGE, Workspace, built_image, docker

pytestmark = pytest.mark.engine


def results(processes: list[subprocess.Popen[str]]) -> list[str]:
    """Wait for all, and return what those said that failed."""
    said = [(process.communicate()[1], process.returncode) for process in processes]
    return [text for text, status in said if status]


def test_interrupting_one_start_does_not_fail_another(workspace: Workspace) -> None:
    """The container that one of them made may be the one that the other carries on."""
    for moment in (0.25, 0.3, 0.35, 0.4, 0.45):
        first = workspace.begin("run", "--detach")
        time.sleep(0.05)
        second = workspace.begin("run", "--detach")
        time.sleep(moment)
        first.send_signal(signal.SIGINT)
        first.communicate()
        assert results([second]) == []
        assert [workspace.name] == workspace.container_names()
        workspace.sh("touch ~/.cache/x ~/.local/share/opencode/x")
        workspace.stop()


def test_many_stops_and_recreations_at_once_all_succeed(workspace: Workspace) -> None:
    """Who finds a removal under way waits for it."""
    workspace.up()
    assert results([workspace.begin("stop") for _ in range(5)]) == []
    assert workspace.container_names() == []
    recreate = ("run", "--detach", "--recreate", "--force")
    assert results([workspace.begin(*recreate) for _ in range(5)]) == []
    assert [workspace.name] == workspace.container_names()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(24, "Too many open files")])
def test_what_ends_a_command_between_a_helpers_create_and_its_start_leaves_none(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Ctrl-C is held back until then; it would keep the volume from being removed."""

    def ended(*_: object) -> None:
        raise error

    monkeypatch.setattr(starting, "Helper", ended)
    with pytest.raises((KeyboardInterrupt, EngineFailure)):
        workspace.engine.helper(IMAGE, (), workspace.prefix, "x").__enter__()
    assert workspace.container_names() == []


def test_who_is_in_is_asked_of_what_took_an_environments_place(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another recreation was faster: what was looked at has stopped, and a new one runs."""
    workspace.up()
    engine, run = connect(), Engine.run

    def replaced(engine: Engine, container: str, words: Sequence[str]) -> tuple[int, str]:
        monkeypatch.setattr(Engine, "run", run)
        workspace.inv("run", "--detach", "--recreate", "--force", check=True)
        return engine.run(container, words)

    monkeypatch.setattr(Engine, "run", replaced)
    assert containers.sessions(engine, workspace.project) == ()


def test_the_look_of_another_command_is_nobody_who_is_in(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a program that was begun from outside, too."""
    monkeypatch.setattr(importlib.import_module("devenv_lib.containers.sessions"), "_MOMENT", 3.0)
    container, engine, over = workspace.up().container.id, workspace.engine, list[bool]()
    looks = ["/bin/sh", "-c", "for n in 1 2 3 4 5; do sleep 0.02; done"]

    def look() -> None:
        while not over:
            engine.run(container, looks)

    with ThreadPoolExecutor(2) as pool:
        pool.submit(look)
        pool.submit(look)
        found = [containers.sessions(connect(), workspace.project) for _ in range(3)]
        over.append(True)
    assert found == [()] * 3


def test_starts_among_stops_leave_host_and_volumes_whole(workspace: Workspace) -> None:
    """An archive that is unpacked while its container is removed would empty both."""
    for number in range(50):
        (workspace.path / f"file{number}").write_text("precious")
    workspace.up()
    workspace.sh("for n in $(seq 50); do echo precious > ~/.local/state/$n; done")
    with ThreadPoolExecutor(8) as pool:
        words = [("stop",) if n % 4 == 3 else ("run", "--detach") for n in range(32)]
        list(pool.map(lambda w: workspace.begin(*w).communicate(), words))
    workspace.up()
    assert len(list(workspace.path.glob("file*"))) == 50
    assert workspace.sh("cat ~/.local/state/[0-9]* | grep -c precious") == "50"


def test_nobody_gets_into_a_restarted_environment_that_could_not_be_prepared(
    workspace: Workspace,
) -> None:
    """It stays stopped, with all that was written in it, until the cause is mended."""
    workspace.up()
    workspace.sh("touch /tmp/written")
    docker("stop", workspace.name)
    workspace.in_volume("state", "touch kept; chown 4321:4321 .")
    for _ in range(2):
        with pytest.raises(Refused, match="belongs to uid 4321"):
            workspace.up()
        state = docker("inspect", "-f", "{{.State.Status}}", workspace.name).stdout.strip()
        assert state == "exited"
    workspace.in_volume("state", "chown 1000:1000 .")
    assert workspace.up().outcome == "started"
    workspace.sh("test -e /tmp/written")


def test_an_environment_is_not_removed_before_a_new_one_is_possible(workspace: Workspace) -> None:
    """A stopped one whose required source is gone stays, with the reason."""
    source = workspace.write("required/x").parent
    workspace.configure(mounts=(MountRequest(str(source), "/required", "ro", required=True),))
    workspace.up()
    docker("stop", workspace.name)
    (source / "x").unlink()
    source.rmdir()
    with pytest.raises(SettingsError, match="requires"):
        workspace.up()
    assert [workspace.name] == workspace.container_names()


def test_a_half_started_container_whose_source_is_gone_is_made_anew(workspace: Workspace) -> None:
    """The agent of another login: nobody was in the container yet."""
    agent = workspace.home / "agent"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(agent))
        workspace.environ["SSH_AUTH_SOCK"] = str(agent)
        plan = workspace.draft()
        left = workspace.half_made(plan)
    agent.unlink()
    assert left != workspace.up().container.id
    assert [workspace.name] == workspace.container_names()


def test_a_half_started_container_of_other_settings_is_made_anew_unless_it_is_young(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A young one is being finished by somebody; what was left is made as it would be now."""
    plan = workspace.draft()
    workspace.write(".config/gh/config.yml", "")
    for stale in (60, 0):
        monkeypatch.setattr(start, "STALE", stale)
        left = workspace.half_made(plan)
        environment = workspace.up()
        assert bool(stale) == (left == environment.container.id)
        assert bool(stale) == bool(environment.differs)
        workspace.stop()


def test_a_project_whose_name_ends_like_a_provisional_one(make_workspace: object) -> None:
    workspace: Workspace = make_workspace("work/app.starting")  # type: ignore[operator]
    first = workspace.up()
    assert workspace.up().outcome == "running"
    assert not first.container.name.endswith(STARTING)
    assert len(workspace.stop()) == 1


def test_a_paused_environment_says_how_to_go_on(workspace: Workspace) -> None:
    workspace.up()
    docker("pause", workspace.name)
    try:
        with pytest.raises(Refused, match="is paused") as error:
            workspace.up()
        assert f"docker unpause {workspace.name}" in error.value.hint
    finally:
        docker("unpause", workspace.name)


def volumes_of_removed_containers(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Return a list to which the volumes of each container that is removed are added."""
    removed: list[str] = []
    client = workspace.engine._client
    remove: Any = client.remove_container

    def noting(container: str, **options: object) -> None:
        found: Any = client.inspect_container(container)
        removed.extend(mount["Name"] for mount in found["Mounts"] if mount["Type"] == "volume")
        remove(container, **options)

    monkeypatch.setattr(client, "remove_container", noting)
    return removed


def test_an_image_with_volumes_of_its_own_differs_in_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine names those; they are neither reported nor removed, nor left by the probe."""
    with built_image(workspace, "VOLUME /data") as name:
        workspace.configure(image=name)
        image = workspace.engine.image(name)
        assert image is not None
        removed = volumes_of_removed_containers(workspace, monkeypatch)
        images.identity(workspace.engine, image, name, workspace.prefix, "")
        assert [workspace.engine.volume(volume) for volume in removed] == [None]
        workspace.up()
        environment = workspace.up()
        assert (environment.differs, environment.unlabelled) == ((), ())
        mounts = json.loads(docker("inspect", workspace.name).stdout)[0]["Mounts"]
        anonymous = next(m["Name"] for m in mounts if m["Destination"] == "/data")
        workspace.extra_volumes.append(anonymous)


def test_an_image_whose_passwd_is_a_symlink_has_a_user(workspace: Workspace) -> None:
    move = "mv /etc/passwd /usr/passwd && ln -s ../usr/passwd /etc/passwd"
    with built_image(workspace, f"USER root\nRUN {move}\nUSER devuser") as name:
        workspace.configure(image=name)
        assert workspace.up().plan.identity.name == "devuser"


def test_an_image_without_sleep_is_said_so(workspace: Workspace) -> None:
    with built_image(workspace, "USER root\nRUN rm /bin/sleep\nUSER devuser") as name:
        result = workspace.inv("run", "--detach", "--image", name)
        assert result.returncode == 1
        assert "sleep" in result.stderr
        assert "Traceback" not in result.stderr
        assert workspace.container_names() == []


def test_an_included_gitconfig_is_mounted(workspace: Workspace) -> None:
    """People keep a ~/.gitconfig-work beside ~/.gitconfig."""
    workspace.write(".gitconfig", "[include]\n\tpath = ~/.gitconfig-work\n")
    workspace.write(".gitconfig-work", "[user]\n\tname = Worker\n")
    workspace.up()
    assert workspace.sh("git config --get --includes user.name") == "Worker"


def test_a_worktree_that_git_wrote_relative_is_a_repository_inside(workspace: Workspace) -> None:
    """Git 2.48 and newer can; its .git then names the common directory from the worktree."""
    _, tree = workspace.worktree()
    (tree / ".git").write_text("gitdir: ../main/.git/worktrees/tree\n")
    workspace.up()
    assert workspace.sh("git log --format=%s") == "first"


def test_an_empty_path_is_not_the_current_directory() -> None:
    """`inv stop --path "$UNSET"` would else take the wrong environment."""
    with pytest.raises(ProjectError, match="empty"):
        locate("", "devenv", must_exist=False)


@pytest.mark.every_engine
def test_an_environment_that_is_replaced_while_it_is_looked_at(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one is reported: somebody else's --recreate is no failure of ours."""
    workspace.up()
    engine, again = workspace.engine, [True]
    inspect = engine.existing

    def existing(container: str) -> object:
        if again:
            again.clear()
            workspace.inv("run", "--detach", "--recreate", check=True)
        return inspect(container)

    monkeypatch.setattr(engine, "existing", existing)
    environment = workspace.up()
    assert environment.outcome == "running"
    there = [one.id for one in engine.containers() if one.name == workspace.name]
    assert there == [environment.container.id]


def test_what_an_abandoned_start_left_is_removed_by_the_next(workspace: Workspace) -> None:
    """Killed between the rename that keeps others off it and the removal."""
    plan = workspace.draft()
    for take in (workspace.up, workspace.stop):
        left = workspace.half_made(plan)
        workspace.engine.rename(left, f"{workspace.name}{STARTING}.{left[:12]}")
        take()
        assert left not in [one.id for one in workspace.engine.containers()]
        workspace.stop()


@pytest.mark.parametrize("which", ["probe", "app"])
def test_ctrl_c_while_the_engine_makes_a_container_leaves_none(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    """The engine finishes what it began: it is waited for, and then removed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(workspace.home / "cache"))
    client = workspace.engine._client
    create: Any = client.create_container_from_config

    def interrupted(body: dict[str, object], name: str) -> object:
        request = pool.submit(create, body, name)
        if which in name.removeprefix(workspace.prefix):
            signal.raise_signal(signal.SIGINT)
        return request.result()

    monkeypatch.setattr(client, "create_container_from_config", interrupted)
    with ThreadPoolExecutor() as pool, pytest.raises(KeyboardInterrupt):
        workspace.up()
    assert workspace.container_names() == []


def test_ctrl_c_within_a_create_leaves_what_somebody_else_made(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.draft()  # asks the image who its user is
    client = workspace.engine._client
    create: Any = client.create_container_from_config
    theirs: list[str] = []

    def beaten(body: dict[str, object], name: str) -> object:
        theirs.append(create(body, name)["Id"])
        signal.raise_signal(signal.SIGINT)
        return create(body, name)

    monkeypatch.setattr(client, "create_container_from_config", beaten)
    with pytest.raises(KeyboardInterrupt):
        workspace.up()
    assert [
        one.id for one in workspace.engine.containers() if workspace.project.owns(one)
    ] == theirs
    monkeypatch.undo()
    assert workspace.up().container.id == theirs[0]


@pytest.mark.every_engine
def test_a_helper_that_was_never_started_is_carried_on(workspace: Workspace) -> None:
    """Killed between its create and its start: it references volumes, so it may not stay."""
    engine = workspace.engine
    plan = workspace.draft()
    started = workspace.half_made(plan)
    names = {mount.source: str(mount.target) for mount in plan.mounts.volumes}
    helper = bodies.one_shot_body(IMAGE, names, ["true"], workspace.prefix)
    name = f"{workspace.prefix}-give-{started[:12]}"
    engine._client.create_container_from_config(helper, name)
    assert workspace.up().container.id == started
    assert [workspace.name] == workspace.container_names()
    workspace.sh("touch ~/.local/share/opencode/x")


@pytest.mark.every_engine
def test_what_killed_processes_left_is_removed_unless_it_is_young_or_runs(
    workspace: Workspace,
) -> None:
    """A young one may be somebody's; every start and stop removes the old ones."""
    engine, prefix = workspace.engine, workspace.prefix
    left, runs = f"{prefix}-give-{'0' * 12}", f"{prefix}-give-{'1' * 12}"
    for name, words in ((left, ["true"]), (runs, ["sleep", "60"])):
        body = bodies.one_shot_body(IMAGE, {}, words, prefix)
        engine._client.create_container_from_config(body, name)
    engine.start(runs)
    workspace.stop()
    assert [left, runs] == workspace.container_names()
    engine.remove_leftovers(prefix, age=0)
    assert [runs] == workspace.container_names()


def test_a_container_that_only_has_a_helpers_name_stays(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not run, and is not ours: whoever needs the name is told."""
    monkeypatch.setattr(starting, "PATIENCE", 0.5)
    monkeypatch.setattr(starting, "_UNSTARTED", 0.0)
    name = helper_name(workspace.prefix, "volume")
    workspace.extra_containers.append(name)
    docker("create", f"--name={name}", IMAGE, "true")
    with (
        pytest.raises(Refused, match=f"its helper {name} is there"),
        workspace.engine.helper(IMAGE, (), workspace.prefix, "volume"),
    ):
        pass
    assert docker("inspect", "--format={{.State.Status}}", name).stdout == "created\n"


def test_without_the_docker_program_no_helper_stays(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with (
        pytest.raises(ProgramMissing),
        workspace.engine.helper(IMAGE, (), workspace.prefix, "volume"),
    ):
        pass
    assert workspace.container_names() == []


def test_a_program_of_an_images_that_writes_for_ever_is_ended_with(workspace: Workspace) -> None:
    workspace.up()
    with pytest.raises(EngineFailure, match="wrote more than 4 MiB"):
        workspace.engine.run(workspace.name, ["yes"])


def test_what_a_helpers_step_is_late_with_is_not_the_next_ones(workspace: Workspace) -> None:
    """A step that wrote nothing is done with its answer's first line, and its shell is not."""
    late = ["eval", 'cat() { sleep 1; command cat "$@"; }']
    with workspace.engine.helper(IMAGE, (), workspace.prefix, workspace.volume("late")) as helper:
        assert helper.run(late) == b""
        assert helper.run(["sh", "-c", "echo second; sleep 2"]) == b"second\n"
        assert helper.run(["echo", "third"]) == b"third\n"
