"""``inv check`` with a project's own checks: trusted, run from a copy, and what goes wrong."""

from __future__ import annotations

import json
import signal
import subprocess
import textwrap
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from devenv_lib.project import project_at
from tests.conftest import INVOKE, Workspace, built_image, docker, outcomes

pytestmark = pytest.mark.engine

FILE = ".devenv/checks/test_own.py"
#: Leaves a trace on the host when it runs there.
PLANTED = "import pathlib; pathlib.Path({trace!r}).touch()\n"


def own(workspace: Workspace, text: str, name: str = "test_own.py") -> Path:
    """Write a check of the project's own."""
    file = workspace.path / ".devenv/checks" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def trusted(workspace: Workspace, text: str) -> Path:
    file = own(workspace, text)
    workspace.inv("check", "--trust", check=True)
    return file


def left(workspace: Workspace) -> list[str]:
    """What a run left in the directory for temporary files."""
    return [path.name for path in (workspace.home / "tmp").iterdir()]


@pytest.fixture(autouse=True)
def temporary(workspace: Workspace) -> None:
    """A directory for temporary files of this test's own, to see what is left there."""
    (workspace.home / "tmp").mkdir()
    workspace.environ["TMPDIR"] = str(workspace.home / "tmp")


def test_the_example_passes_and_needs_nothing_inside(workspace: Workspace) -> None:
    """In an image without Python."""
    lines = "USER root\nRUN rm -f /usr/bin/python3* /usr/local/bin/python3*\nUSER devuser"
    with built_image(workspace, lines) as image:
        workspace.environ["DEVENV_IMAGE"] = image
        made = workspace.inv("check", "--init")
        done = workspace.inv("check")

        assert made.returncode == 0, made.stderr
        assert "CREATED  and trusted" in made.stderr
        assert done.returncode == 0, done.stderr
        assert ".devenv/checks/test_example.py::test_git_is_there PASSED" in done.stderr
        assert workspace.try_sh("python3 --version")[0] == 127
    assert left(workspace) == []


def test_init_writes_nothing_where_there_are_checks(workspace: Workspace) -> None:
    file = own(workspace, "mine = 1\n")
    done = workspace.inv("check", "--init")

    assert done.returncode == 1
    assert "nothing was written" in done.stderr
    assert [file] == list(file.parent.iterdir())


def test_untrusted_checks_are_refused_before_anything_is_started(workspace: Workspace) -> None:
    trace = workspace.home / "trace"
    own(workspace, PLANTED.format(trace=str(trace)))
    done = workspace.inv("check")

    assert done.returncode == 1
    assert "never trusted" in done.stderr
    assert "added: test_own.py" in done.stderr
    assert "inv check --trust" in done.stderr
    assert not trace.exists()
    assert workspace.container_names() == []


def test_without_the_projects_own_the_bundled_ones_run(workspace: Workspace) -> None:
    own(workspace, "def test_x(): assert False\n")
    done = workspace.inv("check", "--bundled", "--keyword", "rights")

    assert done.returncode == 0, done.stderr
    assert len(outcomes(done.stderr)) == 5  # and the environment that was created


def test_changed_checks_are_refused_with_what_changed(workspace: Workspace) -> None:
    """Changed from inside, which is how it would be done."""
    workspace.up()
    trusted(workspace, "def test_x(): pass\n")
    workspace.path.joinpath(".devenv/checks").chmod(0o777)
    workspace.sh("cd ~/work/app/.devenv/checks && echo 'import os' >conftest.py")
    done = workspace.inv("check")

    assert done.returncode == 1
    assert "not those that were trusted (added: conftest.py)" in done.stderr


def test_trust_is_not_lent_to_another_project(workspace: Workspace) -> None:
    trusted(workspace, "def test_x(): pass\n")
    other = workspace.home / "work/other"
    other.mkdir()
    (workspace.path / ".devenv").rename(other / ".devenv")
    done = workspace.inv("check", "--path", str(other))

    assert done.returncode == 1
    assert "never trusted" in done.stderr


def test_a_link_out_of_the_checks_cannot_be_trusted(workspace: Workspace) -> None:
    own(workspace, "").with_name("test_link.py").symlink_to("../../tasks.py")
    for words in (["--trust"], []):
        done = workspace.inv("check", *words)
        assert done.returncode == 1
        assert "test_link.py is a symlink that leads out of it" in done.stderr


def test_a_memory_that_the_project_holds_is_refused(workspace: Workspace) -> None:
    own(workspace, "def test_x(): pass\n")
    workspace.environ["XDG_STATE_HOME"] = str(workspace.path / "state")
    done = workspace.inv("check", "--trust")

    assert done.returncode == 1
    assert "could trust its own checks" in done.stderr
    assert not (workspace.path / "state").exists()


def test_a_place_for_copies_that_the_project_holds_is_refused(workspace: Workspace) -> None:
    """What was judged could be changed there before it runs; so could devenv's own checks."""
    (workspace.path / "tmp").mkdir()
    workspace.environ["TMPDIR"] = str(workspace.path / "tmp")
    for words in (["--bundled"], []):
        done = workspace.inv("check", *words)
        assert done.returncode == 1
        assert "could change them there" in done.stderr
        assert "TMPDIR" in done.stderr
    assert workspace.container_names() == []


def test_a_flag_without_its_value_takes_no_place_for_it(workspace: Workspace) -> None:
    """Without the run's own places pytest would look in the current directory, the project."""
    trace = workspace.home / "trace"
    (workspace.path / "conftest.py").write_text(PLANTED.format(trace=str(trace)))
    (workspace.path / "test_more.py").write_text(PLANTED.format(trace=str(trace)))
    for words in (["-k"], ["-p"], ["--rootdir"], ["--junitxml"], ["-c"]):
        done = workspace.inv("check", "--", *words)
        assert done.returncode == 4, done.stdout + done.stderr
    assert not trace.exists()


def test_what_a_project_plants_is_not_run_on_the_host(workspace: Workspace) -> None:
    """Beside the checks, where pytest and Python look for what they load."""
    trace = workspace.home / "trace"
    planted = PLANTED.format(trace=str(trace))
    trusted(workspace, "def test_x(): pass\n")
    names = ("conftest.py", "sitecustomize.py", "usercustomize.py", "pytest.py", "docker.py")
    for name in (*names, "testinfra.py", "devenv_plugin.py", ".devenv/conftest.py"):
        (workspace.path / name).write_text(planted)
    options = "addopts = -p devenv_plugin\npythonpath = .\n"
    (workspace.path / "pytest.ini").write_text(f"[pytest]\n{options}")
    (workspace.path / "tox.ini").write_text(f"[pytest]\n{options}")
    (workspace.path / ".devenv/pytest.ini").write_text(f"[pytest]\n{options}")
    table = 'addopts = "-p devenv_plugin"\npythonpath = ["."]\n'
    (workspace.path / "pyproject.toml").write_text(f"[tool.pytest.ini_options]\n{table}")
    # What people have set for their project counts for their own runs of pytest.
    workspace.environ |= {"PYTEST_ADDOPTS": "-p devenv_plugin", "PYTEST_PLUGINS": "devenv_plugin"}
    done = workspace.devenv("check", ".", "--", "-v", "-k", "test_x or rights")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout
    assert not trace.exists()


def test_a_path_for_modules_into_the_project_does_not_count(workspace: Workspace) -> None:
    """The command's own process has it; pytest gets the others alone."""
    elsewhere = workspace.home / "modules"
    elsewhere.mkdir()
    (elsewhere / "far.py").touch()
    (workspace.path / "near.py").touch()
    text = "import pytest, far\ndef test_x():\n    with pytest.raises(ImportError): import near\n"
    trusted(workspace, text)
    workspace.environ["PYTHONPATH"] = f"{workspace.path}::.:{elsewhere}"
    done = workspace.devenv("check", ".", "-k", "test_x")

    assert done.returncode == 0, done.stderr


def test_paths_for_pytest_are_refused(workspace: Workspace) -> None:
    """A file of the project's would be run as it is there, and not as it was trusted."""
    trace = workspace.home / "trace"
    trusted(workspace, "def test_x(): pass\n")
    (workspace.path / "conftest.py").write_text(PLANTED.format(trace=str(trace)))
    (workspace.path / "test_more.py").write_text(PLANTED.format(trace=str(trace)))
    for path in ("test_more.py", "test_more.py::test_y", FILE, ".", str(workspace.path)):
        done = workspace.inv("check", "--", path)
        assert done.returncode == 4, done.stdout
        assert "takes no paths" in done.stdout + done.stderr
    assert not trace.exists()


def test_the_fixtures_are_the_environments(workspace: Workspace) -> None:
    text = f"""
def test_host(host):
    assert host.user().name == "devuser"
    assert host.check_output("cat /etc/hostname").strip() == {workspace.project.hostname!r}

def test_environment(environment):
    assert environment.name == {workspace.name!r}
    assert str(environment.project) == {str(workspace.path)!r}
    assert str(environment.path) == "/home/devuser/work/app"
    targets = {{mount.target: mount for mount in environment.mounts}}
    assert targets["/home/devuser/.bashrc"].read_only
    done = environment.exec(["sh", "-c", "pwd; id -un; echo no >&2; exit 3"])
    assert (done.status, done.stdout) == (3, "/home/devuser/work/app\\ndevuser\\n")
    assert done.stderr == "no\\n"
    assert environment.exec(["echo", "a  b", "$HOME"]).stdout == "a  b $HOME\\n"
    assert environment.exec(["no-such-program"]).status in (126, 127)
"""
    trusted(workspace, text)
    done = workspace.inv("check", "--keyword", "test_own")

    assert done.returncode == 0, done.stderr
    assert "2 passed" in done.stderr


def test_failures_are_told_with_reason_and_place(workspace: Workspace) -> None:
    text = """
import pytest

def test_fails():
    assert 1 == 2, "one is not two"

def test_has_no_such_fixture(nonsense): pass

@pytest.mark.skip(reason="not today")
def test_is_skipped(): pass

@pytest.mark.xfail(reason="known")
def test_is_expected_to_fail(): assert False

def test_escapes(): assert False, "\\x1b[31mred"
"""
    trusted(workspace, text)
    done = workspace.inv("check", "--keyword", "test_own")
    lines = done.stderr.splitlines()

    assert done.returncode == 1
    failed = lines.index(f"{FILE}::test_fails FAILED  {FILE}:5")
    assert lines[failed + 1] == "    one is not two"
    assert f"{FILE}::test_has_no_such_fixture ERROR" in done.stderr
    assert "fixture 'nonsense' not found" in done.stderr
    skipped = lines.index(f"{FILE}::test_is_skipped SKIPPED")
    assert lines[skipped + 1] == "    not today"
    assert f"{FILE}::test_is_expected_to_fail XFAILED" in lines
    assert "\x1b" not in done.stderr
    assert all(word in lines[-1] for word in ("2 failed", "1 error", "1 skipped", "1 xfailed"))


def test_json_has_outcome_reason_and_duration(workspace: Workspace) -> None:
    trusted(workspace, "import time\ndef test_x():\n    time.sleep(0.2)\n    assert 0, 'because'\n")
    done = workspace.inv("check", "--keyword", "test_own", "--format", "json")
    said = json.loads(done.stdout)
    (one,) = said["checks"]

    assert done.returncode == 1
    assert set(said) == {"environment", "path", "engine", "exit_code", "checks"}
    assert (said["environment"], said["exit_code"]) == (workspace.name, 1)
    assert one["name"] == f"{FILE}::test_x"
    assert one["outcome"] == "failed"
    assert one["reason"].startswith("because")
    assert one["duration"] >= 0.2


def test_a_syntax_error_is_told_with_pytests_code(workspace: Workspace) -> None:
    trusted(workspace, "def test_x(:\n    pass\n")
    done = workspace.inv("check")

    assert done.returncode == 2  # as pytest: nothing runs when something cannot be loaded
    assert f"{FILE} ERROR" in done.stderr
    assert "SyntaxError" in done.stderr
    assert "Traceback" not in done.stderr
    assert left(workspace) == []


def test_a_word_that_matches_nothing_is_pytests_five(workspace: Workspace) -> None:
    done = workspace.inv("check", "--keyword", "nonsense")

    assert done.returncode == 5
    assert "No check matches 'nonsense'" in done.stderr


def test_a_wrong_expression_is_pytests_four(workspace: Workspace) -> None:
    done = workspace.inv("check", "--keyword", "a and")

    assert done.returncode == 4
    assert "Wrong expression passed to '-k'" in done.stderr
    as_json = workspace.inv("check", "--keyword", "a and", "--format", "json")
    assert json.loads(as_json.stdout)["exit_code"] == as_json.returncode == 4
    assert "Wrong expression passed to '-k'" in as_json.stderr


def test_words_behind_the_dashes_go_to_pytest(workspace: Workspace) -> None:
    """Unchanged, and pytest reports for itself."""
    trusted(workspace, "def test_a(): assert 0\n\ndef test_b(): assert 0\n")
    done = workspace.inv("check", "--", "-x", "-k", "test_a or test_b", "--tb=line")
    both = workspace.devenv("check", ".", "--", "-q", "-k", "test_a or test_b")
    wrong = workspace.inv("check", "--", "--no-such-flag")

    assert (done.returncode, both.returncode, wrong.returncode) == (1, 1, 4)
    assert "stopping after 1 failures" in done.stdout
    assert "test_b" not in done.stdout
    assert f"FAILED {FILE}::test_b" in both.stdout
    assert "--no-such-flag" in wrong.stderr


def test_a_verbose_report_is_pytests_own(workspace: Workspace) -> None:
    trusted(workspace, "def test_a():\n    value = 41\n    assert value == 42\n")
    done = workspace.inv("check", "-v", "-k", "test_own")

    assert done.returncode == 1
    assert f"{FILE}::test_a FAILED" in done.stdout
    assert "assert 41 == 42" in done.stdout


def test_results_are_written_for_junit(workspace: Workspace) -> None:
    """Over a link that was planted in its place, not through it."""
    precious = workspace.write("precious", "mine\n")
    (workspace.path / "out.xml").symlink_to(precious)
    trusted(workspace, "def test_a(): assert 0, 'because'\n")
    done = workspace.inv("check", "--junit", "out.xml", "--keyword", "test_own or rights")
    suite = ET.parse(workspace.path / "out.xml").getroot()[0]  # noqa: S314 - it is our own

    assert done.returncode == 1
    assert (suite.get("tests"), suite.get("failures")) == ("5", "1")
    assert precious.read_text() == "mine\n"
    assert not (workspace.path / "out.xml").is_symlink()


def test_a_file_for_junit_is_not_led_out_of_the_project(workspace: Workspace) -> None:
    """What runs inside can make a symlink of any directory in it."""
    (elsewhere := workspace.home / "elsewhere").mkdir()
    (elsewhere / "out.xml").write_text("as it was")
    (workspace.path / "build").symlink_to(elsewhere)
    done = workspace.inv("check", "--junit", "build/out.xml", "--keyword", "rights")
    assert (done.returncode, "build/out.xml could not be written" in done.stderr) == (1, True)
    assert [p.name for p in elsewhere.iterdir()] == ["out.xml"]
    assert (elsewhere / "out.xml").read_text() == "as it was"
    (workspace.home / "by-another-name").symlink_to(workspace.path)
    (workspace.path / "reports").mkdir()
    (workspace.path / "reports/build").symlink_to(elsewhere)
    (workspace.home / "reports").symlink_to(workspace.path / "reports")
    (workspace.home / "build").symlink_to(workspace.path / "build")
    for named in ("by-another-name/build/out.xml", "reports/build/out.xml", "build/out.xml"):
        junit = str(workspace.home / named)
        done = workspace.inv("check", "--junit", junit, "--keyword", "rights")
        assert (done.returncode, "out.xml could not be written" in done.stderr) == (1, True)
    assert (elsewhere / "out.xml").read_text() == "as it was"
    done = workspace.inv("check", "--junit", "made/deep/out.xml", "--keyword", "rights")
    assert (done.returncode, [p.name for p in (workspace.path / "made/deep").iterdir()]) == (
        0,
        ["out.xml"],
    ), done.stderr


@pytest.mark.parametrize("words", [("-v",), ("--", "-rA", "-v")])
def test_pytests_own_report_passes_no_escape_sequence_on(
    workspace: Workspace, words: tuple[str, ...]
) -> None:
    """What a program wrote inside is what a check likes to quote."""
    text = """
        def test_x(environment):
            said = environment.exec(["printf", "\\\\033]0;title\\\\007"]).stdout
            import pytest
            pytest.xfail(said)

        def test_xy(environment):
            said = environment.exec(["printf", "\\033]0;title\\007"]).stdout
            print(said)
            try:
                raise ValueError("cause", ValueError(said)) from ValueError(said)
            except ValueError as error:
                error.add_note(said)
                raise ExceptionGroup(said, [ValueError(said), OSError(2, said)]) from error
        """
    trusted(workspace, textwrap.dedent(text))
    done = workspace.inv("check", "-k", "test_x", *words)
    assert "]0;title" in done.stdout, done.stdout
    assert "\x1b]" not in done.stdout
    assert "\x07" not in done.stdout


def test_a_file_for_junit_that_cannot_be_written_is_said(workspace: Workspace) -> None:
    (workspace.path / "file").touch()
    done = workspace.inv("check", "--junit", "file/out.xml", "--keyword", "rights")

    assert done.returncode == 1
    assert "file/out.xml could not be written" in done.stderr


@pytest.mark.parametrize(("named", "said"), [(".", "is a directory"), ("", "without a value")])
def test_a_file_for_junit_that_can_be_none_is_refused_first(
    workspace: Workspace, named: str, said: str
) -> None:
    done = workspace.inv("check", "--junit", named)

    assert done.returncode == 4
    assert said in done.stderr
    assert workspace.container_names() == []


def test_a_dry_run_starts_nothing_and_says_what_it_would(workspace: Workspace) -> None:
    trusted(workspace, "def test_a(): pass\n")
    done = workspace.inv("check", "--dry", "--keyword", "test_a")

    assert done.returncode == 0
    assert "docker run" in done.stdout
    assert "-m pytest" in done.stdout
    assert ".devenv/checks" in done.stdout
    assert workspace.container_names() == []


def test_dry_runs_of_trust_and_init_remember_and_write_nothing(workspace: Workspace) -> None:
    first = workspace.inv("check", "--init", "--dry", check=True)
    assert "would be written" in first.stdout
    assert not (workspace.path / ".devenv").exists()
    own(workspace, "def test_a(): pass\n")
    second = workspace.inv("check", "--trust", "--dry", check=True)
    assert "would be trusted" in second.stdout
    assert workspace.inv("check").returncode == 1


@pytest.mark.parametrize(
    "words", [["--init", "--trust"], ["--trust", "-k", "x"], ["--init", "--", "-x"]]
)
def test_init_and_trust_stand_alone(workspace: Workspace, words: list[str]) -> None:
    done = workspace.inv("check", *words)

    assert done.returncode == 4
    assert not (workspace.path / ".devenv").exists()


def test_trust_without_checks_is_refused(workspace: Workspace) -> None:
    done = workspace.inv("check", "--trust")

    assert done.returncode == 1
    assert "inv check --init" in done.stderr


# The environment goes while it is checked


def test_an_environment_that_stops_is_told_and_ends_the_run(workspace: Workspace) -> None:
    text = f"""
import subprocess

def test_a(environment):
    subprocess.run(["docker", "stop", "--time=0", {workspace.name!r}], check=True)
    assert environment.exec(["true"]).status == 0

def test_b(host):
    assert host.exists("git")
"""
    trusted(workspace, text)
    done = workspace.inv("check", "--keyword", "test_own")

    assert done.returncode == 1
    assert (
        f"The environment {workspace.name} stopped during the checks (it is exited)" in done.stderr
    )
    assert "test_b" not in done.stderr
    assert left(workspace) == []


def test_an_environment_that_stops_unseen_is_told_at_the_end(workspace: Workspace) -> None:
    """What was seen of it before is no longer true."""
    text = f"""
import subprocess

def test_a():
    subprocess.run(["docker", "rm", "--force", {workspace.name!r}], check=True)
"""
    trusted(workspace, text)
    done = workspace.inv("check", "--keyword", "test_own")

    assert done.returncode == 1
    assert "stopped during the checks (it is gone)" in done.stderr


def test_the_bundled_checks_say_that_it_stopped(workspace: Workspace) -> None:
    """All of them stand on one look, which is not to be had then."""
    text = f"""
import subprocess

def test_0():
    subprocess.run(["docker", "stop", "--time=0", {workspace.name!r}], check=True)
"""
    trusted(workspace, text)
    words = ["-p", "no:randomly", "-k", "test_0 or not_root", "-q"]
    done = workspace.inv("check", "--", *words)

    assert done.returncode == 1
    assert "stopped during the checks" in done.stdout


def test_an_environment_without_a_shell_is_told(workspace: Workspace) -> None:
    """It had one when it was started."""
    workspace.up()
    workspace.sh("true")
    docker("exec", "--user=0", workspace.name, "rm", "/bin/sh")
    done = workspace.inv("check")

    assert done.returncode == 1
    assert "has no /bin/sh to look with" in done.stderr
    assert "Traceback" not in done.stderr
    assert "bundled/test_reach.py::test_ports_are_on_loopback_only PASSED" in done.stderr


def test_an_image_without_a_shell_is_refused_as_by_run(workspace: Workspace) -> None:
    with built_image(workspace, "USER root\nRUN rm /bin/sh\nUSER devuser") as image:
        done = workspace.inv("check", variables={"DEVENV_IMAGE": image})

        assert done.returncode == 1
        assert "has no /bin/sh" in done.stderr
        assert workspace.container_names() == []


def waiting(workspace: Workspace) -> subprocess.Popen[str]:
    """Begin a run whose check waits for a program inside, and wait until it does."""
    text = "def test_a(environment): environment.exec(['sleep', '4321'])\n"
    trusted(workspace, text)
    workspace.up()
    process = subprocess.Popen(
        [*INVOKE, "check", "--keyword", "test_own"],
        cwd=workspace.path,
        env=workspace.process_environ(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while not sleeping(workspace) and time.monotonic() < until:
        time.sleep(0.1)
    return process


def sleeping(workspace: Workspace) -> bool:
    _, said = workspace.try_sh("cat /proc/[0-9]*/cmdline 2>/dev/null || true")
    return "sleep\x004321" in said


def test_an_interrupted_run_is_pytests_two_and_leaves_nothing(workspace: Workspace) -> None:
    process = waiting(workspace)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)

    assert process.returncode == 2
    assert f"{FILE}::test_a ERROR" in stderr
    assert "interrupted" in stderr
    assert left(workspace) == []
    assert not sleeping(workspace)
    assert workspace.container_names() == [workspace.name]


def test_another_prefix_has_trust_of_its_own_place(workspace: Workspace) -> None:
    """Trust is the project's: which environment it has is another matter."""
    trusted(workspace, "def test_a(): pass\n")
    other = project_at(workspace.project.path, workspace.project.home, "devenv-other")
    done = workspace.inv("check", "--dry", variables={"DEVENV_PREFIX": other.prefix})

    assert done.returncode == 0, done.stderr
