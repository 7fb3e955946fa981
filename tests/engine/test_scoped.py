"""A project's own volumes and further ones, on a real engine."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import Any

import pytest

from devenv_lib.names import LABEL_PATH, common_labels, project_volume
from devenv_lib.volume_settings import Volumes
from tests.conftest import Workspace, docker, give

pytestmark = pytest.mark.engine


@pytest.fixture
def scoped(workspace: Workspace) -> Workspace:
    """A workspace in which each project has a cache of its own, and a further volume is shared."""
    cache, go = workspace.volume("cache"), workspace.volume("go")
    scope: Any = {cache: "project"}
    workspace.configure(volumes=Volumes(scope=scope, extra={go: "~/go"}))
    texts = {"SCOPE": json.dumps(scope), "EXTRA": json.dumps({go: "~/go"})}
    workspace.environ |= {f"DEVENV_VOLUMES_{key}": text for key, text in texts.items()}
    return workspace


def beside(workspace: Workspace, name: str) -> Workspace:
    """Return a second project of the same person's."""
    path = workspace.path.with_name(name)
    path.mkdir()
    give(path)
    (path / "tasks.py").write_text("from devenv_lib.tasks import ns\n")
    return replace(workspace, path=path)


def own(workspace: Workspace, volume: str = "cache") -> str:
    return project_volume(workspace.volume(volume), str(workspace.path))


@pytest.mark.every_engine
def test_two_projects_have_caches_of_their_own_and_share_the_rest(scoped: Workspace) -> None:
    other = beside(scoped, "other")
    line = "echo {0} > ~/.cache/x && echo {0} >> ~/go/x && cat ~/.cache/x ~/go/x"
    first = scoped.inv("exec", "--", "sh", "-c", line.format("first"), check=True)
    second = other.inv("exec", "--", "sh", "-c", line.format("second"), check=True)
    assert first.stdout.split() == ["first", "first"]
    assert second.stdout.split() == ["second", "first", "second"]
    names = scoped.volume_names()
    assert {own(scoped), own(other), scoped.volume("go")} <= set(names)
    assert scoped.volume("cache") not in names


def test_they_can_be_written_from_the_first_second_where_the_image_has_nothing(
    scoped: Workspace,
) -> None:
    """``~/go`` is in no image: an engine makes it root's."""
    environment = scoped.up()
    words = ["exec", environment.container.id, "sh", "-c", "touch ~/go/x ~/.cache/x"]
    assert docker(*words, check=False).returncode == 0


def test_a_setting_that_changed_is_said_as_a_difference(workspace: Workspace) -> None:
    workspace.up()
    scope: Any = {workspace.volume("cache"): "project"}
    workspace.configure(volumes=Volumes(scope=scope))
    assert any(own(workspace) in line for line in workspace.up().differs)


def test_a_volume_whose_project_is_gone_is_marked_and_removed_and_nothing_else(
    scoped: Workspace,
) -> None:
    other = beside(scoped, "other")
    for each in (scoped, other):
        each.up()
        each.stop()
    listed = scoped.inv("volume.list")
    assert "work/other" in listed.stdout
    assert "orphan" not in listed.stdout
    nothing = scoped.inv("volume.rm", "--orphans", "--force")
    assert nothing.returncode == 0
    gone, names = own(other), scoped.volume_names()
    assert names == sorted(names)
    shutil.rmtree(other.path)
    found = json.loads(scoped.inv("volume.list", "--format", "json").stdout)
    assert [each["name"] for each in found if each["orphan"]] == [gone]
    dry = scoped.inv("--dry", "volume.rm", "--orphans")
    assert dry.stdout.split() == ["docker", "volume", "rm", gone]
    spare = {"DEVENV_VOLUMES_PROTECTED": json.dumps([scoped.volume("cache-*")])}
    kept = scoped.inv("volume.rm", "--orphans", "--force", variables=spare)
    assert (kept.returncode, f"{gone} KEPT" in kept.stderr) == (0, True), kept.stderr
    assert scoped.volume_names() == names
    done = scoped.inv("volume.rm", "--orphans", "--force")
    assert (done.returncode, f"{gone} REMOVED" in done.stderr) == (0, True), done.stderr
    assert scoped.volume_names() == [name for name in names if name != gone]


@pytest.mark.parametrize("which", ["--all", "--orphans"])
def test_what_is_in_use_is_refused_and_nothing_is_removed(scoped: Workspace, which: str) -> None:
    other = beside(scoped, "other")
    container = other.up().container
    names = scoped.volume_names()
    shutil.rmtree(other.path)
    done = scoped.inv("volume.rm", which, "--force")
    refused = f"{own(other)} REFUSED  it is mounted by the running container {container.name}"
    assert (done.returncode, refused in done.stderr) == (1, True), done.stderr
    assert scoped.volume_names() == names


def test_exactly_one_of_the_three(workspace: Workspace) -> None:
    for words in (["--all", "--orphans"], ["--orphans", "--name", "x"], []):
        assert workspace.inv("volume.rm", *words).returncode == 4


def test_a_further_volume_at_the_projects_place_is_refused(workspace: Workspace) -> None:
    extra = json.dumps({workspace.volume("go"): "~/work/app"})
    done = workspace.inv("mounts", variables={"DEVENV_VOLUMES_EXTRA": extra})
    assert (done.returncode, "devenv.volumes.extra" in done.stderr) == (4, True)
    assert workspace.volume_names() == []


def test_a_volume_that_is_another_projects_own_is_refused(scoped: Workspace) -> None:
    """Its name can be chosen: six hex digits of a path can be met by making directories."""
    name, path = own(scoped), f"{scoped.path}-elsewhere"
    labels = common_labels(scoped.prefix) | {LABEL_PATH: path}
    scoped.engine.create_volume(name, labels)
    done = scoped.inv("run", "--detach")
    assert (done.returncode, f"{name} is the own one of the project {path}" in done.stderr) == (
        1,
        True,
    ), done.stderr
    assert name in scoped.volume_names()
