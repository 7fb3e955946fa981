"""Choice: which image an environment starts from, and when a project's has changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devenv_lib.errors import ImageError
from devenv_lib.images.choice import Choice, choose, context_digest, default_image, user_ids
from devenv_lib.project import Project, project_at
from devenv_lib.settings import Settings
from tests.builders import P


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """A project without a Dockerfile."""
    (tmp_path / "code" / "app").mkdir(parents=True)
    return project_at(P(tmp_path / "code" / "app"), P("/home/me"))


def dockerfile(app: Project) -> Path:
    """Give the project a Dockerfile and return its directory."""
    directory = Path(app.path) / ".devenv"
    directory.mkdir()
    (directory / "Dockerfile").write_text("FROM devenv\n")
    return directory


def test_without_anything_it_is_the_default_image(app: Project) -> None:
    choice = choose(app, Settings())

    assert (choice.name, choice.kind) == ("devenv:latest", "default")
    assert (choice.context / "Dockerfile").is_file()


def test_a_prefix_has_a_default_image_of_its_own() -> None:
    assert default_image("mine").name == "mine:latest"


def test_a_projects_own_dockerfile_is_built(app: Project) -> None:
    context = dockerfile(app)

    assert Choice(app.image, "project", context) == choose(app, Settings())


def test_a_setting_wins_over_the_projects_dockerfile(app: Project) -> None:
    dockerfile(app)

    assert Choice("debian:trixie", "given") == choose(app, Settings(image="debian:trixie"))


@pytest.mark.parametrize("name", ["devenv:latest", "devenv"])
def test_a_setting_may_name_the_default_image(app: Project, name: str) -> None:
    """It is built when it is missing, never pulled; the project's own is passed over."""
    dockerfile(app)

    assert default_image("devenv") == choose(app, Settings(image=name))


def test_the_default_image_of_another_prefix_is_somebody_elses(app: Project) -> None:
    settings = Settings(prefix="mine", image="devenv:latest")

    assert choose(app, settings).kind == "given"


def test_a_devenv_directory_without_a_dockerfile_is_no_choice(app: Project) -> None:
    """It may hold other things; a directory of that name is no Dockerfile either."""
    (Path(app.path) / ".devenv" / "Dockerfile").mkdir(parents=True)

    assert choose(app, Settings()).kind == "default"


def test_the_image_is_built_for_the_projects_owner() -> None:
    assert user_ids((1234, 2345)) == (1234, 2345)


@pytest.mark.parametrize("gid", [0, 20, 1000])
def test_where_that_is_root_the_image_is_built_for_1000(gid: int) -> None:
    """Environments do not run as root."""
    assert user_ids((0, gid)) == (1000, 1000)


def test_an_owner_with_roots_group_keeps_it() -> None:
    """Only the user is what must not be root."""
    assert user_ids((1234, 0)) == (1234, 0)


# The digest of a build context


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A directory with a file, a directory with a file, and a symlink."""
    root = tmp_path / "context"
    (root / "etc").mkdir(parents=True)
    (root / "Dockerfile").write_text("FROM x\n")
    (root / "etc" / "conf").write_text("a")
    (root / "link").symlink_to("etc/conf")
    (root / "Dockerfile").chmod(0o644)
    return root


def test_the_same_directory_has_the_same_digest(context: Path) -> None:
    assert context_digest(context) == context_digest(context)


def test_a_copy_elsewhere_has_the_same_digest(context: Path, tmp_path: Path) -> None:
    """Neither its place nor its age counts: a fresh clone builds nothing anew."""
    before = context_digest(context)
    moved = context.rename(tmp_path / "elsewhere")
    os.utime(moved / "Dockerfile", (1, 1))

    assert before == context_digest(moved)


def test_checks_do_not_change_the_digest(context: Path) -> None:
    """They run on the host: a change of them is no reason to build. Elsewhere it is a name."""
    before = context_digest(context)
    (context / "checks").mkdir()
    (context / "checks/test_one.py").touch()
    assert before == context_digest(context)
    (context / "etc/checks").touch()

    assert before != context_digest(context)


def test_changed_content_changes_the_digest(context: Path) -> None:
    before = context_digest(context)
    (context / "etc" / "conf").write_text("b")

    assert before != context_digest(context)


def test_a_changed_mode_changes_the_digest(context: Path) -> None:
    """COPY keeps it."""
    before = context_digest(context)
    (context / "Dockerfile").chmod(0o755)

    assert before != context_digest(context)


def test_a_renamed_file_changes_the_digest(context: Path) -> None:
    before = context_digest(context)
    (context / "etc" / "conf").rename(context / "etc" / "conf2")

    assert before != context_digest(context)


def test_a_moved_file_changes_the_digest(context: Path) -> None:
    before = context_digest(context)
    (context / "etc" / "conf").rename(context / "conf")

    assert before != context_digest(context)


def test_a_new_empty_file_or_directory_changes_the_digest(context: Path) -> None:
    digests = [context_digest(context)]
    (context / "new").touch()
    digests.append(context_digest(context))
    (context / "new").unlink()
    (context / "new").mkdir()
    digests.append(context_digest(context))

    assert len(set(digests)) == 3


def test_another_target_of_a_symlink_changes_the_digest(context: Path) -> None:
    before = context_digest(context)
    (context / "link").unlink()
    (context / "link").symlink_to("elsewhere")

    assert before != context_digest(context)


def test_a_symlinks_text_counts_and_not_what_it_leads_to(context: Path, tmp_path: Path) -> None:
    """A build context does not follow them, not even to a directory or nowhere."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (context / "out").symlink_to(outside)
    (context / "nowhere").symlink_to("gone")
    before = context_digest(context)
    (outside / "file").write_text("x")

    assert before == context_digest(context)


def test_a_symlink_and_a_file_with_its_text_differ(context: Path) -> None:
    before = context_digest(context)
    (context / "link").unlink()
    (context / "link").write_text("etc/conf")

    assert before != context_digest(context)


def test_content_that_moves_from_one_file_to_the_next_changes_the_digest(context: Path) -> None:
    """Each part is counted with its length."""
    (context / "a").write_text("xy")
    (context / "b").write_text("")
    before = context_digest(context)
    (context / "a").write_text("x")
    (context / "b").write_text("y")

    assert before != context_digest(context)


def test_what_an_interpreter_leaves_does_not_count(context: Path) -> None:
    before = context_digest(context)
    (context / "etc" / "__pycache__").mkdir()
    (context / "etc" / "__pycache__" / "x.pyc").touch()

    assert before == context_digest(context)


def test_a_name_that_is_not_utf8_is_counted(context: Path) -> None:
    """Linux lets names be any bytes."""
    before = context_digest(context)
    Path(os.fsdecode(os.fsencode(context) + b"/\xff")).touch()

    assert before != context_digest(context)


def test_further_text_counts_with_its_bounds(context: Path) -> None:
    """Such as the uid that the image is built for."""
    texts = [(), ("a",), ("b",), ("a", "b"), ("ab",)]

    assert len({context_digest(context, *more) for more in texts}) == len(texts)


def test_a_directory_that_cannot_be_read_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """It names what cannot be read; no traceback."""
    with pytest.raises(ImageError, match=f"{tmp_path}/gone cannot be read") as caught:
        context_digest(tmp_path / "gone")

    assert "inv build" in caught.value.hint
