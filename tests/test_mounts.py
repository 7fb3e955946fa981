"""Mounts: every row of the design's table, their order, and what is left out and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib.errors import SettingsError
from devenv_lib.mounts import (
    AGENT,
    MACHINE_AGENT,
    LeftOut,
    LockDirectory,
    Mount,
    MountPlan,
    build_mounts,
    candidates,
    nested_parents,
    volume_name,
    writable_homes,
)
from devenv_lib.readers import MountRequest
from devenv_lib.records import Found, Worktree
from devenv_lib.settings import Settings
from tests.builders import (
    HOME,
    IDENTITY,
    INSIDE,
    PROJECT,
    Kind,
    P,
    found,
    host,
    left_at,
    mount_at,
    mount_plan,
    project,
    tvim,
    why_not,
)

CONFIG_DIRECTORIES = ("bash", "git", "nvim", "starship", "gh", "gh-copilot", "opencode")
SOCKET = Found(P("/tmp/ssh-x/agent.1"), P("/tmp/ssh-x/agent.1"), "socket")  # noqa: S108
TREE = Worktree(P("/home/me/main/.git"), P("/home/me/main/.git"))
AUTH = ".local/share/opencode/auth.json"


def targets(plan: MountPlan) -> list[str]:
    return [str(mount.target) for mount in plan.mounts]


def asked(*requests: MountRequest) -> Settings:
    return Settings(mounts=requests)


# Rows 1 to 4: volumes and project


def test_on_an_empty_host_there_are_three_volumes_and_the_project() -> None:
    """In this order: volumes first, then binds."""
    assert [(m.kind, m.source, str(m.target), m.read_only) for m in mount_plan().mounts] == [
        ("volume", "devenv-cache", "/home/devuser/.cache", False),
        ("volume", "devenv-data", "/home/devuser/.local/share", False),
        ("volume", "devenv-state", "/home/devuser/.local/state", False),
        ("bind", "/home/me/code/app", "/home/devuser/code/app", False),
    ]


def test_a_project_elsewhere_is_mounted_below_workspaces() -> None:
    """It has no place below the home inside."""
    mount = mount_at(mount_plan(at=project("/srv/app")), "/workspaces/app")

    assert (mount.kind, mount.source, mount.read_only) == ("bind", "/srv/app", False)


def test_the_prefix_heads_the_volumes() -> None:
    """Two people's volumes on one engine are apart."""
    plan = mount_plan(tvim(), settings=Settings(prefix="mine"))

    assert {"mine-data", "mine-cache", "mine-state", "mine-tvim-lock"} == {
        mount.source for mount in plan.volumes
    }


def test_the_targets_follow_the_images_home() -> None:
    """``H`` is the image's user's home, not the host's."""
    root = replace(IDENTITY, home=P("/root"))
    plan = build_mounts(PROJECT, Settings(), host(found(".bashrc")), root)

    assert targets(plan) == [
        "/root/.cache",
        "/root/.local/share",
        "/root/.local/state",
        "/root/.bashrc",
        "/root/code/app",
    ]


def test_a_volume_is_named_by_prefix_and_suffix() -> None:
    assert volume_name("mine", "data") == "mine-data"


def test_the_volumes_of_settings_are_the_three_and_one_for_each_lockfile_directory() -> None:
    """The four names are the ancestor's, so that its users find their volumes again."""
    more = Settings(lockfiles={"tvim": ("l",), "nvim": ("l",)})

    assert Settings().volume_names == (
        "devenv-data",
        "devenv-cache",
        "devenv-state",
        "devenv-tvim-lock",
    )
    assert (*Settings().volume_names, "devenv-nvim-lock") == more.volume_names


# Rows 5, 6, 8 and 10: configuration

READ_ONLY: list[tuple[str, Kind]] = [
    (".bashrc", "file"),
    (".inputrc", "file"),
    (".gitconfig", "file"),
    *((f".config/{name}", "directory") for name in CONFIG_DIRECTORIES),
    (".config/starship.toml", "file"),
    (".local/share/opencode/auth.json", "file"),
    (".ssh/authorized_keys", "file"),
]


@pytest.mark.parametrize(("place", "kind"), READ_ONLY)
def test_configuration_that_exists_is_bound_read_only_at_the_same_place(
    place: str, kind: Kind
) -> None:
    """The host's configuration cannot be written through its mounts."""
    mount = mount_at(mount_plan(found(place, kind)), place)

    assert ("bind", str(HOME / place), True) == (mount.kind, mount.source, mount.read_only)


@pytest.mark.parametrize(("place", "kind"), READ_ONLY)
def test_configuration_that_does_not_exist_is_left_out(place: str, kind: Kind) -> None:
    """With the reason; a bind without a source would fail, or make it."""
    others = [found(other, its) for other, its in READ_ONLY if other != place]

    assert why_not(mount_plan(*others), place) == "not there"
    assert kind in ("file", "directory")


@pytest.mark.parametrize(("place", "kind"), READ_ONLY)
def test_configuration_behind_a_symlink_is_bound_from_where_it_is(place: str, kind: Kind) -> None:
    """Dotfiles are often links into a repository; a bind of a link would be one of nothing."""
    plan = mount_plan(found(place, kind, "/home/me/dotfiles/x"))

    assert mount_at(plan, place).source == "/home/me/dotfiles/x"


@pytest.mark.parametrize(("place", "kind"), [*READ_ONLY, (".config/tvim", "directory")])
def test_a_dangling_symlink_is_left_out_and_says_where_it_leads(place: str, kind: Kind) -> None:
    """The person sees which link to mend."""
    plan = mount_plan(found(place, "dangling", "/nowhere/x"))

    assert why_not(plan, place) == "a symlink that leads nowhere (/nowhere/x)"
    assert left_at(plan, place).cause == "dangling"
    assert kind in ("file", "directory")


@pytest.mark.parametrize("kind", ["socket", "other"])
@pytest.mark.parametrize("place", [place for place, _ in READ_ONLY])
def test_what_is_neither_file_nor_directory_is_left_out(place: str, kind: Kind) -> None:
    """A socket at a configuration's place is a door to the host, not configuration."""
    assert why_not(mount_plan(found(place, kind)), place) == "neither a file nor a directory"


def test_the_login_lies_on_top_of_the_data_volume() -> None:
    """It comes after the volume, so that the engine mounts it inside."""
    places = targets(mount_plan(found(".local/share/opencode/auth.json")))

    share = "/home/devuser/.local/share"
    assert places.index(share) < places.index(f"{share}/opencode/auth.json")


def test_nothing_else_of_the_host_is_mounted() -> None:
    """What is not in the table stays outside, also when it exists."""
    secrets = [found(".ssh/id_ed25519"), found(".config/other", "directory"), found(".netrc")]

    assert mount_plan().mounts == mount_plan(*secrets).mounts


def test_the_host_is_asked_about_every_path_of_the_table() -> None:
    """What is not looked at counts as missing: a row that is not a candidate never exists."""
    paths = [HOME / place for place, _ in READ_ONLY]

    assert {*paths, HOME / ".config/tvim"} == set(candidates(HOME, Settings()))


def test_the_host_is_asked_about_lockfile_directories_and_requested_mounts_too() -> None:
    """Requests may begin with ``~``."""
    requests = (MountRequest("~/a b", "/a"), MountRequest("/srv/b", "/b"))
    wanted = candidates(HOME, Settings(mounts=requests, lockfiles={"emacs": ("l",)}))

    assert {HOME / "a b", P("/srv/b"), HOME / ".config/emacs"} <= set(wanted)


def test_further_gitconfigs_are_bound_like_the_first() -> None:
    """``~/.gitconfig-*``, which people include from ``~/.gitconfig``."""
    work = found(".gitconfig-work")
    here = replace(host(work), gitconfigs=(work.path,))
    mount = mount_at(build_mounts(PROJECT, Settings(), here, IDENTITY), ".gitconfig-work")

    assert (mount.kind, mount.source, mount.read_only) == ("bind", "/home/me/.gitconfig-work", True)


# Row 7: directories with lockfiles


def test_tvim_is_bound_elsewhere_and_put_together_at_its_place() -> None:
    """A volume over a file starts on no engine, so the directory is one of links."""
    plan = mount_plan(tvim("init.lua", "lazy-lock.json", "lua"))
    config, lock = (
        mount_at(plan, "/opt/devenv/config/tvim"),
        mount_at(plan, "/opt/devenv/lock/tvim"),
    )

    assert (config.kind, config.source, config.read_only) == ("bind", "/home/me/.config/tvim", True)
    assert (lock.kind, lock.source, lock.read_only) == ("volume", "devenv-tvim-lock", False)
    assert (
        LockDirectory(
            source=HOME / ".local/state/devenv/links/tvim-38c306",
            target=INSIDE / ".config/tvim",
            config=P("/opt/devenv/config/tvim"),
            lock=P("/opt/devenv/lock/tvim"),
            files=("lazy-lock.json",),
            entries=("init.lua", "lazy-lock.json", "lua"),
        ),
    ) == plan.locks


def test_the_directory_of_links_is_devenvs_own_and_read_only() -> None:
    """On the host, where nobody inside reaches it, and one for each choice of lockfiles."""
    plan = mount_plan(tvim("init.lua", "lazy-lock.json"))
    links, (lock,) = mount_at(plan, ".config/tvim"), plan.locks
    other = mount_plan(tvim(), settings=Settings(lockfiles={"tvim": ("other.json",)}))

    assert (links.kind, links.source, links.read_only) == ("bind", str(lock.source), True)
    assert lock.source != other.locks[0].source
    assert dict(lock.links) == {
        "init.lua": P("/opt/devenv/config/tvim/init.lua"),
        "lazy-lock.json": P("/opt/devenv/lock/tvim/lazy-lock.json"),
    }


def test_tvim_behind_a_symlink_is_bound_from_where_it_is() -> None:
    plan = mount_plan(found(".config/tvim", "directory", "/home/me/dotfiles/tvim", "init.lua"))

    assert mount_at(plan, "/opt/devenv/config/tvim").source == "/home/me/dotfiles/tvim"


def test_without_tvim_there_is_neither_its_bind_nor_its_volume() -> None:
    """A volume for what is not there would be clutter."""
    plan = mount_plan()

    assert (plan.locks, why_not(plan, ".config/tvim")) == ((), "not there")
    assert "devenv-tvim-lock" not in [mount.source for mount in plan.volumes]


def test_a_lockfile_directory_that_is_a_file_is_left_out() -> None:
    """``~/.config/tvim`` may be anything on somebody's machine."""
    plan = mount_plan(found(".config/tvim", "file"))

    assert (plan.locks, why_not(plan, ".config/tvim")) == ((), "not a directory")


def test_a_directory_of_row_6_with_lockfiles_becomes_one_of_links() -> None:
    """``lockfiles: {nvim: [lazy-lock.json]}``: no plain bind beside it."""
    settings = Settings(lockfiles={"tvim": ("lazy-lock.json",), "nvim": ("lazy-lock.json",)})
    plan = mount_plan(found(".config/nvim", "directory", "", "init.lua"), settings=settings)

    assert [lock.target for lock in plan.locks] == [INSIDE / ".config/nvim"]
    assert mount_at(plan, "/opt/devenv/lock/nvim").source == "devenv-nvim-lock"
    assert str(plan.locks[0].source) == mount_at(plan, ".config/nvim").source


def test_two_directories_with_lockfiles_have_a_volume_each() -> None:
    settings = Settings(lockfiles={"tvim": ("lazy-lock.json",), "nvim": ("a.json", "b.json")})
    plan = mount_plan(tvim(), found(".config/nvim", "directory"), settings=settings)

    assert [lock.files for lock in plan.locks] == [("lazy-lock.json",), ("a.json", "b.json")]
    assert {"devenv-tvim-lock", "devenv-nvim-lock"} <= {mount.source for mount in plan.volumes}


# Row 9: the ssh agent


def test_the_agents_socket_is_bound_read_only_and_never_its_directory() -> None:
    """The directory may hold other sockets."""
    plan = mount_plan(agent=SOCKET)
    mount = mount_at(plan, "/ssh-agent")

    assert (str(SOCKET.real), True) == (mount.source, mount.read_only)
    assert plan.agent == AGENT
    assert str(SOCKET.real.parent) not in [mount.source for mount in plan.mounts]


def test_a_name_that_is_no_text_is_left_out_or_refused() -> None:
    """No engine can take one, and the whole start would fail."""
    odd = "/home/me/\udcff"
    plan = mount_plan(found(".bashrc", real=odd), agent=Found(P("/s"), P(odd), "socket"))
    assert "not valid UTF-8" in why_not(plan, ".bashrc")
    assert "not valid UTF-8" in why_not(plan, "/ssh-agent")
    with pytest.raises(SettingsError, match="not valid UTF-8"):
        mount_plan(found("x", real=odd), settings=asked(MountRequest("~/x", "/x")))


def test_a_bind_in_a_bind_has_the_innermost_around_it() -> None:
    seen = (found("stuff", "directory"), found(".config/git", "directory"))
    requests = (MountRequest("~/stuff", "~/.config"), MountRequest("~/stuff", "~/.config/git/x"))
    plan = mount_plan(*seen, settings=asked(*requests))
    nested = [(str(mount.target), str(outer.target)) for mount, outer in plan.nested]
    assert nested == [
        ("/home/devuser/.config/git", "/home/devuser/.config"),
        ("/home/devuser/.config/git/x", "/home/devuser/.config/git"),
    ]


def test_two_slashes_behind_the_tilde_are_one() -> None:
    plan = mount_plan(found("stuff", "directory"), settings=asked(MountRequest("~//stuff", "~//y")))
    assert mount_at(plan, "y").source == "/home/me/stuff"


def test_without_an_agent_there_is_no_mount_and_a_reason() -> None:
    plan = mount_plan()

    assert plan.agent is None
    assert (LeftOut("$SSH_AUTH_SOCK", AGENT, "no ssh agent is running"),) == plan.left_out[-1:]


@pytest.mark.parametrize("kind", ["missing", "file", "directory", "dangling"])
def test_a_stale_agent_is_left_out(kind: Kind) -> None:
    """``SSH_AUTH_SOCK`` outlives its agent."""
    plan = mount_plan(agent=Found(SOCKET.path, SOCKET.path, kind))

    assert plan.agent is None
    assert LeftOut(str(SOCKET.path), AGENT, "no ssh agent is running") in plan.left_out


@pytest.mark.parametrize("machine", ["Docker Desktop", "OrbStack"])
def test_a_virtual_machine_that_offers_the_agent_has_it_at_its_own_place(machine: str) -> None:
    """The host's socket cannot be reached from there, but its maker forwards it."""
    plan = mount_plan(agent=SOCKET, machine=machine)

    assert str(MACHINE_AGENT) == mount_at(plan, "/ssh-agent").source
    assert plan.agent == AGENT


@pytest.mark.parametrize("machine", ["Colima", "a virtual machine"])
def test_a_virtual_machine_that_does_not_offer_the_agent_has_none_and_a_reason(
    machine: str,
) -> None:
    plan = mount_plan(agent=SOCKET, machine=machine)

    assert plan.agent is None
    assert f"cannot be reached from {machine}'s virtual machine" in why_not(plan, AGENT)
    assert AGENT not in [mount.target for mount in plan.mounts]


# Row 11: the git worktree's common directory


def test_a_worktrees_common_directory_is_writable_where_the_worktree_names_it() -> None:
    """So git, which follows the host's path in ``.git``, finds it inside."""
    mount = mount_at(mount_plan(worktree=TREE), "/home/me/main/.git")

    assert (mount.kind, mount.source, mount.read_only) == ("bind", "/home/me/main/.git", False)


def test_a_common_directory_behind_a_symlink_is_bound_from_where_it_is() -> None:
    tree = Worktree(P("/home/me/link/.git"), P("/srv/main/.git"))
    mount = mount_at(mount_plan(worktree=tree), "/home/me/link/.git")

    assert mount.source == "/srv/main/.git"


@pytest.mark.parametrize(
    "named", ["/home/devuser/.cache", "/home/devuser/code", "/home/devuser/code/app"]
)
def test_a_common_directory_that_would_take_anothers_place_is_left_out(named: str) -> None:
    """A volume's or the project's, when the homes are called alike."""
    plan = mount_plan(worktree=Worktree(P(named), P("/srv/main/.git")))

    assert "taken by another mount" in why_not(plan, named)
    assert "/srv/main/.git" not in [mount.source for mount in plan.mounts]


@pytest.mark.parametrize("named", ["/home/devuser/.config/tvim", "/home/devuser/.config/tvim/.git"])
def test_a_common_directory_at_or_in_a_directory_of_links_is_left_out(named: str) -> None:
    """A configuration that is a repository: the start is not refused for what nobody asked."""
    plan = mount_plan(tvim(), worktree=Worktree(P(named), P("/home/me/.config/tvim/.git")))

    assert "taken by another mount" in why_not(plan, named)
    assert str(plan.locks[0].source) == mount_at(plan, ".config/tvim").source


def test_a_common_directory_in_a_volumes_place_lies_on_top_of_it() -> None:
    """A plugin that is a worktree of another one."""
    named = ".local/share/nvim/x/.git"
    plan = mount_plan(worktree=Worktree(INSIDE / named, P("/srv/x/.git")))

    assert mount_at(plan, named).source == "/srv/x/.git"


def test_a_common_directory_that_is_named_relatively_is_mounted_where_git_looks() -> None:
    """Newer versions of git can write it so; inside, it begins at the project's place."""
    tree = Worktree(P("../../main/.git"), P("/home/me/main/.git"))
    mount = mount_at(mount_plan(worktree=tree), "/home/devuser/main/.git")

    assert (mount.source, mount.read_only) == ("/home/me/main/.git", False)


def test_a_project_that_is_no_worktree_says_nothing_about_worktrees() -> None:
    assert not [left for left in mount_plan().left_out if "worktree" in left.why]


# Row 12: mounts from the settings


@pytest.mark.parametrize(("mode", "read_only"), [("ro", True), ("rw", False)])
@pytest.mark.parametrize("kind", ["file", "directory"])
def test_a_requested_mount_has_its_place_and_its_mode(
    kind: Kind, mode: str, read_only: bool
) -> None:
    """``~`` is the host's home in the source and the image's in the target."""
    request = MountRequest("~/d", "~/e", "rw" if mode == "rw" else "ro")
    mount = mount_at(mount_plan(found("d", kind, "/real/d"), settings=asked(request)), "e")

    assert ("bind", "/real/d", read_only) == (mount.kind, mount.source, mount.read_only)


def test_a_requested_mount_is_read_only_unless_it_says_otherwise() -> None:
    plan = mount_plan(found("/srv/d", "directory"), settings=asked(MountRequest("/srv/d", "/d")))

    assert mount_at(plan, "/d").read_only


def test_a_requested_mount_without_a_source_is_left_out() -> None:
    """One settings file serves several machines."""
    plan = mount_plan(settings=asked(MountRequest("~/d", "/d")))

    assert LeftOut("/home/me/d", P("/d"), "not there", "missing") in plan.left_out
    assert "/d" not in targets(plan)


@pytest.mark.parametrize(("kind", "absence"), [("missing", "not there"), ("dangling", "nowhere")])
def test_a_required_mount_without_a_source_is_an_error(kind: Kind, absence: str) -> None:
    """It names the source, and what to do."""
    seen = found("d", kind, "/gone")
    with pytest.raises(SettingsError, match="requires /home/me/d, which is") as caught:
        mount_plan(seen, settings=asked(MountRequest("~/d", "/d", required=True)))

    assert absence in str(caught.value)
    assert "Create it" in caught.value.hint


def test_a_required_mount_with_a_source_is_mounted() -> None:
    request = MountRequest("~/d", "/d", required=True)

    assert mount_at(mount_plan(found("d"), settings=asked(request)), "/d").source == "/home/me/d"


@pytest.mark.parametrize(
    "place", ["/home/me/a b", "/srv/a:b", "/srv/a'b\"c", "/srv/日本", "/srv/a,b"]
)
def test_a_source_may_have_any_character(place: str) -> None:
    """Mounts are structured, never ``src:dst`` strings."""
    plan = mount_plan(found(place), settings=asked(MountRequest(place, place)))

    assert place == mount_at(plan, place).source


@pytest.mark.parametrize(
    "target",
    ["~/.cache", "~/.local/share", "~/code/app", "/home/devuser/.bashrc", "/ssh-agent"],
)
def test_a_target_that_is_taken_is_an_error(target: str) -> None:
    """The same target twice is an error at create; here it has a name and a remedy."""
    with pytest.raises(SettingsError, match="which is taken already") as caught:
        mount_plan(
            found("d"),
            found(".bashrc"),
            agent=SOCKET,
            settings=asked(MountRequest("~/d", target)),
        )

    assert "inv mounts" in caught.value.hint


def test_two_requests_for_one_target_are_an_error() -> None:
    requests = asked(MountRequest("~/d", "/x"), MountRequest("~/e", "/x"))
    with pytest.raises(SettingsError, match="something at /x, which is taken already"):
        mount_plan(found("d"), found("e"), settings=requests)


@pytest.mark.parametrize("target", ["~/", "/home/devuser"])
def test_the_home_inside_is_no_target(target: str) -> None:
    """It would cover everything, the volumes first."""
    with pytest.raises(SettingsError, match=r"above /home/devuser/\.local/share"):
        mount_plan(found("d"), settings=asked(MountRequest("~/d", target)))


@pytest.mark.parametrize("target", ["~/.config", "~/.config/tvim", "~/.config/tvim/lua"])
def test_a_mount_over_or_in_a_directory_of_links_is_an_error(target: str) -> None:
    """The links would be made in it, on the host, or over it."""
    with pytest.raises(SettingsError, match=r"put together from 'devenv\.lockfiles'"):
        mount_plan(tvim(), found("d"), settings=asked(MountRequest("~/d", target)))


# The engine's socket


@pytest.mark.parametrize("source", ["/run/docker.sock", "/run", "/"])
def test_a_mount_that_hands_over_the_engines_socket_is_refused(source: str) -> None:
    """The socket or any directory above it: who has it is root on this machine."""
    seen = found(source, "socket" if source.endswith("sock") else "directory")
    with pytest.raises(SettingsError, match=r"hand the engine's socket /run/docker\.sock"):
        mount_plan(
            seen,
            settings=asked(MountRequest(source, "/x")),
            sockets=["/run/docker.sock", "/run/podman.sock"],
        )


def test_a_symlink_to_the_engines_socket_is_refused() -> None:
    """What counts is where it leads."""
    with pytest.raises(SettingsError, match="hand the engine's socket"):
        mount_plan(
            found("d", "socket", "/run/docker.sock"),
            settings=asked(MountRequest("~/d", "/x")),
            sockets=["/run/docker.sock"],
        )


def test_an_agent_that_is_the_engines_socket_is_refused() -> None:
    """``SSH_AUTH_SOCK`` may name anything."""
    engine = Found(P("/run/docker.sock"), P("/run/docker.sock"), "socket")
    with pytest.raises(SettingsError, match="hand the engine's socket"):
        mount_plan(agent=engine, sockets=["/run/docker.sock"])


def test_a_project_that_holds_the_engines_socket_is_refused() -> None:
    """With the advice to choose another directory."""
    with pytest.raises(SettingsError, match="hand the engine's socket") as caught:
        mount_plan(at=project("/run/user"), sockets=["/run/user/1000/docker.sock"])

    assert "another project directory" in caught.value.hint


def test_a_socket_beside_a_mount_is_no_reason_to_refuse_it() -> None:
    plan = mount_plan(
        found("/run/data", "directory"),
        settings=asked(MountRequest("/run/data", "/x")),
        sockets=["/run/docker.sock", "/run/data.sock"],
    )

    assert mount_at(plan, "/x").source == "/run/data"


# A project in the way of configuration


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (".config", ".config/nvim"),
        (".config", ".config/tvim"),
        (".config/nvim", ".config/nvim"),
        (".config/tvim", ".config/tvim"),
        (".ssh", ".ssh/authorized_keys"),
        (".local/share/opencode", ".local/share/opencode/auth.json"),
    ],
)
def test_configuration_at_or_inside_the_project_is_left_out(path: str, place: str) -> None:
    """It is there already, writable, as the project's own."""
    plan = mount_plan(found(place, "directory"), at=project(f"/home/me/{path}"))

    assert "inside the project" in why_not(plan, place)
    assert INSIDE / path in [mount.target for mount in plan.mounts]


@pytest.mark.parametrize(
    ("path", "place"),
    [(".config/nvim/lua/mine", ".config/nvim"), (".config/tvim/lua", ".config/tvim")],
)
def test_configuration_that_would_hide_the_project_is_left_out(path: str, place: str) -> None:
    """A read-only directory above the project would take its mount point's place."""
    plan = mount_plan(found(place, "directory"), at=project(f"/home/me/{path}"))

    assert "hide the project" in why_not(plan, place)
    assert plan.locks == ()


def test_a_project_beside_configuration_leaves_it_alone() -> None:
    """``~/.config/nvim2`` is not inside ``~/.config/nvim``."""
    plan = mount_plan(found(".config/nvim", "directory"), at=project("/home/me/.config/nvim2"))

    assert mount_at(plan, ".config/nvim").read_only


# Order


ALL = [*(found(place, kind) for place, kind in READ_ONLY), tvim()]


def test_volumes_come_before_binds_and_parents_before_children() -> None:
    """So that fine-grained binds lie on top, on engines that mount in the given order."""
    plan = mount_plan(*ALL, agent=SOCKET, worktree=TREE)
    number = len(plan.volumes)

    assert plan.volumes == plan.mounts[:number]
    for mounts in (plan.volumes, plan.mounts[number:]):
        depths = [len(mount.target.parts) for mount in mounts]
        assert sorted(depths) == depths


def test_every_mount_says_why() -> None:
    """``inv mounts`` shows it."""
    plan = mount_plan(*ALL, agent=SOCKET, worktree=TREE)

    assert all(mount.why for mount in plan.mounts)
    assert len(plan.mounts) == 4 + len(READ_ONLY) + 3 + 1 + 1


KINDS = st.sampled_from(["file", "directory", "socket", "other", "missing", "dangling"])
PLACES = [place for place, _ in READ_ONLY] + [".config/tvim"]
PROJECTS = st.sampled_from(
    [
        "/srv/app",
        "/home/me/app",
        "/home/me/.config",
        "/home/me/.config/nvim/x",
        "/home/me/.config/tvim",
        "/home/me/.local/share/opencode",
    ]
)


@given(PROJECTS, st.lists(KINDS, min_size=len(PLACES), max_size=len(PLACES)))
def test_whatever_is_on_the_host_every_row_is_mounted_or_left_out_with_a_reason(
    path: str, kinds: list[Kind]
) -> None:
    """Nothing vanishes, only the project is writable, and no target is taken twice."""
    seen = [found(place, kind) for place, kind in zip(PLACES, kinds, strict=True)]
    plan = mount_plan(*seen, at=project(path))
    bound = {str(mount.target) for mount in plan.mounts if mount.read_only}
    places = {*bound, *(str(lock.target) for lock in plan.locks)}
    left = {str(one.target) for one in plan.left_out if one.why}

    assert all((str(INSIDE / p) in places) != (str(INSIDE / p) in left) for p in PLACES)
    assert [path] == [m.source for m in plan.mounts if m.kind == "bind" and not m.read_only]
    assert len(set(targets(plan))) == len(plan.mounts)


# The tree: places between mounts


def tree(*mounts: tuple[str, str]) -> MountPlan:
    """Return a plan of ``(kind, target)``."""
    return MountPlan(
        tuple(
            Mount(
                "volume" if kind == "volume" else "bind",
                "x",
                INSIDE / target,
                read_only=False,
                why="",
            )
            for kind, target in mounts
        )
    )


def parents(plan: MountPlan, *paths: str) -> list[str]:
    """Return the parents of some paths below the home, as such."""
    found = nested_parents(plan, [INSIDE / path for path in paths])
    return [str(path.relative_to(INSIDE)) for path in found]


def test_the_directories_between_a_path_and_its_volume_are_its_parents() -> None:
    """The engine makes them as root's; the volume's root is a step of its own."""
    assert parents(tree(("volume", "v")), "v/a/b/c") == ["v/a", "v/a/b"]


def test_what_is_in_no_volume_has_no_parents() -> None:
    """Nothing outside the volumes is changed."""
    assert parents(tree(("volume", "v")), "a/b/c", "v2/a/b") == []


def test_what_is_in_a_bind_has_no_parents() -> None:
    """It would be written on the host."""
    assert parents(tree(("bind", "code/app")), "code/app/a/b/c") == []


def test_the_nearest_mount_above_decides() -> None:
    """A bind in a volume, and a volume in a bind."""
    plan = tree(("volume", "v"), ("bind", "v/a/b"), ("volume", "v/a/b/c/d"))

    assert parents(plan, "v/a/b/c/x") == []
    assert parents(plan, "v/a/b/c/d/e/f") == ["v/a/b/c/d/e"]
    assert parents(plan, "v/a/b") == ["v/a"]


def test_several_paths_share_their_parents() -> None:
    """Each is named once, parents first."""
    plan = tree(("volume", "v"))

    assert parents(plan, "v/b/c/d", "v/a/x", "v/b/e") == ["v/a", "v/b", "v/b/c"]


RELATIVE = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join)


@given(
    st.dictionaries(RELATIVE, st.sampled_from(["volume", "bind"]), max_size=6),
    st.lists(RELATIVE, max_size=4),
)
def test_every_parent_lies_in_a_volume_and_parents_come_first(
    mounts: dict[str, str], more: list[str]
) -> None:
    """A property of every tree of mounts."""
    plan = tree(*((kind, target) for target, kind in mounts.items()))
    found = nested_parents(plan, [INSIDE / path for path in (*mounts, *more)])
    kinds = {mount.target: mount.kind for mount in plan.mounts}

    for number, parent in enumerate(found):
        assert next(kinds[p] for p in parent.parents if p in kinds) == "volume"
        assert parent not in kinds
        assert not any(parent.is_relative_to(later) for later in found[number + 1 :])


# Configuration whose home is the project


def test_read_only_configuration_that_lives_in_the_project_is_named() -> None:
    """A dotfiles repository as the project: ``run`` says that it is writable after all."""
    dotfiles = project("/home/me/dotfiles")
    plan = mount_plan(
        found(".bashrc", "file", "/home/me/dotfiles/bashrc"),
        found(".inputrc", "file", "/home/me/dotfiles2/inputrc"),
        found(".config/tvim", "directory", "/home/me/dotfiles/tvim"),
        at=dotfiles,
    )

    homes = writable_homes(plan)
    assert sorted(str(mount.target) for mount, _ in homes) == [
        "/home/devuser/.bashrc",
        "/opt/devenv/config/tvim",
    ]
    assert {other.why for _, other in homes} == {"the project"}


def test_read_only_configuration_that_lies_in_a_writable_mount_is_named() -> None:
    """Whatever makes it writable: here a directory that the settings mount."""
    plan = mount_plan(
        found("dotfiles", "directory"),
        found(".bashrc", "file", "/home/me/dotfiles/bashrc"),
        settings=asked(MountRequest("~/dotfiles", "/d", "rw")),
    )
    ((mount, other),) = writable_homes(plan)
    assert (mount.target.name, str(other.target)) == (".bashrc", "/d")


# What can be written inside decides nothing by a symlink


def led(path: str, kind: Kind, real: str, link: str) -> Found:
    """Return what a look showed at a path that leads elsewhere by one symlink."""
    return replace(found(path, kind, real), links=(P(link),))


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("/home/me/code/app", "the project"),
        ("/home/me/dotfiles", "/home/me/dotfiles, which can be written inside,"),
        ("/home/me/main/.git", "/home/me/main/.git, which can be written inside,"),
    ],
)
def test_a_symlink_where_this_environment_writes_chooses_no_mount(place: str, told: str) -> None:
    """Neither configuration, nor login, lockfiles or agent, nor what the settings ask for."""
    there = found("dotfiles", "directory")
    writable = MountRequest("~/dotfiles", "/d", "rw")
    led_away = (
        led(".config/nvim", "directory", "/home/me/private", f"{place}/nvim"),
        led(AUTH, "file", "/home/me/private/key", f"{place}/key"),
        led(".config/tvim", "directory", "/home/me/private", f"{place}/tvim"),
    )
    agent = replace(SOCKET, links=(P(f"{place}/agent"),))
    plan = mount_plan(there, *led_away, settings=asked(writable), worktree=TREE, agent=agent)
    assert plan.agent is None
    for target in (".config/nvim", AUTH, ".config/tvim", AGENT):
        assert why_not(plan, target).startswith(f"a symlink in {told} decides that it is ")

    for mode in ("ro", "rw"):
        data = led("data", "directory", "/home/me/.ssh", f"{place}/data")
        wanted = asked(writable, MountRequest("~/data", "/data", mode))
        with pytest.raises(SettingsError, match=f"in {told} decides that it is") as raised:
            mount_plan(there, data, settings=wanted, worktree=TREE)
        assert raised.value.hint.endswith("name it itself: /home/me/.ssh")


def test_a_symlink_where_another_environment_writes_is_known_by_its_cause() -> None:
    """`run` tells of it: the person did not bring it about in this project."""
    here = host(led(".config/nvim", "directory", "/home/me/private", "/home/me/other/nvim"))
    here = replace(here, shared=(P("/home/me/other"),))
    left = left_at(build_mounts(PROJECT, Settings(), here, IDENTITY), ".config/nvim")
    assert "a symlink in /home/me/other, another environment's, decides" in left.why
    assert left.cause == "another"


def test_a_symlink_within_a_place_that_can_be_written_is_followed() -> None:
    """What it leads to can be written there anyway."""
    data = led("code/app/data", "directory", "/home/me/code/app/v2", "/home/me/code/app/data")
    plan = mount_plan(data, settings=asked(MountRequest("~/code/app/data", "/data", "rw")))
    assert mount_at(plan, "/data").source == "/home/me/code/app/v2"


def test_links_to_lockfiles_do_not_lie_where_this_environment_writes() -> None:
    plan = mount_plan(
        found(".local", "directory"),
        tvim(),
        settings=asked(MountRequest("~/.local", "/l", "rw")),
    )
    assert "would lie in /home/me/.local, which can be written" in why_not(plan, ".config/tvim")


def test_the_project_itself_and_volumes_are_not_named() -> None:
    """Only what claims to be read-only."""
    assert writable_homes(mount_plan(*ALL)) == ()
