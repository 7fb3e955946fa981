"""What runs inside, an image or another prefix tries to get at more than is its own."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devenv_lib import containers
from devenv_lib.containers import stages
from devenv_lib.errors import EngineFailure, ImageError, Refused
from devenv_lib.names import REPLACED, STARTING
from devenv_lib.records import Port
from tests.conftest import IMAGE, Workspace, docker, own_base

pytestmark = pytest.mark.engine


@pytest.fixture
def hostile(workspace: Workspace, tmp_path: Path) -> Iterator[Any]:
    """Make the workspace use an image that is built on the default one, as told."""
    name = f"{workspace.prefix}-hostile:latest"
    context = tmp_path / "hostile"
    context.mkdir()

    def build(lines: str) -> None:
        (context / "Dockerfile").write_text(f"{own_base(workspace)}\nUSER root\n{lines}\n")
        docker("build", "--quiet", f"--tag={name}", str(context))
        workspace.configure(image=name)

    yield build
    workspace.clean()
    docker("rmi", "--force", name, check=False)


@pytest.mark.parametrize(
    ("passwd", "user"),
    [
        (r"evil:x:0:0\nevil:x:1000:1000::/home/evil:/bin/sh", "evil"),
        (r" evil:x:0:0::/root:/bin/sh\nevil:x:1000:1000::/home/evil:/bin/sh", "evil"),
        (r"evil:x:0:0::/root:/bin/sh:\nevil:x:1000:1000::/home/evil:/bin/sh", "evil"),
        (r"0:x:1000:1000::/home/evil:/bin/sh", "1000"),
    ],
)
def test_an_image_cannot_name_roots_user_otherwise(
    workspace: Workspace, hostile: Any, passwd: str, user: str
) -> None:
    """The engine and devenv read a passwd differently: the engine is told the numbers."""
    remake = f"printf '{passwd}\\n' > /etc/passwd && mkdir -p /home/evil"
    hostile(f"RUN {remake} && chown 1000:1000 /home/evil\nUSER {user}")
    workspace.up()
    status = docker("exec", workspace.name, "cat", "/proc/1/status", "/proc/self/status").stdout
    assert {line.split()[1:] == ["1000"] * 4 for line in status.splitlines() if "Uid" in line} == {
        True
    }
    assert status.count("CapEff:\t0000000000000000") == 2


def test_an_image_whose_users_name_is_anothers_number_is_refused(
    workspace: Workspace, hostile: Any
) -> None:
    """Its own chown takes the number for that name: nothing is given, and nobody gets in."""
    lines = r"1000:x:0:0:::/bin/sh\nevil:x:1000:1000::/home/evil:/bin/sh"
    hostile(f"RUN printf '{lines}\\n' > /etc/passwd && mkdir -p /home/evil\nUSER evil")
    with pytest.raises(EngineFailure, match="could not be made the user's"):
        workspace.up()
    assert workspace.container_names() == []


@pytest.mark.parametrize("uid", ["4294967296", "2147483648", "-1", "1 "])
def test_a_uid_that_an_engine_would_read_otherwise_is_refused(
    workspace: Workspace, hostile: Any, uid: str
) -> None:
    hostile(f"RUN echo 'evil:x:{uid}:1000::/home/evil:/bin/sh' > /etc/passwd\nUSER evil")
    with pytest.raises(ImageError, match="no uid and gid"):
        workspace.up()


@pytest.mark.parametrize("place", ["head -c 3000000 /dev/zero >", "ln -sf /usr"])
def test_an_image_cannot_send_more_than_a_passwd(
    workspace: Workspace, hostile: Any, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """It is read into memory: neither gigabytes nor a whole file system."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(workspace.home / "cache"))
    hostile(f"RUN {place} /etc/passwd\nUSER 1000")
    with pytest.raises(EngineFailure, match="no file of a usual size"):
        workspace.up()
    assert workspace.container_names() == []


def test_what_is_planted_in_a_volume_is_run_by_no_look_and_no_helper(
    workspace: Workspace, hostile: Any
) -> None:
    """The image's PATH begins where others can write; its own `ls` shows as whom the look runs."""
    share = "/home/devuser/.local/share"
    seen = f"RUN mv /usr/bin/ls /usr/bin/ls.real && {_traced('/usr/bin/ls', '/seen', 'ls.real')}"
    hostile(f"{seen} && install -m 666 /dev/null /seen\nENV PATH={share}/bin:$PATH\nUSER devuser")
    planted = " && ".join(
        _traced(f"bin/{program}", f"{share}/ran", program)
        for program in ("cat", "chown", "ln", "ls", "mkdir", "rm")
    )
    workspace.make_volume("data")
    workspace.in_volume("data", f"mkdir bin && {planted}; chown -R 1000:1000 bin; chown 0:0 .")
    workspace.up()
    assert workspace.in_volume("data", "stat -c %u .; ls") == "1000\nbin\nopencode"
    assert set(workspace.sh("cat /seen").split()) == {"1000"}
    workspace.sh("chown --version")
    assert set(workspace.in_volume("data", "cat ran").split()) == {"1000"}


def _traced(path: str, trace: str, program: str) -> str:
    """Return a command that plants a program that notes who runs it."""
    lines = ("#!/bin/sh", f"/usr/bin/id -u >> {trace}", f'exec /usr/bin/{program} "$@"')
    return f"printf '%s\\n' {shlex.join(lines)} > {path} && chmod 755 {path}"


def test_a_restart_does_not_follow_a_symlink_in_a_sources_place(workspace: Workspace) -> None:
    """The container remembers the path, and the engine would resolve it anew."""
    real = workspace.path / "real"
    (workspace.home / ".config/nvim").rename(real)
    (workspace.home / ".config/nvim").symlink_to(real)
    workspace.write("secret/key", "private")
    workspace.up()
    containers.stop(workspace.engine, workspace.project, keep=True)
    workspace.write("work/app/safe/init.lua", "-- safe")
    (workspace.home / ".config/nvim").unlink()
    (workspace.home / ".config/nvim").symlink_to(workspace.path / "safe")
    real.rename(workspace.path / "gone")
    real.symlink_to(workspace.home / "secret")
    assert workspace.up().outcome == "created"
    assert workspace.sh("ls ~/.config/nvim") == "init.lua"


def test_a_worktrees_repository_cannot_be_swapped_for_the_home(workspace: Workspace) -> None:
    """It is mounted writable, and the environment of the repository can move it."""
    main, _ = workspace.worktree()
    workspace.up()
    workspace.sh(f"test -w {main}/.git/HEAD")
    containers.stop(workspace.engine, workspace.project, keep=True)
    (main / ".git").rename(main / ".git2")
    (main / ".git").symlink_to(workspace.home)
    assert workspace.up().outcome == "created"
    (found,) = json.loads(docker("inspect", workspace.name).stdout)
    sources = {mount["Source"] for mount in found["Mounts"]}
    assert not sources & {str(workspace.home), str(main / ".git")}
    assert workspace.try_sh(f"test -e {main}/.git/.bashrc") == (1, "")


def test_a_source_that_is_hidden_is_not_followed_by_a_restart(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has put a symlink there sees to it that the user may not look. The engine may."""
    main, _ = workspace.worktree()
    before = workspace.up().container
    containers.stop(workspace.engine, workspace.project, keep=True)
    (main / ".git").rename(main / ".git2")
    (main / ".git").symlink_to(workspace.home)
    stat = Path.stat

    def closed(path: Path, **options: Any) -> os.stat_result:  # as for an ordinary user
        if path.is_relative_to(main / ".git"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return stat(path, **options)

    here = workspace.host
    monkeypatch.setattr(Path, "stat", closed)
    with pytest.raises(Refused, match="may not be looked at any more"):
        workspace.up()
    with pytest.raises(Refused, match="may not be looked at any more"):
        list(containers.rehearse(workspace.engine, workspace.project, workspace.settings, here))
    (found,) = workspace.engine.containers([f"devenv.prefix={workspace.prefix}"])
    assert (found.id, found.name, found.running) == (before.id, before.name, False)


def test_what_is_swapped_while_an_environment_is_recreated_is_not_mounted(
    workspace: Workspace,
) -> None:
    """Whoever is inside sees the look for who is inside, and has until the old one is stopped."""
    nvim = workspace.path / "nvim"
    (workspace.home / ".config/nvim").rename(nvim)
    (workspace.home / ".config/nvim").symlink_to(nvim)
    workspace.write("secret/key", "private")
    before = workspace.up().container

    def replacing() -> None:
        nvim.rename(workspace.path / "old")
        nvim.symlink_to(workspace.home / "secret")

    with pytest.raises(Refused, match="leads elsewhere since it was looked at"):
        workspace.up(recreate=True, replacing=replacing)
    (found,) = workspace.engine.containers([f"devenv.prefix={workspace.prefix}"])
    assert (found.id, found.name) == (before.id, before.name)


def test_a_symlink_in_the_project_does_not_choose_what_is_mounted(workspace: Workspace) -> None:
    """People keep dotfiles in a repository and work on it in an environment."""
    (workspace.home / ".config/nvim").rename(workspace.path / "nvim")
    (workspace.home / ".config/nvim").symlink_to(workspace.path / "nvim")
    workspace.up()
    assert workspace.sh("ls ~/.config/nvim") == "init.lua"
    workspace.sh('cd "$PWD" && mv nvim old && ln -s /etc nvim')
    left = {one.target.name: one.why for one in workspace.up(recreate=True).plan.mounts.left_out}
    assert left["nvim"] == "a symlink in the project decides that it is /etc"


@pytest.mark.parametrize("place", [".devenv", ".devenv/Dockerfile"])
def test_a_build_does_not_leave_the_project_by_a_symlink(workspace: Workspace, place: str) -> None:
    """Whatever it leads to would be sent to the builder, and land in the image."""
    other = workspace.write("other/Dockerfile", f"FROM {IMAGE}\nCOPY . /stolen\n")
    link = workspace.path / place
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(other if place.endswith("Dockerfile") else other.parent)
    workspace.configure(image="")
    with pytest.raises(ImageError, match="leads out of the project"):
        workspace.up()


@pytest.mark.every_engine
def test_an_image_with_devenvs_labels_makes_no_container_devenvs(
    workspace: Workspace, hostile: Any
) -> None:
    """A container inherits them; what is removed as a leftover is known by its name too."""
    labels = f"LABEL devenv=true devenv.temporary=true devenv.prefix={workspace.prefix}"
    hostile(f"{labels}\nVOLUME /db\nUSER devuser")
    foreign = f"{workspace.prefix}-foreign"
    workspace.extra_containers.append(foreign)
    docker("create", f"--name={foreign}", workspace.settings.image)
    workspace.up()
    workspace.sh("echo precious > ~/written")
    containers.stop(workspace.engine, workspace.project, keep=True)
    workspace.engine.remove_leftovers(workspace.prefix, age=0)
    assert {foreign, workspace.name} == set(workspace.container_names())
    workspace.up()
    assert workspace.sh("cat ~/written") == "precious"
    mounts = json.loads(docker("inspect", foreign, workspace.name).stdout)
    workspace.extra_volumes += [
        mount["Name"] for one in mounts for mount in one["Mounts"] if mount["Destination"] == "/db"
    ]


@pytest.mark.every_engine
def test_a_volume_of_another_prefix_is_not_used(make_workspace: Any) -> None:
    """Names of two prefixes can meet; the labels say whose it is."""
    first: Workspace = make_workspace()
    second: Workspace = make_workspace(home="second", prefix=f"{first.prefix}-x")
    for workspace, name in ((first, "x-y"), (second, "y")):
        workspace.write(f".config/{name}/lock", "")
        workspace.configure(lockfiles={name: ("lock",)})
    first.up()
    with pytest.raises(Refused, match=f"belongs to the prefix {first.prefix}, not to"):
        second.up()
    assert second.container_names() == []


def test_a_volume_that_a_helper_does_not_need_is_not_made_by_it(workspace: Workspace) -> None:
    """An environment that was made without tvim is restarted after tvim came."""
    shutil.rmtree(workspace.home / ".config/tvim")
    workspace.up()
    containers.stop(workspace.engine, workspace.project, keep=True)
    workspace.write(".config/tvim/init.lua")
    workspace.in_volume("cache", "touch kept; chown 0:0 .")
    assert workspace.up().outcome == "started"
    assert workspace.engine.volume(workspace.volume("tvim-lock")) is None
    workspace.sh("touch ~/.cache/x")


def test_a_project_whose_name_ends_like_one_that_was_given_up(make_workspace: Any) -> None:
    workspace: Workspace = make_workspace("work/app.starting.0123456789ab")
    first = workspace.up().container
    containers.stop(workspace.engine, workspace.project, keep=True)
    environment = workspace.up()
    assert (first.id, "started") == (environment.container.id, environment.outcome)


def test_giving_up_a_start_spares_one_that_was_finished_meanwhile(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the renaming it was finished, and another one begun."""
    engine = workspace.engine
    plan = workspace.draft()
    first = workspace.half_made(plan)
    rename = engine.rename

    def late(container: str, name: str) -> None:
        monkeypatch.setattr(engine, "rename", rename)
        rename(workspace.name + STARTING, workspace.name)
        workspace.half_made(plan)
        rename(container, name)

    monkeypatch.setattr(engine, "rename", late)
    stages.abandon(engine, workspace.project)
    assert [first] == [c.id for c in engine.containers() if c.name == workspace.name]
    assert len(workspace.container_names()) == 1


def test_a_name_that_another_project_took_meanwhile_is_no_failure(
    make_workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both looked before either was there: the second takes the longer name."""
    first: Workspace = make_workspace("a/work/app")
    second: Workspace = make_workspace("b/work/app", prefix=first.prefix)
    engine = second.engine
    create = engine.create

    def late(plan: Any, name: str, made: Any) -> str:
        monkeypatch.setattr(engine, "create", create)
        first.up()
        return create(plan, name, made)

    monkeypatch.setattr(engine, "create", late)
    environment = second.up()
    assert second.project.names[1] == environment.container.name
    assert first.up().container.name == first.name


def test_two_starts_with_other_settings_do_not_undo_each_other(workspace: Workspace) -> None:
    """The second carries on what the first is making, and says what differs."""
    starts = [workspace.begin("run", "--detach") for _ in range(2)]
    workspace.environ["DEVENV_MEMORY"] = "2g"
    starts += [workspace.begin("run", "--detach") for _ in range(2)]
    said = [(start.communicate()[1], start.returncode) for start in starts]
    assert [text for text, status in said if status] == []
    assert [workspace.name] == workspace.container_names(), "\n".join(text for text, _ in said)


def test_a_restart_takes_no_container_that_came_in_its_place(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody replaces it between the look and the renaming."""
    workspace.up()
    containers.stop(workspace.engine, workspace.project, keep=True)
    engine = workspace.engine
    rename = engine.rename

    def late(container: str, name: str) -> None:
        monkeypatch.setattr(engine, "rename", rename)
        workspace.inv("run", "--detach", "--recreate", check=True)
        rename(container, name)

    monkeypatch.setattr(engine, "rename", late)
    workspace.up()
    assert [workspace.name] == workspace.container_names()
    assert not [name for name in workspace.container_names() if name.endswith(REPLACED)]


@pytest.mark.parametrize(
    "text", ['{"proxies": []}', '{"auths": {"x": "y"}}', '{"auths": {"x": {"auth": "!!!"}}}']
)
def test_a_docker_configuration_that_makes_no_sense_is_named(
    workspace: Workspace, text: str
) -> None:
    """It is not the engine that is at fault, and no second one is started."""
    file = workspace.write(".docker/config.json", text)
    for task in ("volume.list", "setup"):
        result = workspace.inv(task)
        assert result.returncode == 1, result.stderr
        assert "config.json cannot be used" in result.stderr
        assert "Traceback" not in result.stderr
    file.unlink()


def test_what_one_environment_writes_chooses_no_mount_of_another(make_workspace: Any) -> None:
    """A project of dotfiles has an environment too, and another one mounts from it."""
    dots = make_workspace("src/dotfiles")
    app = make_workspace("src/app", prefix=dots.prefix)
    dots.write("src/dotfiles/nvim/init.lua", "-- nvim\n")
    dots.write("src/dotfiles/.git/HEAD", "ref: refs/heads/main\n")
    dots.write("src/secretproj/creds", "topsecret")
    dots.write("private/diary", "diary")
    (dots.home / ".config").mkdir()
    (dots.home / ".config/nvim").symlink_to("../src/dotfiles/nvim")
    dots.up()
    app.up()
    assert app.sh("ls ~/.config/nvim") == "init.lua"
    # Inside the one: the tree of the repository moves up, and a link leads out of it.
    dots.sh("cd ~/src/dotfiles && rm -r .git && ln -s ../../secretproj nvim/x")
    app.up(recreate=True)
    assert app.try_sh("cat ~/.config/nvim/x/creds")[0] != 0
    # And the directory itself becomes a link to something of the host's.
    dots.sh(f"cd ~/src/dotfiles && mv nvim old && ln -s {dots.home}/private nvim")
    plan = app.up(recreate=True).plan
    assert app.try_sh("cat ~/.config/nvim/diary")[0] != 0
    (left,) = [one for one in plan.mounts.left_out if one.source.endswith(".config/nvim")]
    assert f"left out: {left.source}" in app.inv("run", "--detach").stderr
    assert left.why == (
        f"a symlink in {dots.path}, another environment's, decides that it is {dots.home}/private"
    )


def test_an_image_cannot_bring_sshds_label(workspace: Workspace, hostile: Any) -> None:
    """It would say that there is an sshd, and have one started, against the user's setting."""
    workspace.write(".ssh/authorized_keys", "ssh-ed25519 AAAA test\n")
    hostile("LABEL devenv.ssh=2222")
    workspace.configure(ssh=False, ports=(Port(0, 2222),))
    workspace.up()
    containers.stop(workspace.engine, workspace.project, keep=True)
    workspace.up()
    (listed,) = containers.survey(workspace.engine, workspace.prefix)
    assert listed.ssh is None
    assert "sshd" not in workspace.sh("cat /proc/[0-9]*/comm")
