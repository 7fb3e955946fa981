"""The ``devenv`` command as a person runs it, on a real engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest

from devenv_lib.tasks import ns
from tests.conftest import DEVENV, IMAGE, PATIENCE, Workspace, docker
from tests.relay import relay

pytestmark = pytest.mark.engine

#: A settings file that reaches for more than a project may.
GREEDY = "devenv: {mounts: [{source: ~/.ssh, target: /s}]}\n"


@pytest.fixture
def running(workspace: Workspace) -> Workspace:
    """A workspace whose environment runs, and whose image's terminals are known."""
    workspace.up()
    workspace.devenv("exec", ".", "--", "true", check=True, variables={"TERM": "xterm"})
    return workspace


def modules(text: str) -> set[str]:
    """Return the packages that Python, started with ``-X importtime``, says it imported."""
    lines = [line for line in text.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


# The grammar, on the engine


def test_a_path_starts_an_environment(workspace: Workspace) -> None:
    done = workspace.devenv(".")
    assert done.returncode == 0, done.stderr
    assert f"{workspace.name} CREATED  {IMAGE}, as devuser" in done.stderr
    again = workspace.devenv("--detach", str(workspace.path), cwd=workspace.home)
    assert f"{workspace.name} RUNNING" in again.stderr


@pytest.mark.every_engine
def test_environments_are_listed_and_stopped_by_name(make_workspace: Any) -> None:
    one = make_workspace("work/one")
    two = make_workspace("work/two", prefix=one.prefix)
    one.up()
    two.up()
    docker("stop", "--time=0", two.name)
    listed = one.devenv("list", "--format", "names").stdout.split()
    assert listed == [one.name]
    every = one.devenv("list", "--all").stdout
    assert [line.split()[0] for line in every.splitlines()] == ["NAME", one.name, two.name]
    rows = json.loads(one.devenv("list", "--all", "--format", "json").stdout)
    assert [(row["path"], row["status"]) for row in rows] == [
        (str(one.path), "running"),
        (str(two.path), "stopped"),
    ]
    assert rows[0]["since"].endswith(("second", "seconds"))
    assert rows[1]["since"].endswith("ago")
    assert rows[0]["image"] == IMAGE
    done = one.devenv("stop", one.name, str(two.path))
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[:2] == [f"{two.name} REMOVED", f"{one.name} REMOVED"]
    assert "2 stopped in" in done.stderr
    assert one.container_names() == []


def test_all_environments_of_a_prefix_are_stopped_and_no_other(make_workspace: Any) -> None:
    one = make_workspace("work/one")
    two = make_workspace("work/two", prefix=one.prefix)
    other = make_workspace("work/one")
    for each in (one, two, other):
        each.up()
    done = one.devenv("stop", "--all")
    assert done.returncode == 0, done.stderr
    assert "2 stopped in" in done.stderr
    assert one.container_names() == []
    assert other.container_names() == [other.name]


def test_a_name_that_is_not_there_stops_nothing_at_all(running: Workspace) -> None:
    done = running.devenv("stop", running.name, f"{running.name}x")
    assert done.returncode == 1
    assert f"There is no environment {running.name}x." in done.stderr
    assert f"Did you mean {running.name}?" in done.stderr
    assert running.container_names() == [running.name]


def test_an_environment_whose_project_is_gone_is_stopped(running: Workspace) -> None:
    """By its name, by its path, and by --all: the directory is not needed for it."""
    moved = running.path.rename(running.path.with_name("moved"))
    listed = running.devenv("list", "--format", "names", cwd=moved).stdout.split()
    assert listed == [running.name]
    done = running.devenv("stop", running.name, cwd=moved)
    assert done.returncode == 0, done.stderr
    assert running.container_names() == []


def test_an_environment_whose_project_was_moved_is_stopped_by_its_old_path(
    running: Workspace,
) -> None:
    """People leave a symlink there, and messages name that path."""
    new = running.path.with_name("moved")
    running.path.rename(new)
    running.path.symlink_to(new)
    done = running.devenv("stop", str(running.path), cwd=running.home)
    assert (done.returncode, f"{running.name} REMOVED" in done.stderr) == (0, True), done.stderr
    assert running.container_names() == []


def test_the_default_image_is_built_where_no_project_is(workspace: Workspace) -> None:
    """As messages say it where it is missing: in the home directory, say."""
    own = {"DEVENV_IMAGE": f"{workspace.prefix}:latest"}
    done = workspace.devenv("--dry", "build", cwd=workspace.home, variables=own)
    assert done.returncode == 0, done.stderr
    assert f"{workspace.prefix}:latest" in done.stdout
    file = workspace.home / ".bashrc"
    for path, why in (("/gone", "does not exist"), ("", "is empty"), (str(file), "no directory")):
        done = workspace.devenv("--dry", "build", "--path", path, variables=own)
        assert (done.returncode, "error: " in done.stderr) == (4, True), (why, done.stderr)


def test_invokes_own_variables_count_as_under_inv(workspace: Workspace) -> None:
    """Who has to be kept from doing anything may have been given this one."""
    workspace.make_volume("data")
    words = ("volume", "rm", "--all", "--force")
    for value in ("1", "true"):
        done = workspace.devenv(*words, variables={"INVOKE_RUN_DRY": value})
        told = f"docker volume rm {workspace.volume('data')}\n"
        assert (done.returncode, done.stdout) == (0, told), done.stderr
    assert workspace.volume_names() == [workspace.volume("data")]
    done = workspace.devenv(*words, variables={"INVOKE_DEVENV_PORTS": "[]"})
    assert (done.returncode, workspace.volume_names()) == (0, []), done.stderr
    # Whatever Invoke makes of this one, it is no traceback.
    done = workspace.devenv("list", variables={"INVOKE_RUN_WATCHERS": "x"})
    assert "Traceback" not in done.stderr


def test_volumes_are_listed_and_removed_by_name(workspace: Workspace) -> None:
    workspace.up()
    workspace.stop()
    names = workspace.devenv("volume", "list", "--format", "names").stdout.split()
    assert names == workspace.volume_names()
    done = workspace.devenv("volume", "rm", names[0], "--force")
    assert f"{names[0]} REMOVED" in done.stderr
    done = workspace.devenv("volume", "rm", "--force", *names[1:3])
    assert "2 removed in" in done.stderr
    refused = workspace.devenv("volume", "rm", "--all")
    assert refused.returncode == 1
    assert "there is no terminal to ask on" in refused.stderr
    assert workspace.devenv("volume", "rm", "--all", "--force").returncode == 0
    assert workspace.volume_names() == []


@pytest.mark.parametrize(
    ("words", "says", "hint"),
    [
        (["lst"], "'lst' is neither a command nor a directory", "devenv list"),
        (["stop", "--bogus"], "No idea what '--bogus' is", "devenv help"),
        (["list", "--format", "xml"], "'xml' is not a format", "table, json, names"),
        (["stop", "--all", "x-y"], "It takes either --all", "devenv list --all"),
        (["exec", "."], "There is no command to run", "devenv exec -- COMMAND"),
        (["exec", ".", "--env", "1A=b", "--", "x"], "'1A' is not NAME=VALUE", "devenv exec"),
        (["exec", ".", "--env", "A", "--", "x"], "'A' is not NAME=VALUE", "devenv exec"),
        (["exec", ".", "--user", "a b", "--", "x"], "'a b' is not a user", "devenv exec"),
        (["exec", ".", "--name", "x-y", "--", "x"], "Both --path and --name", "devenv exec"),
        (["./nowhere"], "nowhere does not exist", "--path DIRECTORY"),
        (["volume", "rm"], "Neither --name nor --all", "devenv volume.list"),
        (["--print-completion-script", "tcsh"], "no completion for 'tcsh'", "bash|zsh|fish"),
        (["--config", "nowhere.yaml", "list"], "nowhere.yaml", "name a file"),
        (["--help", "nothing"], "'nothing' is neither", ""),
    ],
)
def test_wrong_usage_exits_4_and_helps(
    workspace: Workspace, words: list[str], says: str, hint: str
) -> None:
    done = workspace.devenv(*words)
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert says in done.stderr.splitlines()[0]
    assert hint in done.stderr.splitlines()[1]
    assert "inv " not in done.stderr


def test_help_and_version_are_printed(workspace: Workspace) -> None:
    assert workspace.devenv("--version").stdout.startswith("devenv 0.")
    for words in ([], ["help"], ["--help"]):
        done = workspace.devenv(*words)
        assert done.returncode == 0
        assert "devenv exec PATH|NAME -- COMMAND" in done.stdout
        assert "volume.rm" in done.stdout
    assert "do not ask; every check stays" in workspace.devenv("help", "volume", "rm").stdout
    assert (
        "Usage: devenv volume rm [FLAGS] [NAME…]\n" in workspace.devenv("volume", "rm", "-h").stdout
    )
    assert "  volume adopt " in workspace.devenv("help", "volume").stdout


@pytest.mark.parametrize("name", ns.task_names)
def test_every_command_has_help(workspace: Workspace, name: str) -> None:
    done = workspace.devenv("help", *name.split("."))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: devenv {name.replace('.', ' ')}")
    assert ("Flags:" in done.stdout) == (name != "setup")


def test_every_task_can_be_given_by_its_own_name(workspace: Workspace) -> None:
    done = workspace.devenv("--dry", "run", "--detach")
    assert done.stdout == workspace.inv("--dry", "run", "--detach").stdout
    assert "docker run" in done.stdout


# An unlucky user


@pytest.mark.parametrize("words", ["help", "--list", "volume list --format names", "list"])
def test_a_reader_that_goes_away_is_no_trouble(workspace: Workspace, words: str) -> None:
    workspace.up()
    done = workspace.shell(f"set -o pipefail; devenv {words} | head -c 1 >/dev/null")
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "status"),
    [("list", 0), (".", 4), ("exec . -- true", 4), ("stop .", 4), ("volume list", 0)],
)
def test_a_directory_that_was_deleted_is_no_traceback(
    workspace: Workspace, words: str, status: int
) -> None:
    gone = workspace.path / "gone"
    done = workspace.shell(f"mkdir {gone} && cd {gone} && rmdir {gone} && exec devenv {words}")
    assert "Traceback" not in done.stderr
    assert done.returncode == status, done.stderr


@pytest.mark.parametrize("after", [0.06, 0.1, 0.15, 0.2, 0.3])
def test_ctrl_c_at_any_moment_is_no_traceback(workspace: Workspace, after: float) -> None:
    """Before Python is ready for it, it ends the process as any other."""
    child = subprocess.Popen(
        [str(DEVENV), "list"],
        env=workspace.process_environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(after)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=PATIENCE)
    early = "init_import_site" in said  # Python itself gives up there, with status 1
    assert early or child.returncode in (0, 2, -signal.SIGINT), said
    assert early or "Traceback" not in said or child.returncode == -signal.SIGINT


# Completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed_for_each_shell(workspace: Workspace, shell: str) -> None:
    done = workspace.devenv("--print-completion-script", shell)
    assert done.returncode == 0
    assert workspace.devenv(f"--print-completion-script={shell}").stdout == done.stdout
    assert "devenv --complete --" in done.stdout


def test_bash_completes_commands_names_and_directories(running: Workspace) -> None:
    """In a real bash, as the tab key does it."""
    give_bash = """
    source <(devenv --print-completion-script bash)
    compopt() { :; }
    press() {
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _devenv devenv "${COMP_WORDS[COMP_CWORD]}"
        echo "${COMPREPLY[*]}"
    }
    press devenv vol
    press devenv volume ''
    press devenv volume rm "$1-t"
    press devenv stop "$1"
    press devenv run 'my '
    """
    (running.path / "my project").mkdir()
    done = running.shell(give_bash, running.prefix, check=True)
    assert done.stdout.splitlines() == [
        "volume",
        " ".join(sorted(n.removeprefix("volume.") for n in ns.task_names if n[:7] == "volume.")),
        running.volume("tvim-lock"),
        running.name,
        "my project/",
    ]


@contextmanager
def typing_bash(workspace: Workspace) -> Iterator[Any]:
    """An interactive bash in the project folder, with the completion of devenv."""
    path = f"{DEVENV.parent}:{os.environ['PATH']}"
    child = pexpect.spawn(
        "bash",
        ["--norc", "--noprofile", "-i"],
        cwd=str(workspace.path),
        env={**workspace.process_environ(), "PATH": path, "PS1": "$ ", "TERM": "dumb"},
        encoding="utf-8",
        timeout=PATIENCE,
    )
    try:
        child.expect_exact("$ ")
        child.sendline("source <(devenv --print-completion-script bash); echo rea''dy")
        child.expect_exact("ready\r\n")
        child.expect_exact("$ ")
        yield child
    finally:
        child.close(force=True)


@pytest.mark.parametrize(
    "name", ["b$(touch${IFS}PWNED)", "b;touch PWNED;", "b`touch PWNED`", "b c*"]
)
def test_completion_never_runs_what_a_directory_is_called(workspace: Workspace, name: str) -> None:
    """A project decides the names of its directories, and bash would run some of them."""
    (workspace.path / name).mkdir()
    with typing_bash(workspace) as bash:
        bash.send("devenv --dry run ./b\t")
        bash.expect_exact("./b")
        bash.expect(pexpect.TIMEOUT, timeout=2)
        bash.send("\r")
        bash.expect_exact("docker run")
        bash.expect_exact("$ ")
    assert not (workspace.path / "PWNED").exists()


# exec: the quick way and the thorough one are the same


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("by_name", [True, False])
def test_exec_passes_words_streams_and_status(
    running: Workspace, quick: bool, by_name: bool
) -> None:
    script = 'printf "[%s]" "$@"; cat; echo problem >&2; exit 7'
    words = ["a b", "", "--", "-x", "'\"", "*"]
    where = running.name if by_name else "."
    done = running.devenv(
        "exec", where, "--", "sh", "-c", script, "sh", *words, input="typed", quick=quick
    )
    assert done.returncode == 7
    assert done.stdout == "[a b][][--][-x]['\"][*]typed"
    assert done.stderr == "problem\n"


@pytest.mark.parametrize(("quick", "remedy"), [(True, "Start that engine"), (False, "docker info")])
def test_exec_says_so_when_how_the_command_ended_is_not_known(
    running: Workspace, quick: bool, remedy: str
) -> None:
    """An engine that goes while a command runs is said so: docker exits 255 in silence."""
    started, engine = running.path / "started", running.engine
    words = ["exec", ".", "--", "sh", "-c", "touch started; exec sleep 60"]
    with (
        relay(str(engine.endpoint.socket), unix=True) as door,
        ThreadPoolExecutor(1) as pool,
    ):
        variables = {"DOCKER_HOST": door.url}
        begun = pool.submit(running.devenv, *words, quick=quick, variables=variables)
        until = time.monotonic() + PATIENCE
        while not started.exists() and time.monotonic() < until:
            time.sleep(0.05)
        door.end()
        done = begun.result(30)
    assert (done.returncode, done.stdout) == (1, "")
    assert "was lost, and how it ended is not known" in done.stderr
    assert remedy in done.stderr


@pytest.mark.parametrize("quick", [True, False])
def test_a_commands_own_255_is_its_status(running: Workspace, quick: bool) -> None:
    done = running.devenv("exec", ".", "--", "sh", "-c", "exit 255", quick=quick)
    assert (done.returncode, done.stderr) == (255, "")


@pytest.mark.every_engine
def test_the_quick_way_is_taken_and_imports_next_to_nothing(running: Workspace) -> None:
    done = running.devenv(
        *("exec", ".", "--", "true"),
        quick=True,
        variables={"PYTHONPROFILEIMPORTTIME": "1", "TERM": "xterm"},
    )
    assert done.returncode == 0
    heavy = {"invoke", "docker", "requests", "urllib3", "tabulate", "pytest", "dataclasses"}
    assert modules(done.stderr) & heavy == set()
    assert "devenv_lib" in modules(done.stderr)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"DEVENV_MEMORY": "nonsense"}, "'devenv.memory' in DEVENV_MEMORY"),
        ({"INVOKE_DEVENV_MEMORY": "nonsense"}, "'devenv.memory' in INVOKE_DEVENV_MEMORY"),
        ({"DEVENV_PREFIX": "No Such"}, "'devenv.prefix' in DEVENV_PREFIX"),
        ({"DOCKER_CONTEXT": "no-such", "DOCKER_HOST": ""}, "The Docker context 'no-such'"),
        ({"DOCKER_HOST": "unix:///no.sock"}, "No engine answers at unix:///no.sock"),
    ],
)
def test_the_quick_way_leaves_errors_to_the_thorough_one(
    running: Workspace, change: Mapping[str, str], why: str
) -> None:
    done = running.devenv("exec", ".", "--", "true", quick=True, variables=change)
    assert done.returncode in (1, 4)
    assert why in done.stderr


def test_a_container_that_only_looks_like_an_environment_is_not_entered(
    workspace: Workspace,
) -> None:
    """One of these alone is not enough: labels, path, name."""
    labels = [f"--label={key}={value}" for key, value in workspace.project.labels.items()]
    fake = f"{workspace.prefix}-fake"
    workspace.extra_containers.append(fake)
    docker("run", "--detach", f"--name={fake}", *labels, "--entrypoint=sleep", IMAGE, "infinity")
    done = workspace.devenv("exec", ".", "--", "hostname", quick=False)
    assert done.stdout.strip() == "app"
    assert f"{workspace.name} CREATED" in done.stderr
    done = workspace.devenv("exec", fake, "--", "true", quick=True)
    assert done.returncode == 1
    assert f"There is no environment {fake}" in done.stderr


@pytest.mark.parametrize("quick", [True, False])
def test_a_name_is_meant_to_the_letter(make_workspace: Any, quick: bool) -> None:
    """An engine takes names for patterns, in which a dot is any letter."""
    dash = make_workspace("work/my-app")
    dot = make_workspace("work/my.app", prefix=dash.prefix)
    dash.up()
    variables = {} if quick else {"DEVENV_MEMORY": "8g"}
    for wrong in (dot.name, dash.name.replace("-", "."), dash.name[:-1], f"x{dash.name}"):
        done = dash.devenv("exec", wrong, "--", "true", quick=quick, variables=variables)
        assert done.returncode == 1, wrong
        assert f"There is no environment {wrong}" in done.stderr
    done = dash.devenv("exec", dash.name, "--", "hostname", quick=quick, variables=variables)
    assert done.stdout == "my-app\n"


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        ["exec", ""],
        ["exec", "--path", ""],
        ["exec", "--path="],
        ["exec", "--name="],
        ["exec", "--user=", "."],
        ["exec", "~"],
    ],
)
def test_an_empty_word_is_nobodys_name(running: Workspace, words: list[str], quick: bool) -> None:
    """A variable that is unset in a script does not mean the current directory."""
    done = running.devenv(*words, "--", "true", quick=quick)
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr


def test_exec_starts_what_does_not_run_and_says_so_on_stderr(workspace: Workspace) -> None:
    done = workspace.devenv("exec", ".", "--", "echo", "hello")
    assert (done.returncode, done.stdout) == (0, "hello\n")
    where = workspace.engine.endpoint.title
    assert done.stderr == f"{workspace.name} CREATED  on {where}\n"
    docker("stop", "--time=0", workspace.name)
    done = workspace.devenv("exec", workspace.name, "--", "echo", "hello")
    assert (done.returncode, done.stdout) == (0, "hello\n")
    assert done.stderr == f"{workspace.name} STARTED  on {where}\n"


def test_exec_as_another_user_with_variables_and_a_login_shell(running: Workspace) -> None:
    show = 'id -un; echo "$HOME|$A|$B"'
    flags = ["--env", "A=1 2", "--env", "B=", "--env", "A=x=y"]
    done = running.devenv("exec", ".", *flags, "--", "sh", "-c", show)
    assert done.stdout == "devuser\n/home/devuser|x=y|\n"
    done = running.devenv("exec", ".", "--user", "root", "--", "sh", "-c", show)
    assert done.stdout == "root\n/root||\n"
    done = running.devenv("exec", ".", "--user", "no-such", "--", "true")
    assert done.returncode == 1
    assert "has no user 'no-such'" in done.stderr
    docker("exec", running.name, "sh", "-c", "echo 'greet() { echo hi \"$1\"; }' > ~/.profile")
    done = running.devenv("exec", ".", "--login", "--", "greet", "a  b")
    assert done.stdout == "hi a  b\n", done.stderr
    done = running.devenv("exec", ".", "--login", "--", "sh", "-c", "exit 9")
    assert done.returncode == 9


def test_a_dry_exec_shows_no_values(running: Workspace) -> None:
    done = running.devenv("--dry", "exec", ".", "--env", "TOKEN=secret", "--", "ls", "a b")
    assert done.stdout.splitlines() == [
        "# with TOKEN set before it: the values are not shown",
        f"docker exec --interactive --env=TOKEN {running.name} ls 'a b'",
    ]
    done = running.devenv("--dry", "exec", ".", "--login", "--user", "root", "--", "x")
    flags = "--interactive --user=root --env=HOME=/root"
    assert done.stdout == f"docker exec {flags} {running.name} /bin/bash -l -c '\"$@\"' bash x\n"


# Signals


@contextmanager
def begun(workspace: Workspace, command: str, *words: str, quick: bool) -> Iterator[Any]:
    """Run a command inside by the ``devenv`` command or by a task, and wait for its first line."""
    environ = workspace.process_environ({"TERM": "xterm"})
    if quick:
        environ.pop("DEVENV_IMAGE")
    child = subprocess.Popen(
        [str(DEVENV), "exec", ".", "--", "bash", "-c", f"echo begun; {command}", "bash", *words],
        cwd=workspace.path,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout
    assert child.stdout.readline() == "begun\n"
    try:
        yield child
    finally:
        child.terminate()
        child.communicate(timeout=PATIENCE)


def inside(workspace: Workspace) -> list[str]:
    """Return the command lines that run inside, but for the environment's own and the look."""
    init = ("/sbin/docker-init", "/run/podman-init")
    own = ("sleep infinity", *init, "sh -c for f in", "tr ")
    return [line for line in workspace.programs() if line and not line.startswith(own)]


@pytest.mark.parametrize(
    ("command", "name", "quick"),
    [
        ("sleep 300", "SIGINT", True),
        ("sleep 300", "SIGINT", False),
        ("sleep 300", "SIGTERM", True),
        ("sleep 300", "SIGTERM", False),
        ("sleep 300", "SIGHUP", True),
        ("sleep 300 & sleep 300 & wait", "SIGINT", False),
        # A shell lets what it begins in the background ignore Ctrl-C.
        ("setsid sleep 300 & env -i sleep 300 & wait", "SIGINT", True),
        ("setsid sleep 300 & env -i sleep 300 & wait", "SIGTERM", False),
        ("(trap '' INT TERM HUP; sleep 300) & wait", "SIGTERM", True),
    ],
)
def test_a_signal_leaves_nothing_running_inside(
    running: Workspace, command: str, name: str, quick: bool
) -> None:
    with begun(running, command, quick=quick) as child:
        time.sleep(0.2)
        assert inside(running)
        child.send_signal(signal.Signals[name])
        assert child.wait(PATIENCE) == 128 + signal.Signals[name]
    assert inside(running) == []


def test_a_program_that_heeds_a_signal_ends_as_it_likes(running: Workspace) -> None:
    """Its last words arrive, and its status is the command's."""
    command = "trap 'echo bye; exit 5' INT; while :; do sleep 0.1; done"
    with begun(running, command, quick=True) as child:
        child.send_signal(signal.SIGINT)
        assert child.stdout.read() == "bye\n"
        assert child.wait(PATIENCE) == 5
    assert inside(running) == []


def test_a_stubborn_program_is_killed_at_the_second_signal(running: Workspace) -> None:
    with begun(running, "trap '' INT; while :; do sleep 0.1; done", quick=True) as child:
        child.send_signal(signal.SIGINT)
        time.sleep(1)
        assert child.poll() is None
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE) == 128 + signal.SIGKILL
    assert inside(running) == []


def test_other_sessions_are_left_alone(running: Workspace) -> None:
    with begun(running, "sleep 301", quick=True), begun(running, "sleep 302", quick=True) as two:
        two.send_signal(signal.SIGINT)
        assert two.wait(PATIENCE) == 130
        assert [line for line in inside(running) if line.startswith("sleep")] == ["sleep 301"]


def test_a_reader_that_goes_ends_the_command_inside(running: Workspace) -> None:
    """As with `| head -1`, of which docker's own exec leaves the writer running."""
    done = running.shell("devenv exec . -- yes | head -1", check=True, timeout=PATIENCE)
    assert done.stdout == "y\n"
    assert inside(running) == []


# What a project may not decide


def plant(workspace: Workspace) -> Path:
    """Put everything into a project that Python or Invoke would run of it; return its trace."""
    trace = workspace.home / "trace"
    code = f"open({str(trace)!r}, 'a').write(__name__)\nraise SystemExit(99)\n"
    for name in ("invoke.py", "tasks.py", "sitecustomize.py", "devenv_lib.py", "yaml.py"):
        (workspace.path / name).write_text(code)
    return trace


@pytest.mark.parametrize(
    "words", [["list"], ["."], ["exec", ".", "--", "true"], ["stop", "."], ["volume", "list"], []]
)
def test_a_projects_code_is_never_run(workspace: Workspace, words: list[str]) -> None:
    trace = plant(workspace)
    executor = "tasks: {executor_class: invoke.Executor}\nrun: {shell: /no/such}\n"
    (workspace.path / "invoke.yaml").write_text(executor)
    done = workspace.devenv(*words)
    assert done.returncode == 0, done.stderr
    assert not trace.exists()


def test_invokes_own_keys_in_a_project_count_for_nothing(workspace: Workspace) -> None:
    """One of them names a class that Invoke would import and run."""
    evil = workspace.path / "evil.py"
    evil.write_text(f"open({str(workspace.home / 'trace')!r}, 'w').close()\n")
    (workspace.path / "invoke.yaml").write_text("tasks: {executor_class: evil.Executor}\n")
    variables = {"PYTHONPATH": str(workspace.path)}
    done = workspace.devenv("list", variables=variables)
    assert done.returncode == 0, done.stderr
    assert not (workspace.home / "trace").exists()


@pytest.mark.parametrize("words", [["."], ["exec", ".", "--", "true"], ["build", "."]])
def test_a_greedy_projects_file_is_an_error_that_says_where_it_belongs(
    workspace: Workspace, words: list[str]
) -> None:
    (workspace.path / "invoke.yaml").write_text(GREEDY)
    done = workspace.devenv(*words, quick=False)
    assert done.returncode == 4
    assert "'devenv.mounts' is set in" in done.stderr
    assert "Move it to ~/.invoke.yaml" in done.stderr
    assert workspace.container_names() == []


def test_a_file_where_a_command_is_typed_says_nothing_about_a_named_environment(
    make_workspace: Any,
) -> None:
    here = make_workspace("work/here")
    there = make_workspace("work/there", prefix=here.prefix)
    there.up()
    (here.path / "invoke.yaml").write_text(GREEDY)
    for quick in (True, False):
        done = here.devenv("exec", there.name, "--", "hostname", quick=quick)
        assert done.stdout == "there\n", done.stderr
    assert here.devenv("stop", there.name).returncode == 0


def test_the_file_that_counts_is_that_of_the_project_that_is_named(
    make_workspace: Any,
) -> None:
    """Not the one of the directory where the command is typed."""
    here = make_workspace("work/here")
    there = make_workspace("work/there", prefix=here.prefix)
    (here.path / "invoke.yaml").write_text(GREEDY)
    (there.path / "invoke.json").write_text('{"devenv": {"ports": [4321]}}')
    done = here.devenv("--dry", "../there")
    assert done.returncode == 0, done.stderr
    assert "--publish=127.0.0.1:4321:4321" in done.stdout
    refused = there.devenv("../here")
    assert refused.returncode == 4


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("devenv: [", "invoke.yaml cannot be read"),
        ("- a\n", "invoke.yaml is not a mapping of settings"),
        ("devenv: 3\n", "is not a mapping of settings"),
        ("devenv: {no_such: 1}\n", "'devenv.no_such'"),
        # What yaml's own constructors raise for these is no error of yaml's.
        (f"a: {'1:' * 400}1.5\n", "cannot be read"),
        ("a: !!int ''\n", "cannot be read"),
        ("a: !!bool x\n", "cannot be read"),
        ("a: !!timestamp x\n", "cannot be read"),
    ],
)
def test_a_broken_settings_file_is_an_error_that_names_it(
    workspace: Workspace, content: str, says: str
) -> None:
    for directory in (workspace.path, workspace.home):
        name = "invoke.yaml" if directory == workspace.path else ".invoke.yaml"
        file = directory / name
        file.write_text(content)
        done = workspace.devenv("--dry", ".")
        assert done.returncode == 4, done.stderr
        assert says in done.stderr
        assert "Traceback" not in done.stderr
        file.unlink()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a: &a [1, 1]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(9)), ""),
        (
            "a0: &a0 [1]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(26)),
            "more",
        ),
        ("devenv: &a {x: *a}\n", "holds more than settings do"),
        ("devenv: " + "{x: " * 30 + "1" + "}" * 30, "holds more than settings do"),
        ("devenv: {memory: " + "1:" * 9000 + "1}", "holds more than settings do"),
        ("a: &a {x: 1}\ndevenv: {<<: *a}\n", "merge keys (<<) are not read"),
        ("[" * 5000, "holds more than settings do"),
        ("# " + "x" * (1 << 20), "holds more than settings do"),
    ],
)
def test_a_hostile_settings_file_takes_no_time(
    workspace: Workspace, content: str, says: str
) -> None:
    (workspace.path / "invoke.yaml").write_text(content)
    done = workspace.devenv("--dry", ".", timeout=PATIENCE)
    assert "Traceback" not in done.stderr
    assert done.returncode == (4 if says else 0), done.stderr
    assert says in done.stderr


def test_a_settings_file_that_is_a_pipe_is_not_waited_for(workspace: Workspace) -> None:
    os.mkfifo(workspace.path / "invoke.yaml")
    done = workspace.devenv("exec", ".", "--", "true", timeout=PATIENCE)
    assert done.returncode == 4
    assert "is not a file of settings" in done.stderr


@pytest.mark.parametrize("name", ["invoke.yaml", "invoke.json"])
def test_a_settings_file_whose_size_is_no_size_is_not_read_whole(
    workspace: Workspace, name: str
) -> None:
    """The kernel has files that seem to be empty and have no end."""
    (workspace.path / name).symlink_to("/proc/self/pagemap")
    done = workspace.devenv("exec", ".", "--", "true", timeout=PATIENCE)
    assert (done.returncode, "more than settings" in done.stderr) == (4, True), done.stderr


def test_a_file_where_one_types_says_nothing_about_lists_and_names(running: Workspace) -> None:
    (running.path / "invoke.yaml").write_text("devenv: {memory: 1g}\n")
    for words in (["list"], ["volume", "list"], ["stop", "--all"]):
        done = running.devenv(*words)
        assert done.returncode == 0, done.stderr


def test_an_empty_devenv_key_is_no_error(workspace: Workspace) -> None:
    """Invoke itself ends in a traceback there."""
    (workspace.path / "invoke.yaml").write_text("devenv:\n")
    (workspace.home / ".invoke.yaml").write_text("devenv:\n")
    assert workspace.devenv("list").returncode == 0


# Recreation


def test_a_recreation_asks_first_when_somebody_is_inside(running: Workspace) -> None:
    with begun(running, "sleep 300", quick=True):
        before = running.engine.containers([])
        done = running.devenv(".", "--recreate", "--detach")
        assert done.returncode == 1
        assert "there is 1 session open in it: there is no terminal to ask on" in done.stderr
        assert "add --force" in done.stderr
        now = {c.id for c in running.engine.containers([]) if c.name == running.name}
        assert now == {c.id for c in before if c.name == running.name}
        done = running.devenv(".", "--recreate", "--detach", "--force")
        assert done.returncode == 0, done.stderr
        assert f"{running.name} CREATED" in done.stderr


def test_a_recreation_of_an_empty_environment_asks_nothing(running: Workspace) -> None:
    done = running.devenv(".", "--recreate", "--detach")
    assert done.returncode == 0, done.stderr
    assert f"{running.name} CREATED" in done.stderr
