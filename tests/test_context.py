"""Context: the copy of a project's build context, while something inside may change it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devenv_lib.errors import ImageError
from devenv_lib.images.build import _FROM, _context
from devenv_lib.images.choice import Choice, context_digest
from devenv_lib.images.context import DEEPEST, copy_context
from devenv_lib.settings import Settings
from tests.conftest import PATIENCE


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A project with a context, and secrets beside it."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/key").write_text("secret")
    context = tmp_path / "app/.devenv"
    (context / "sub").mkdir(parents=True)
    (context / "Dockerfile").write_text("FROM devenv\n")
    (context / "sub/run.sh").write_text("#!/bin/sh\n")
    (context / "sub/run.sh").chmod(0o750)
    return tmp_path / "app"


def copied(app: Path, context: str = ".devenv") -> Path:
    """Copy a project's context, and return where."""
    to = app.parent / "copy"
    copy_context(app / context, app, to)
    return to


def test_the_copy_is_built_from_as_the_context_would_be(app: Path) -> None:
    """Names, modes, content and symlinks are the same."""
    (app / ".devenv/link").symlink_to("sub/run.sh")
    (app / ".devenv/sub").chmod(0o755)

    assert context_digest(copied(app)) == context_digest(app / ".devenv")


def test_a_symlink_is_copied_and_not_what_it_leads_to(app: Path) -> None:
    (app / ".devenv/stolen").symlink_to(app.parent / "secrets")

    assert (copied(app) / "stolen").readlink() == app.parent / "secrets"


def test_a_context_that_was_swapped_for_a_symlink_is_not_read(app: Path) -> None:
    """After it was looked at, and before it is copied."""
    (app / ".devenv").rename(app / "before")
    (app / ".devenv").symlink_to(app.parent / "secrets")

    with pytest.raises(OSError, match=r"symbolic|Not a directory"):
        copied(app)


def test_a_directory_on_the_way_that_was_swapped_is_not_read(app: Path) -> None:
    (app / "real").symlink_to(app.parent / "secrets")

    with pytest.raises(OSError, match=r"symbolic|Not a directory"):
        copied(app, "real/.devenv")


def test_a_directory_that_is_swapped_while_it_is_read_is_not_followed(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at an entry and its opening."""
    sub, real = app / ".devenv/sub", os.open

    def swap(path: str, *more: int, **options: int) -> int:
        if path == "sub":
            sub.rename(app / "sub")
            sub.symlink_to(app.parent / "secrets")
        return real(path, *more, **options)

    monkeypatch.setattr(os, "open", swap)
    with pytest.raises(OSError, match=r"symbolic|Not a directory"):
        copied(app)
    assert not list((app.parent / "copy").rglob("key"))


def test_a_dockerfile_elsewhere_in_the_project_is_copied(app: Path) -> None:
    (app / ".devenv/Dockerfile").rename(app / "Dockerfile")
    (app / ".devenv/Dockerfile").symlink_to("../Dockerfile")
    dockerfile = copied(app) / "Dockerfile"

    assert (dockerfile.is_symlink(), dockerfile.read_text()) == (False, "FROM devenv\n")


def test_a_dockerfile_that_leads_out_is_not_read(app: Path) -> None:
    (app / ".devenv/Dockerfile").unlink()
    (app / ".devenv/Dockerfile").symlink_to("../../secrets/key")

    with pytest.raises(OSError, match="leads out of the project"):
        copied(app)


def test_a_pipe_is_left_out(app: Path) -> None:
    """Reading one would wait for a writer."""
    os.mkfifo(app / ".devenv/pipe")

    assert sorted(path.name for path in copied(app).iterdir()) == ["Dockerfile", "sub"]


def test_directories_without_end_are_an_error_and_no_defect(app: Path) -> None:
    """Python's own limit is one, and a traceback."""
    deep = app / ".devenv" / "/".join(["d"] * DEEPEST)
    deep.mkdir(parents=True)

    with pytest.raises(OSError, match="too many directories"):
        copied(app)
    with pytest.raises(ImageError, match="too many directories"):
        context_digest(app / ".devenv")


def test_a_build_is_made_from_a_copy_that_goes_with_it(app: Path) -> None:
    choice = Choice("app", "project", app / ".devenv")
    with _context(choice, Settings()) as context:
        (app / ".devenv/Dockerfile").write_text("FROM something-else\n")
        assert (context / "Dockerfile").read_text() == "FROM devenv\n"

    assert not context.exists()


def test_a_dockerfile_of_empty_lines_takes_no_time(app: Path) -> None:
    """It took hours: each of them was tried as the first. Nothing but an end interrupts that."""
    dockerfile = app / ".devenv/Dockerfile"
    dockerfile.write_text("\n" * (1 << 19))
    code = (
        "import sys, pathlib\n"
        "from devenv_lib.images.build import _FROM\n"
        "print(_FROM.findall(pathlib.Path(sys.argv[1]).read_text()))"
    )
    words = [sys.executable, "-c", code, str(dockerfile)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=PATIENCE)

    assert done.stdout == "[]\n"
    assert _FROM.findall("# x\n  from --platform=a  b AS c\n\tFROM d\n") == ["b", "d"]


def test_a_context_without_end_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """A file of nothing but a hole takes no room, and hours to read at every start."""
    with (tmp_path / "x").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ImageError, match="more than a build context"):
        context_digest(tmp_path)


def test_a_pipe_in_a_context_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert context_digest(tmp_path)
