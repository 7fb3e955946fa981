"""Engines differ, and what devenv does about it holds on each: `specs/engines.md`."""

from __future__ import annotations

import pytest

from devenv_lib.records import LIMITS
from tests.conftest import IMAGE, Workspace, docker

pytestmark = pytest.mark.engine


@pytest.mark.every_engine
def test_a_limit_is_set_or_its_lack_is_said_and_refused_where_limits_are_required(
    workspace: Workspace,
) -> None:
    """An engine without control groups of its own can set none."""
    lacking = ", ".join(sorted(LIMITS - workspace.engine.info().limits))
    done = workspace.inv("run", "--detach")
    assert done.returncode == 0, done.stderr
    said = f"warning: this engine sets no limit of {lacking}."
    assert (said in done.stderr) == bool(lacking), done.stderr
    workspace.stop()
    required = workspace.inv("run", "--detach", variables={"DEVENV_LIMITS_REQUIRED": "true"})
    assert required.returncode == bool(lacking), required.stderr
    assert ("limits_required" in required.stderr) == bool(lacking)
    assert bool(workspace.container_names()) != bool(lacking)


@pytest.mark.every_engine
def test_a_helper_takes_no_empty_volume_from_an_environment(workspace: Workspace) -> None:
    """Podman gives the root of one that is empty to each container's user in turn."""
    workspace.up()
    for user in ("0", "7"):
        mount = f"{workspace.volume('state')}:/home/devuser/.local/state"
        docker("run", "--rm", f"--user={user}", f"--volume={mount}", IMAGE, "true")
        assert workspace.sh("stat -c %u ~/.local/state ~/.cache").split() == ["1000", "1000"]


@pytest.mark.every_engine
def test_everything_that_a_program_inside_writes_comes_back(workspace: Workspace) -> None:
    workspace.up()
    script = "for i in 1 2 3; do echo out; echo said >&2; done; exit 5"
    for _ in range(30):
        status, output = workspace.engine.run(workspace.name, ["/bin/sh", "-c", script])
        assert (status, sorted(output.split())) == (5, ["out"] * 3 + ["said"] * 3)


@pytest.mark.every_engine
def test_each_answer_of_a_helper_is_its_own(workspace: Workspace) -> None:
    """One that followed at once was read by the `cat` of the one before, if it was longer."""
    with workspace.engine.helper(IMAGE, (), workspace.prefix, workspace.prefix) as helper:
        for length in range(300):
            assert helper.run(["echo", "x" * length]) == b"x" * length + b"\n"
