"""Survey: which links lead out of real directories; and whether, inside, they lead to the same."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devenv_lib.containers.links import make_links
from devenv_lib.host import find, look, survey
from devenv_lib.host.survey import secrets, surveys
from devenv_lib.mounts import MountPlan, build_mounts
from devenv_lib.project import project_at
from devenv_lib.records import Found, Link, Survey
from devenv_lib.settings import Settings
from tests.builders import IDENTITY, P


@pytest.fixture
def me(tmp_path: Path) -> Path:
    """A home directory with configuration of nvim's."""
    (tmp_path / "me/.config/nvim/lua").mkdir(parents=True)
    (tmp_path / "me/work/app").mkdir(parents=True)
    return tmp_path / "me"


def file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def link(path: Path, text: str | Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(text)
    return path


def surveyed(me: Path, real: str = ".config/nvim") -> Survey:
    return surveys([P(me / real)], P(me))[P(me / real)]


def leaving(me: Path, real: str = ".config/nvim") -> list[str]:
    """Return the links of a directory that lead out of it."""
    return [str(one.path) for one in surveyed(me, real).links]


# Which links


def test_a_link_that_leads_out_is_found_with_its_text_and_what_it_leads_to(me: Path) -> None:
    """At any depth; the links on the way are said, each where it really is."""
    shared = file(me / ".config/shared/x")
    second = link(me / ".config/second", "shared/x")
    first = link(me / ".config/nvim/lua/x", "../../second")

    assert (
        Link(
            P("lua/x"),
            P("../../second"),
            Found(P(first), P(shared), "file", links=(P(first), P(second))),
        ),
    ) == surveyed(me).links


def test_links_are_found_in_order(me: Path) -> None:
    for name in ("c", "a", "lua/b"):
        link(me / ".config/nvim" / name, "/x")

    assert leaving(me) == ["a", "c", "lua/b"]


@pytest.mark.parametrize("text", ["y", "lua/y", "./y", "lua/../y", "."])
def test_a_link_into_its_own_directory_is_nobodys_business(me: Path, text: str) -> None:
    """It is followed inside as it is here: also one that dangles, such as an editor's lock."""
    link(me / ".config/nvim/x", text)

    assert leaving(me) == []


@pytest.mark.parametrize("text", ["../nvim/y", "../nvim-2/y", "..", "{me}/.config/nvim/y", "/"])
def test_a_link_that_leaves_its_directory_by_its_text_leads_out(me: Path, text: str) -> None:
    """Also where it comes back: the directory may be called otherwise inside, or lie elsewhere."""
    link(me / ".config/nvim/x", text.format(me=me))

    assert leaving(me) == ["x"]


def test_a_link_that_leads_nowhere_or_to_itself_is_found_as_dangling(me: Path) -> None:
    link(me / ".config/nvim/x", "../gone")
    link(me / ".config/nvim/y", "../nvim/y")

    assert [one.found.kind for one in surveyed(me).links] == ["dangling", "dangling"]


def test_links_to_directories_are_not_looked_into_as_part_of_it(me: Path) -> None:
    """Each real directory has a survey of its own."""
    link(me / ".config/shared/z", "/z")
    link(me / ".config/nvim/s", "../shared")
    link(me / ".config/nvim/t", "lua")
    link(me / ".config/nvim/lua/u", "/u")

    assert leaving(me) == ["lua/u", "s"]


def test_what_is_in_a_git_directory_is_not_looked_at(me: Path) -> None:
    """It is git's, and there is much of it."""
    link(me / ".config/nvim/.git/x", "/x")
    link(me / ".config/nvim/lua/.git/x", "/x")

    assert leaving(me) == []


def test_a_directory_that_may_not_be_read_has_nothing_to_find(me: Path, closed: Path) -> None:
    assert Survey(P(closed)) == surveys([P(closed)], P(me))[P(closed)]


def test_a_directory_that_is_gone_has_nothing_to_find(me: Path) -> None:
    assert leaving(me, ".config/gone") == []


# The tree


@pytest.mark.parametrize(
    ("repositories", "tree"),
    [
        ([], "dotfiles"),
        (["dotfiles"], "dotfiles"),
        (["dotfiles/a/nvim"], "dotfiles/a/nvim"),
        (["dotfiles", "dotfiles/a"], "dotfiles/a"),
        ([".", "..", "dotfiles/a"], "dotfiles/a"),
        ([".", ".."], "dotfiles"),
    ],
)
def test_the_tree_is_the_nearest_repository_below_the_home(
    me: Path, repositories: list[str], tree: str
) -> None:
    """Without one, what lies directly below the home. The home is no repository of dotfiles."""
    (me / "dotfiles/a/nvim").mkdir(parents=True)
    for one in repositories:
        (me / one / ".git").mkdir()

    assert P(me / tree) == surveyed(me, "dotfiles/a/nvim").tree


def test_a_worktree_or_submodule_is_a_repository_too(me: Path) -> None:
    """Its ``.git`` is a file."""
    file(me / "dotfiles/a/.git")
    (me / "dotfiles/a/nvim").mkdir()

    assert P(me / "dotfiles/a") == surveyed(me, "dotfiles/a/nvim").tree


def test_outside_the_home_the_tree_is_a_repository_or_the_directory_alone(
    me: Path, tmp_path: Path
) -> None:
    """And never what holds the home."""
    (tmp_path / ".git").mkdir()
    nvim = tmp_path / "srv/dotfiles/nvim"
    nvim.mkdir(parents=True)
    alone = surveys([P(nvim)], P(me / "x"))[P(nvim)].tree
    assert P(nvim) == surveys([P(nvim)], P(me))[P(nvim)].tree == alone
    (tmp_path / "srv/.git").mkdir()
    assert P(tmp_path / "srv") == surveys([P(nvim)], P(me))[P(nvim)].tree


def test_the_home_and_what_is_above_are_trees_of_their_own(me: Path) -> None:
    """Configuration that leads there is left out anyway."""
    assert P(me) == surveyed(me, ".").tree
    assert P(me.parent) == surveys([P(me.parent)], P(me))[P(me.parent)].tree


# Further directories


def test_directories_that_links_lead_to_are_surveyed_in_their_turn(me: Path) -> None:
    """Within the tree, and each once: also in a circle."""
    link(me / ".config/nvim/s", "../shared/deep")
    link(me / ".config/shared/deep/t", "../../third")
    link(me / ".config/third/back", "../nvim")
    link(me / ".config/third/out", "../../other")
    (me / "other").mkdir()
    found = surveys([P(me / ".config/nvim")], P(me))

    assert [str(real.relative_to(me)) for real in found] == [
        ".config/nvim",
        ".config/shared/deep",
        ".config/third",
    ]


def test_a_survey_ends_after_so_many_entries_and_says_so(
    me: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What links lead to shares the number: a thousand of them cost no more than one."""
    monkeypatch.setattr(survey, "_MOST", 10)
    for number in range(9):
        file(me / f".config/nvim/f{number}")
    assert surveyed(me).whole
    file(me / ".config/nvim/lua/f")
    assert not surveyed(me).whole
    for name in ("a", "b"):
        link(me / f".config/git/{name}", f"../{name}")
        for number in range(6):
            file(me / f".config/{name}/{number}")
    found = surveys([P(me / ".config/git")], P(me))
    assert [found[P(me / ".config" / name)].whole for name in ("git", "a", "b")] == [
        True,
        True,
        False,
    ]


def test_a_survey_ends_after_so_many_links_and_says_so(
    me: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "_MOST_LINKS", 2)
    for number in range(3):
        assert surveyed(me).whole
        link(me / f".config/nvim/f{number}", "/x")
    assert (len(surveyed(me).links), surveyed(me).whole) == (2, False)


# Secrets


def test_a_directory_that_holds_a_place_of_secrets_says_so(me: Path) -> None:
    """By its name, a file or a link as well."""
    assert surveyed(me).secret is None
    link(me / ".config/nvim/lua/.gnupg", "x")
    assert P("lua/.gnupg") == surveyed(me).secret


def test_secrets_are_where_they_really_are(me: Path) -> None:
    """People link those too, the directory or what is in it."""
    file(me / "dotfiles/keys/id")
    file(me / "vault/key")
    link(me / ".ssh", "dotfiles/keys")
    link(me / ".gnupg/private/key", "../../vault/key")
    file(me / ".aws/credentials")

    assert {
        *(P(me / name) for name in (".ssh", ".gnupg", ".aws")),
        P(me / "dotfiles/keys"),
        P(me / "vault/key"),
    } == set(secrets(P(me)))


# The look


def test_the_look_surveys_configuration_that_is_a_directory(me: Path) -> None:
    """By its real path, those with lockfiles too, and nothing else."""
    (me / "dotfiles/tvim").mkdir(parents=True)
    link(me / ".config/tvim", "../dotfiles/tvim")
    file(me / ".config/git")
    (me / ".config/other").mkdir()
    here = look(project_at(P(me / "work/app"), P(me)), Settings(), {})

    assert {P(me / ".config/nvim"), P(me / "dotfiles/tvim")} == set(here.surveys)
    assert P(me / ".ssh") in here.secrets


# From the look to what is inside


def seen_inside(plan: MountPlan, path: P) -> P | None:
    """Return the host path that the kernel would find inside at ``path``, as far as that is bound.

    A small model of its lookup: one name after the other, through the nearest mount.
    """
    above = {parent for mount in plan.mounts for parent in mount.target.parents}
    stands_for = {lock.target: lock.config for lock in plan.locks}
    at, rest = P("/"), list(path.parts[1:])
    for _ in range(400):
        here = bound(plan, at)
        if here is None and at not in above:
            return None
        if here and os.path.islink(here):
            text = P(Path(here).readlink())
            at = P("/") if text.is_absolute() else at.parent
            rest = [name for name in text.parts if name != "/"] + rest
        elif here and not os.path.lexists(here):
            return None
        elif not rest:
            return bound(plan, stands_for.get(at, at))
        else:
            part = rest.pop(0)
            at = at.parent if part == ".." else at / part
    return None


def bound(plan: MountPlan, place: P) -> P | None:
    """Return the host path that the nearest bind shows at a place."""
    targets = {mount.target: mount for mount in plan.mounts}
    mount = next((targets[path] for path in (place, *place.parents) if path in targets), None)
    shown = mount is not None and mount.kind == "bind"
    return P(mount.source) / place.relative_to(mount.target) if mount and shown else None


#: Where links are, and what else there is. Each directory has a file, and links called by numbers.
LINKING = [".config/nvim", ".config/nvim/lua", ".config/tvim", ".config/a", ".config/a/b"]
FOLDED = [
    "dotfiles/nvim/.config/nvim",
    "dotfiles/nvim/.config/nvim/l",
    "dotfiles/vim",
    "dotfiles/c",
]
DIRECTORIES = [*LINKING, *FOLDED, ".config/c", "dotfiles/a/b", ".ssh", "dotfiles", "elsewhere"]
NUMBERS = ["0", "1", "2"]
LEAVES = st.sampled_from(["", "", "/f", "/f", "/gone", *(f"/{number}" for number in NUMBERS)])
TARGETS = st.builds(lambda where, leaf: where + leaf, st.sampled_from(DIRECTORIES), LEAVES)
PLACES = st.builds(
    lambda where, number: f"{where}/{number}",
    st.sampled_from([*LINKING, *FOLDED, ".ssh"]),
    st.sampled_from(NUMBERS),
)


def populate(me: Path, folded: str, links: dict[str, tuple[str, bool]]) -> None:
    """Make a home: ``~/.config/nvim`` links to ``folded``, if given; then the other links.

    Each leads to a path below the home, by an absolute text or a relative one.
    """
    if folded:
        link(me / ".config/nvim", folded)
    for one in DIRECTORIES:
        if not (folded and one.startswith(".config/nvim")):
            file(me / one / "f")
    for place, (target, absolute) in links.items():
        path = me / place
        if path.parent.is_dir() and not os.path.lexists(path):
            path.symlink_to(me / target if absolute else os.path.relpath(me / target, path.parent))


def unsaid(plan: MountPlan) -> list[tuple[P, P | None, P]]:
    """Return the links that lead elsewhere inside than here, though nothing says so.

    Each with where it leads inside and on the host.
    """
    said = {P(os.path.realpath(P(o.source).parent)) / P(o.source).name for o in plan.left_out}
    pairs = [
        (mount.target / path.relative_to(mount.source), find(P(path)))
        for mount in plan.mounts
        if mount.why.startswith(("configuration", "linked from"))
        for path in Path(mount.source).rglob("*")
        if path.is_symlink()
    ]
    return [
        (place, seen_inside(plan, place), found.real)
        for place, found in pairs
        if found.exists and not said & {*found.links}
        if seen_inside(plan, place) != found.real
    ]


@settings(max_examples=100)
@given(
    links=st.dictionaries(PLACES, st.tuples(TARGETS, st.booleans()), min_size=4, max_size=20),
    folded=st.sampled_from(["", "../dotfiles/nvim/.config/nvim", "../dotfiles/vim"]),
    repository=st.booleans(),
    at=st.sampled_from(["work/app", "work/app", "work/app", ".config/a", "dotfiles/a", "dotfiles"]),
    limit=st.sampled_from([1, 32, 32, 32]),
)
def test_every_link_leads_inside_to_the_same_or_is_said_to_be_left_alone(
    *,
    links: dict[str, tuple[str, bool]],
    folded: str,
    repository: bool,
    at: str,
    limit: int,
) -> None:
    """Whatever a home looks like; and nothing on the host changes."""
    with tempfile.TemporaryDirectory() as directory:
        me = Path(directory).resolve() / "me"
        (me / at).mkdir(parents=True)
        populate(me, folded, links)
        if repository:
            file(me / "dotfiles/.git")
        before = sorted(me.rglob("*"))
        project = project_at(P(me / at), P(me))
        here = look(project, Settings(), {})
        plan = build_mounts(project, Settings(linked_mounts=limit), here, IDENTITY)
        assert before == sorted(me.rglob("*"))
        make_links(plan)
        assert unsaid(plan) == []
