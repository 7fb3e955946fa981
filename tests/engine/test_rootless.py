"""A rootless engine: environments are refused, and the volume tasks hold what they promise.

These run on no other engine: `inv dev.test --engine podman-5.4-rootless`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from devenv_lib.names import LABEL, common_labels
from tests.conftest import IMAGE, Workspace, docker
from tests.trees import ODD, build, scan

pytestmark = [pytest.mark.engine, pytest.mark.rootless]
#: An ordinary user can make no device.
TREE = tuple(entry for entry in ODD if entry.kind != "device")


@pytest.fixture
def odd(workspace: Workspace) -> str:
    """A volume of ours with one of everything in it."""
    name = workspace.make_volume("odd")
    build(name, TREE)
    return name


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--detach"),
        ("run", "--recreate", "--detach"),
        ("exec", "--", "true"),
        ("check",),
        ("--dry", "run"),
        ("mounts",),
    ],
    ids=" ".join,
)
def test_what_needs_an_environment_is_refused_with_the_reason(
    workspace: Workspace, words: tuple[str, ...]
) -> None:
    """The container's root is the host's user there: project files would change owner."""
    done = workspace.inv(*words)
    assert done.returncode == 1, done.stdout
    assert (
        "is rootless, or remaps users: its containers' users are not this machine's" in done.stderr
    )
    assert "The volume tasks work there." in done.stderr
    assert "Choose an engine that runs as root: unset DOCKER_HOST" in done.stderr
    assert (workspace.container_names(), workspace.volume_names()) == ([], [])


def test_doctor_says_that_it_is_rootless(workspace: Workspace) -> None:
    done = workspace.inv("doctor")
    assert done.returncode == 1
    assert "is rootless" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_volumes_are_listed_with_their_sizes(workspace: Workspace, odd: str) -> None:
    done = workspace.inv("volume.list")
    assert (done.returncode, odd in done.stdout) == (0, True), done.stderr
    assert "n/a" not in done.stdout


def test_nothing_in_use_is_removed_and_force_skips_only_the_question(
    workspace: Workspace, odd: str
) -> None:
    user = f"{workspace.prefix}-user"
    workspace.extra_containers.append(user)
    docker("create", f"--name={user}", f"--volume={odd}:/v", IMAGE, "true")
    refused = workspace.inv("volume.rm", "--name", odd, "--force")
    assert (refused.returncode, user in refused.stderr) == (1, True), refused.stderr
    assert workspace.volume_names() == [odd]
    docker("rm", user)
    asked = workspace.inv("volume.rm", "--all")
    assert (asked.returncode, workspace.volume_names()) == (1, [odd])
    done = workspace.inv("volume.rm", "--all", "--force")
    assert (done.returncode, workspace.volume_names()) == (0, []), done.stderr


def test_everything_survives_backup_restore_and_a_clone(
    workspace: Workspace, odd: str, tmp_path: Path
) -> None:
    before = scan(odd)
    saved = workspace.inv("volume.backup", "--name", odd, "--to", str(tmp_path))
    assert saved.returncode == 0, saved.stderr
    (archive,) = tmp_path.glob("*.tar*")
    for name, words in ((workspace.volume("new"), ()), (odd, ("--replace",))):
        done = workspace.inv("volume.restore", f"--from={archive}", f"--name={name}", *words)
        assert done.returncode == 0, done.stderr
        assert scan(name) == before
    done = workspace.inv("volume.clone", "--name", odd, "--to", workspace.volume("twin"))
    assert done.returncode == 0, done.stderr
    assert scan(workspace.volume("twin")) == before


def test_everything_survives_an_adoption(workspace: Workspace) -> None:
    name = workspace.volume("odd")
    workspace.extra_volumes.append(name)
    docker("volume", "create", name)
    build(name, TREE)
    before = scan(name)
    done = workspace.inv("volume.adopt", "--name", name)
    assert (done.returncode, f"{name} ADOPTED" in done.stderr) == (0, True), done.stderr
    assert scan(name) == before
    volume = workspace.engine.volume(name)
    assert volume
    assert common_labels(workspace.prefix).items() <= volume.labels.items()
    assert volume.labels[LABEL] == "true"


def test_what_was_copied_in_is_the_users_and_comes_out_as_the_callers(workspace: Workspace) -> None:
    name = workspace.make_volume("data")
    source, back = workspace.write("note", "kept\n"), workspace.home / "back"
    copy = ["volume.cp", "--name", name, "--file", "note"]
    into = workspace.inv(*copy, "--from", str(source))
    assert into.returncode == 0, into.stderr
    assert scan(name)["./note"][1:3] == [1000, 1000]
    out = workspace.inv(*copy, "--to", str(back))
    assert (out.returncode, back.read_text()) == (0, "kept\n"), out.stderr


def test_what_a_wrong_start_left_becomes_the_users(workspace: Workspace) -> None:
    name = workspace.make_volume("data")
    workspace.in_volume("data", "mkdir -p opencode; echo own >own; chown 1000:1000 own")
    done = workspace.inv("volume.repair", "--name", name, "--force")
    assert (done.returncode, f"{name} REPAIRED" in done.stderr) == (0, True), done.stderr
    found = scan(name)
    assert [found[path][1] for path in (".", "./opencode", "./own")] == [1000, 1000, 1000]


def test_the_largest_directories_are_measured(workspace: Workspace) -> None:
    name = workspace.make_volume("data")
    workspace.in_volume("data", "mkdir large && head -c 3000000 /dev/urandom >large/file")
    done = workspace.inv("volume.usage", "--name", name)
    assert (done.returncode, "large" in done.stdout) == (0, True), done.stderr
