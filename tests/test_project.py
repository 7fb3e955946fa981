"""Projects: their names, labels and places, and what cannot be one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from devenv_lib.errors import ProjectError, UsageError
from devenv_lib.names import check_prefix, common_labels
from devenv_lib.project import Project, check_name, project_at
from devenv_lib.records import Container
from tests.builders import HOME, INSIDE, PROJECT, P, container, project

#: What Docker takes as a name, a host name (RFC 1123) and an image's reference.
ENGINE_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
HOST_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
REFERENCE = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*:latest")

PREFIXES = st.sampled_from(["devenv", "mine", "ci-7", "a.b_c-d", "00"])
#: Directory names as Linux has them: anything but a slash and a NUL, up to 100 characters.
PARTS = st.text(
    st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), min_size=1, max_size=60
).filter(lambda name: name not in (".", ".."))


@st.composite
def projects(draw: st.DrawFn) -> Project:
    """Any project that can be one, below the home or elsewhere."""
    root = draw(st.sampled_from([HOME / "code", P("/"), P("/srv")]))
    path = root.joinpath(*draw(st.lists(PARTS, min_size=1, max_size=3)))
    assume(not HOME.is_relative_to(path))
    return project_at(path, HOME, draw(PREFIXES))


# Names that people give


@pytest.mark.parametrize("name", ["devenv-data", "a1", "A_b.c-d", "0x", "a" * 300, "a..", "a--"])
def test_a_name_that_an_engine_takes_literally_is_returned(name: str) -> None:
    """Docker's own rule."""
    assert name == check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        ".",
        "..",
        "../containers/x",
        "a/b",
        "/a",
        "a\\b",
        ".hidden",
        "-v",
        "--force",
        "_a",
        "a b",
        " ab",
        "ab ",
        "ab\n",
        "a\nb",
        "\nab",
        "a\tb",
        "a\x00b",
        "a\x1b[2Jb",
        "äb",
        "a?b",
        "a%2Fb",
        "a:b",
        "a,b",
        "a'b",
        "a$b",
    ],
)
def test_a_name_that_an_engine_could_read_otherwise_is_refused(name: str) -> None:
    """docker-py puts names into URLs as they are: ``../containers/x`` deletes a container."""
    with pytest.raises(UsageError, match="is not a volume name") as caught:
        check_name(name)

    assert repr(name) in str(caught.value)
    assert "inv volume.list --format names" in caught.value.hint


def test_the_refusal_says_what_kind_of_name_it_was_to_be() -> None:
    """Containers have names too."""
    with pytest.raises(UsageError, match="is not a container name"):
        check_name("a/b", "container")


@given(st.text())
def test_what_check_name_lets_through_has_nothing_that_a_url_or_a_shell_reads(name: str) -> None:
    """A property of the rule, whatever the text."""
    try:
        passed = check_name(name)
    except UsageError:
        passed = ""

    assert set(passed) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
    assert passed[:1].isalnum() or not passed


@pytest.mark.parametrize("prefix", ["devenv", "ci-7", "a.b_c-d", "00"])
def test_a_prefix_that_heads_names_is_returned(prefix: str) -> None:
    """Lower-case, since image names are."""
    assert prefix == check_prefix(prefix)


@pytest.mark.parametrize(
    "prefix",
    ["", "a", "A1", "devEnv", "a--b", "a..b", "a-", "-a", ".a", "a/b", "a b", "ab\n", "ä1"],
)
def test_a_prefix_that_cannot_head_every_name_is_refused(prefix: str) -> None:
    """With what is accepted."""
    with pytest.raises(ValueError, match="2 to 40 lower-case letters and digits"):
        check_prefix(prefix)


# Names that follow from the path


def test_the_container_is_named_by_parent_and_project() -> None:
    """``devenv-<parent>-<project>``."""
    assert PROJECT.names[0] == "devenv-code-app"


def test_the_second_name_has_six_digits_of_the_paths_digest() -> None:
    """For when the first belongs to another path."""
    digest = hashlib.sha256(b"/home/me/code/app").hexdigest()[:6]

    assert f"devenv-code-app-{digest}" == PROJECT.names[1]


def test_the_prefix_heads_container_and_image() -> None:
    """Two people share an engine by it."""
    mine = project(prefix="mine")

    assert mine.names[0] == "mine-code-app"
    assert mine.image.startswith("mine-project-code-app-")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/home/me/code/My App", "devenv-code-My-App"),
        ("/home/me/code/a:b'c\"d", "devenv-code-a-b-c-d"),
        ("/home/me/code/a_b.c-d", "devenv-code-a_b.c-d"),
        ("/home/me/code/grün", "devenv-code-gr-n"),
        ("/home/me/code/日本語", "devenv-code--"),
        ("/home/me/my code/app\n", "devenv-my-code-app-"),
        ("/home/me/code/-rf", "devenv-code--rf"),
        ("/app", "devenv-app"),
    ],
)
def test_the_containers_name_is_cleaned(path: str, name: str) -> None:
    """A run of characters that no engine takes becomes one hyphen."""
    assert name == project(path).names[0]


def test_namesakes_differ_in_the_second_name_and_in_the_image() -> None:
    """``~/a/code/app`` and ``~/b/code/app`` are two projects."""
    one, two = project("/home/me/a/code/app"), project("/home/me/b/code/app")

    assert one.names[0] == two.names[0]
    assert one.names[1] != two.names[1]
    assert one.image != two.image


@pytest.mark.parametrize(
    ("path", "head"),
    [
        ("/home/me/Code/My App", "devenv-project-code-my-app-"),
        ("/home/me/code/a..b__c", "devenv-project-code-a-b-c-"),
        ("/home/me/code/日本語", "devenv-project-code-"),
        ("/日本語", "devenv-project-"),
        ("/app", "devenv-project-app-"),
    ],
)
def test_the_images_name_is_lower_case_with_single_separators(path: str, head: str) -> None:
    """Image names take neither capitals nor ``..``."""
    its = project(path)

    assert f"{head}{its.digest}:latest" == its.image


@pytest.mark.parametrize("part", ["a" * 255, "日" * 85, "a-" * 127, "A." * 127])
def test_the_images_name_has_255_characters_at_most(part: str) -> None:
    """No engine takes a longer one; directories' names alone have as many each."""
    image = project(f"/home/me/{part}/{part}").image

    assert len(image) <= 255
    assert REFERENCE.fullmatch(image)


def test_long_names_that_begin_alike_have_different_images() -> None:
    one, two = (project(f"/home/me/code/{'a' * 200}{end}") for end in "xy")

    assert one.image != two.image


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/home/me/code/app", "app"),
        ("/home/me/code/My_App.js", "My-App-js"),
        ("/home/me/code/-x-", "x"),
        ("/home/me/code/日本語", "devenv"),
        ("/home/me/code/" + "a" * 100, "a" * 63),
        ("/home/me/code/" + "a" * 62 + "..b", "a" * 62),
    ],
)
def test_the_host_name_is_the_projects_as_far_as_a_host_name_can_be(path: str, name: str) -> None:
    """63 letters, digits and inner hyphens."""
    assert name == project(path).hostname


def test_the_title_is_parent_and_project_as_they_are_written() -> None:
    """What the label and the reports show."""
    assert project("/home/me/my code/App!").title == "my code/App!"
    assert project("/app").title == "app"


def test_the_labels_say_whose_it_is_and_which_project() -> None:
    """Those of §2 but for the digest of the plan."""
    assert dict(project(prefix="mine").labels) == {
        "devenv": "true",
        "devenv.prefix": "mine",
        "devenv.project": "code/app",
        "devenv.path": "/home/me/code/app",
    }


def test_volumes_and_containers_share_two_labels() -> None:
    """``devenv`` and ``devenv.prefix``."""
    assert dict(common_labels("mine")) == {"devenv": "true", "devenv.prefix": "mine"}


@given(projects())
def test_every_project_has_names_that_the_engine_takes(its: Project) -> None:
    """Whatever its directories are called."""
    assert all(ENGINE_NAME.fullmatch(name) for name in its.names)
    assert its.names[0] != its.names[1]


@given(projects())
def test_every_project_has_an_image_name_that_the_engine_takes(its: Project) -> None:
    """Docker's grammar of references."""
    assert REFERENCE.fullmatch(its.image)


@given(projects())
def test_every_project_has_a_host_name_that_is_one(its: Project) -> None:
    """RFC 1123."""
    assert HOST_NAME.fullmatch(its.hostname)


@given(projects(), projects())
def test_only_the_same_path_has_the_same_image(one: Project, two: Project) -> None:
    """Within a prefix, the digest sets them apart."""
    assert (one.path == two.path) == (replace(two, prefix=one.prefix).image == one.image)


# Where it is mounted


def test_below_the_home_it_keeps_its_place_below_the_home_inside() -> None:
    """``~/code/app`` is ``~/code/app``, whatever the home is called."""
    assert PROJECT.target(INSIDE) == INSIDE / "code" / "app"


def test_elsewhere_it_is_below_workspaces() -> None:
    """There is no place below the home that would be the same."""
    assert P("/workspaces/app") == project("/srv/code/app").target(INSIDE)


def test_a_directory_beside_the_home_with_the_same_beginning_is_elsewhere() -> None:
    """``/home/me2`` is not below ``/home/me``."""
    assert P("/workspaces/app") == project("/home/me2/app").target(INSIDE)


# What is its own


def test_its_own_container_has_label_prefix_path_and_name() -> None:
    """The environment as devenv made it."""
    assert PROJECT.owns(container())


@pytest.mark.parametrize("name", PROJECT.names)
@pytest.mark.parametrize("ending", ["", ".starting"])
def test_both_names_are_its_own_finished_or_starting(name: str, ending: str) -> None:
    """Whoever finds a provisional one carries it on."""
    assert PROJECT.owns(container(name + ending))


@pytest.mark.parametrize("missing", ["devenv", "devenv.path"])
def test_a_container_without_one_of_the_labels_is_not_its_own(missing: str) -> None:
    """Somebody else's, whatever its name."""
    labels = {key: value for key, value in PROJECT.labels.items() if key != missing}

    assert not PROJECT.owns(container(labels=labels))


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("devenv", "false"),
        ("devenv", ""),
        ("devenv.prefix", "mine"),
        ("devenv.path", "/home/me/code/app2"),
        ("devenv.path", "/home/me/code/app/"),
    ],
)
def test_a_container_with_another_label_is_not_its_own(label: str, value: str) -> None:
    """Label, prefix and path have to agree."""
    assert not PROJECT.owns(container(labels={**PROJECT.labels, label: value}))


@pytest.mark.parametrize(
    "name",
    ["", "devenv", "devenv-code-app2", "devenv-code-app.old", "x-devenv-code-app", ".starting"],
)
def test_a_container_with_another_name_is_not_its_own(name: str) -> None:
    """Anybody can label a container."""
    assert not PROJECT.owns(container(name))


def test_a_container_without_a_prefix_counts_as_devenvs() -> None:
    """An older tool of this family labelled so."""
    labels = {key: value for key, value in PROJECT.labels.items() if key != "devenv.prefix"}

    assert PROJECT.owns(container(labels=labels))
    assert not project(prefix="mine").owns(container("mine-code-app", labels=labels))


@given(projects(), projects())
def test_a_container_belongs_to_one_project(one: Project, two: Project) -> None:
    """Two projects of one prefix never own the same container."""
    assume(one.path != two.path)
    two = replace(two, prefix=one.prefix)
    made = Container("id", two.names[1], "running", two.labels)

    assert not one.owns(made)


def test_a_project_whose_name_ends_like_a_provisional_one_owns_its_container() -> None:
    """Its finished environment is not taken for one that is starting."""
    its = project("/home/me/code/foo.starting")

    assert all(its.owns(container(name, labels=its.labels)) for name in its.names)
    assert not its.names[0].endswith(".starting")


# What cannot be one


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/", "the root of the file system"),
        ("/home/me", "the home directory"),
        ("/home", "above the home directory /home/me"),
    ],
)
def test_the_home_and_what_is_above_it_are_refused(path: str, what: str) -> None:
    """A project is writable from inside, and so would be all of the home."""
    with pytest.raises(ProjectError, match=f"it is {what}") as caught:
        project(path)

    assert str(caught.value).startswith(f"{path} cannot be a project")
    assert "inv run --path" in caught.value.hint


def test_the_root_is_refused_as_the_root_even_where_it_is_the_home() -> None:
    """Some containers and daemons have ``/`` as their home."""
    with pytest.raises(ProjectError, match="the root of the file system"):
        project("/", home="/")


@pytest.mark.parametrize(
    ("below", "volume"),
    [
        (".local", ".local/share"),
        (".local/share", ".local/share"),
        (".local/state", ".local/state"),
        (".cache", ".cache"),
    ],
)
def test_the_places_of_the_volumes_are_refused(below: str, volume: str) -> None:
    """A volume would be mounted over the project, or the project over the volume."""
    with pytest.raises(ProjectError, match=re.escape(f"its place, ~/{volume}.")):
        project(f"/home/me/{below}")


@pytest.mark.parametrize(
    "path", ["/home/me/.local/share/app", "/home/me/.cache/app", "/home/me/.config", "/srv", "/opt"]
)
def test_directories_beside_and_inside_those_places_are_projects(path: str) -> None:
    """A plugin is developed where it is installed, a configuration where it lies."""
    assert P(path) == project(path).path


def test_a_name_that_is_not_utf8_is_refused() -> None:
    """A label has to be text; Linux lets names be any bytes."""
    with pytest.raises(ProjectError, match="is not valid UTF-8") as caught:
        project_at(PurePosixPath("/srv/a\udcff"), HOME)

    assert "\udcff" not in str(caught.value)


@given(st.lists(PARTS, max_size=4))
def test_no_project_contains_the_home_or_a_volumes_place(parts: list[str]) -> None:
    """Whatever can be one leaves home and volumes out."""
    path = P("/").joinpath(*parts)
    home = path.joinpath("a") if len(parts) % 2 else HOME
    try:
        its = project_at(path, home)
    except ProjectError:
        return

    assert not home.is_relative_to(its.path)
    assert not any((home / r).is_relative_to(its.path) for r in (".cache", ".local/share"))
