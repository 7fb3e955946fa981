"""A clone is made under a name that nobody has, and is what was cloned, or is not there."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from devenv_lib import volumes
from devenv_lib.engine import Engine
from devenv_lib.errors import EngineFailure, Refused
from devenv_lib.names import common_labels, unfinished_name
from devenv_lib.scripts import script
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


@pytest.mark.every_engine
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


@pytest.mark.every_engine
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


@pytest.mark.every_engine
def test_more_entries_than_a_sort_holds_are_cloned(workspace: Workspace) -> None:
    """Some 50,000 fit into its buffer; for the rest it needs a file, in a helper that has none."""
    source, name = workspace.make_volume("many"), workspace.volume("new")
    workspace.in_volume("many", "seq 60000 | sed s/^/a-rather-long-name-in-a-cache-/ | xargs touch")
    assert clone(workspace, source, name).files == 60001
    assert workspace.in_volume("new", "ls | wc -l") == "60000"


@pytest.mark.parametrize("program", ["sort", "sha256sum"])
def test_a_comparison_that_fails_is_not_taken_for_a_change(tmp_path: Path, program: str) -> None:
    """Of a volume in use the digests may differ, and then nothing would have been compared."""
    source, tools = tmp_path / "from", tmp_path / "tools"
    source.mkdir()
    tools.mkdir()
    (tools / program).write_text("#!/bin/sh\nexit 3\n")
    (tools / program).chmod(0o755)
    environ = {"PATH": f"{tools}:{os.environ['PATH']}"}
    assert copied(source, tmp_path / "to", environ)[0] == 1


@pytest.mark.parametrize("change", ["touch", "rm", "chmod 0", "chown 7", "ln -s x"])
def test_a_clone_that_is_not_the_same_does_not_stay(
    workspace: Workspace, source: str, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    name = workspace.volume("new")
    file = "$2/link" if change.startswith("ln") else "$2/file"
    spoilt = script("volumes/clone.sh").replace("\nsync", f'\n{change} "{file}"\nsync', 1)
    assert spoilt != script("volumes/clone.sh")
    module = importlib.import_module("devenv_lib.volumes.clone")
    monkeypatch.setattr(module, "script", lambda _: spoilt)
    with pytest.raises(EngineFailure, match="is not what is in"):
        clone(workspace, source, name)
    assert workspace.volume_names() == [source]
    assert workspace.in_volume("source", "cat file") == "precious"


def test_a_step_of_the_copy_that_fails_is_not_overlooked(tmp_path: Path) -> None:
    """Most run in pipes or beside others, where a shell tells of a failure only if it is asked."""
    source, tools = tmp_path / "from", tmp_path / "tools"
    (source / "directory").mkdir(parents=True)
    (source / "directory/file").write_text("precious")
    assert copied(source, tmp_path / "whole", {}) == (0, True)
    for program in (
        "cat",
        "cp",
        "find",
        "nproc",
        "sha256sum",
        "sort",
        "sync",
        "tar",
        "wc",
        "xargs",
    ):
        broken = tools / program / program
        broken.parent.mkdir(parents=True)
        broken.write_text("#!/bin/sh\nexit 3\n")
        broken.chmod(0o755)
        environ = {"PATH": f"{broken.parent}:{os.environ['PATH']}"}
        status, same = copied(source, tmp_path / f"without-{program}", environ)
        assert status or not same, program


def test_a_list_of_what_is_to_be_copied_that_breaks_off_is_a_failure(tmp_path: Path) -> None:
    """By itself: of a volume that others write to, the digests may differ."""
    source, tools = tmp_path / "from", tmp_path / "tools"
    source.mkdir()
    (source / "file").write_text("precious")
    tools.mkdir()
    find = tools / "find"
    find.write_text(
        f'#!/bin/sh\n{shutil.which("find")} "$@"\ncase $* in *-print0) exit 1 ;; esac\n'
    )
    find.chmod(0o755)
    environ = {"PATH": f"{tools}:{os.environ['PATH']}"}
    status, same = copied(source, tmp_path / "to", environ)
    assert (status, same) == (1, False)


def copied(source: Path, target: Path, environ: Mapping[str, str]) -> tuple[int, bool]:
    """Copy a directory of this machine; return the status, and whether the digests are the same."""
    target.mkdir()
    own = target.with_name(f"{target.name}-own")
    own.mkdir()
    # Others copy on this machine at the same time.
    text = script("volumes/clone.sh").replace("/dev/shm", str(own))  # noqa: S108
    words = ["sh", "-c", text, "devenv", str(source), str(target)]
    environ = {**os.environ, **environ}
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    return done.returncode, len(lines) == 3 and lines[0] == lines[1]


def test_the_copies_that_run_beside_each_other_make_what_one_makes(
    workspace: Workspace, source: str
) -> None:
    """Many names in the volume's own directory, odd ones, and its own mode, time and attributes."""
    fill = (
        "mkdir -p -m 751 deep/er && echo x > deep/er/file && touch -d @-5.25 deep/er deep"
        " && for n in $(seq 500); do echo $n > ./-$n; done && mkfifo fifo && ln -s nowhere link"
        " && touch \"$(printf 'new\\nline')\" && chown 7:8 fifo && chmod 4711 -- -7"
        ' && python3 -c \'import os; os.setxattr(".", "user.mine", b"kept")\''
        " && chown 1000:1000 . && chmod 2750 . && touch -d @9.5 ."
    )
    look = (
        "find . -printf '%P %y %m %U %G %T@ %l\\n' | sort; cat deep/er/file"
        '; python3 -c \'import os; print(os.getxattr(".", "user.mine"))\''
    )
    workspace.in_volume("source", fill)
    done = clone(workspace, source, workspace.volume("new"))
    assert done.files == 508
    assert workspace.in_volume("new", look) == workspace.in_volume("source", look)


def test_an_attribute_that_cannot_be_kept_is_no_clone(workspace: Workspace) -> None:
    """By itself `cp --archive` drops it in silence. A tmpfs takes what is too long for an ext4."""
    source, user = workspace.volume("source"), f"{workspace.prefix}-user"
    options = ["--opt=type=tmpfs", "--opt=device=tmpfs"]
    labels = [f"--label={k}={v}" for k, v in common_labels(workspace.prefix).items()]
    docker("volume", "create", *options, *labels, source)
    workspace.extra_containers.append(user)
    words = ["run", "--detach", f"--name={user}", "--user=0", f"--volume={source}:/v", IMAGE]
    docker(*words, "sleep", "infinity")
    code = "import os; open('/v/f', 'w').close(); os.setxattr('/v/f', 'user.big', b'x' * 6000)"
    here = docker("exec", user, "python3", "-c", code, check=False)
    words = ["run", "--rm", "--user=0", "--volume=/v", IMAGE, "python3", "-c", code]
    if here.returncode or not docker(*words, check=False).returncode:
        pytest.skip("a tmpfs takes no attributes here, or the engine's disk takes long ones")
    with pytest.raises(EngineFailure, match=r"user\.big.*was not made"):
        clone(workspace, source, workspace.volume("new"))
    assert workspace.volume_names() == [source]
