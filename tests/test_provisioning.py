"""Provisioning: which places are looked at after a start, and what is done about them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib import scripts
from devenv_lib.mounts import MountPlan
from devenv_lib.plans import Gifts, Place, Step, gifts, provisioning, read_place
from devenv_lib.settings import Settings
from tests.builders import environment_plan, found, mount_plan, project, tvim

UID = 1000
SHARE = "/home/devuser/.local/share"
MINE = Place("d", UID)
GONE = Place("?")


def steps(mounts: MountPlan | None = None) -> tuple[Step, ...]:
    return provisioning(environment_plan(mounts))


def places(verb: str, mounts: MountPlan | None = None) -> list[str]:
    """Return the places of the steps of one kind."""
    return [step.place for step in steps(mounts) if step.verb == verb]


def todo(verb: str, place: Place, *words: str, uid: int = UID) -> Gifts:
    """Return what is left to do about one step's place, ``/p``."""
    return gifts([Step(verb, ("/p", *words))], [place], uid)  # type: ignore[arg-type]


# Steps


def test_every_volumes_root_is_a_step() -> None:
    """Each becomes the user's from its first second."""
    home = "/home/devuser"

    assert sorted(places("root", mount_plan(tvim()))) == [
        f"{home}/.cache",
        f"{home}/.local/share",
        f"{home}/.local/state",
        "/opt/devenv/lock/tvim",
    ]


def test_the_historys_directory_is_a_step() -> None:
    """It is in the state volume, and bash makes no directories."""
    assert places("dir") == ["/home/devuser/.local/state/bash"]


def test_the_parent_of_a_bind_in_a_volume_is_a_step() -> None:
    """``auth.json``'s directory is opencode's, which has to write beside it."""
    plan = mount_plan(found(".local/share/opencode/auth.json"))

    assert f"{SHARE}/opencode" in places("dir", plan)


def test_the_parents_of_a_project_in_a_volume_are_steps() -> None:
    """A plugin that is developed where it is installed."""
    plan = mount_plan(at=project("/home/me/.local/share/nvim/site/app"))

    assert {f"{SHARE}/nvim", f"{SHARE}/nvim/site"} <= set(places("dir", plan))
    assert f"{SHARE}/nvim/site/app" not in [step.place for step in steps(plan)]


def test_no_step_is_outside_the_volumes() -> None:
    """Nothing is written through a writable bind, and the host's files are nobody's to change."""
    plan = mount_plan(
        tvim(),
        *(found(f".config/{name}", "directory") for name in ("nvim", "git")),
        found(".ssh/authorized_keys"),
        at=project("/home/me/.config/app"),
    )
    roots = tuple(f"{path}/" for path in places("root", plan))

    assert [s.place for s in steps(plan) if not f"{s.place}/".startswith(roots)] == []


def test_what_was_left_out_in_a_volume_may_have_left_a_stub_and_its_parents() -> None:
    """Another environment's bind made them, empty and root's."""
    assert places("stub") == [f"{SHARE}/opencode", f"{SHARE}/opencode/auth.json"]


def test_what_is_mounted_is_no_stub() -> None:
    """A bind's own file is not to be touched."""
    assert places("stub", mount_plan(found(".local/share/opencode/auth.json"))) == []


def test_what_was_left_out_elsewhere_leaves_no_stub() -> None:
    """``~/.bashrc`` would lie in the container's own layer, which is new each time."""
    assert "/home/devuser/.bashrc" not in places("stub")


def test_what_was_left_out_for_the_project_leaves_no_stub() -> None:
    """It is the project's own file then, behind a writable bind."""
    plan = mount_plan(
        found(".local/share/opencode/auth.json"), at=project("/home/me/.local/share/opencode")
    )

    assert places("stub", plan) == []


def test_a_lockfile_starts_as_a_copy_of_the_hosts() -> None:
    """The volume's file, and where to copy it from."""
    locks = [step.words for step in steps(mount_plan(tvim())) if step.verb == "lock"]

    assert locks == [
        ("/opt/devenv/lock/tvim/lazy-lock.json", "/opt/devenv/config/tvim/lazy-lock.json")
    ]


def test_without_lockfile_directories_there_are_no_lockfiles() -> None:
    assert places("lock") == []


def test_two_lockfiles_of_one_directory_are_a_step_each() -> None:
    settings = Settings(lockfiles={"nvim": ("a.json", "b.json")})
    plan = mount_plan(found(".config/nvim", "directory"), settings=settings)

    assert places("lock", plan) == [
        "/opt/devenv/lock/nvim/a.json",
        "/opt/devenv/lock/nvim/b.json",
    ]


def test_parents_come_before_children() -> None:
    """One pass over the steps makes every directory."""
    plan = mount_plan(tvim(), found(".local/share/opencode/auth.json"))
    order = [step.place for step in steps(plan)]

    assert not any(
        child.startswith(f"{later}/")
        for number, child in enumerate(order)
        for later in order[number + 1 :]
    )


def test_a_volume_that_the_container_does_not_have_is_not_put_right() -> None:
    """It was made from other settings: what is at those places there is not the volume's."""
    plan = environment_plan(mount_plan(tvim()))
    mounted = ["/home/devuser/.cache", SHARE]
    kept = [step.place for step in provisioning(plan, mounted)]

    assert kept == [
        "/home/devuser/.cache",
        SHARE,
        f"{SHARE}/opencode",
        f"{SHARE}/opencode/auth.json",
    ]


def test_a_container_that_has_every_volume_gets_every_step() -> None:
    plan = environment_plan(mount_plan(tvim()))
    mounted = [str(mount.target) for mount in plan.mounts.mounts]

    assert provisioning(plan) == provisioning(plan, mounted)


# Gifts


@pytest.mark.parametrize("verb", ["root", "dir", "stub"])
def test_a_directory_of_roots_is_given_to_the_user(verb: str) -> None:
    assert Gifts(given=("/p",)) == todo(verb, Place("d", 0))


@pytest.mark.parametrize("verb", ["root", "dir", "stub"])
def test_a_directory_of_the_users_is_left_alone(verb: str) -> None:
    assert Gifts() == todo(verb, MINE)


@pytest.mark.parametrize("verb", ["dir", "stub"])
def test_a_directory_of_somebody_else_is_left_alone(verb: str) -> None:
    """Only what is missing or root's changes."""
    assert Gifts() == todo(verb, Place("d", 1001))


def test_a_volumes_root_of_somebody_else_is_foreign() -> None:
    """It is refused, not taken."""
    assert Gifts(foreign={"/p": 1001}) == todo("root", Place("d", 1001))


@pytest.mark.parametrize("verb", ["root", "dir", "lock"])
def test_a_place_that_cannot_be_seen_is_looked_at_again(verb: str) -> None:
    """It may be there and only hidden below something that is not the user's yet."""
    assert Gifts(unseen=("/p",)) == todo(verb, GONE, "/c")


def test_a_stub_that_is_not_there_is_what_is_wanted() -> None:
    assert Gifts() == todo("stub", GONE)


@pytest.mark.parametrize("kind", ["l", "p", "s", "c"])
@pytest.mark.parametrize("verb", ["root", "dir", "stub", "lock"])
def test_what_is_neither_file_nor_directory_is_never_given(verb: str, kind: str) -> None:
    """A symlink at a directory's place is somebody's choice; it stays."""
    assert Gifts() == todo(verb, Place(kind, 0), "/c")


@pytest.mark.parametrize("verb", ["root", "dir"])
def test_a_file_at_a_directorys_place_is_not_given(verb: str) -> None:
    assert Gifts() == todo(verb, Place("-", 0))


def test_an_empty_stub_of_roots_is_given() -> None:
    """Given where it is, never unlinked: others may have a mount on it."""
    assert Gifts(given=("/p",)) == todo("stub", Place("-", 0, 0))


@pytest.mark.parametrize("place", [Place("-", 0, 5), Place("-", UID, 0), Place("-", 1001, 0)])
def test_a_stub_that_is_none_is_left_alone(place: Place) -> None:
    """A file with content, or somebody's."""
    assert Gifts() == todo("stub", place)


@pytest.mark.parametrize("size", [0, 7])
def test_a_lockfile_of_roots_is_given_whatever_is_in_it(size: int) -> None:
    assert Gifts(given=("/p",)) == todo("lock", Place("-", 0, size), "/c")


@pytest.mark.parametrize("place", [Place("-", UID, 7), Place("-", 1001, 7), Place("d", 0)])
def test_a_lockfile_that_is_somebodys_or_no_file_is_left_alone(place: Place) -> None:
    """Never overwritten."""
    assert Gifts() == todo("lock", place, "/c")


def test_a_lockfile_that_neither_side_has_is_no_reason_to_do_anything() -> None:
    """A fresh configuration has no lockfile yet, and its environment starts all the same."""
    assert Gifts() == todo("lock", read_place("absent"), "/c")


@pytest.mark.parametrize("verb", ["root", "dir", "stub", "lock"])
def test_where_the_user_is_root_nothing_is_given(verb: str) -> None:
    """Everything that is root's is the user's then."""
    kind = "-" if verb == "lock" else "d"

    assert Gifts() == todo(verb, Place(kind, 0), "/c", uid=0)


def test_where_the_user_is_root_another_users_volume_is_foreign_too() -> None:
    """Root could write it; its owner shall not find root's files there."""
    assert Gifts(foreign={"/p": 1001}) == todo("root", Place("d", 1001), uid=0)


def test_a_look_that_shows_too_few_places_is_a_mistake() -> None:
    """Places are matched to steps by their order alone."""
    step = Step("dir", ("/p",))

    with pytest.raises(ValueError, match="zip"):
        gifts([step, step], [MINE], UID)


KINDS = st.sampled_from(["d", "-", "l", "p", "s", "?", ""])
SEEN = st.builds(Place, KINDS, st.sampled_from([-1, 0, UID, 1001]), st.integers(0, 3))
VERBS = st.sampled_from(["root", "dir", "stub", "lock"])


@given(st.lists(st.tuples(VERBS, SEEN), max_size=8), st.sampled_from([0, UID]))
def test_only_what_is_roots_is_ever_given(seen: list[tuple[str, Place]], uid: int) -> None:
    """And only files and directories; what is foreign is nobody's gift."""
    todo_steps = [
        Step(verb, (f"/{n}", "/from"))  # type: ignore[arg-type]
        for n, (verb, _) in enumerate(seen)
    ]
    left = gifts(todo_steps, [place for _, place in seen], uid)
    at = {f"/{n}": place for n, (_, place) in enumerate(seen)}

    assert all(at[path].uid == 0 != uid and at[path].kind in ("d", "-") for path in left.given)
    assert all(at[path].kind == "?" for path in left.unseen)
    assert not {uid, 0, -1} & set(left.foreign.values())
    assert not set(left.given) & set(left.foreign)


@given(st.lists(VERBS, max_size=6))
def test_when_everything_is_as_it_should_be_there_is_nothing_to_do(verbs: list[str]) -> None:
    """A second start of the same environment changes nothing."""
    good = {"root": MINE, "dir": MINE, "stub": GONE, "lock": Place("-", UID, 5)}
    todo_steps = [Step(verb, ("/p", "/from")) for verb in verbs]  # type: ignore[arg-type]

    assert Gifts() == gifts(todo_steps, [good[verb] for verb in verbs], UID)


# Reading `ls -ldn`


@pytest.mark.parametrize(
    ("letters", "kind"),
    [
        ("drwxr-xr-x", "d"),
        ("d---------", "d"),
        ("-rw-r--r--", "-"),
        ("lrwxrwxrwx", "l"),
        ("srw-rw-rw-", "s"),
        ("drwxrwxrwt", "d"),
        ("drwxrwsr-x", "d"),
        ("-rwSr-Sr-T", "-"),
        ("drwxr-xr-x.", "d"),
        ("drwxr-xr-x+", "d"),
    ],
)
def test_a_line_of_ls_shows_kind_owner_and_size(letters: str, kind: str) -> None:
    """Whatever the modes: set-user-id, sticky, with an access control list."""
    assert Place(kind, 1000, 4096) == read_place(f"{letters} 2 1000 1001 4096")


def test_a_device_is_not_taken_for_empty() -> None:
    """Two numbers with a comma stand in its place."""
    assert Place("c", 0, 1) == read_place("crw-rw-rw- 1 0 0 1,")


@pytest.mark.parametrize("line", ["?", "", " ", "ls: cannot access /x", "exec-failed: a b c d"])
def test_a_line_that_is_no_listing_is_a_place_that_is_not_seen(line: str) -> None:
    assert Place("?") == read_place(line)


@given(st.sampled_from("d-lspcb"), st.integers(0, 2**32), st.integers(0, 2**63))
def test_every_owner_and_size_that_ls_can_write_is_read_back(
    kind: str, uid: int, size: int
) -> None:
    assert Place(kind, uid, size) == read_place(f"{kind}rwxr-sr-t 1 {uid} 0 {size}")


# The look itself, which is a script for the shell inside


def script(name: str, *words: str | Path, where: Path | None = None) -> str:
    """Run a script here, as it runs inside; return what it prints."""
    command = ["/bin/sh", "-c", scripts.script(f"volumes/{name}"), "devenv", *map(str, words)]
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def look(*words: str | Path) -> list[str]:
    """Look at the places of some steps."""
    return script("look.sh", "tag", *words).splitlines()


def test_the_look_shows_a_place_for_each_step(tmp_path: Path) -> None:
    """In the steps' order, whatever is there."""
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "file").write_text("12345")
    words: list[str | Path] = ["root", tmp_path, "stub", tmp_path / "file", "stub", tmp_path / "no"]
    words += ["dir", tmp_path / "link", "lock", tmp_path / "no", tmp_path / "no", "root", tmp_path]
    seen = [read_place(line) for line in look(*words)]

    assert [place.kind for place in seen] == ["d", "-", "?", "l", "", "d"]
    assert (seen[1].size, seen[1].uid) == (5, os.geteuid())


def test_the_look_makes_a_missing_directory_and_shows_it(tmp_path: Path) -> None:
    place = tmp_path / "a b'$(c)"

    assert read_place(look("dir", place)[0]).kind == "d"
    assert place.is_dir()


def test_the_look_leaves_a_symlink_at_a_directorys_place(tmp_path: Path) -> None:
    """It leads wherever somebody wanted it to."""
    (tmp_path / "link").symlink_to(tmp_path / "gone")

    assert read_place(look("dir", tmp_path / "link")[0]).kind == "l"
    assert not (tmp_path / "gone").exists()


def test_the_look_copies_a_lockfile_once(tmp_path: Path) -> None:
    """What is in the volume is never overwritten, and no half copy stays beside it."""
    lock, hosts = tmp_path / "volume" / "lock.json", tmp_path / "lock.json"
    lock.parent.mkdir()
    hosts.write_text("first")
    assert read_place(look("lock", lock, hosts)[0]).kind == "-"
    hosts.write_text("second")
    look("lock", lock, hosts)

    assert lock.read_text() == "first"
    assert [lock] == list(lock.parent.iterdir())


def test_the_look_says_that_neither_side_has_a_lockfile(tmp_path: Path) -> None:
    assert look("lock", tmp_path / "a", tmp_path / "b") == ["absent"]
    assert list(tmp_path.iterdir()) == []


def test_the_look_shows_a_lockfile_that_only_the_volume_has(tmp_path: Path) -> None:
    """The host's was removed; the user's stays."""
    (tmp_path / "a").write_text("mine")

    assert read_place(look("lock", tmp_path / "a", tmp_path / "b")[0]).size == 4
