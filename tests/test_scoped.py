"""The mounts of volumes that one project has alone, and of further ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from devenv_lib.errors import SettingsError
from devenv_lib.mounts import MountPlan, build_mounts
from devenv_lib.names import common_labels, project_volume
from devenv_lib.readers import Scope
from devenv_lib.records import Found, MountPoint
from devenv_lib.settings import Settings
from devenv_lib.volume_settings import Volumes
from tests.builders import HOME, IDENTITY, PROJECT, P, found, host, mount_at

OWN = project_volume("devenv-cache", str(PROJECT.path))
SCOPE: Mapping[str, Scope] = {"devenv-cache": "project"}


def planned(*seen: Found, scope: Mapping[str, Scope] | None = None, **extra: str) -> MountPlan:
    """Return the mounts of a project with further volumes, ``go="~/go"`` for ``devenv-go``."""
    further = {f"devenv-{name}": place for name, place in extra.items()}
    settings = Settings(volumes=Volumes(scope=scope or {}, extra=further))
    machine = replace(host(*seen), machine="abc", mount_point=P("/home"), parent="1-2")
    return build_mounts(PROJECT, settings, machine, IDENTITY)


def test_a_projects_own_volume_says_whose_it_is_and_where_that_was() -> None:
    mount = mount_at(planned(scope=SCOPE), "/home/devuser/.cache")
    assert mount.source == OWN
    assert mount.labels == common_labels("devenv") | {
        "devenv.project": PROJECT.title,
        "devenv.path": "/home/me/code/app",
        "devenv.host": "abc",
        "devenv.mount": "/home",
        "devenv.parent": "1-2",
    }


def test_all_others_stay_shared_and_say_nothing_of_a_project() -> None:
    others = [m for m in planned(scope=SCOPE, go="~/go").volumes if m.source != OWN]
    assert {m.source for m in others} == {"devenv-data", "devenv-state", "devenv-go"}
    assert all(m.labels == common_labels("devenv") for m in others)


def test_a_further_volume_may_be_each_projects_own() -> None:
    plan = planned(scope={"devenv-go": "project"}, go="~/go")
    assert mount_at(plan, "/home/devuser/go").source.startswith("devenv-go-app-")


@pytest.mark.parametrize("place", ["~/go", "/opt/go", "~/.local", "~/.cache/go"])
def test_a_further_volume_may_be_in_the_home_elsewhere_or_around_other_volumes(place: str) -> None:
    target = place.replace("~", "/home/devuser")
    assert mount_at(planned(go=place), target).source == "devenv-go"


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("/home", "which is the home directory, or above it"),
        ("/home/devuser", "which is the home directory, or above it"),
        ("~/code", "above /home/devuser/code/app (the project)"),
        ("~/code/app", "which is taken (the project)"),
        ("~/code/app/target", "in /home/devuser/code/app (the project)"),
        ("~/.cache", "which is taken (caches)"),
        ("~/.config/nvim", "which is taken (configuration)"),
        ("~/.config/nvim/plugin", "in /home/devuser/.config/nvim (configuration)"),
    ],
)
def test_where_something_else_is_or_would_be_covered_it_is_refused(place: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        planned(found(".config/nvim", "directory"), go=place)
    text = str(caught.value)
    assert "'devenv.volumes.extra' puts devenv-go at " in text
    assert reason in text


def test_the_same_volume_twice_is_refused() -> None:
    """A further volume can be called as a project's own one."""
    with pytest.raises(SettingsError, match=r"same volume is at /home/devuser/\.cache"):
        planned(scope=SCOPE, **{OWN.removeprefix("devenv-"): "~/go"})


def test_an_environment_keeps_the_volumes_that_it_has() -> None:
    """One that was made before the scope changed has the shared volume."""
    has = [MountPoint("volume", "devenv-cache", "/home/devuser/.cache", read_only=False)]
    held = planned(scope=SCOPE).held(has)
    assert mount_at(held, "/home/devuser/.cache").source == "devenv-cache"
    assert mount_at(held, "/home/devuser/.local/share").source == "devenv-data"


def test_namesakes_elsewhere_have_other_volumes() -> None:
    names = {project_volume("devenv-cache", f"{HOME}/{at}/app") for at in ("code", "old", "x")}
    assert len(names) == 3
    assert project_volume("devenv-cache", "/").startswith("devenv-cache-")
