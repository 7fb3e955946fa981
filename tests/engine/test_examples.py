"""Every public name has an example, which runs as it stands: text in, real engine, no word out."""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap

import pytest

import devenv_lib
from tests.conftest import Workspace

pytestmark = pytest.mark.engine


def block(text: str | None, head: str) -> str:
    """Return the indented code below a line that ends with ``head``, or nothing."""
    _, _, after = inspect.cleandoc(text or "").partition(f"{head}\n\n")
    lines = list(after.splitlines())
    end = next((n for n, line in enumerate(lines) if line and line[0] != " "), len(lines))
    return textwrap.dedent("\n".join(lines[:end]))


#: What the package says stands before each example.
PREAMBLE = block(devenv_lib.__doc__, "after these lines::")


def run(workspace: Workspace, code: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the project, with the home, the prefix and the image of this test."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=workspace.path,
        env=workspace.process_environ(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", devenv_lib.__all__)
def test_the_example_of_a_public_name_runs_and_prints_nothing(
    workspace: Workspace, name: str
) -> None:
    """In a program of its own, below the lines that the package's docstring has."""
    example = block(getattr(devenv_lib, name).__doc__, "Example::")
    assert f"devenv.{name}" in example, f"{name} has no example that uses it"
    done = run(workspace, f"{PREAMBLE}\n{example}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), f"{example}\n{done.stderr}"


def test_an_example_that_is_wrong_would_fail(workspace: Workspace) -> None:
    """Asserts count, and what goes wrong is seen."""
    assert "devenv.connect()" in PREAMBLE
    assert run(workspace, f"{PREAMBLE}\nassert settings.prefix == 'x'").returncode == 1


def test_the_verbs_print_nothing(workspace: Workspace) -> None:
    """Neither what they do nor what they find; docker's progress is the one exception."""
    verbs = """
environment = devenv.up(engine, project, settings, host)
assert devenv.execute(engine, environment.container, ["true"], host.terminal) == 0
assert devenv.examine(engine, settings.prefix)
assert devenv.up(engine, project, settings, host, recreate=True).outcome == "created"
assert devenv.plan_removal(engine, settings.prefix, None).refusals
devenv.stop(engine, project)
devenv.remove(engine, settings.prefix, devenv.plan_removal(engine, settings.prefix, None))
"""
    done = run(workspace, f"{PREAMBLE}{verbs}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (workspace.container_names(), workspace.volume_names()) == ([], [])
