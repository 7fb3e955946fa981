"""A clone is made under a name that nobody has, and is what was cloned, or is not there."""

from __future__ import annotations

import importlib
import subprocess

import pytest

from devenv_lib import volumes
from devenv_lib.engine import Engine
from devenv_lib.errors import EngineFailure, Refused
from devenv_lib.names import unfinished_name
from devenv_lib.volumes.tree import script
from tests.conftest import IMAGE, Workspace, docker

pytestmark = pytest.mark.engine


@pytest.fixture
def source(workspace: Workspace) -> str:
    """A volume of ours with a file in it."""
    name = workspace.make_volume("source")
    workspace.in_volume("source", "echo precious > file")
    return name


def clone(workspace: Workspace, source: str, name: str) -> volumes.Cloned:
    return volumes.clone(workspace.engine, workspace.prefix, source, name, IMAGE)


def test_a_strangers_volume_in_the_markers_place_refuses_and_stays(
    workspace: Workspace, source: str
) -> None:
    """Without the marker nobody would be kept out of what is half-made."""
    name = workspace.volume("new")
    workspace.extra_volumes.append(unfinished_name(name))
    docker("volume", "create", unfinished_name(name))
    with pytest.raises(Refused, match=f"{unfinished_name(name)}, which this makes"):
        clone(workspace, source, name)
    assert workspace.volume_names() == [source]
    left = workspace.engine.volume(unfinished_name(name))
    assert left is not None
    assert not left.labels


def test_a_volume_that_somebody_makes_meanwhile_is_not_filled(
    workspace: Workspace, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making a volume that is there succeeds: so it is looked at again before it is written to."""
    name, create = workspace.volume("new"), Engine.create_volume
    workspace.extra_volumes.append(name)

    def late(engine: Engine, made: str, labels: dict[str, str]) -> None:
        if made == name:
            docker("volume", "create", name)
        create(engine, made, labels)

    monkeypatch.setattr(Engine, "create_volume", late)
    with pytest.raises(Refused, match="somebody else's"):
        clone(workspace, source, name)
    assert workspace.volume_names() == [source]
    assert workspace.engine.volume(name) is not None
    assert workspace.in_volume("new", "ls -A") == ""


def test_the_same_command_begins_anew_what_a_killed_one_left(
    workspace: Workspace, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, remove = workspace.volume("new"), Engine.remove_volume

    def die(*_: object) -> None:
        raise KeyboardInterrupt  # as if killed: nothing that comes after it is done

    monkeypatch.setattr(Engine, "remove_volume", die)
    with pytest.raises(KeyboardInterrupt):
        clone(workspace, source, name)
    monkeypatch.setattr(Engine, "remove_volume", remove)
    assert workspace.engine.volume(unfinished_name(name)) is not None
    words = ("volume.clone", "--name", source, "--to", name)
    assert "would first be undone" in workspace.inv(*words, "--dry", check=True).stdout
    workspace.inv(*words, check=True)
    assert workspace.volume_names() == [name, source]
    assert workspace.in_volume("new", "cat file") == "precious"


@pytest.mark.parametrize("change", ["touch", "rm", "chmod 0", "chown 7", "ln -s x"])
def test_a_clone_that_is_not_the_same_does_not_stay(
    workspace: Workspace, source: str, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    name = workspace.volume("new")
    file = "$2/link" if change.startswith("ln") else "$2/file"
    spoilt = script("clone.sh").replace("\nsync", f'\n{change} "{file}"\nsync', 1)
    assert spoilt != script("clone.sh")
    module = importlib.import_module("devenv_lib.volumes.clone")
    monkeypatch.setattr(module, "script", lambda _: spoilt)
    with pytest.raises(EngineFailure, match="is not what is in"):
        clone(workspace, source, name)
    assert workspace.volume_names() == [source]
    assert workspace.in_volume("source", "cat file") == "precious"


def test_a_step_of_the_copy_that_fails_is_not_overlooked(tmp_path: object) -> None:
    """Two of them run beside the third, where a shell tells of a failure only if it is asked."""
    for broken in ("cp", "sync", "find"):
        words = ["sh", "-c", f"{broken}() {{ return 3; }}\n{script('clone.sh')}", "x"]
        done = subprocess.run([*words, str(tmp_path), "/nowhere"], capture_output=True, check=False)
        digests = done.stdout.split()[:2]
        assert done.returncode or digests[0] != digests[1], broken
