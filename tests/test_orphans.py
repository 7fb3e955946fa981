"""Orphans: a project's own volume whose project is gone, and only where that is certain."""

from __future__ import annotations

import fcntl
import os
from array import array
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib.host import directories
from devenv_lib.host.directories import machine_digest, mounted_places, which
from devenv_lib.names import (
    LABEL_HOST,
    LABEL_MOUNT,
    LABEL_PARENT,
    LABEL_PATH,
    LONGEST_VOLUME,
    NAME,
    common_labels,
    project_volume,
)
from devenv_lib.plans import Directories, is_orphan, removal
from devenv_lib.records import Snapshot, Volume

PATH = "/disk/work/app"
LABELS = {LABEL_PATH: PATH, LABEL_HOST: "here", LABEL_MOUNT: "/disk", LABEL_PARENT: "1-2"}
#: The directory that the project was in is there, and its disk is mounted.
GONE: Any = {"/disk/work": "directory", PATH: "missing", "/disk": "directory"}


def seen(mounted: str = "/disk", which: str = "1-2", **states: str) -> Directories:
    renamed = {"parent": "/disk/work", "path": PATH}
    found = GONE | {renamed[k]: v for k, v in states.items()}
    return Directories("here", found, frozenset([mounted]), {"/disk/work": which})


def test_a_project_that_is_gone_orphans_its_volume() -> None:
    assert is_orphan(LABELS, seen())


@pytest.mark.parametrize(
    ("labels", "look"),
    [
        (LABELS, seen(path="directory")),
        (LABELS, seen(path="other")),
        (LABELS, seen(path="unknown")),
        (LABELS, seen(parent="missing")),
        (LABELS, seen(parent="unknown")),
        (LABELS, seen(parent="other")),
        (LABELS, seen(mounted="/")),
        (LABELS, seen(which="3-2")),
        ({**LABELS, LABEL_PARENT: ""}, seen(which="")),
        ({LABEL_PATH: PATH, LABEL_HOST: "here", LABEL_MOUNT: "/disk"}, seen()),
        ({**LABELS, LABEL_HOST: "elsewhere"}, seen()),
        ({LABEL_PATH: PATH}, seen()),
        ({LABEL_HOST: "here"}, seen()),
        ({**LABELS, LABEL_PATH: "app"}, seen()),
        ({}, seen()),
    ],
)
def test_what_is_not_certain_orphans_nothing(labels: dict[str, str], look: Directories) -> None:
    """An unmounted disk, a directory that may not be looked into, another machine, no label."""
    assert not is_orphan(labels, look)


def test_the_look_is_of_this_machine(tmp_path: Path) -> None:
    project = tmp_path / "work/app"
    project.mkdir(parents=True)
    mount = next(p for p in (tmp_path, *tmp_path.parents) if p.is_mount())
    labels = {LABEL_PATH: str(project), LABEL_HOST: machine_digest(), LABEL_MOUNT: str(mount)}
    labels[LABEL_PARENT] = which(str(project.parent))
    assert not is_orphan(labels, directories([labels]))
    project.rmdir()
    assert is_orphan(labels, directories([labels]))
    # As when another disk is mounted where the project's was.
    project.parent.rename(tmp_path / "away")
    project.parent.mkdir()
    assert not is_orphan(labels, directories([labels]))
    project.parent.rmdir()
    (tmp_path / "away").rename(project.parent)
    assert is_orphan(labels, directories([labels]))
    project.symlink_to("nowhere")
    assert not is_orphan(labels, directories([labels]))
    project.unlink()
    project.parent.rmdir()
    assert not is_orphan(labels, directories([labels]))


def test_nothing_is_said_of_what_has_no_number_or_is_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its key, an encrypted directory says that nothing of any name is there (fscrypt)."""
    assert which(str(tmp_path)) not in ("", which(str(tmp_path.parent)))
    assert which(str(tmp_path / "none")) == ""

    def flagged(_: int, request: int, flags: array[int]) -> None:
        assert request == 0x80086601
        flags[0] = 0x800

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "ioctl", flagged)
        assert which(str(tmp_path)) == ""


def test_a_machine_is_told_by_a_digest_of_its_id(tmp_path: Path) -> None:
    """The id itself is confidential, says machine-id(5)."""
    file = tmp_path / "machine-id"
    file.write_text("0123456789abcdef0123456789abcdef\n")
    first = machine_digest(file)
    assert len(first) == 12
    assert first not in file.read_text()
    file.write_text("1123456789abcdef0123456789abcdef\n")
    assert machine_digest(file) != first
    assert machine_digest(tmp_path / "none") == machine_digest(tmp_path / "none")


def test_machines_with_one_id_are_told_apart_by_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers of one image, and clones: each has directories that the others have not."""
    file = tmp_path / "machine-id"
    file.write_text("0123456789abcdef0123456789abcdef\n")
    digests = set()
    for name in ("one", "two"):
        found = os.uname_result(("Linux", name, "6", "1", "x86_64"))
        monkeypatch.setattr(os, "uname", lambda found=found: found)
        digests.add(machine_digest(file))
    assert len(digests) == 2


def test_a_bound_directory_of_the_same_file_system_is_a_mount_too(tmp_path: Path) -> None:
    """Comparing devices would miss it, and its empty mount point would orphan all below."""
    file = tmp_path / "mountinfo"
    file.write_text(
        "22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"
        "40 22 8:1 /data /home/ada/my\\040work rw - ext4 /dev/sda1 rw\n"
    )
    assert mounted_places(file) == {"/", "/home/ada/my work"}
    assert mounted_places(tmp_path / "none") == frozenset()


def test_orphans_are_removed_and_nothing_else() -> None:
    orphan = Volume("devenv-cache-app-1", {**common_labels("devenv"), **LABELS})
    shared = Volume("devenv-cache", common_labels("devenv"))
    other = Volume("b-cache", {**common_labels("b"), **LABELS})
    snapshot = Snapshot((orphan, shared, other), ())
    plan = removal(snapshot, "devenv", None, (), seen())
    assert (plan.volumes, plan.refusals) == ((orphan,), ())
    kept = removal(snapshot, "devenv", None, ("*-app-*",), seen())
    assert (kept.volumes, kept.spared) == ((), (orphan.name,))
    named = removal(snapshot, "devenv", [shared.name], (), seen())
    assert [refusal.volume for refusal in named.refusals] == [shared.name]


@given(st.text(min_size=1).map(lambda text: f"/work/{text.replace('/', '')}"), st.text(min_size=1))
def test_a_projects_volume_has_a_name_that_engines_take(path: str, other: str) -> None:
    longest = "x" * LONGEST_VOLUME
    name = project_volume(longest, path)
    assert NAME.fullmatch(name)
    assert len(name) <= 255
    assert name != project_volume(longest, f"{path}/{other}")
