"""Every task, as a person runs it: `inv` as a process in a project folder, on a real engine."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from datetime import datetime

import pytest

from tests.conftest import IMAGE, PATIENCE, Workspace, docker

pytestmark = pytest.mark.engine


@pytest.mark.every_engine
def test_run_without_a_terminal_leaves_the_environment_running(workspace: Workspace) -> None:
    """It does not attach, and says what it made and on which engine."""
    result = workspace.inv("run")
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert f"{workspace.name} CREATED  {IMAGE}, as devuser" in result.stderr
    assert f"on {workspace.engine.endpoint.title}" in result.stderr.splitlines()[-1]
    assert [workspace.name] == workspace.container_names()


def test_run_names_another_project_by_path(workspace: Workspace) -> None:
    result = workspace.inv("run", "--detach", "--path", str(workspace.path), cwd=workspace.path)
    assert result.returncode == 0
    again = workspace.inv("run", "--detach", "--path", "../app")
    assert f"{workspace.name} RUNNING" in again.stderr


@pytest.mark.every_engine
def test_exec_passes_words_output_input_and_status_through(workspace: Workspace) -> None:
    """Quotes, empty words and leading dashes arrive as typed; the streams stay apart."""
    script = 'printf "[%s]" "$@"; cat; echo problem >&2; exit 7'
    words = ["a  b", "", "--dry", "it's", '"', "$HOME", "*", "new\nline"]
    result = workspace.inv("exec", "--", "sh", "-c", script, "sh", *words, input="from stdin")
    assert result.returncode == 7
    assert "".join(f"[{word}]" for word in words) + "from stdin" == result.stdout
    assert "problem" in result.stderr.splitlines()
    again = workspace.inv("exec", "--", "sh", "-c", "echo out; echo problem >&2")
    assert (again.stdout, again.stderr) == ("out\n", "problem\n")


def test_exec_starts_the_environment_with_all_messages_on_stderr(workspace: Workspace) -> None:
    result = workspace.inv("exec", "--", "pwd")
    assert result.stdout == "/home/devuser/work/app\n"
    assert f"{workspace.name} CREATED" in result.stderr


def test_exec_of_a_program_that_is_not_there_says_so(workspace: Workspace) -> None:
    """The status is the docker program's own: 126 or 127."""
    result = workspace.inv("exec", "--", "no-such-program")
    assert result.returncode in (126, 127)
    assert "no-such-program" in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_exec_that_is_interrupted_without_a_terminal_is_no_success(workspace: Workspace) -> None:
    """`inv exec -- make test | tee log` and Ctrl-C, which reaches the whole group."""
    workspace.up()
    process = workspace.begin("exec", "--", "sh", "-c", "touch ~/began; sleep 300", group=True)
    deadline = time.monotonic() + PATIENCE
    while workspace.try_sh("test -e ~/began")[0]:
        assert time.monotonic() < deadline
    os.killpg(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode == 130


def test_exec_without_a_command_is_wrong_usage(workspace: Workspace) -> None:
    result = workspace.inv("exec")
    assert result.returncode == 4
    assert "There is no command to run." in result.stderr
    assert workspace.container_names() == []


def test_exec_passes_the_time_zone_and_a_known_terminal(workspace: Workspace) -> None:
    """A TERM that the image has no description for becomes one that it has."""
    variables = {"TERM": "no-such-terminal", "COLORTERM": "truecolor", "TZ": "Asia/Tokyo"}
    script = 'echo "$TERM $COLORTERM $TZ $(date +%Z)"'
    result = workspace.inv("exec", "--", "sh", "-c", script, variables=variables)
    assert result.stdout == "xterm-256color truecolor Asia/Tokyo JST\n"
    result = workspace.inv(
        "exec", "--", "sh", "-c", script, variables={**variables, "TERM": "foot"}
    )
    assert result.stdout.startswith("foot ")


@pytest.mark.every_engine
def test_volume_list_shows_a_table_with_sizes(workspace: Workspace) -> None:
    workspace.up()
    workspace.sh("head -c 1048576 /dev/zero > ~/.cache/megabyte")
    result = workspace.inv("volume.list")
    assert result.returncode == 0
    assert f"4 volumes of {workspace.prefix} in" in result.stderr
    assert workspace.engine.endpoint.title in result.stderr
    header, *rows = result.stdout.splitlines()
    columns = ["NAME", "SIZE", "IN USE", "USED BY", "MOUNTED AT", "PROJECT", "CREATED"]
    assert re.split("  +", header) == columns
    names = [workspace.volume(suffix) for suffix in ("cache", "data", "state", "tvim-lock")]
    assert names == [row.split()[0] for row in rows]
    cache = rows[0].split()
    assert ["1.0", "MiB", "yes", workspace.name, "/home/devuser/.cache"] == cache[1:6]


@pytest.mark.every_engine
def test_volume_list_as_json_has_the_documented_fields(workspace: Workspace) -> None:
    workspace.up()
    workspace.sh("printf 12345 > ~/.cache/five")
    found = json.loads(workspace.inv("volume.list", "--format", "json").stdout)
    cache = found[0]
    created = datetime.fromisoformat(cache.pop("created"))
    assert created.tzinfo is not None
    assert {
        "name": workspace.volume("cache"),
        "size": 5,
        "used_by": [workspace.name],
        "in_use": True,
        "target": "/home/devuser/.cache",
        "engine": workspace.engine.endpoint.name,
        "project": None,
        "path": None,
        "orphan": False,
    } == cache
    docker("stop", workspace.name)
    stopped = json.loads(workspace.inv("volume.list", "--format", "json").stdout)[0]
    assert ([workspace.name], False) == (stopped["used_by"], stopped["in_use"])
    workspace.stop()
    unused = json.loads(workspace.inv("volume.list", "--format=json", "--no-size").stdout)[0]
    assert (unused["size"], unused["used_by"], unused["target"]) == (None, [], None)


def test_volume_list_with_nothing_to_list(workspace: Workspace) -> None:
    result = workspace.inv("volume.list", "--format", "json")
    assert (result.returncode, result.stdout) == (0, "[]\n")
    result = workspace.inv("volume.list")
    assert (result.returncode, result.stdout) == (0, "")
    assert f"There are no volumes of the prefix {workspace.prefix}" in result.stderr


def test_volume_list_of_names_is_a_line_each(workspace: Workspace) -> None:
    workspace.up()
    result = workspace.inv("volume.list", "--format", "names")
    assert "".join(f"{name}\n" for name in workspace.volume_names()) == result.stdout


def test_a_reader_that_goes_away_ends_the_list_silently(workspace: Workspace) -> None:
    workspace.up()
    for task in ("volume.list", "volume.list --format names", "mounts", "mounts --format json"):
        result = workspace.shell(f"set -o pipefail; $INV {task} | (exec <&-; sleep 0.6)")
        assert (result.returncode, result.stderr) == (0, ""), task


@pytest.mark.every_engine
def test_volume_rm_refuses_while_the_environment_runs_and_names_it(workspace: Workspace) -> None:
    """--force skips the question and no check; the command that frees them works."""
    workspace.up()
    result = workspace.inv("volume.rm", "--all", "--force")
    assert result.returncode == 1
    assert f"mounted by the running container {workspace.name}" in result.stderr
    assert "4 refused in" in result.stderr.splitlines()[-1]
    remedy = next(line.strip() for line in result.stderr.splitlines() if "inv stop" in line)
    assert f"inv stop --path {shlex.quote(str(workspace.path))}" == remedy
    assert workspace.inv(*shlex.split(remedy)[1:]).returncode == 0
    result = workspace.inv("volume.rm", "--all", "--force")
    assert result.returncode == 0, result.stderr
    assert f"{workspace.volume('data')} REMOVED" in result.stderr.splitlines()
    assert "4 removed in" in result.stderr.splitlines()[-1]
    assert workspace.volume_names() == []


@pytest.mark.every_engine
def test_volume_rm_of_names_takes_exactly_those(workspace: Workspace) -> None:
    workspace.up()
    workspace.stop()
    names = [workspace.volume("cache"), workspace.volume("state")]
    flags = [word for name in (*names, names[0]) for word in ("--name", name)]
    assert workspace.inv("volume.rm", *flags, "--force").returncode == 0
    assert [workspace.volume("data"), workspace.volume("tvim-lock")] == workspace.volume_names()


def test_volume_rm_spares_protected_volumes(workspace: Workspace) -> None:
    """`--force` skips no check, and `--all` goes round them."""
    workspace.up()
    workspace.stop()
    data = workspace.volume("data")
    (workspace.home / ".invoke.yaml").write_text("devenv: {volumes: {protected: ['*-da*']}}\n")
    named = workspace.inv(
        "volume.rm", "--force", "--name", data, "--name", workspace.volume("cache")
    )
    assert named.returncode == 1
    assert f"{data} REFUSED  it is protected by '*-da*' in devenv.volumes.protected" in named.stderr
    assert f"{workspace.volume('cache')} KEPT" in named.stderr
    every = workspace.inv("volume.rm", "--all", "--force")
    assert every.returncode == 0
    assert f"{data} KEPT  it is protected by devenv.volumes.protected" in every.stderr
    assert "3 removed, 1 kept in" in every.stderr
    assert workspace.volume_names() == [data]


def test_volume_rm_with_nothing_to_remove_is_done(workspace: Workspace) -> None:
    result = workspace.inv("volume.rm", "--all")
    assert result.returncode == 0
    assert "nothing to do" in result.stderr


@pytest.mark.every_engine
def test_volume_rm_without_a_terminal_refuses_and_says_so(workspace: Workspace) -> None:
    """Not even a y on stdin counts: whoever wrote it there was not asked."""
    workspace.up()
    workspace.stop()
    result = workspace.inv("volume.rm", "--all", input="y\n")
    assert result.returncode == 1
    assert "no terminal to ask on" in result.stderr
    assert len(workspace.volume_names()) == 4


@pytest.mark.parametrize("position", ["before", "after"])
def test_dry_runs_say_what_would_be_done_and_touch_nothing(
    workspace: Workspace, position: str
) -> None:
    def dry(*words: str) -> str:
        line = ["--dry", *words] if position == "before" else [words[0], "--dry", *words[1:]]
        result = workspace.inv(*line)
        assert result.returncode == 0, result.stderr
        return result.stdout

    text = dry("run")
    assert f"docker run --detach --name={workspace.name}" in text
    assert "docker volume create --label=devenv=true" in text
    assert (workspace.container_names(), workspace.volume_names()) == ([], [])
    assert "docker exec" in workspace.inv("--dry", "exec", "--", "ls", "a b").stdout
    assert "docker volume ls" in dry("volume.list")
    assert dry("stop") == f"# there is no environment of {workspace.path}\n"
    assert "USER_UID" in workspace.inv("--dry", "build", variables={"DEVENV_IMAGE": ""}).stdout
    assert "docker volume rm" not in dry("volume.rm", "--all")
    assert (workspace.container_names(), workspace.volume_names()) == ([], [])
    workspace.up()
    assert f"docker stop {workspace.name}" in dry("stop")
    assert [workspace.name] == workspace.container_names()
    workspace.stop()
    assert f"docker volume rm {workspace.volume('data')}" in dry("volume.rm", "--all")
    assert len(workspace.volume_names()) == 4


def test_a_dry_run_says_what_there_is_to_do_first(workspace: Workspace) -> None:
    """Start, set aside, build: what `up` would really do, and by the container's real name."""
    starting = workspace.inv("--dry", "exec", "--", "ls").stdout.splitlines()
    assert starting[0].startswith("docker volume create")
    assert f"docker exec --interactive {workspace.name} ls" == starting[-1]
    workspace.up()
    assert workspace.inv("run", "--dry").stdout == f"# {workspace.name} is running\n"
    again = workspace.inv("run", "--dry", "--recreate").stdout.splitlines()
    assert [f"docker stop {workspace.name}", f"docker rename {workspace.name}"] == [
        again[0],
        " ".join(again[1].split()[:3]),
    ]
    assert f"docker rm {workspace.name}.replaced" == again[-1]
    docker("stop", workspace.name)
    assert f"docker start {workspace.name}" == workspace.inv("run", "--dry").stdout.splitlines()[0]
    (workspace.path / ".devenv").mkdir()
    (workspace.path / ".devenv/Dockerfile").write_text(f"FROM {IMAGE}\n")
    own = {"DEVENV_IMAGE": ""}
    lines = workspace.inv("run", "--dry", "--recreate", variables=own).stdout.splitlines()
    assert lines[0].startswith("docker build")
    assert workspace.inv("run", "--detach").returncode == 0


@pytest.mark.every_engine
def test_the_dry_run_line_makes_the_same_container(workspace: Workspace) -> None:
    """Mounts, labels, limits, user and security options, when it is run by hand."""
    odd = "with space" if workspace.engine.info().podman else "with, comma"
    workspace.write(f"{odd}/x")
    workspace.environ["DEVENV_MOUNTS"] = json.dumps([{"source": f"~/{odd}", "target": f"~/{odd}"}])
    lines = workspace.inv("run", "--dry").stdout.splitlines()
    for line in lines:
        if not line.startswith("#"):
            subprocess.run(["sh", "-c", line], check=True, capture_output=True)
    by_hand = _inspected(workspace.name)
    docker("rm", "--force", workspace.name)
    assert workspace.inv("run", "--detach").returncode == 0
    assert _inspected(workspace.name) == by_hand


def _inspected(name: str) -> dict[str, object]:
    data = json.loads(docker("inspect", name).stdout)[0]
    limits = ("Memory", "MemorySwap", "NanoCpus", "SecurityOpt", "Init", "PortBindings")
    config = ("User", "WorkingDir", "Labels", "Hostname", "Entrypoint", "Cmd")
    found: dict[str, object] = {key: data["HostConfig"][key] for key in limits}
    found |= {key: data["Config"][key] for key in config}
    found["Env"] = sorted(data["Config"]["Env"])
    # Podman tells of what is mounted, and not of what was asked for.
    mounts = data["HostConfig"].get("Mounts") or data["Mounts"]
    for mount in mounts:
        mount.get("VolumeOptions", {}).pop("DriverConfig", None)  # an empty one of the program's
    found["Mounts"] = sorted(json.dumps(mount, sort_keys=True) for mount in mounts)
    return found


def test_mounts_says_what_is_mounted_and_what_not(workspace: Workspace) -> None:
    found = json.loads(workspace.inv("mounts", "--format", "json").stdout)
    assert workspace.engine.endpoint.name == found["engine"]
    by_target = {mount["target"]: mount for mount in found["mounts"]}
    assert by_target["/home/devuser/.config/nvim"]["mode"] == "ro"
    assert by_target["/home/devuser/work/app"]["mode"] == "rw"
    assert workspace.volume("tvim-lock") == by_target["/opt/devenv/lock/tvim"]["source"]
    left = {one["target"]: one["why"] for one in found["left_out"]}
    assert left["/home/devuser/.config/gh"] == "not there"
    table = workspace.inv("mounts").stdout
    assert "SOURCE" in table
    assert "left out" in table
    assert (workspace.container_names(), workspace.volume_names()) == ([], [])


def test_mounts_are_those_that_run_makes(workspace: Workspace) -> None:
    found = json.loads(workspace.inv("mounts", "--format", "json").stdout)["mounts"]
    workspace.up()
    made = json.loads(docker("inspect", workspace.name).stdout)[0]["Mounts"]
    expected = {(m["target"], "ro" if not m["RW"] else "rw") for m in map(_renamed, made)}
    assert expected == {(mount["target"], mount["mode"]) for mount in found}


def _renamed(mount: dict[str, object]) -> dict[str, object]:
    return {**mount, "target": mount["Destination"]}


@pytest.mark.every_engine
def test_recreate_makes_a_new_container_and_keeps_the_volumes(workspace: Workspace) -> None:
    first = workspace.up().container.id
    workspace.sh("echo kept > ~/.local/share/kept")
    assert workspace.inv("run", "--detach", "--recreate").returncode == 0
    assert first != workspace.up().container.id
    assert workspace.sh("cat ~/.local/share/kept") == "kept"


def test_run_says_when_configuration_has_its_real_home_in_the_project(workspace: Workspace) -> None:
    """It is mounted read-only and can be written through the project all the same."""
    real = workspace.path / "dotfiles"
    (workspace.home / ".config/nvim").rename(real)
    (workspace.home / ".config/nvim").symlink_to(real)
    result = workspace.inv("run", "--detach")
    assert "/home/devuser/.config/nvim is read-only, but its files (" in result.stderr


def test_run_reports_a_volume_without_the_label(workspace: Workspace) -> None:
    name = workspace.volume("cache")
    workspace.extra_volumes.append(name)
    docker("volume", "create", name)
    result = workspace.inv("run", "--detach")
    assert f"{name} does not carry devenv's label" in result.stderr


def test_no_colour_reaches_a_pipe(workspace: Workspace) -> None:
    workspace.up()
    result = workspace.inv("volume.rm", "--all", "--force")
    assert "\x1b" not in result.stdout + result.stderr


def test_listing_the_tasks_imports_no_engine(workspace: Workspace) -> None:
    """Nor a table: `inv --list` is what a person types first."""
    script = (
        "import sys; from invoke.main import program; "
        "\ntry: program.run(['inv', '--list'])"
        "\nexcept SystemExit: pass"
        "\nheavy = {'docker', 'requests', 'tabulate', 'pytest'}"
        "\nprint(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=workspace.path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr.strip() == "[]"


@pytest.mark.internet  # a throw-away engine has no base image
@pytest.mark.usefixtures("as_root")
def test_a_project_of_another_owner_is_said_so_and_mended_by_the_command(
    workspace: Workspace,
) -> None:
    """The image is built for the owner's uid and gid; what is made inside is then theirs."""
    os.chown(workspace.path, 1234, 1235)
    said = workspace.inv("run", "--detach").stderr
    assert "the image's user is uid 1000, the project's owner is 1234" in said
    mend = f"DEVENV_PREFIX={workspace.prefix}-1234 inv run"
    assert mend in said
    workspace.clean()
    own = {"DEVENV_IMAGE": ""}
    workspace.configure(prefix=f"{workspace.prefix}-1234")
    try:
        said = workspace.inv("run", "--detach", variables=own).stderr
        assert "the project's owner is" not in said
        assert f"{workspace.name} CREATED  {workspace.prefix}:latest, as devuser" in said
        workspace.sh('touch "$PWD/made" ~/.cache/x ~/.local/share/opencode/x')
        made = (workspace.path / "made").stat()
        assert (made.st_uid, made.st_gid) == (1234, 1235)
    finally:
        workspace.clean()
        docker("rmi", f"{workspace.prefix}:latest", check=False)


@pytest.mark.usefixtures("as_root")
def test_a_project_of_roots_is_warned_about_once_and_used(workspace: Workspace) -> None:
    """Inside is an ordinary user all the same; the command that makes it writable is named."""
    os.chown(workspace.path, 0, 0)
    said = workspace.inv("run", "--detach").stderr
    assert said.count("warning: ") == 1 + ("this engine sets no limit" in said)
    assert f"sudo chown -R 1000:1000 {shlex.quote(str(workspace.path))}" in said
    assert workspace.sh("id -u") == "1000"
    assert "on branch" in workspace.sh("git init -q /tmp/r && cd /tmp/r && git status").lower()
