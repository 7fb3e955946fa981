"""Promises 1 to 3: writable from the first second, nothing foreign removed, host unchanged."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from invoke import Context, Exit

from devenv_lib import containers, volumes
from devenv_lib.engine import Engine
from devenv_lib.errors import EngineFailure, Refused, SettingsError, UsageError
from devenv_lib.readers import MountRequest
from devenv_lib.records import Port
from devenv_lib.tasks import ns
from tests.conftest import IMAGE, Workspace, docker, free_port, own_base, remove_image
from tests.relay import relay

pytestmark = pytest.mark.engine
TOUCH = "touch ~/.local/share/x ~/.cache/x ~/.local/state/x ~/.local/share/opencode/x"


def digest(tree: Path) -> str:
    """Return a digest of every name, mode, owner, time and content below a directory."""
    total = hashlib.sha256()
    for path in sorted(tree.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        facts = (str(path), status.st_mode, status.st_uid, status.st_mtime_ns, content)
        total.update(repr(facts).encode())
    return total.hexdigest()


@pytest.mark.every_engine
def test_every_volume_is_writable_by_the_user_at_once(workspace: Workspace) -> None:
    """Also the directory around the overlaid auth.json, which the engine makes as root's."""
    workspace.up()
    workspace.sh(TOUCH)
    owners = workspace.sh(
        "stat -c %U ~/.local/share ~/.cache ~/.local/state ~/.local/share/opencode"
    )
    assert {"devuser"} == set(owners.split())


@pytest.mark.every_engine
def test_volumes_are_writable_in_an_image_that_has_none_of_the_directories(
    make_workspace: Any, tmp_path: Path
) -> None:
    """Promise 1 holds whatever the image contains: here the mount points are the engine's own."""
    workspace: Workspace = make_workspace()
    workspace.write(".local/share/opencode/auth.json", "{}")
    workspace.write(".ssh/authorized_keys", "")
    name = f"{workspace.prefix}-bare:latest"
    context = tmp_path / "bare"
    context.mkdir()
    remake = "rm -rf /home/devuser && useradd -u 1234 -M other"
    text = f"{own_base(workspace)}\nUSER root\nRUN {remake}\nUSER other\n"
    (context / "Dockerfile").write_text(text)
    docker("build", "--quiet", f"--tag={name}", str(context))
    try:
        workspace.configure(image=name)
        workspace.up()
        workspace.sh(TOUCH, user="other")
        assert workspace.in_volume("data", "stat -c %u .") == "1234"
    finally:
        workspace.clean()
        remove_image(name)


def test_the_home_around_the_mounts_is_the_users_in_the_default_image(
    workspace: Workspace,
) -> None:
    """The engine makes missing parents of mounts as root's; this image has them all."""
    workspace.write(".ssh/authorized_keys", "")
    workspace.up()
    workspace.sh("touch ~/.ssh/known_hosts ~/.config/x ~/.local/x ~/x")
    assert workspace.sh("stat -c %a ~/.ssh") == "700"


def test_history_has_its_directory_in_the_state_volume(workspace: Workspace) -> None:
    """Bash keeps no history, silently, in a directory that is not there."""
    workspace.up()
    workspace.sh('echo "ls" > "$HISTFILE"')
    assert workspace.in_volume("state", "cat bash/history") == "ls"


def test_state_survives_the_container(workspace: Workspace) -> None:
    """What is written to the volumes is there in the next container."""
    workspace.up()
    workspace.sh("echo kept > ~/.local/state/kept; echo changed > ~/.config/tvim/lazy-lock.json")
    first = workspace.up().container.id
    second = workspace.up(recreate=True).container.id
    assert first != second
    assert workspace.sh("cat ~/.local/state/kept ~/.config/tvim/lazy-lock.json") == "kept\nchanged"


@pytest.mark.every_engine
def test_volumes_carry_the_labels(workspace: Workspace) -> None:
    """All four names, labelled, and nothing else under the prefix."""
    workspace.up()
    names = [workspace.volume(suffix) for suffix in ("cache", "data", "state", "tvim-lock")]
    assert names == workspace.volume_names()
    labels = [volume.labels for volume in workspace.engine.snapshot(labelled=True).volumes]
    assert {"devenv": "true", "devenv.prefix": workspace.prefix} in labels


@pytest.mark.every_engine
def test_a_volume_of_our_name_without_the_label_is_used_reported_and_never_removed(
    workspace: Workspace,
) -> None:
    """Creating an existing name keeps its labels: it is somebody else's and stays."""
    name = workspace.volume("cache")
    workspace.extra_volumes.append(name)
    docker("volume", "create", name)
    environment = workspace.up()
    workspace.sh("echo mine > ~/.cache/file")
    assert (name,) == environment.unlabelled
    workspace.stop()
    every = volumes.plan_removal(workspace.engine, workspace.prefix, None)
    assert name not in [volume.name for volume in every.volumes]
    by_name = volumes.plan_removal(workspace.engine, workspace.prefix, [name])
    assert by_name.refusals[0].reason == "it does not carry the label devenv=true"
    with pytest.raises(Refused):
        volumes.remove(workspace.engine, workspace.prefix, by_name)
    assert workspace.in_volume("cache", "cat file") == "mine"


def stopped_by_hand(workspace: Workspace) -> None:
    """Stop the environment without devenv. Docker lists it as running for a moment after that."""
    docker("stop", workspace.name)
    while any(c.running for c in workspace.engine.containers() if c.name == workspace.name):
        time.sleep(0.01)


@pytest.mark.every_engine
def test_nothing_in_use_is_removed(workspace: Workspace) -> None:
    """Neither by a running container nor by a stopped one, and the reason names each."""
    workspace.up()
    running = volumes.plan_removal(workspace.engine, workspace.prefix, None)
    assert running.volumes == ()
    assert f"it is mounted by the running container {workspace.name}" == running.refusals[0].reason
    stopped_by_hand(workspace)
    stopped = volumes.plan_removal(workspace.engine, workspace.prefix, None)
    reason = f"the stopped container {workspace.name} still references it"
    assert {reason} == {refusal.reason for refusal in stopped.refusals}
    assert len(workspace.volume_names()) == 4


@pytest.mark.every_engine
def test_a_foreign_container_that_uses_a_volume_protects_it(workspace: Workspace) -> None:
    """One refusal refuses the whole command: the three free volumes stay too."""
    workspace.up()
    workspace.stop()
    foreign = f"{workspace.prefix}-foreign"
    workspace.extra_containers.append(foreign)
    docker("create", f"--name={foreign}", f"--volume={workspace.volume('data')}:/v", IMAGE)
    plan = volumes.plan_removal(workspace.engine, workspace.prefix, None)
    assert [workspace.volume("data")] == [refusal.volume for refusal in plan.refusals]
    assert f"docker rm {foreign}" == plan.refusals[0].remedy
    with pytest.raises(Refused):
        volumes.remove(workspace.engine, workspace.prefix, plan)
    assert len(workspace.volume_names()) == 4


def test_removal_refuses_what_changed_since_the_question(workspace: Workspace) -> None:
    """A volume that somebody replaced while a person was asked is not the one they agreed to."""
    workspace.up()
    workspace.stop()
    plan = volumes.plan_removal(workspace.engine, workspace.prefix, [workspace.volume("cache")])
    docker("volume", "rm", workspace.volume("cache"))
    workspace.extra_volumes.append(workspace.volume("cache"))
    docker("volume", "create", workspace.volume("cache"))
    with pytest.raises(Refused, match="changed since"):
        volumes.remove(workspace.engine, workspace.prefix, plan)
    assert workspace.engine.volume(workspace.volume("cache")) is not None


@pytest.mark.every_engine
def test_removal_takes_exactly_the_labelled_volumes_of_its_prefix(make_workspace: Any) -> None:
    """Another prefix and an unlabelled volume beside it are untouched."""
    mine, other = make_workspace(), make_workspace(home="other")
    for workspace in (mine, other):
        workspace.up()
        workspace.stop()
    bystander = f"{mine.prefix}-bystander"
    mine.extra_volumes.append(bystander)
    docker("volume", "create", bystander)
    before = other.volume_names()
    plan = volumes.plan_removal(mine.engine, mine.prefix, None)
    removals = volumes.remove(mine.engine, mine.prefix, plan)
    assert [mine.volume(s) for s in ("cache", "data", "state")] == [r.name for r in removals]
    assert mine.volume_names() == []
    assert before == other.volume_names()
    assert mine.engine.volume(bystander) is not None


def test_lists_name_exactly_what_is_labelled_and_of_their_prefix(make_workspace: Any) -> None:
    """Neither what is only called so, nor what is another prefix's that begins with this one."""
    mine: Workspace = make_workspace()
    other: Workspace = make_workspace(home="other", prefix=f"{mine.prefix}-other")
    for workspace in (mine, other):
        workspace.up()
    foreign = f"{mine.prefix}-foreign"
    mine.extra_volumes.append(foreign)
    mine.extra_containers.append(foreign)
    docker("volume", "create", foreign)
    docker("create", f"--name={foreign}", f"--volume={foreign}:/v", IMAGE)
    seen = volumes.examine(mine.engine, mine.prefix, sizes=False)
    assert [mine.volume(s) for s in ("cache", "data", "state")] == [one.name for one in seen]
    assert [mine.name] == [one.name for one in containers.survey(mine.engine, mine.prefix)]
    listed = mine.inv("volume.list", "--no-size", "--format=names").stdout.split()
    assert [one.name for one in seen] == listed
    assert mine.inv("list", "--all", "--format=names").stdout.split() == [mine.name]


def test_a_removal_that_cannot_be_seen_to_have_worked_is_reported(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine goes silent after the first: every one is still reported."""
    workspace.up()
    workspace.stop()
    plan = volumes.plan_removal(workspace.engine, workspace.prefix, None)

    def silent(_: str) -> None:
        raise EngineFailure("The engine stopped answering.")

    monkeypatch.setattr(workspace.engine, "volume", silent)
    removals = volumes.remove(workspace.engine, workspace.prefix, plan)
    assert [removal.failure for removal in removals] == ["The engine stopped answering."] * 4


def test_sizes_that_take_too_long_are_unknown(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.up()

    get: Any = workspace.engine._client.get

    def late(url: str, **options: object) -> object:
        if url.endswith("/system/df"):
            raise requests.ReadTimeout
        return get(url, **options)

    monkeypatch.setattr(workspace.engine._client, "get", late)
    assert workspace.engine.snapshot(labelled=True, sizes=True).sizes == {}


def test_where_somebody_else_mounts_a_volume_is_not_where_it_belongs(workspace: Workspace) -> None:
    workspace.up()
    workspace.stop()
    foreign = f"{workspace.prefix}-foreign"
    workspace.extra_containers.append(foreign)
    docker("create", f"--name={foreign}", f"--volume={workspace.volume('data')}:/x", IMAGE)
    found = {v.name: v for v in volumes.examine(workspace.engine, workspace.prefix)}
    data = found[workspace.volume("data")]
    assert (data.used_by, data.target) == ((foreign,), None)


@pytest.mark.every_engine
def test_a_name_cannot_reach_another_object(workspace: Workspace) -> None:
    """docker-py puts a name into the URL as it is: this one would be a container."""
    workspace.up()
    with pytest.raises(UsageError):
        volumes.plan_removal(
            workspace.engine, workspace.prefix, [f"../containers/{workspace.name}"]
        )
    assert [workspace.name] == workspace.container_names()


#: Every command that takes a name; `exec` would bring an environment up.
NAMING = (
    "volume.rm --force --name NAME",
    "volume.adopt --name NAME",
    "volume.backup --to . --name NAME",
    "volume.clone --to PREFIX-new --name NAME",
    "volume.clone --name PREFIX-data --to NAME",
    "volume.restore --from a.tar --name NAME",
    "volume.cp --file f --to . --name NAME",
    "volume.cp --file f --from a.tar --name NAME",
    "volume.usage --name NAME",
    "volume.repair --name NAME",
    "exec --name NAME -- true",
    "stop --name NAME",
)


@pytest.mark.parametrize("line", NAMING)
def test_no_command_asks_an_engine_about_a_name_that_is_none(
    workspace: Workspace, line: str
) -> None:
    workspace.make_volume("data")
    with tarfile.open(workspace.path / "a.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("a"))
    name = f"../containers/{workspace.name}"
    words = line.replace("PREFIX", workspace.prefix).replace("NAME", name).split()
    with relay(str(workspace.engine.endpoint.socket), unix=True) as door:
        done = workspace.inv(*words, variables={"DOCKER_HOST": door.url})
    assert done.returncode == 4, done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    changing = [asked for asked in door.requests if not asked.startswith(("GET ", "HEAD "))]
    assert (changing, [asked for asked in door.requests if workspace.name in asked]) == ([], [])
    assert workspace.volume_names() == [workspace.volume("data")]


@pytest.mark.every_engine
def test_the_engine_refuses_a_volume_that_came_into_use_after_the_check(
    workspace: Workspace,
) -> None:
    """The last check is the engine's own; its refusal is reported, not raised."""
    workspace.up()
    with pytest.raises(EngineFailure, match=r"in use|being used"):
        workspace.engine.remove_volume(workspace.volume("data"))


@pytest.mark.every_engine
def test_the_host_configuration_cannot_be_written_and_stays_the_same(workspace: Workspace) -> None:
    """Every mounted file and directory refuses a write, and the host's tree is the same."""
    before = digest(workspace.home / ".config"), digest(workspace.home / ".local/share")
    workspace.up()
    for target in (
        "~/.bashrc",
        "~/.config/git/ignore",
        "~/.config/nvim/init.lua",
        "~/.config/tvim/init.lua",
        "~/.local/share/opencode/auth.json",
        "~/.config/nvim/planted",
        "/opt/devenv/config/tvim/lazy-lock.json",
    ):
        status, output = workspace.try_sh(f"echo x >> {target}")
        assert status != 0, f"{target} could be written"
        assert "Read-only" in output
    for user in ("devuser", "root"):
        assert workspace.try_sh("rm -rf ~/.config/nvim/init.lua /home/devuser/.config/git", user)[0]
    workspace.sh("echo changed > ~/.config/tvim/lazy-lock.json")
    assert before == (digest(workspace.home / ".config"), digest(workspace.home / ".local/share"))


@pytest.mark.every_engine
@pytest.mark.usefixtures("as_root")
def test_a_mount_below_a_read_only_source_is_not_writable_either(workspace: Workspace) -> None:
    """Until Docker 25 a read-only bind leaves what is mounted below its source writable."""
    below = workspace.home / ".config/nvim/below"
    elsewhere = workspace.home / "elsewhere"
    below.mkdir()
    elsewhere.mkdir(mode=0o777)
    elsewhere.chmod(0o777)
    subprocess.run(["mount", "--bind", str(elsewhere), str(below)], check=True)
    try:
        workspace.up()
        assert workspace.try_sh("touch ~/.config/nvim/below/planted")[0] != 0
        assert list(elsewhere.iterdir()) == []
    finally:
        workspace.stop()
        subprocess.run(["umount", str(below)], check=True)


@pytest.mark.every_engine
def test_project_files_made_inside_belong_to_the_host_owner(workspace: Workspace) -> None:
    """The image is built for the owner's uid, so nothing changes hands."""
    workspace.up()
    workspace.sh('touch "$PWD/made"')
    assert (workspace.path / "made").stat().st_uid == workspace.path.stat().st_uid


@pytest.mark.every_engine
def test_the_container_has_no_more_than_the_design_says(workspace: Workspace) -> None:
    """No privilege, no socket, no capability, loopback only, limits, init, labels."""
    port = free_port()
    workspace.configure(ports=(Port(port, 80),))
    who = workspace.up().identity
    data = json.loads(docker("inspect", workspace.name).stdout)[0]
    limits, config = data["HostConfig"], data["Config"]
    assert not limits["Privileged"]
    assert not limits["CapAdd"]
    assert limits["SecurityOpt"] == ["no-new-privileges", "label=disable"]
    assert limits["Init"]
    assert limits["Memory"] == (8 << 30 if "memory" in workspace.engine.info().limits else 0)
    assert limits["NanoCpus"] <= 4e9
    assert limits["PortBindings"]["80/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": str(port)}]
    assert not [m for m in data["Mounts"] if m["Source"].endswith("docker.sock")]
    assert (who.name, who.user) == ("devuser", config["User"])
    assert str(workspace.path) == config["Labels"]["devenv.path"]
    assert config["Labels"]["devenv.project"] == "work/app"
    status = workspace.sh("cat /proc/self/status")
    assert "NoNewPrivs:\t1" in status
    assert "CapEff:\t0000000000000000" in status


@pytest.mark.every_engine
@pytest.mark.parametrize("kind", ["directory", "file"])
def test_a_bind_in_a_bind_needs_a_place_there(workspace: Workspace, kind: str) -> None:
    """An engine would make it: as root's, in a directory of the user's own."""
    inner, point = workspace.home / "inner", workspace.path / "sub/deep"
    if kind == "file":
        workspace.write("inner", "content")
    else:
        workspace.write("inner/file", "content")
    target = f"~/{point.relative_to(workspace.home)}"
    workspace.configure(mounts=(MountRequest("~/inner", target),))
    with pytest.raises(SettingsError, match=f"there is no {kind} {point}") as caught:
        workspace.up()
    assert not point.parent.exists()
    assert workspace.container_names() == []

    (made,) = re.findall(r"Make it: (.*?);", caught.value.hint)
    subprocess.run(made, shell=True, check=True)  # noqa: S602 - what a person is told to run
    workspace.up()
    seen = f"/home/devuser/{point.relative_to(workspace.home)}" + "/file" * (kind == "directory")
    assert workspace.sh(f"cat {seen}") == "content"
    assert inner.exists()


def test_an_interrupted_removal_says_what_is_gone_and_what_may_be(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing brings it back, and nobody has seen its name on the command line of ``--all``."""
    names = [workspace.make_volume(name) for name in ("a", "b", "c")]
    remove = Engine.remove_volume

    def interrupted(engine: Engine, name: str) -> None:
        if name == names[1]:
            raise KeyboardInterrupt
        remove(engine, name)

    monkeypatch.setattr(Engine, "remove_volume", interrupted)
    monkeypatch.setenv("DEVENV_PREFIX", workspace.prefix)
    with pytest.raises(Exit) as ended:
        ns["volume.rm"](Context(), all=True, force=True)
    assert ended.value.code == 2
    said = capsys.readouterr()
    lines = (said.out + said.err).splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [
        [names[0], "REMOVED"],
        [names[1], "UNKNOWN"],
    ]
    assert not any(names[2] in line for line in lines)
    assert lines[-1] == "Interrupted."


def test_a_removal_that_is_interrupted_before_it_begins_says_so_alone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """While everything is examined again."""
    name = workspace.make_volume("a")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "volume", interrupted)
    monkeypatch.setenv("DEVENV_PREFIX", workspace.prefix)
    with pytest.raises(Exit):
        ns["volume.rm"](Context(), name=[name], force=True)
    said = capsys.readouterr()
    assert (said.out + said.err).splitlines() == ["Interrupted."]
