"""Checks run only as they were trusted, and the memory of that is out of the project's reach."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest

from devenv_lib.checks.content import Content, Entry, read_content
from devenv_lib.checks.example import EXAMPLE, TEXT, write_example
from devenv_lib.checks.trust import refuse_reachable, refuse_untrusted, remember, trusted_digests
from devenv_lib.errors import DevenvError, Refused
from devenv_lib.project import Project

PROJECT = Project(PurePosixPath("/home/me/app"), PurePosixPath("/home/me"))


@pytest.fixture
def state(tmp_path: Path) -> PurePosixPath:
    return PurePosixPath(tmp_path / "state/devenv")


def content(**files: str) -> Content:
    return Content({f"{n}.py": Entry("file", 0o644, t.encode()) for n, t in files.items()})


def test_no_checks_need_no_trust(state: PurePosixPath) -> None:
    refuse_untrusted(Content(), PROJECT, state)


def test_checks_that_were_never_trusted_are_refused_by_name(state: PurePosixPath) -> None:
    with pytest.raises(Refused, match=r"never trusted.*\(added: a\.py; added: b\.py\)") as caught:
        refuse_untrusted(content(b="", a=""), PROJECT, state)

    assert "inv check --trust" in caught.value.hint
    assert not Path(state).exists()


def test_trusted_checks_are_not_refused(state: PurePosixPath) -> None:
    assert remember(content(a="1"), PROJECT, state) == ("added: a.py",)
    refuse_untrusted(content(a="1"), PROJECT, state)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (content(a="1", b="2"), "changed: b.py"),
        (content(a="1", b="1", c="1"), "added: c.py"),
        (content(a="1"), "removed: b.py"),
        (
            Content({**content(a="1", b="1").entries, "a.py": Entry("file", 0o755, b"1")}),
            "changed: a.py",
        ),
        (
            Content({**content(a="1", b="1").entries, "l": Entry("symlink", 0o777, b"a.py")}),
            "added: l",
        ),
    ],
    ids=["changed", "added", "removed", "mode", "link"],
)
def test_changed_checks_are_refused_with_what_changed(
    state: PurePosixPath, now: Content, said: str
) -> None:
    remember(content(a="1", b="1"), PROJECT, state)
    with pytest.raises(Refused, match=r"not those that were trusted \(") as caught:
        refuse_untrusted(now, PROJECT, state)

    assert f"({said})" in str(caught.value)


def test_a_refusal_of_many_names_the_first_ones(state: PurePosixPath) -> None:
    many = content(**{f"t{number:02}": "" for number in range(13)})
    with pytest.raises(Refused, match=r"added: t09\.py; and 3 more"):
        refuse_untrusted(many, PROJECT, state)


def test_trust_is_for_one_project(state: PurePosixPath) -> None:
    remember(content(a="1"), PROJECT, state)
    other = Project(PurePosixPath("/home/me/other"), PurePosixPath("/home/me"))
    with pytest.raises(Refused, match="never trusted"):
        refuse_untrusted(content(a="1"), other, state)


def test_trusting_again_says_what_changed(state: PurePosixPath) -> None:
    remember(content(a="1", b="1"), PROJECT, state)

    assert remember(content(a="2"), PROJECT, state) == ("changed: a.py", "removed: b.py")
    assert remember(content(a="2"), PROJECT, state) == ()


def test_only_the_user_can_read_and_write_the_memory(state: PurePosixPath) -> None:
    remember(content(a="1"), PROJECT, state)
    (record,) = Path(state / "checks").iterdir()

    assert record.stat().st_mode & 0o777 == 0o600
    assert record.parent.stat().st_mode & 0o777 == 0o700
    assert json.loads(record.read_text())["path"] == "/home/me/app"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"path": "/home/me/app"}', '{"path": "/x", "files": {}}', "\xff"]
)
def test_a_memory_that_makes_no_sense_trusts_nothing(state: PurePosixPath, text: str) -> None:
    remember(content(a="1"), PROJECT, state)
    (record,) = Path(state / "checks").iterdir()
    record.write_text(text, encoding="latin-1")

    assert trusted_digests(PROJECT, state) is None
    with pytest.raises(Refused):
        refuse_untrusted(content(a="1"), PROJECT, state)


def test_a_memory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(DevenvError, match="could not be written") as caught:
        remember(content(a="1"), PROJECT, PurePosixPath(tmp_path / "state"))

    assert "XDG_STATE_HOME" in caught.value.hint


@pytest.mark.parametrize("writable", ["/home/me/app", "/home/me/app/state/devenv/checks"])
def test_a_memory_within_an_environments_reach_is_refused(writable: str) -> None:
    state = PurePosixPath("/home/me/app/state/devenv")
    with pytest.raises(Refused, match="could trust its own checks"):
        refuse_reachable(state, "/scratch", ["/elsewhere", writable])


def test_a_memory_out_of_reach_is_fine() -> None:
    state = PurePosixPath("/home/me/.local/state/devenv")
    refuse_reachable(state, "/scratch", ["/home/me/app", "/srv", "/scratch/app"])


@pytest.mark.parametrize("writable", ["/scratch", "/"])
def test_a_copy_within_an_environments_reach_is_refused(writable: str) -> None:
    """What is run would not be what was judged. It is devenv's own checks too."""
    state = PurePosixPath("/home/me/.local/state/devenv")
    with pytest.raises(Refused) as caught:
        refuse_reachable(state, "/scratch", [writable])

    assert caught.value.hint.startswith("Choose another place")


# The example


def test_the_example_is_what_is_read_afterwards(tmp_path: Path) -> None:
    """So that what is trusted is what was written."""
    written = write_example(PurePosixPath(tmp_path))

    assert read_content(PurePosixPath(tmp_path)) == written
    assert written.entries[EXAMPLE].data.decode() == TEXT
    compile(TEXT, EXAMPLE, "exec")


@pytest.mark.parametrize("part", [".devenv", ".devenv/checks", f".devenv/checks/{EXAMPLE}"])
def test_the_example_is_not_led_elsewhere(tmp_path: Path, part: str) -> None:
    """By a link that something inside put there."""
    outside, project = tmp_path / "outside", tmp_path / "project"
    outside.mkdir()
    (project / part).parent.mkdir(parents=True)
    (project / part).symlink_to(outside / "new.py" if part.endswith(".py") else outside)
    with pytest.raises(DevenvError, match="could not be written"):
        write_example(PurePosixPath(project))

    assert list(outside.iterdir()) == []


def test_the_example_replaces_nothing(tmp_path: Path) -> None:
    file = tmp_path / ".devenv/checks" / EXAMPLE
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    with pytest.raises(DevenvError, match="could not be written"):
        write_example(PurePosixPath(tmp_path))

    assert file.read_text() == "mine"
