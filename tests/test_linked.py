"""Linked: which symlinks in mounted configuration get a mount, where, and which are left alone."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib.errors import SettingsError
from devenv_lib.mounts import Mount, MountPlan, build_mounts
from devenv_lib.mounts.tree import Places
from devenv_lib.project import Project
from devenv_lib.readers import MountRequest
from devenv_lib.records import Found, Host, Link, Survey, Worktree
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
    project,
    tvim,
    why_not,
)

CONFIG = HOME / ".config"
NVIM = CONFIG / "nvim"
DOTFILES = HOME / "dotfiles"
#: What a link in nvim's directory leads to where a test is about something else.
SHARED = "../shared/x.lua"


def link(
    path: str,
    text: str,
    kind: Kind = "file",
    real: str = "",
    *,
    of: P = NVIM,
    by: Iterable[str] = (),
) -> Link:
    """Return a link in the directory ``of``; it leads to ``real``, else where its text does.

    ``by`` are further links on the way.
    """
    place = of / path
    led = P(real or posixpath.normpath(place.parent / text))
    return Link(P(path), P(text), Found(place, led, kind, links=(place, *map(P, by))))


def survey(*links: Link, tree: P = CONFIG, whole: bool = True) -> Survey:
    """Return what was found in a directory without secrets."""
    return Survey(tree, links, whole=whole)


def machine(
    *links: Link,
    real: P = NVIM,
    tree: P = CONFIG,
    seen: Iterable[Found] = (),
    more: Mapping[str | P, Survey] | None = None,
    secrets: Iterable[str] = (),
    sockets: Iterable[str] = (),
    worktree: Worktree | None = None,
) -> Host:
    """Return a host whose ``~/.config/nvim``, really ``real``, has these links.

    ``more`` are the surveys of other directories, by paths that may begin at the home.
    """
    nvim = found(".config/nvim", "directory", str(real))
    here = host(nvim, *seen, sockets=sockets, worktree=worktree)
    others = {HOME / path: one for path, one in (more or {}).items()}
    surveys = {real: survey(*links, tree=tree), **others}
    return replace(here, surveys=surveys, secrets=tuple(HOME / path for path in secrets))


def planned(here: Host, at: Project = PROJECT, settings: Settings | None = None) -> MountPlan:
    return build_mounts(at, settings or Settings(), here, IDENTITY)


def made(plan: MountPlan) -> dict[str, str]:
    """Return the source of each mount that a link leads to, by its place below the home."""
    links = (mount for mount in plan.mounts if mount.why.startswith("linked from"))
    return {str(mount.target).replace(f"{INSIDE}/", "~/"): mount.source for mount in links}


def reason(here: Host, path: str = "x", at: Project = PROJECT, limit: int = 32) -> str:
    """Return why the link ``path`` in nvim's directory is left alone; nothing is mounted."""
    plan = planned(here, at, Settings(linked_mounts=limit))
    assert made(plan) == {}
    return why_not(plan, f".config/nvim/{path}")


# What is mounted, and where


def test_a_link_in_a_real_directory_leads_to_the_same_place_below_the_home_inside() -> None:
    """Read-only, and it says whose doing it is."""
    mount = mount_at(
        planned(machine(link("lua/x.lua", "../../shared/x.lua"))), ".config/shared/x.lua"
    )

    assert (
        Mount(
            kind="bind",
            source="/home/me/.config/shared/x.lua",
            target=INSIDE / ".config/shared/x.lua",
            read_only=True,
            why="linked from ~/.config/nvim/lua/x.lua",
        )
        == mount
    )


def test_a_link_in_a_folded_directory_leads_to_where_its_text_does_inside() -> None:
    """Stow's other layout: the directory itself is a link, and lies elsewhere inside than here."""
    real = DOTFILES / "nvim/.config/nvim"
    common = link("lua/c", "../../../../common", "directory", of=real)
    here = machine(common, real=real, tree=DOTFILES, more={"dotfiles/common": survey()})
    plan = planned(here)

    assert made(plan) == {"/home/common": "/home/me/dotfiles/common"}
    assert mount_at(plan, "/home/common").why == "linked from ~/.config/nvim/lua/c"
    assert mount_at(plan, ".config/nvim").source == str(real)


def test_a_link_that_leads_only_here_to_its_own_directory_gets_a_mount() -> None:
    """Its text names the directory, which is called otherwise inside."""
    real = DOTFILES / "vim"
    here = machine(link("x", "../vim/y", of=real), real=real, tree=DOTFILES)

    assert made(planned(here)) == {"~/.config/vim/y": "/home/me/dotfiles/vim/y"}


def test_an_absolute_link_leads_inside_to_the_very_path_that_it_names() -> None:
    here = machine(link("x", "/home/me/.config/shared/x"))

    assert made(planned(here)) == {"/home/me/.config/shared/x": "/home/me/.config/shared/x"}


def test_where_both_homes_are_called_alike_an_absolute_link_into_its_own_directory_works() -> None:
    """The kernel finds it in the mount that is there."""
    here = machine(link("x", "/home/me/.config/nvim/y"))
    alike = replace(IDENTITY, home=HOME)
    plan = build_mounts(PROJECT, Settings(), here, alike)

    assert made(plan) == {}
    assert not [left for left in plan.left_out if left.target.name == "x"]


def test_a_link_in_a_directory_with_lockfiles_begins_where_that_is_mounted() -> None:
    """The kernel meets it there, after the link from ``~/.config/tvim``."""
    of = CONFIG / "tvim"
    links = (link("init.lua", "../shared/i.lua", of=of), link("lazy-lock.json", "../l", of=of))
    here = replace(host(tvim()), surveys={of: survey(*links)})

    assert made(planned(here)) == {
        "/opt/devenv/config/shared/i.lua": "/home/me/.config/shared/i.lua",
        "/opt/devenv/config/l": "/home/me/.config/l",
    }


def test_a_chain_of_links_gets_one_mount_of_what_is_at_its_end() -> None:
    """Where the first text leads to; the links between need not exist inside."""
    chain = link("x", "../a", real="/home/me/.config/b", by=["/home/me/.config/a"])

    assert made(planned(machine(chain))) == {"~/.config/a": "/home/me/.config/b"}


def test_links_in_what_a_link_leads_to_are_followed_too() -> None:
    """By the same rule, from where it is mounted and in its own tree."""
    shared, third = CONFIG / "shared", CONFIG / "third"
    here = machine(
        link("s", "../shared", "directory"),
        more={
            shared: survey(link("t", "../third", "directory", of=shared)),
            third: survey(link("f", "../file", of=third), link("g", "../../g", of=third)),
        },
    )
    plan = planned(here)

    assert made(plan) == {
        "~/.config/shared": str(shared),
        "~/.config/third": str(third),
        "~/.config/file": "/home/me/.config/file",
    }
    assert mount_at(plan, ".config/file").why == "linked from ~/.config/third/f"
    assert why_not(plan, ".config/third/g") == "it leads to /home/me/g, out of /home/me/.config"


def test_links_in_a_circle_come_to_an_end() -> None:
    """Each place is taken once."""
    shared = CONFIG / "shared"
    here = machine(
        link("s", "../shared", "directory"),
        more={
            shared: survey(
                link("back", "../nvim", "directory", of=shared),
                link("self", "../shared", "directory", of=shared),
            )
        },
    )

    assert made(planned(here)) == {"~/.config/shared": str(shared)}


def test_a_directory_is_not_mounted_below_itself_again_and_again() -> None:
    """By a link whose text goes further down each time, so that no place is taken yet."""
    real = DOTFILES / "vim"
    sub = real / "sub"
    down = link("x", "../vim/sub/y", "directory", of=real, real=str(sub))
    back = link("z", "../vim/sub/w", "directory", of=sub, real=str(real))
    here = machine(down, real=real, tree=DOTFILES, more={sub: survey(back, tree=DOTFILES)})
    plan = planned(here)

    assert made(plan) == {"~/.config/vim/sub/y": str(sub)}
    assert why_not(plan, ".config/vim/sub/y/z") == (
        "it leads back to /home/me/dotfiles/vim, where it was reached from"
    )


def test_two_links_to_one_place_have_one_mount() -> None:
    here = machine(link("a", SHARED), link("lua/b", "../../shared/x.lua"))
    plan = planned(here)

    assert made(plan) == {"~/.config/shared/x.lua": "/home/me/.config/shared/x.lua"}
    assert not [left for left in plan.left_out if "shared" in left.why]


def test_a_link_to_a_directory_serves_links_to_what_is_in_it() -> None:
    """Whichever comes first by name: the highest place is decided first."""
    here = machine(
        link("a", "../shared/deep/x"),
        link("b", "../shared", "directory"),
        more={"/home/me/.config/shared": survey()},
    )

    assert made(planned(here)) == {"~/.config/shared": "/home/me/.config/shared"}


def test_a_link_by_another_link_in_a_linked_directory_is_that_ones_business() -> None:
    """Inside, the kernel meets the second one where the first leads to."""
    shared = CONFIG / "shared"
    second = link("d", "../third", "directory", of=shared)
    by = [str(shared / "d")]
    here = machine(
        link("a", "../shared/d/x", real="/home/me/.config/third/x", by=by),
        link("s", "../shared", "directory"),
        more={shared: survey(second), CONFIG / "third": survey()},
    )

    assert made(planned(here)) == {
        "~/.config/shared": str(shared),
        "~/.config/third": "/home/me/.config/third",
    }


# What works already


@pytest.mark.parametrize("other", ["git", "gh"])
def test_a_link_to_configuration_that_is_mounted_anyway_works_already(other: str) -> None:
    seen = [found(f".config/{other}", "directory")]
    plan = planned(machine(link("x", f"../{other}/x"), seen=seen))

    assert made(plan) == {}
    assert "x" not in [left.target.name for left in plan.left_out]


@pytest.mark.parametrize("text", ["../tvim", "../tvim/lua", "../tvim/lua/x"])
def test_a_link_into_a_directory_with_lockfiles_works_already(text: str) -> None:
    """Through the links in it."""
    plan = planned(machine(link("x", text), seen=[tvim("init.lua", "lua")]))

    assert made(plan) == {}
    assert "x" not in [left.target.name for left in plan.left_out]


@pytest.mark.parametrize("text", ["../tvim/lazy-lock.json", "../tvim/new"])
def test_a_link_to_a_lockfile_that_is_the_volumes_inside_is_left_alone(text: str) -> None:
    """Another file than here; and an entry that devenv has not linked yet is not there."""
    here = machine(link("x", text), seen=[tvim("init.lua", "lazy-lock.json")])

    assert "/home/devuser/.config/tvim is another mount" in reason(here)


def test_a_link_to_the_project_works_already_where_that_is_mounted() -> None:
    """It is the project's, at the project's place."""
    plan = planned(machine(link("x", "../shared", "directory")), project("/home/me/.config/shared"))

    assert made(plan) == {}
    assert "x" not in [left.target.name for left in plan.left_out]


def test_a_mount_that_was_asked_for_is_enough() -> None:
    request = MountRequest("~/.config/shared", "~/.config/shared")
    here = machine(link("x", SHARED), seen=[found(".config/shared", "directory")])

    assert made(planned(here, settings=Settings(mounts=(request,)))) == {}


# What a link leads to


@pytest.mark.parametrize("kind", ["dangling", "missing"])
def test_a_link_that_leads_nowhere_is_left_alone(kind: Kind) -> None:
    assert reason(machine(link("x", SHARED, kind))) in (
        "a symlink that leads nowhere (/home/me/.config/shared/x.lua)",
        "not there",
    )


@pytest.mark.parametrize("kind", ["socket", "other"])
def test_a_link_to_a_socket_or_a_device_is_left_alone(kind: Kind) -> None:
    assert reason(machine(link("x", SHARED, kind))) == "neither a file nor a directory"


@pytest.mark.parametrize(
    ("text", "real"),
    [
        ("../../dotfiles/x", ""),
        ("../shared", "/home/me/elsewhere"),
        ("../../.config2/x", ""),
        ("/etc/passwd", ""),
        ("/nix/store/x", ""),
    ],
)
def test_a_link_out_of_the_tree_is_left_alone(text: str, real: str) -> None:
    """Where it really leads counts, and a name that begins alike is another one."""
    assert ", out of /home/me/.config" in reason(machine(link("x", text, real=real)))


@pytest.mark.parametrize("tree", [NVIM, DOTFILES])
def test_the_tree_is_the_directorys_own(tree: P) -> None:
    """A repository can be narrower than the directory below the home."""
    assert f", out of {tree}" in reason(machine(link("x", SHARED), tree=tree))


@pytest.mark.parametrize("name", [".ssh", ".gnupg", ".aws"])
@pytest.mark.parametrize("real", ["/home/me/{0}/x", "/home/me/{0}", "/home/me/.config/a/{0}/x"])
def test_a_link_to_secrets_is_left_alone(name: str, real: str) -> None:
    """In the home, and wherever else something is called so."""
    here = machine(link("x", "../y", real=real.format(name)), tree=HOME)

    assert "where secrets are kept" in reason(here)


@pytest.mark.parametrize("real", ["dotfiles/keys", "dotfiles/keys/id", "dotfiles"])
def test_a_link_to_where_secrets_really_are_is_left_alone(real: str) -> None:
    """``~/.ssh`` is itself a link into the repository; the repository's top holds it too."""
    here = machine(
        link("x", "../y", "directory", str(HOME / real)),
        tree=DOTFILES,
        more={HOME / real: survey()},
        secrets=[".ssh", "dotfiles/keys"],
    )

    assert reason(here) == f"it leads to /home/me/{real}, where secrets are kept"


def test_a_link_to_a_directory_that_holds_secrets_is_left_alone() -> None:
    """A package of a dotfiles repository that is not linked now is one all the same."""
    one = replace(survey(), secret=P("ssh/.ssh"))
    here = machine(link("x", "../shared", "directory"), more={CONFIG / "shared": one})

    assert reason(here) == (
        "it leads to /home/me/.config/shared, where secrets are kept, in ssh/.ssh"
    )


@pytest.mark.parametrize("more", [{}, {"/home/me/.config/shared": survey(whole=False)}])
def test_a_link_to_a_directory_that_was_not_looked_at_is_left_alone(
    more: Mapping[str | P, Survey],
) -> None:
    """There might be secrets in it."""
    here = machine(link("x", "../shared", "directory"), more=more)

    assert "too many entries to look at each" in reason(here)


def test_configuration_with_too_many_entries_is_mounted_and_said() -> None:
    """Only its links are not all known."""
    here = machine(link("x", SHARED))
    here = replace(here, surveys={NVIM: replace(here.surveys[NVIM], whole=False)})
    plan = planned(here)

    assert "some symlinks may not work inside" in why_not(plan, ".config/nvim")
    assert mount_at(plan, ".config/nvim").source == str(NVIM)
    assert made(plan) == {"~/.config/shared/x.lua": "/home/me/.config/shared/x.lua"}


@pytest.mark.parametrize("socket", ["/home/me/.config/run/docker.sock", "/home/me/.config/run"])
def test_a_link_that_would_hand_over_the_engines_socket_is_left_alone(socket: str) -> None:
    """It is no error as for a mount that somebody asked for."""
    here = machine(
        link("x", "../run", "directory"),
        more={"/home/me/.config/run": survey()},
        sockets=[socket],
    )

    assert "hand over the engine's socket" in reason(here)


@pytest.mark.parametrize("name", ["a\udcff", "b\udc80/c"])
def test_a_name_that_no_engine_takes_is_left_alone(name: str) -> None:
    """A start with it would fail."""
    assert "not valid UTF-8" in reason(machine(link("x", f"../{name}")))


# What an environment may write


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("", "a symlink in /home/me/dotfiles, which can be written inside, decides"),
        ("/nvim", "a symlink in /home/me/dotfiles/nvim, which can be written inside, decides"),
        ("/other/app", "/home/me/dotfiles/other/app can be written inside"),
        ("/other", "/home/me/dotfiles/other can be written inside"),
    ],
)
def test_with_the_project_in_the_repository_no_link_is_followed(place: str, why: str) -> None:
    """What runs inside could change the link, or what it leads to."""
    real = DOTFILES / "nvim"
    at = project(f"/home/me/dotfiles{place}")
    here = machine(
        link("x", "../other", "directory", of=real),
        real=real,
        tree=DOTFILES,
        more={"/home/me/dotfiles/other": survey()},
    )

    assert why in reason(here, at=at)


def test_a_link_by_way_of_the_project_is_left_alone() -> None:
    """Whatever it leads to now: something inside decided it."""
    by = ["/home/me/.config/q", "/home/me/.config/p/link"]
    here = machine(link("x", "../q", real="/home/me/.config/safe", by=by))

    told = "a symlink in /home/me/.config/p, which can be written inside, decides"
    assert told in reason(here, at=project("/home/me/.config/p"))


@pytest.mark.parametrize(
    "real", ["/home/me/.config/rw/x", "/home/me/.config/rw", "/home/me/.config"]
)
def test_a_link_to_what_a_writable_mount_shows_is_left_alone(real: str) -> None:
    """Or to what holds that."""
    request = MountRequest("~/.config/rw", "/rw", "rw")
    here = machine(
        link("x", "../y", "directory", real),
        seen=[found(".config/rw", "directory")],
        more={real: survey()},
    )
    plan = planned(here, settings=Settings(mounts=(request,)))

    assert made(plan) == {}
    assert "/home/me/.config/rw can be written inside" in why_not(plan, ".config/nvim/x")


def test_a_link_by_way_of_a_writable_mount_is_left_alone() -> None:
    request = MountRequest("~/.config/rw", "/rw", "rw")
    by = ["/home/me/.config/rw/link"]
    here = machine(
        link("x", "../rw/link", real="/home/me/.config/safe", by=by),
        seen=[found(".config/rw", "directory")],
    )
    plan = planned(here, settings=Settings(mounts=(request,)))

    assert "a symlink in /home/me/.config/rw, which can be written" in why_not(
        plan, ".config/nvim/x"
    )


def test_a_link_into_a_worktrees_common_directory_is_left_alone() -> None:
    """That is mounted writable."""
    common = HOME / ".config/main/.git"
    here = machine(link("x", "../main/.git/x"), worktree=Worktree(common, common))

    assert "/home/me/.config/main/.git can be written inside" in reason(here)


# Where inside it would lie


@pytest.mark.parametrize(
    "text",
    ["/home/devuser/.cache/x", "/home/devuser/.local/share/nvim/x", "/opt/devenv/lock/tvim/x"],
)
def test_a_place_in_a_volume_is_left_alone(text: str) -> None:
    """The engine would leave a mount point of root's in it."""
    here = machine(link("x", text, real="/home/me/.config/x"), seen=[tvim()])

    assert "is another mount" in reason(here)


@pytest.mark.parametrize("text", ["/home/devuser/code/app/x", "/home/devuser/code/app"])
def test_a_place_in_the_project_is_left_alone(text: str) -> None:
    """The engine would leave a mount point in it, on the host."""
    assert "inside the project" in reason(machine(link("x", text, real="/home/me/.config/x")))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("/home/devuser/code", "hide the project"),
        ("/home/devuser/.config", "in which other mounts are"),
        ("/home/devuser", "hide the project"),
        ("/home", "hide the project"),
        ("/", "hide the project"),
        ("/home/devuser/.local", "in which other mounts are"),
    ],
)
def test_a_place_above_other_mounts_is_left_alone(text: str, why: str) -> None:
    """The home and the root among them."""
    assert why in reason(machine(link("x", text, real="/home/me/.config/x")))


def test_the_home_inside_is_never_covered() -> None:
    """Also where the project lies elsewhere."""
    here = machine(link("x", "/home", real="/home/me/.config/x"))

    assert "in which other mounts are" in reason(here, at=project("/srv/app"))


def test_a_place_in_a_read_only_mount_is_left_alone() -> None:
    """There, no mount point can be made; and what is there is somebody's."""
    seen = [found(".config/git", "directory")]
    here = machine(link("x", "../git/x", real="/home/me/.config/other"), seen=seen)

    assert "/home/devuser/.config/git is another mount" in reason(here)


@pytest.mark.parametrize(
    "target", ["~/.config/shared/x.lua", "~/.config/shared", "~/.config/shared/x.lua/y"]
)
def test_a_mount_from_the_settings_has_precedence(target: str) -> None:
    """At the place, around it and in it; and it is never an error because of a link."""
    request = MountRequest("~/mine", target)
    here = machine(link("x", SHARED), seen=[found("mine")])
    plan = planned(here, settings=Settings(mounts=(request,)))

    assert made(plan) == {}
    assert mount_at(plan, target.removeprefix("~/")).source == "/home/me/mine"
    assert "inside it leads to" in why_not(plan, ".config/nvim/x")


@pytest.mark.parametrize(
    "place",
    ["/usr/share/x", "/etc", "/bin", "/root/x", "/tmp/x", "/opt", "/srv", "/proc/1", "/lib64/x"],  # noqa: S108
)
def test_a_place_that_is_the_systems_is_left_alone(place: str) -> None:
    """Also where nobody but root gets in, and also if only its text climbs that high."""
    texts = (place, "../../../../../.." + place)
    for text in texts:
        here = machine(link("lua/x", text, real="/home/me/.config/x"))
        assert reason(here, "lua/x") == f"inside it leads to {place}, which is the system's"


@pytest.mark.parametrize("place", ["/common", "/opt/x", "/home/x/y", "/srv/dotfiles/x"])
def test_a_place_of_its_own_outside_the_home_is_fine(place: str) -> None:
    """A repository that is deeper than its place inside has its links there."""
    assert made(planned(machine(link("x", place, real="/home/me/.config/x")))) == {
        place: "/home/me/.config/x"
    }


@pytest.mark.parametrize("home", ["/var/home/me", "/usr/home/me"])
def test_a_home_below_a_systems_directory_is_none_of_the_systems(home: str) -> None:
    """Some systems have their homes there, and absolute links name them."""
    nvim = P(home) / ".config/nvim"
    one = link("x", f"{home}/.config/y", of=nvim)
    here = Host(
        home=P(home),
        state=P(home) / "s",
        found={nvim: Found(nvim, nvim, "directory")},
        surveys={nvim: survey(one, tree=nvim.parent)},
    )
    plan = planned(here, project(f"{home}/app", home))

    assert made(plan) == {f"{home}/.config/y": f"{home}/.config/y"}


@pytest.mark.parametrize("text", ["lua/../../shared/x", "../a/../shared/x", "/home/me/a/../x"])
def test_a_text_that_goes_down_and_up_again_is_left_alone(text: str) -> None:
    """It goes through directories that need not be there inside."""
    assert "goes up after it went down" in reason(machine(link("x", text, real=str(CONFIG / "x"))))


@pytest.mark.parametrize("text", [".././../.config/shared/x", "..//shared///x", "./../shared/x"])
def test_a_text_may_be_written_in_any_way_that_leads_there(text: str) -> None:
    place = {"~/.config/shared/x": "/home/me/.config/shared/x"}
    assert place == made(planned(machine(link("x", text))))


# How many


def test_the_limit_is_a_setting() -> None:
    """What is beyond is left alone, and the reason names it; a link that works anyway is free."""
    links = [link(f"x{n}", f"../shared{n}") for n in range(5)]
    here = machine(*links, link("y", "../nvim/x0"))
    plan = planned(here, settings=Settings(linked_mounts=3))

    assert list(made(plan)) == [f"~/.config/shared{n}" for n in range(3)]
    for name in ("x3", "x4"):
        assert why_not(plan, f".config/nvim/{name}") == (
            "the limit of 3 (linked_mounts) is reached"
        )
        assert left_at(plan, f".config/nvim/{name}").cause == "limit"


def test_without_any_all_are_left_alone() -> None:
    assert "the limit of 0" in reason(machine(link("x", SHARED)), limit=0)


def test_a_link_that_is_left_alone_for_another_reason_does_not_count() -> None:
    here = machine(link("a", "../../out"), link("b", SHARED))

    assert len(made(planned(here, settings=Settings(linked_mounts=1)))) == 1


# Directories that are not mounted


def test_links_in_configuration_that_is_left_out_are_not_followed() -> None:
    plan = planned(machine(link("x", SHARED)), project("/home/me/.config/nvim/lua"))

    assert made(plan) == {}
    assert [left.why for left in plan.left_out if left.target.name == "x"] == []


def test_links_below_a_mount_from_the_settings_are_not_followed() -> None:
    """Whoever asked for it knows what is in it; and at configuration's place it is none."""
    request = MountRequest("~/mine", "~/.config/nvim")
    mine = HOME / "mine"
    here = replace(
        host(found("mine", "directory")), surveys={mine: survey(link("x", SHARED, of=mine))}
    )

    assert made(planned(here, settings=Settings(mounts=(request,)))) == {}


def test_a_target_that_is_taken_twice_stays_an_error() -> None:
    """Links change nothing about what the settings may ask for."""
    requests = (MountRequest("~/d", "/x"), MountRequest("~/e", "/x"))
    here = machine(link("x", SHARED), seen=[found("d"), found("e")])
    with pytest.raises(SettingsError, match="taken already"):
        planned(here, settings=Settings(mounts=requests))


# Properties

NAMES = st.sampled_from(["a", "b", "nvim", "git", ".ssh", ".config", "app", "dotfiles"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
REALS = PATHS.map(lambda path: f"/home/me/{path}")
TEXTS = st.builds(lambda up, path: "../" * up + path, st.integers(0, 6), PATHS) | st.sampled_from(
    ["/", "/home", "/home/devuser"]
).flatmap(lambda top: PATHS.map(lambda path: f"{top}/{path}"))
KINDS = st.sampled_from(["file", "directory", "directory", "dangling", "socket"])
TREES = st.sampled_from([CONFIG, HOME / "dotfiles", NVIM, HOME / "a"])
LINKS = st.lists(
    st.builds(
        lambda path, text, kind, real, by: (path, text, kind, real, by),
        PATHS,
        TEXTS,
        KINDS,
        REALS,
        st.lists(REALS, max_size=1),
    ),
    max_size=6,
)
DIRECTORIES = st.dictionaries(REALS, st.tuples(LINKS, TREES, st.booleans()), max_size=6)


@given(
    links=LINKS,
    others=DIRECTORIES,
    path=st.sampled_from(["/home/me/.config/a", "/home/me/a/b", "/srv/app", "/home/me/dotfiles"]),
    limit=st.integers(0, 4),
    mode=st.sampled_from(["ro", "rw"]),
    target=PATHS,
)
def test_whatever_the_links_say_the_promises_hold(
    *,
    links: list[tuple[str, str, Kind, str, list[str]]],
    others: dict[str, tuple[list[tuple[str, str, Kind, str, list[str]]], P, bool]],
    path: str,
    limit: int,
    mode: str,
    target: str,
) -> None:
    """Nothing out of the tree, secret or writable; no place taken twice or covered; the limit."""
    request = MountRequest("~/a/a", f"/{target}", "rw" if mode == "rw" else "ro")
    more: dict[str | P, Survey] = {
        real: survey(
            *(link(*one[:4], of=P(real), by=one[4]) for one in inner), tree=tree, whole=whole
        )
        for real, (inner, tree, whole) in others.items()
        if P(real) != NVIM
    }
    here = machine(
        *(link(*one[:4], by=one[4]) for one in links),
        seen=[found(".config/git", "directory"), tvim(), found("a/a", "directory")],
        more=more,
        secrets=[".ssh", "dotfiles/b"],
    )
    settings = Settings(linked_mounts=limit, mounts=(request,))
    plan = planned(here, project(path), settings)
    own = [mount for mount in plan.mounts if mount.why.startswith("linked from")]
    before = planned(replace(here, surveys={}), project(path), settings)
    writable = [P(m.source) for m in plan.mounts if m.kind == "bind" and not m.read_only]
    allowed = {
        leads.found.real
        for one in here.surveys.values()
        for leads in one.links
        if leads.found.real.is_relative_to(one.tree)
    }

    assert len(own) <= limit
    assert [m for m in plan.mounts if m not in own] == list(before.mounts)
    assert len({m.target for m in plan.mounts}) == len(plan.mounts)
    for mount in own:
        source = P(mount.source)
        assert mount.read_only
        assert source in allowed
        for bad in (*writable, *here.secrets):
            assert not source.is_relative_to(bad)
            assert not bad.is_relative_to(source)
        assert ".ssh" not in source.parts
        for other in plan.mounts:
            if other is not mount:
                assert not other.target.is_relative_to(mount.target)
                assert not mount.target.is_relative_to(other.target)
        assert not INSIDE.is_relative_to(mount.target)


# Places


def test_places_know_what_is_around_and_above_and_what_is_shown() -> None:
    bind = Mount("bind", "/host/a", P("/x/a"), read_only=False, why="")
    volume = Mount("volume", "v", P("/x/a/v"), read_only=False, why="")
    places = Places([bind, volume])

    assert (bind, P("/host/a/b")) == places.shown(P("/x/a/b"))
    assert places.shown(P("/x/a/v/b")) is None
    assert places.shown(P("/x")) is None
    assert places.around(P("/x/a/v/b")) is volume
    assert (places.is_above(P("/x")), places.is_above(P("/x/a")), places.is_above(P("/y"))) == (
        True,
        True,
        False,
    )
    assert (P("/host/a"),) == places.writable
