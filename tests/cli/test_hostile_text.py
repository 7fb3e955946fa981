"""Text from elsewhere, in every report: nothing that a terminal obeys, and no forged line."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from devenv_lib.names import LABEL_PATH, LABEL_PROJECT, common_labels
from devenv_lib.texts import printable
from tests.conftest import Workspace

pytestmark = pytest.mark.engine

#: An escape sequence, C1's, a title, a return, a mark that turns the writing, one that is not
#: seen, and a line of its own.
EVIL = "\x1b[2J\x9b31m\x1b]0;t\x07\r\u202e\u200b\nerror: forged"


def shown(done: subprocess.CompletedProcess[str], *codes: int) -> str:
    """Return what a command wrote, after a look that nothing in it can be obeyed or forged."""
    told = done.stdout + done.stderr
    assert done.returncode in (codes or (0,)), told
    assert printable(told) == told
    assert "Traceback" not in told
    assert not [line for line in told.splitlines() if line.startswith("error: forged")]
    return told


@pytest.fixture
def evil(make_workspace: Any) -> Workspace:
    """A project whose directory is called so, with checks whose names are not better."""
    workspace: Workspace = make_workspace(f"work/app{EVIL}")
    workspace.write(f"work/app{EVIL}/.devenv/checks/test_{EVIL.replace('/', '')}.py")
    return workspace


@pytest.fixture
def labelled(workspace: Workspace) -> Workspace:
    """A volume and a container of others, with such labels."""
    labels = {
        **common_labels(workspace.prefix),
        LABEL_PATH: f"/none/{EVIL}",
        LABEL_PROJECT: EVIL,
    }
    workspace.engine.create_volume(workspace.volume("evil"), labels)
    return workspace


@pytest.mark.every_engine
def test_a_projects_name_is_harmless_in_reports_of_environments(evil: Workspace) -> None:
    told = shown(evil.devenv("run", "--detach", "."))
    for words in (
        ("list",),
        ("list", "--format", "json"),
        ("list", "--format", "names"),
        ("mounts", "."),
        ("mounts", ".", "--format", "json"),
        ("ssh-config",),
        ("exec", ".", "--dry", "--", "true"),
        ("stop", "--all", "--dry"),
        ("volume", "list"),
        ("check", "--dry", "."),
        ("check", "--trust", "--dry", "."),
        ("stop", "--all"),
        ("stop", ".", "--dry"),
        ("stop", "."),
    ):
        told += shown(evil.devenv(*words), 0, 1)
    told += shown(evil.devenv("doctor", "."), 0, 1)
    assert "\\x1b[2J\\x9b31m\\x1b]0;t\\x07\\x0d\\u202e\\u200b" in told


def test_a_dry_run_has_no_line_that_a_name_made(evil: Workspace) -> None:
    """What is behind a newline would be a command to a shell that reads the lines."""
    done = evil.devenv("stop", ".", "--dry")
    assert done.stdout.startswith("# there is no environment of ")
    assert done.stdout.count("\n") == 1
    lines = evil.devenv("run", "--detach", "--dry", ".").stdout
    assert "error: forged" in lines
    nothing = "".join(f"{program}() {{ :; }}\n" for program in ("docker", "mkdir", "ln"))
    read = subprocess.run(["bash"], input=nothing + lines, capture_output=True, text=True)  # noqa: PLW1510
    assert (read.returncode, read.stdout, read.stderr) == (0, "", "")


@pytest.mark.every_engine
def test_a_label_is_harmless_in_reports_of_volumes(labelled: Workspace) -> None:
    told = ""
    for words in (
        ("list",),
        ("list", "--no-size"),
        ("list", "--format", "json"),
        ("list", "--format", "names"),
        ("rm", "--orphans", "--dry"),
        ("rm", "--orphans"),
        ("repair", "--all", "--dry"),
    ):
        told += shown(labelled.devenv("volume", *words), 0, 1)
    told += shown(labelled.devenv("doctor"), 0, 1)
    assert "\\x1b[2J" in told
    (found,) = json.loads(labelled.devenv("volume", "list", "--format", "json").stdout)
    assert found["project"] == EVIL


def test_an_error_about_a_name_is_harmless(workspace: Workspace) -> None:
    for words in (
        ("run", f"./{EVIL}"),
        ("volume", "rm", f"--name={EVIL}"),
        ("run", "--image", EVIL, "."),
        ("list", "--format", EVIL),
        ("volume", "restore", f"./{EVIL}"),
        (EVIL,),
        ("exec", f"--user={EVIL}", ".", "--", "true"),
    ):
        assert "error: " in shown(workspace.devenv(*words), 1, 4)


def test_a_name_that_is_not_utf_8_is_harmless(workspace: Workspace) -> None:
    told = shown(workspace.devenv("run", "./\udcff\udc9b"), 4)
    assert "\\xff\\x9b" in told


def test_a_directory_that_cannot_be_typed_is_not_completed(evil: Workspace) -> None:
    """Its name as it is would be obeyed, and spelled out it would be another directory."""
    (evil.path.parent / "apple").mkdir()
    done = evil.devenv("--complete", "--", "run", f"{evil.path.parent}/app")
    assert shown(done) == f"{evil.path.parent}/apple/\n"
