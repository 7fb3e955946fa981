"""What this user may not look at: a clear error or left out, never a traceback."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path, PurePosixPath

import pytest

from devenv_lib import host, images
from devenv_lib.cache import recall, remember
from devenv_lib.containers.sources import check_seen, unseen, vanished
from devenv_lib.engine import resolve
from devenv_lib.engine.program import show
from devenv_lib.errors import ImageError, Refused, UnknownContext
from devenv_lib.host.worktree import worktree_of
from devenv_lib.images.choice import context_digest
from devenv_lib.project import project_at
from devenv_lib.records import Container, MountPoint
from devenv_lib.settings import Settings


def test_a_path_that_may_not_be_looked_at_counts_as_missing(closed: Path) -> None:
    """Another user's agent after `su`, a ~/.config of root's."""
    assert host.find(PurePosixPath(closed / "agent")).kind == "missing"


def test_a_mounts_source_that_may_not_be_looked_at_is_not_in_place(closed: Path) -> None:
    """Whoever may write around it can put a symlink there, and hide that."""
    told = ("may not be looked at any more", False)
    assert host.displaced(str(closed / "source")) == told


@pytest.mark.parametrize("number", [errno.ENOTCONN, errno.ESTALE, errno.EIO, errno.ETIMEDOUT])
def test_a_source_that_does_not_answer_is_not_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A file system of another machine's: an environment made anew would be without it."""

    def silent(_: Path, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    path = str(tmp_path)
    assert host.displaced(path) is None
    monkeypatch.setattr(Path, "stat", silent)
    assert host.displaced(path) == (f"cannot be looked at ({os.strerror(number)})", False)
    box = Container("id", "x", "exited", {}, (MountPoint("bind", path, "/x", read_only=True),))
    assert (vanished(box), len(unseen(box))) == ([], 1)
    with pytest.raises(Refused, match="nobody knows what the engine would mount") as refused:
        check_seen(box)
    assert "--recreate" in refused.value.hint


def test_a_project_that_may_not_be_searched_is_no_worktree(closed: Path) -> None:
    assert worktree_of(PurePosixPath(closed)) is None


def test_a_dockerfile_that_may_not_be_looked_at_is_an_error_with_its_path(closed: Path) -> None:
    """It may be there: the default image would be another one than the project's."""
    project = project_at(PurePosixPath(closed), PurePosixPath("/home/me"))
    with pytest.raises(ImageError, match=r"\.devenv/Dockerfile cannot be read") as error:
        images.choose(project, Settings())
    assert "make it readable" in error.value.hint
    with pytest.raises(ImageError, match="cannot be read"):
        context_digest(closed / ".devenv")


def test_a_docker_configuration_that_may_not_be_read_names_no_engine(closed: Path) -> None:
    """It may choose another engine than the default one: nobody knows which is meant."""
    with pytest.raises(UnknownContext, match="cannot be read") as error:
        resolve({"DOCKER_CONFIG": str(closed)})
    assert "DOCKER_CONTEXT=default" in error.value.hint
    assert resolve({"DOCKER_CONFIG": str(closed), "DOCKER_CONTEXT": "default"}).context == "default"


def test_progress_without_stderr_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """`inv build 2>&-`: whoever closed it does not want to read."""
    monkeypatch.setattr(sys, "stderr", None)
    assert show(["sh", "-c", "echo progress; exit 3"]) == 3


def test_a_cache_below_a_home_that_is_not_there_makes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "no-home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    remember("id", terminals={})
    assert list(tmp_path.iterdir()) == []


def test_a_relative_cache_directory_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The XDG specification's word; else it would be in the project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    remember("id", terminals={})
    assert recall("id") == {"terminals": {}}
    assert [entry.name for entry in tmp_path.iterdir()] == ["home"]
