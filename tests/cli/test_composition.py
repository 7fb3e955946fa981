"""Devenv in other people's task files: the README's own, run with `inv` in a folder elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping

import pytest

from tests.conftest import Workspace, give
from tests.test_documents import section

pytestmark = pytest.mark.engine
#: The README's headings above the complete files.
ALONE = "## In other folders"
NAMED = "### Under the name devenv"
GRAFTED = "### Beside your own"
OWN = "### In a task of your own"
SCRIPT = "### From other automation"


def file(heading: str) -> str:
    """Return the one complete file that a section of the README has."""
    (found,) = re.findall(r"```python\n(.*?)```", section(heading), re.DOTALL)
    return str(found)


@pytest.fixture
def inv(workspace: Workspace) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Invoke in the project, on a task file."""

    def run(
        tasks: str, *words: str, variables: Mapping[str, str] | None = None, image: bool = True
    ) -> subprocess.CompletedProcess[str]:
        (workspace.path / "tasks.py").write_text(tasks)
        return start(workspace, "-m", "invoke", *words, variables=variables, image=image)

    return run


def start(
    workspace: Workspace,
    *words: str,
    variables: Mapping[str, str] | None = None,
    image: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run Python in the project; without ``image`` no variable names the one that tests use."""
    environ = workspace.process_environ(variables)
    if not image:
        environ = {k: v for k, v in environ.items() if v != workspace.settings.image}
    return subprocess.run(
        [sys.executable, *words],
        cwd=workspace.path,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


Inv = Callable[..., subprocess.CompletedProcess[str]]


def test_one_line_gives_a_folder_devenvs_tasks(workspace: Workspace, inv: Inv) -> None:
    result = inv(file(ALONE), "run", "--dry")
    assert result.returncode == 0, result.stderr
    assert f"--name={workspace.name}" in result.stdout
    assert inv("from devenv_lib.tasks import ns\n", "volume.list").returncode == 0


@pytest.mark.parametrize(("heading", "under"), [(NAMED, "devenv."), (GRAFTED, "")])
def test_the_tasks_work_under_a_name_of_their_own_and_beside_others(
    workspace: Workspace, inv: Inv, heading: str, under: str
) -> None:
    tasks = file(heading)
    assert inv(tasks, "hello").stdout == "hello\n"
    result = inv(tasks, f"{under}run", "--detach")
    assert result.returncode == 0, result.stderr
    assert [workspace.name] == workspace.container_names()
    listed = inv(tasks, f"{under}volume.list", "--format=names").stdout.split()
    assert listed == workspace.volume_names()
    assert inv(tasks, f"{under}exec", "--", "echo", "a  b").stdout == "a  b\n"
    assert inv(tasks, f"{under}stop").returncode == 0


def test_a_named_namespace_adds_nothing_at_the_root(inv: Inv) -> None:
    assert inv(file(NAMED), "run").returncode == 1


def test_the_readme_shows_the_list_that_a_grafted_file_has(inv: Inv) -> None:
    (shown,) = re.findall(r"\$ inv --list\n(.*?)```", section(GRAFTED), re.DOTALL)
    assert shown.strip() == inv(file(GRAFTED), "--list").stdout.strip()


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ("ns.add_task(hello, 'run')", "run"),
        ("ns.add_task(hello, 'volume')", "volume"),
        ("ns.add_collection(Collection('volume', hello))", "volume"),
        ("ns.add_collection(Collection('mounts', hello))", "mounts"),
        ("ns.add_task(hello, aliases=('stop',))", "stop"),
        ("devenv.graft(ns)", "run"),
    ],
)
def test_a_name_that_is_taken_is_an_error_that_says_so(inv: Inv, before: str, name: str) -> None:
    """While Invoke loads the file: a message and the exit code of wrong usage, no traceback."""
    tasks = file(GRAFTED).replace("devenv.graft(ns)", f"{before}\ndevenv.graft(ns)")
    for words in (["--list"], ["hello"]):
        result = inv(tasks, *words)
        assert (result.returncode, result.stdout) == (4, "")
        said, hint = result.stderr.splitlines()
        assert re.match(rf"error: This task file already has .*'{name}'", said)
        assert "add_collection(devenv.ns)" in hint


@pytest.mark.parametrize(("heading", "task"), [(NAMED, "devenv.run"), (GRAFTED, "run")])
def test_a_parents_one_key_keeps_every_other_default(inv: Inv, heading: str, task: str) -> None:
    """Only what the key is about differs from what a file without it gets."""
    plain = re.sub(r"ns\.configure.*\n", "", file(heading))
    without = inv(plain, task, "--dry").stdout.split()
    changed = plain + 'ns.configure({"devenv": {"ports": ["8000:8000"]}})\n'
    words = inv(changed, task, "--dry").stdout.split()
    assert sorted(set(words) - set(without)) == [
        *[word for word in words if word.startswith("--label=devenv.settings=")],
        "--publish=127.0.0.1:8000:8000",
    ]
    assert len(words) == len(without) + 1


def test_the_readmes_own_configure_counts(inv: Inv) -> None:
    assert "--publish=127.0.0.1:3000:3000" in inv(file(NAMED), "devenv.run", "--dry").stdout


def test_the_projects_own_configuration_file_still_counts(workspace: Workspace, inv: Inv) -> None:
    """Key by key: it wins over a parent's `configure`, and leaves that one's other keys."""
    (workspace.path / "invoke.yaml").write_text("devenv: {image: of-the-file}\n")
    tasks = file(NAMED).replace('"ports": [3000]', '"image": "of-the-parent", "ports": [4000]')
    said = inv(tasks, "devenv.run", "--dry", image=False).stdout
    assert "of-the-file" in said.split()
    assert "--publish=127.0.0.1:4000:4000" in said


#: Where a setting can come from, the weakest first, as the README lists them. Writing to
#: `/etc/invoke.yaml` would concern the whole machine: test_task.py shows its place.
PLACES = [
    '`configure({"devenv": {…}})` in the task file',
    "`~/.invoke.yaml`",
    "the project's `invoke.yaml`",
    "the file given with `inv -f FILE`",
    "variables `INVOKE_DEVENV_*`",
    "variables `DEVENV_*`",
    "flags",
]


def test_the_readme_lists_the_places_in_this_order() -> None:
    listed = re.findall(r"^\d\. ([^,\n]+)", section("## Settings"), re.MULTILINE)
    assert [place for place in listed if "/etc" not in place] == PLACES


@pytest.mark.parametrize("weaker", range(len(PLACES) - 1))
def test_each_place_wins_over_the_one_before_it(
    workspace: Workspace, inv: Inv, weaker: int
) -> None:
    """Both say which image, and `inv --dry run` shows whose counts; all others are silent."""
    tasks, flags, variables = file(GRAFTED), ["run", "--dry"], {}
    for place in PLACES[weaker : weaker + 2]:
        image = f"image-{PLACES.index(place)}"
        yaml = f"devenv: {{image: {image}}}\n"
        if place.startswith("`configure"):
            tasks += f'ns.configure({{"devenv": {{"image": "{image}"}}}})\n'
        elif place.startswith("`~"):
            (workspace.home / ".invoke.yaml").write_text(yaml)
        elif place.startswith("the project"):
            (workspace.path / "invoke.yaml").write_text(yaml)
        elif place.startswith("the file"):
            (workspace.home / "given.yaml").write_text(yaml)
            flags = ["-f", str(workspace.home / "given.yaml"), *flags]
        elif place.startswith("variables"):
            variables[place.split("`")[1].replace("*", "IMAGE")] = image
        else:
            flags += ["--image", image]
    result = inv(tasks, *flags, variables=variables, image=False)
    assert result.returncode == 0, result.stderr
    assert f"image-{weaker + 1}" in result.stdout.split()
    assert f"image-{weaker}" not in result.stdout.split()


def test_the_projects_file_may_not_set_what_widens(workspace: Workspace, inv: Inv) -> None:
    """So for those keys it wins over nothing: it is an error, and says where they belong."""
    (workspace.path / "invoke.yaml").write_text("devenv: {memory: 1g}\n")
    result = inv(file(GRAFTED), "run", "--dry")
    assert result.returncode == 4
    assert "Move it to ~/.invoke.yaml, or set DEVENV_MEMORY." in result.stderr


def makefile(workspace: Workspace, recipe: str) -> None:
    """Give the project tests, which say where they run."""
    file = workspace.path / "Makefile"
    file.write_text(f"test:\n\t@echo of $$(id -un) in $$PWD; {recipe}\n")
    give(file)


def test_a_task_of_their_own_runs_the_tests_and_leaves_nothing(
    workspace: Workspace, inv: Inv
) -> None:
    makefile(workspace, "true")
    result = inv(file(OWN), "ci")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "of devuser in /home/devuser/work/app\n"
    assert workspace.container_names() == []


def test_the_task_fails_when_the_tests_do_and_leaves_nothing(
    workspace: Workspace, inv: Inv
) -> None:
    makefile(workspace, "exit 3")
    result = inv(file(OWN), "ci")
    assert result.returncode == 2, result.stderr  # make's own
    assert result.stderr.splitlines()[-1] == "The tests failed."
    assert result.stdout.startswith("of devuser in")
    assert workspace.container_names() == []


def test_the_task_leaves_what_ran_before(workspace: Workspace, inv: Inv) -> None:
    before = workspace.up().container.id
    makefile(workspace, "exit 1")
    assert inv(file(OWN), "ci").returncode == 2
    assert before == workspace.up().container.id


def test_the_task_says_what_devenv_refuses(workspace: Workspace, inv: Inv) -> None:
    """A message, a hint and the exit code of the error, and no traceback."""
    (workspace.home / ".invoke.yaml").write_text("devenv: {memory: lots}\n")
    result = inv(file(OWN), "ci")
    assert result.returncode == 4
    assert re.match(r"error: 'devenv\.memory' in .*\n    It takes ", result.stderr)
    assert "Traceback" not in result.stderr
    assert workspace.container_names() == []


@pytest.mark.parametrize(("recipe", "status"), [("true", 0), ("exit 3", 2)])
def test_a_script_does_the_same(workspace: Workspace, recipe: str, status: int) -> None:
    makefile(workspace, recipe)
    (workspace.path / "check.py").write_text(file(SCRIPT))
    result = start(workspace, "check.py")
    assert (status, ["testing without git", "of devuser in /home/devuser/work/app"]) == (
        result.returncode,
        result.stdout.splitlines(),
    )
    assert workspace.container_names() == []
