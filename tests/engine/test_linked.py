"""Linked dotfiles on a real engine: links work inside, are read-only, and change nothing here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devenv_lib import containers
from tests.conftest import Workspace, docker, give
from tests.engine.test_promises import digest

pytestmark = pytest.mark.engine


def link(workspace: Workspace, relative: str, text: str | Path) -> Path:
    """Make a symlink below the home, its directories included."""
    path = workspace.home / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(text)
    for parent in path.relative_to(workspace.home).parents:
        give(workspace.home / parent)
    return path


@pytest.fixture
def stowed(workspace: Workspace) -> Workspace:
    """A home with stow's two layouts: nvim's directory is a link, git's has links in it."""
    home = workspace.home
    (home / ".config/nvim/init.lua").unlink()
    (home / ".config/nvim").rmdir()
    (home / "dotfiles/.git").mkdir(parents=True)
    workspace.write("dotfiles/nvim/.config/nvim/init.lua", "-- nvim\n")
    workspace.write("dotfiles/common/lua/shared.lua", "-- common\n")
    workspace.write("dotfiles/common/one", "one\n")
    link(workspace, ".config/nvim", "../dotfiles/nvim/.config/nvim")
    link(workspace, "dotfiles/nvim/.config/nvim/lua", "../../../common/lua")
    link(workspace, "dotfiles/common/lua/again", "../one")
    workspace.write(".config/shared/ignore", "shared\n")
    link(workspace, ".config/git/shared", "../shared/ignore")
    link(workspace, ".config/git/absolute", home / ".config/shared/ignore")
    return workspace


def test_links_in_both_layouts_work_inside_and_cannot_be_written(stowed: Workspace) -> None:
    """A chain too; and the host's files are the same afterwards, no stub among them."""
    before = digest(stowed.home / "dotfiles"), digest(stowed.home / ".config")
    stowed.up()
    for place, text in {
        "~/.config/nvim/init.lua": "-- nvim",
        "~/.config/nvim/lua/shared.lua": "-- common",
        "~/.config/nvim/lua/again": "one",
        "~/.config/git/shared": "shared",
        "~/.config/git/absolute": "shared",
    }.items():
        assert text == stowed.sh(f"cat {place}")
        assert "Read-only" in stowed.try_sh(f"echo x >> {place}")[1]
        assert stowed.try_sh(f"echo x >> /home/devuser/{place[2:]}", "root")[0] != 0
    assert stowed.try_sh("touch ~/.config/nvim/lua/planted")[0] != 0
    assert before == (digest(stowed.home / "dotfiles"), digest(stowed.home / ".config"))


def test_links_in_a_directory_with_lockfiles_work_through_both_links(workspace: Workspace) -> None:
    """The lockfile's copy is made of what a link of that name leads to."""
    (workspace.home / ".config/tvim/lazy-lock.json").unlink()
    workspace.write(".config/shared/init.lua", "-- shared\n")
    workspace.write(".config/shared/lock.json", '{"linked": 1}\n')
    link(workspace, ".config/tvim/shared.lua", "../shared/init.lua")
    link(workspace, ".config/tvim/lazy-lock.json", "../shared/lock.json")
    workspace.up()
    assert workspace.sh("cat ~/.config/tvim/shared.lua") == "-- shared"
    assert workspace.sh("cat ~/.config/tvim/lazy-lock.json") == '{"linked": 1}'
    workspace.sh("echo changed > ~/.config/tvim/lazy-lock.json")
    assert (workspace.home / ".config/shared/lock.json").read_text() == '{"linked": 1}\n'


def test_what_may_not_be_followed_does_not_appear_inside(workspace: Workspace) -> None:
    """Nothing, a secret, what is out of the tree; `mounts` says each with its reason."""
    workspace.write(".ssh/id", "secret\n")
    workspace.write("elsewhere/file", "other\n")
    for name, text in (
        ("gone", "../gone"),
        ("secret", "../../.ssh/id"),
        ("keys", workspace.home / ".ssh"),
        ("out", "../../elsewhere/file"),
        ("etc", "/etc/shadow"),
    ):
        link(workspace, f".config/nvim/{name}", text)
    workspace.up()
    for name in ("gone", "secret", "keys", "out"):
        assert workspace.try_sh(f"ls ~/.config/nvim/{name}/")[0] != 0
        assert workspace.try_sh(f"cat ~/.config/nvim/{name}")[0] != 0
    assert workspace.sh("ls -A ~/.config").split() == ["git", "nvim", "tvim"]
    assert workspace.sh("ls -A ~/.ssh") == ""
    said = workspace.inv("mounts", check=True).stdout
    nvim = workspace.home / ".config/nvim"
    assert f"left out: {nvim}/gone  (a symlink that leads nowhere" in said
    assert f"left out: {nvim}/secret  (it leads to {workspace.home}/.ssh/id, where secrets" in said
    assert f"left out: {nvim}/keys  (it leads to {workspace.home}/.ssh, where secrets" in said
    assert f"left out: {nvim}/out  (it leads to {workspace.home}/elsewhere/file, out of" in said
    assert f"left out: {nvim}/etc  (it leads to /etc/shadow, out of" in said


def test_mounts_and_the_dry_run_say_what_is_linked(stowed: Workspace) -> None:
    table = stowed.inv("mounts", check=True).stdout
    assert "linked from ~/.config/nvim/lua" in table
    assert "linked from ~/.config/git/shared" in table
    lines = stowed.inv("--dry", "run", check=True).stdout
    source, target = stowed.home / "dotfiles/common/lua", "/home/common/lua"
    assert f"--mount=type=bind,source={source},target={target},readonly" in lines


def test_a_running_environment_says_which_links_came_and_went(stowed: Workspace) -> None:
    stowed.up()
    assert stowed.up().differs == ()
    (stowed.home / ".config/git/shared").unlink()
    (stowed.home / ".config/git/absolute").unlink()
    link(stowed, ".config/git/other", "../shared")
    shared = stowed.home / ".config/shared"
    differs = set(stowed.up().differs)
    assert f"new mount: {shared} at /home/devuser/.config/shared (ro)" in differs
    assert (
        f"no longer mounted: {shared}/ignore at /home/devuser/.config/shared/ignore (ro)" in differs
    )


def test_a_restart_after_a_link_lost_its_target_makes_the_environment_anew(
    stowed: Workspace,
) -> None:
    """No engine could start it; and what dangles now is left out."""
    first = stowed.up().container.id
    containers.stop(stowed.engine, stowed.project, keep=True)
    (stowed.home / ".config/shared/ignore").unlink()
    (stowed.home / "dotfiles/common/lua").rename(stowed.home / "dotfiles/common/moved")
    said: list[str] = []
    environment = stowed.up(say=said.append)
    assert (environment.outcome, environment.container.id != first) == ("created", True)
    assert f"{stowed.home}/dotfiles/common/lua is gone" in said[0]
    assert stowed.try_sh("cat ~/.config/git/shared")[0] != 0
    assert not os.path.lexists(stowed.home / ".config/shared/ignore")
    assert not os.path.lexists(stowed.home / "dotfiles/common/lua")


def test_the_number_of_linked_mounts_is_a_setting(stowed: Workspace) -> None:
    """None, by the variable."""
    stowed.environ["DEVENV_LINKED_MOUNTS"] = "0"
    said = stowed.inv("mounts", check=True).stdout
    assert "linked from ~/.config/nvim" not in said
    assert "the limit of 0 (linked_mounts) is reached" in said
    assert stowed.inv("run", "--detach").returncode == 0
    assert stowed.try_sh("cat ~/.config/nvim/lua/shared.lua")[0] != 0


def test_what_runs_inside_cannot_have_anything_mounted_by_a_link(stowed: Workspace) -> None:
    """A link leads into the project, where somebody inside lets it lead on to secrets."""
    stowed.write(".ssh/id", "secret\n")
    stowed.write("dotfiles/app/plugin/x", "fine\n")
    stowed.path = stowed.home / "dotfiles/app"
    link(stowed, "dotfiles/nvim/.config/nvim/plugin", "../../../app/plugin")
    stowed.up()
    stowed.sh(f"cd ~/dotfiles/app && rm -r plugin && ln -s {stowed.home}/.ssh plugin")
    plan = stowed.up(recreate=True).plan.mounts
    (why,) = [left.why for left in plan.left_out if left.target.name == "plugin"]
    assert f"it leads to {stowed.home}/.ssh, where secrets are kept" == why
    assert stowed.try_sh("cat ~/.config/nvim/plugin/id")[0] != 0
    assert stowed.sh("cat ~/.config/nvim/lua/shared.lua") == "-- common"


def test_a_project_in_the_repository_has_its_links_left_alone(stowed: Workspace) -> None:
    """Whatever runs inside could make them lead anywhere in the repository."""
    stowed.path = stowed.home / "dotfiles"
    stowed.up()
    status, _ = stowed.try_sh("cat ~/.config/nvim/lua/shared.lua")
    assert status != 0
    assert stowed.sh("cat ~/dotfiles/common/one") == "one"
    assert docker("inspect", stowed.name).stdout.count("/home/common") == 0
