"""What a start changes in the volumes, and what it leaves as it is."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

from devenv_lib import containers
from devenv_lib.errors import DevenvError, EngineFailure, Refused
from devenv_lib.readers import MountRequest
from tests.conftest import Workspace, docker, own_base, remove_image

pytestmark = pytest.mark.engine
STUB = "opencode/auth.json"


def prepare(workspace: Workspace, suffix: str, script: str) -> None:
    """Make a labelled volume and run a script in it as root."""
    labels = ("--label=devenv=true", f"--label=devenv.prefix={workspace.prefix}")
    docker("volume", "create", *labels, workspace.volume(suffix))
    workspace.in_volume(suffix, script)


@pytest.mark.every_engine
def test_a_volume_that_was_once_roots_becomes_the_users(workspace: Workspace) -> None:
    """An empty volume takes the owner of whatever image mounts it first."""
    prepare(workspace, "cache", "chown 0:0 .; touch kept; chmod 0750 .")
    workspace.up()
    workspace.sh("touch ~/.cache/x")
    assert workspace.in_volume("cache", "stat -c '%a %u' .; stat -c %u kept") == "750 1000\n0"


def test_a_mode_that_the_user_chose_stays(workspace: Workspace) -> None:
    """A volume root of 0700 is somebody's decision."""
    prepare(workspace, "state", "touch kept; chown 1000:1000 .; chmod 0700 .")
    prepare(workspace, "data", "mkdir opencode; chown -R 1000:1000 .; chmod 2770 opencode")
    workspace.up()
    assert workspace.in_volume("state", "stat -c %a .") == "700"
    assert workspace.in_volume("data", "stat -c %a opencode") == "2770"


def test_what_belongs_to_another_user_stays(workspace: Workspace) -> None:
    """A parent directory of another uid is not given to ours."""
    prepare(workspace, "data", "chown 1000:1000 .; mkdir opencode; chown 4321:4321 opencode")
    workspace.up()
    assert workspace.in_volume("data", "stat -c %u opencode") == "4321"


def test_a_symlink_in_the_place_of_a_directory_stays(workspace: Workspace) -> None:
    """An archive would replace it with a directory; what it leads to is not touched."""
    (workspace.home / ".local/share/opencode/auth.json").unlink()
    prepare(workspace, "state", "mkdir real; chown 1000:1000 . real; ln -s real bash")
    workspace.up()
    assert workspace.in_volume("state", "echo bash '->' $(readlink bash)") == "bash -> real"


@pytest.mark.every_engine
def test_a_volume_of_another_ordinary_user_is_refused_by_name(workspace: Workspace) -> None:
    """It may be in use elsewhere; the message says whose it is and what to do. Nothing stays."""
    prepare(workspace, "cache", "touch kept; chown 4321:4321 .")
    with pytest.raises(
        Refused, match=f"{workspace.volume('cache')} belongs to uid 4321"
    ) as refusal:
        workspace.up()
    assert "volume.repair" in refusal.value.hint
    assert "DEVENV_PREFIX" in refusal.value.hint
    assert workspace.container_names() == []
    assert workspace.in_volume("cache", "stat -c %u .") == "4321"


@pytest.mark.every_engine
def test_a_stub_that_a_nested_bind_left_becomes_the_users(workspace: Workspace) -> None:
    """Without the host's auth.json the tool has to be able to write its own."""
    workspace.up()
    workspace.stop()
    assert workspace.in_volume("data", f"stat -c '%u %s' {STUB}") == "0 0"
    (workspace.home / ".local/share/opencode/auth.json").unlink()
    workspace.up()
    workspace.sh("echo own > ~/.local/share/opencode/auth.json")
    assert workspace.in_volume("data", f"stat -c %u {STUB}") == "1000"


@pytest.mark.every_engine
def test_giving_a_stub_does_not_unmount_it_in_another_environment(make_workspace: Any) -> None:
    """Unlinking a mount point takes the mount away from everybody who has it."""
    first: Workspace = make_workspace()
    first.write(".local/share/opencode/auth.json", "host")
    first.up()
    second: Workspace = make_workspace(home="second", prefix=first.prefix)
    environment = second.up()
    second.sh("echo own > ~/.local/share/opencode/auth.json", name=environment.container.name)
    assert first.sh("cat ~/.local/share/opencode/auth.json") == "host"
    assert first.try_sh("echo x > ~/.local/share/opencode/auth.json")[0] != 0


def test_a_file_with_content_is_no_stub(workspace: Workspace) -> None:
    """Somebody's file of root's in the stub's place is left alone."""
    (workspace.home / ".local/share/opencode/auth.json").unlink()
    prepare(workspace, "data", f"mkdir opencode; echo content > {STUB}; chown 1000:1000 .")
    workspace.up()
    assert workspace.in_volume("data", f"stat -c %u {STUB}") == "0"


def test_provisioning_again_changes_nothing(workspace: Workspace) -> None:
    """A second environment finds everything as it should be: not even a time changes."""
    workspace.up()
    every = "find . -exec stat -c '%n %a %u:%g %Y %Z' {} + | sort"
    before = [workspace.in_volume(suffix, every) for suffix in ("data", "state", "tvim-lock")]
    workspace.up(recreate=True)
    workspace.stop()
    after = [workspace.in_volume(suffix, every) for suffix in ("data", "state", "tvim-lock")]
    assert before == after


@pytest.mark.every_engine
def test_the_lockfile_is_written_in_place_and_survives(workspace: Workspace) -> None:
    """It starts as the host's, is never overwritten afterwards, and the host's stays."""
    workspace.up()
    assert workspace.sh("cat ~/.config/tvim/lazy-lock.json") == '{"host": 1}'
    workspace.sh("echo inside > ~/.config/tvim/lazy-lock.json")
    (workspace.home / ".config/tvim/lazy-lock.json").write_text("host changed")
    workspace.up(recreate=True)
    assert workspace.sh("cat ~/.config/tvim/lazy-lock.json") == "inside"
    assert (workspace.home / ".config/tvim/lazy-lock.json").read_text() == "host changed"


@pytest.mark.every_engine
def test_nothing_can_be_planted_beside_the_lockfile(workspace: Workspace) -> None:
    """It is mounted read-only: no new file, no rename over an entry, no removal."""
    workspace.up()
    for attempt in (
        "touch ~/.config/tvim/planted.lua",
        "touch /tmp/x; mv /tmp/x ~/.config/tvim/init.lua",
        "rm -f ~/.config/tvim/init.lua; test ! -e ~/.config/tvim/init.lua",
        "echo x >> ~/.config/tvim/init.lua",
    ):
        assert workspace.try_sh(attempt)[0] != 0, attempt
    assert workspace.sh("ls -A ~/.config/tvim") == "init.lua\nlazy-lock.json"


def test_what_comes_and_goes_on_the_host_shows_at_the_next_command(workspace: Workspace) -> None:
    """In the running environment: its directory of links is devenv's, on the host."""
    workspace.up()
    workspace.write(".config/tvim/new.lua", "new")
    (workspace.home / ".config/tvim/init.lua").unlink()
    assert workspace.up().differs == ()
    assert workspace.sh("ls -A ~/.config/tvim; cat ~/.config/tvim/new.lua") == (
        "lazy-lock.json\nnew.lua\nnew"
    )


def test_a_directory_of_links_that_somebody_removed_is_made_again(workspace: Workspace) -> None:
    """Nothing that was written in a stopped environment is lost for it."""
    workspace.up()
    workspace.sh("echo precious > ~/written")
    containers.stop(workspace.engine, workspace.project, keep=True)
    shutil.rmtree(workspace.home / ".local/state/devenv")
    assert workspace.up().outcome == "started"
    assert workspace.sh("cat ~/written ~/.config/tvim/init.lua") == "precious\n-- tvim"


def test_links_that_cannot_be_written_are_said_so(workspace: Workspace) -> None:
    workspace.write(".local/state/devenv", "a file")
    with pytest.raises(DevenvError, match="could not be written") as error:
        workspace.up()
    assert "XDG_STATE_HOME" in error.value.hint
    assert workspace.container_names() == []


def test_host_edits_in_the_lock_directory_show_at_once(workspace: Workspace) -> None:
    """Also when an editor replaces the file, which a bind of the file itself would not see."""
    workspace.up()
    new = workspace.home / ".config/tvim/new"
    new.write_text("-- edited")
    new.replace(workspace.home / ".config/tvim/init.lua")
    assert workspace.sh("cat ~/.config/tvim/init.lua") == "-- edited"


def test_a_lockfile_that_the_host_does_not_have_can_be_made_inside(make_workspace: Any) -> None:
    """The link leads to where the tool will write it."""
    workspace: Workspace = make_workspace()
    workspace.write(".config/tvim/init.lua")
    workspace.up()
    workspace.sh("echo first > ~/.config/tvim/lazy-lock.json")
    assert workspace.in_volume("tvim-lock", "cat lazy-lock.json") == "first"


def test_another_directory_can_have_a_writable_lockfile(workspace: Workspace) -> None:
    """lockfiles: {nvim: [lazy-lock.json]} gives nvim what tvim has."""
    workspace.configure(lockfiles={"nvim": ("lazy-lock.json",)})
    workspace.up()
    workspace.sh("echo x > ~/.config/nvim/lazy-lock.json")
    assert workspace.in_volume("nvim-lock", "cat lazy-lock.json") == "x"


def test_names_that_a_shell_would_mangle_are_linked(workspace: Workspace) -> None:
    """Spaces, quotes, newlines, hidden files and unicode in the config directory."""
    names = ["with space", "quo'te", 'dou"ble', ".hidden", "new\nline", "ünï", "-dash", "$HOME"]
    for name in names:
        workspace.write(f".config/tvim/{name}", name)
    workspace.up()
    for name in names:
        quoted = "'" + name.replace("'", "'\\''") + "'"
        assert name == workspace.sh(f"cat ~/.config/tvim/{quoted}")


def test_a_planted_symlink_is_not_written_through(workspace: Workspace) -> None:
    """A hostile environment that shares the lock volume cannot redirect the first copy."""
    prepare(workspace, "tvim-lock", "chown 1000:1000 .; ln -s /home/devuser/victim lazy-lock.json")
    workspace.up()
    assert workspace.try_sh("test -e ~/victim")[0] != 0


@pytest.mark.every_engine
def test_nothing_is_written_through_a_writable_bind(workspace: Workspace) -> None:
    """Directories between a bind and a mount inside it are the host's, and stay as they are.

    In a volume they would become the user's, as what the engine makes there.
    """
    shared = workspace.write("shared/sub/file").parent.parent
    inner = workspace.write("inner/file").parent
    between = shared / "sub"
    (between / "target").mkdir()
    between.chmod(0o711)
    if os.getuid() == 0:
        os.chown(between, 0, 0)
    requests = [
        MountRequest(str(shared), "~/shared", "rw"),
        MountRequest(str(inner), "~/shared/sub/target"),
    ]
    workspace.configure(mounts=tuple(requests))
    before = between.stat()
    workspace.up()
    after = between.stat()
    assert (before.st_mode, before.st_uid, before.st_gid, before.st_ctime_ns) == (
        after.st_mode,
        after.st_uid,
        after.st_gid,
        after.st_ctime_ns,
    )


def test_an_image_without_a_shell_is_said_so(workspace: Workspace, tmp_path: Any) -> None:
    """What an environment needs of its image is named, and nothing is left behind."""
    name = f"{workspace.prefix}-noshell:latest"
    context = tmp_path / "noshell"
    context.mkdir()
    (context / "Dockerfile").write_text(
        f"{own_base(workspace)}\nUSER root\nRUN rm /bin/sh\nUSER devuser\n"
    )
    docker("build", "--quiet", f"--tag={name}", str(context))
    try:
        workspace.configure(image=name)
        with pytest.raises(EngineFailure, match="no /bin/sh"):
            workspace.up()
        assert workspace.container_names() == []
    finally:
        workspace.clean()
        remove_image(name)
