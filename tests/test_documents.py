"""The documents say what the code does, and CI runs what the README says."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

import devenv_lib
from devenv_lib.errors import DevenvError
from devenv_lib.mounts import CACHE, DATA, STATE
from devenv_lib.readers import READERS
from devenv_lib.tasks import ns

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "specs").glob("*.md")])


def section(title: str) -> str:
    """Return a section of the README, up to the next one of its level."""
    level, _, _ = title.partition(" ")
    after = README.split(f"\n{title}\n", 1)[1]
    return re.split(rf"\n{level} ", after, maxsplit=1)[0]


def test_the_quick_start_is_two_commands_which_ci_runs() -> None:
    """Each stands in .ci/run on a line of its own, to the letter and in this order."""
    commands = re.findall(r"```sh\n(.*?)\n```", section("## Quick start"), re.DOTALL)
    assert len(commands) == 2
    lines = (ROOT / ".ci/run").read_text().splitlines()
    assert commands == [line for line in lines if line in commands]


def test_the_readme_lists_every_task() -> None:
    listed = re.findall(r"^\| `inv ([\w.-]+)", section("## The tasks"), re.MULTILINE)
    assert sorted(ns.task_names) == sorted(listed)


def test_the_readme_lists_every_setting() -> None:
    keys = re.findall(r"^\| `([a-z_.]+)` \|", section("## Settings"), re.MULTILINE)
    assert list(READERS) == keys


def test_the_readme_lists_every_public_name() -> None:
    rows = re.findall(
        r"^\| (`\w+`(?:, `\w+`)*) \|", section("### From other automation"), re.MULTILINE
    )
    assert sorted(devenv_lib.__all__) == sorted(re.findall(r"`(\w+)`", " ".join(rows)))


def test_the_readme_lists_every_fixture_and_option_of_the_plugin() -> None:
    rows = re.findall(r"^\| `([\w-]+)(?: \w+)?` \|", section("### In your own tests"), re.MULTILINE)
    code = (ROOT / "devenv_lib/pytest_plugin.py").read_text()
    fixtures = re.findall(r"^def (devenv_\w+)", code, re.MULTILINE)
    assert [*fixtures, *re.findall(r'^ +"(--devenv-\w+)"', code, re.MULTILINE)] == rows


def test_no_merge_has_left_its_marks() -> None:
    """A line of `=======` makes a heading of what is above it."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in tracked.stdout.split():
        marked = re.search(r"^(<{7} |={7}$|>{7} )", (ROOT / name).read_text(), re.MULTILINE)
        assert marked is None, name


@pytest.mark.parametrize("name", ["mounts", "speed"])
def test_a_picture_is_the_one_that_is_drawn(name: str) -> None:
    """From a mount plan, and from saved figures. When it is not: `inv dev.picture`."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"specs/pictures/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.FILE.read_text() == module.picture()


def test_the_readme_lists_every_volume_where_it_is_mounted() -> None:
    rows = re.findall(r"^\| volume `devenv-(\w+)` \| `H/([^`]+)`", README, re.MULTILINE)
    assert rows == [DATA, CACHE, STATE]


def test_the_readme_lists_every_exit_code() -> None:
    """Those of the errors, and 0, interrupted and defect."""
    codes = {int(code) for code in re.findall(r"^\| (\d) \| ", README, re.MULTILINE)}
    classes, own = [DevenvError], {0, 2, 3}
    while classes:
        one = classes.pop()
        classes += one.__subclasses__()
        own.add(one.exit_code)
    assert own == codes


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_something(document: Path) -> None:
    """To a file that is there, and to a heading that it has."""
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", document.read_text()):
        path, _, anchor = target.partition("#")
        file = (document.parent / path) if path else document
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            anchors = [re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings]
            assert anchor in anchors, target


def test_the_top_of_the_repository_is_what_was_fixed() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    top = {line.split("/")[0] for line in listed if line and not line.startswith(".")}
    assert {
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "README.md",
        "devenv_lib",
        "pyproject.toml",
        "specs",
        "tasks.py",
        "tests",
    } == top


def test_every_dependency_is_named_with_its_reason() -> None:
    """In CONTRIBUTING's tables."""
    text = (ROOT / "pyproject.toml").read_text()
    packages = re.findall(r'"([a-z-]+)>=', text.split("[project]")[1])
    table = (ROOT / "CONTRIBUTING.md").read_text().split("## Dependencies")[1]
    assert [package for package in packages if f"`{package}`" not in table] == []
