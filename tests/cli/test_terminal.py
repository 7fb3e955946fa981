"""On a pseudo-terminal: the question, attaching, Ctrl-C."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

import pexpect
import pytest

from tests.conftest import DEVENV, IMAGE, INVOKE, Workspace, docker, remove_image
from tests.terminal import ends, terminal

pytestmark = pytest.mark.engine
INV, OURS = INVOKE, (str(DEVENV),)
PROMPT = r"devuser@app:.*\$ "


@pytest.mark.every_engine
def test_the_question_names_volumes_sizes_and_engine(workspace: Workspace) -> None:
    workspace.up()
    workspace.sh("printf 12345 > ~/.cache/five")
    workspace.stop()
    with terminal(workspace, "volume.rm", "--name", workspace.volume("cache")) as child:
        child.expect_exact(f"{workspace.volume('cache')}  5 B")
        child.expect_exact(workspace.engine.endpoint.title)
        child.expect_exact("[y/N]: ")
        child.sendline("n")
        assert ends(child) == 1
    assert workspace.volume("cache") in workspace.volume_names()


def test_doctor_asks_before_it_mends(workspace: Workspace) -> None:
    name = workspace.make_volume("data")
    workspace.in_volume("data", "echo mine >file; chown 1000:1000 file; chown 0:0 .")
    for answer, status, owner in (("n", 1, "0"), ("y", 0, "1000")):
        with terminal(workspace, "doctor", "--fix") as child:
            child.expect_exact(f"left as root's in {name}")
            child.expect_exact("[y/N]: ")
            child.sendline(answer)
            assert ends(child) == status
        assert workspace.in_volume("data", "stat -c %u .") == owner


@pytest.mark.parametrize("answer", ["", "n", "yes", "yy", "j", "Y es", "\x04"])
def test_anything_but_y_declines(workspace: Workspace, answer: str) -> None:
    """An empty answer, a word that begins with y, or the end of input: nothing is removed."""
    workspace.up()
    workspace.stop()
    with terminal(workspace, "volume.rm", "--all") as child:
        child.expect_exact("[y/N]: ")
        child.send(answer) if answer == "\x04" else child.sendline(answer)
        child.expect_exact("Nothing was removed")
        assert ends(child) == 1
    assert len(workspace.volume_names()) == 4


@pytest.mark.parametrize("answer", [pytest.param("y", marks=pytest.mark.every_engine), "Y"])
def test_y_removes(workspace: Workspace, answer: str) -> None:
    workspace.up()
    workspace.stop()
    with terminal(workspace, "volume.rm", "--all") as child:
        child.expect_exact("[y/N]: ")
        child.sendline(answer)
        child.expect_exact("4 removed in")
        assert ends(child) == 0
    assert workspace.volume_names() == []


def test_ctrl_c_at_the_question_removes_nothing(workspace: Workspace) -> None:
    workspace.up()
    workspace.stop()
    with terminal(workspace, "volume.rm", "--all") as child:
        child.expect_exact("[y/N]: ")
        child.sendintr()
        child.expect_exact("Interrupted.")
        assert ends(child) == 2
    assert len(workspace.volume_names()) == 4


def test_a_refusal_on_a_terminal_asks_nothing(workspace: Workspace) -> None:
    workspace.up()
    with terminal(workspace, "volume.rm", "--all", variables={"NO_COLOR": "1"}) as child:
        assert child.expect_exact(["[y/N]", "4 refused in"]) == 1
        assert ends(child) == 1
        assert "\x1b" not in child.before


@pytest.mark.parametrize(
    ("program", "word"),
    [(INV, "run"), pytest.param(OURS, ".", marks=pytest.mark.every_engine)],
)
def test_run_attaches_resizes_and_returns_the_shells_status(
    workspace: Workspace, program: Sequence[str], word: str
) -> None:
    """The prompt comes up in the project; Ctrl-C reaches the program inside; it keeps running."""
    with terminal(workspace, word, program=program) as child:
        child.expect_exact("CREATED")
        child.expect(PROMPT)
        child.sendline("pwd; stty size; echo ll=$(type -t ll)")
        child.expect_exact("/home/devuser/work/app\r\n24 80\r\nll=alias")
        child.expect(PROMPT)
        child.setwinsize(40, 120)
        child.sendline("until stty size | grep -q '40 120'; do sleep 0.1; done; echo res''ized")
        child.expect_exact("resized")
        child.expect(PROMPT)
        # A shell that is just about to start a program does not pass Ctrl-C on to it.
        child.sendline("sh -c 'echo be''gan; exec sleep 100'")
        child.expect_exact("began\r\n")
        child.sendintr()
        child.expect(PROMPT)
        child.sendline("echo still $?")
        child.expect_exact("still 130")
        child.expect(PROMPT)
        child.sendline("exit 7")
        assert ends(child) == 7
    with terminal(workspace, word, program=program) as child:
        child.expect_exact("RUNNING")
        child.expect(PROMPT)
        child.sendline("exit")
        assert ends(child) == 0


def test_run_detached_on_a_terminal_does_not_attach(workspace: Workspace) -> None:
    with terminal(workspace, "run", "--detach") as child:
        child.expect_exact("1 environment created in")
        assert ends(child) == 0


def test_history_is_kept_between_containers(workspace: Workspace) -> None:
    """Bash honours HISTFILE from the environment; the state volume keeps it."""
    for expected in ("1  echo first", "2  exit"):
        with terminal(workspace, "run", "--recreate") as child:
            child.expect(PROMPT)
            child.sendline("echo first" if expected.startswith("1") else "history")
            child.expect_exact("first")
            child.expect(PROMPT)
            child.sendline("exit")
            assert ends(child) == 0


def test_exec_has_a_terminal_where_there_is_one(workspace: Workspace) -> None:
    with terminal(
        workspace, "exec", "--", "sh", "-c", "test -t 0 && test -t 1 && echo tty; exit 3"
    ) as child:
        child.expect_exact("tty")
        assert ends(child) == 3


@pytest.mark.parametrize("quick", [True, False])
def test_ctrl_c_on_a_terminal_reaches_the_program_and_not_devenv(
    workspace: Workspace, quick: bool
) -> None:
    """The terminal is raw: the program inside decides, and goes on if it likes."""
    workspace.up()
    variables = {"TERM": "xterm"}
    workspace.devenv("exec", ".", "--", "true", variables=variables)
    environ = {**variables, **({} if quick else {"DEVENV_MEMORY": "8g"})}
    script = "trap 'echo caught' INT; echo beg''un; read -r line; echo got $line"
    words = ("exec", ".", "--", "bash", "-c", script)
    with terminal(workspace, *words, program=OURS, variables=environ) as child:
        child.expect_exact("begun")
        child.sendintr()
        child.expect_exact("caught")
        child.sendline("more")
        child.expect_exact("got")
        assert ends(child) == 0


def test_a_terminal_that_goes_away_leaves_nothing_running(workspace: Workspace) -> None:
    """Closing the window sends SIGHUP."""
    workspace.up()
    words = ("exec", "--", "sh", "-c", "echo beg''un; sleep 300; sleep 301")
    with terminal(workspace, *words) as child:
        child.expect_exact("begun")
        os.kill(child.pid, signal.SIGHUP)
        assert ends(child) == 128 + signal.SIGHUP
    assert "sleep 30" not in "\n".join(workspace.programs())


def left_by_a_shell(workspace: Workspace, line: str) -> str:
    """Type a line that says "begun", close the terminal, and return what still runs inside."""
    workspace.up()
    with terminal(workspace, "run") as child:
        child.sendline(line)
        child.expect_exact("begun")
        os.kill(child.pid, signal.SIGHUP)
        ends(child)
    return "\n".join(workspace.programs())


def test_a_terminal_that_goes_away_leaves_a_tmux_running(workspace: Workspace) -> None:
    """It was made for that; what is on the terminal itself ends."""
    line = "tmux new-session -d 'sleep 300'; sleep 301 & echo beg''un; sleep 302"
    left = left_by_a_shell(workspace, line)
    assert "sleep 300" in left
    assert "sleep 301" not in left
    assert "sleep 302" not in left


def test_a_terminal_that_goes_away_ends_what_does_not_heed_that(workspace: Workspace) -> None:
    """A server that reads its configuration again; the shell that began it has ended by then."""
    line = "(trap '' HUP; exec sleep 303) & echo beg''un; sleep 304"
    assert "sleep 30" not in left_by_a_shell(workspace, line)


def test_a_recreation_asks_before_it_ends_what_is_open(workspace: Workspace) -> None:
    workspace.up()
    docker("exec", "--detach", workspace.name, "sleep", "300")
    with terminal(workspace, "run", "--recreate", "--detach") as child:
        child.expect_exact("There is 1 session open in it: sleep.")
        child.expect_exact("End them and recreate it? [y/N]: ")
        child.sendline("n")
        child.expect_exact("Nothing was recreated.")
        assert ends(child) == 1
    assert "sleep 300" in "\n".join(workspace.programs())
    with terminal(workspace, "run", "--recreate", "--detach") as child:
        child.expect_exact("[y/N]: ")
        child.sendline("y")
        child.expect_exact("1 environment created in")
        assert ends(child) == 0


def test_a_recreation_asks_about_who_came_while_the_image_was_built(workspace: Workspace) -> None:
    workspace.up()
    (workspace.path / ".devenv").mkdir()
    dockerfile = workspace.path / ".devenv/Dockerfile"
    dockerfile.write_text(f"FROM {IMAGE}\nRUN : {workspace.prefix}; sleep 10\n")
    program = ("env", "-u", "DEVENV_IMAGE", *INV)
    try:
        with terminal(workspace, "run", "--recreate", "--detach", program=program) as child:
            child.expect_exact("sleep 10")
            docker("exec", "--detach", workspace.name, "sleep", "300")
            child.expect_exact("There is 1 session open in it: sleep.")
            child.sendline("n")
            child.expect_exact("Nothing was recreated.")
            assert ends(child) == 1
    finally:
        remove_image(workspace.project.image)
    assert "sleep 300" in "\n".join(workspace.programs())


def test_ctrl_c_during_a_start_says_so_and_leaves_no_half_container(workspace: Workspace) -> None:
    with terminal(workspace, "run", "--detach") as child:
        child.expect(pexpect.TIMEOUT, timeout=0.3)
        child.sendintr()
        status = ends(child)
        # 130: the signal came before Python was ready for it; 1: before the task began.
        assert status in (0, 1, 2, 130)
    left = [name for name in workspace.container_names() if name.endswith(".starting")]
    assert left == []
    workspace.up()


def with_check(workspace: Workspace, body: str) -> None:
    """Give the project a check of its own, which is trusted."""
    file = workspace.path / ".devenv/checks/test_own.py"
    file.parent.mkdir(parents=True)
    file.write_text(f"def test_a(environment):\n    {body}\n")
    workspace.inv("check", "--trust", check=True)
    workspace.up()


def test_ctrl_c_ends_the_checks_with_pytests_code(workspace: Workspace) -> None:
    """It reaches pytest once, from the terminal, and nothing stays inside."""
    with_check(workspace, "environment.exec(['sh', '-c', 'touch /tmp/begun; exec sleep 4321'])")
    with terminal(workspace, "check", "--keyword", "test_own") as child:
        workspace.sh("until [ -e /tmp/begun ]; do sleep 0.1; done")
        child.send("\x03")
        child.expect_exact("interrupted")
        assert ends(child) == 2
    assert "4321" not in workspace.sh("cat /proc/[0-9]*/cmdline 2>/dev/null || true")


def test_pytests_debugger_can_be_used(workspace: Workspace) -> None:
    """Words behind -- are pytest's, and so is the terminal then. A project does not set it up."""
    with_check(workspace, "assert environment.name == 'another'")
    (workspace.path / ".pdbrc").write_text(f"open('{workspace.home}/trace', 'w')\n")
    (workspace.home / ".pdbrc").write_text("alias mine p 40 + %1\n")
    with terminal(workspace, "check", "--", "--pdb", "-k", "test_own") as child:
        child.expect_exact("(Pdb)")
        child.sendline("mine 2")
        child.expect_exact("42")
        child.sendline("q")
        assert ends(child) == 2
    assert not (workspace.home / "trace").exists()
