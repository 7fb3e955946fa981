"""``volume.cp`` and ``volume.usage`` as people type them."""

from __future__ import annotations

from pathlib import Path

import pexpect
import pytest

from tests.conftest import DEVENV, Workspace
from tests.trees import scan

pytestmark = pytest.mark.engine


@pytest.fixture
def name(workspace: Workspace) -> str:
    """A labelled volume with a lockfile in it, as an environment leaves it."""
    made = workspace.make_volume("tvim-lock")
    workspace.in_volume("tvim-lock", "echo '{}' > lazy-lock.json; printf '\\033[2Jx' > evil")
    return made


def test_a_lockfile_comes_out_and_goes_in_again(workspace: Workspace, name: str) -> None:
    """As the README has it."""
    copied = ["volume.cp", "--name", name, "--file", "lazy-lock.json"]
    out = workspace.inv(*copied, "--to", ".")
    assert out.returncode == 0, out.stderr
    assert f"{name} COPIED  lazy-lock.json to lazy-lock.json, 3 B" in out.stderr
    file = workspace.path / "lazy-lock.json"
    assert file.read_text() == "{}\n"
    file.write_text("[]")
    again = workspace.inv(*copied, "--from", "lazy-lock.json")
    assert again.returncode == 1
    assert "is there already" in again.stderr
    assert "--replace" in again.stderr
    assert workspace.in_volume("tvim-lock", "cat lazy-lock.json") == "{}"
    replaced = workspace.inv(*copied, "--from", "lazy-lock.json", "--replace")
    assert replaced.returncode == 0, replaced.stderr
    assert workspace.in_volume("tvim-lock", "cat lazy-lock.json; stat -c %u *.json") == "[]1000"


def test_the_command_takes_one_volume_as_a_word(workspace: Workspace, name: str) -> None:
    done = workspace.devenv("volume", "cp", name, "--file", "lazy-lock.json", "--to", "-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "{}\n", "")
    shown = workspace.devenv("volume", "usage", name)
    assert shown.returncode == 0
    assert shown.stdout.splitlines()[1].endswith(f"100%  {name}")
    assert "2 files" in shown.stderr
    two = workspace.devenv("volume", "usage", name, name)
    assert (two.returncode, "takes one volume" in two.stderr) == (4, True)


def test_a_dry_run_says_what_it_would_do_and_does_nothing(workspace: Workspace, name: str) -> None:
    for words in (["--file", "lazy-lock.json", "--to", "."], ["--file", "x", "--from", "tasks.py"]):
        done = workspace.inv("--dry", "volume.cp", "--name", name, *words)
        assert done.returncode == 0, done.stderr
        assert f"src={name}" in done.stdout
    assert "find" in workspace.inv("--dry", "volume.usage", "--name", name).stdout
    assert not (workspace.path / "lazy-lock.json").exists()
    assert workspace.in_volume("tvim-lock", "ls -A").split() == ["evil", "lazy-lock.json"]


@pytest.mark.parametrize(
    "words",
    [
        ["volume.cp", "--file", "x", "--to", "."],
        ["volume.cp", "--name", "NAME", "--to", "."],
        ["volume.cp", "--name", "NAME", "--file", "x"],
        ["volume.cp", "--name", "NAME", "--file", "x", "--to", ".", "--from", "tasks.py"],
        ["volume.cp", "--name", "NAME", "--file", "/etc/passwd", "--to", "."],
        ["volume.cp", "--name", "NAME", "--file", "../x", "--from", "tasks.py"],
        ["volume.cp", "--name", "NAME", "--file", "x", "--from", "no-such-file"],
        ["volume.usage"],
        ["volume.usage", "--name", "NAME", "--depth", "-1"],
        ["volume.usage", "--name", "NAME", "--depth", "x"],
        ["volume.usage", "--name", "NAME", "--format", "xml"],
        ["volume.usage", "--name", "../x"],
    ],
)
def test_wrong_usage_ends_with_4_and_changes_nothing(
    workspace: Workspace, name: str, words: list[str]
) -> None:
    before = sorted(workspace.path.iterdir())
    done = workspace.inv(*(name if word == "NAME" else word for word in words))
    assert done.returncode == 4, done.stderr
    assert done.stderr.startswith("error: ")
    assert sorted(workspace.path.iterdir()) == before
    assert workspace.in_volume("tvim-lock", "ls -A").split() == ["evil", "lazy-lock.json"]


def test_a_volume_that_is_not_ours_is_refused(workspace: Workspace) -> None:
    other = workspace.volume("other")
    workspace.extra_volumes.append(other)
    workspace.engine.create_volume(other, {})
    for words in (
        ["usage"],
        ["cp", "--file", ".", "--to", "out"],
        ["cp", "--file", "x", "--from", "."],
    ):
        done = workspace.inv(f"volume.{words[0]}", "--name", other, *words[1:])
        assert done.returncode == 1
        assert "does not carry the label" in done.stderr
    assert not (workspace.path / "out").exists()


def test_who_uses_the_volume_is_told(workspace: Workspace, tmp_path: Path) -> None:
    """A running environment sees at once what was copied in, and its user may write it."""
    workspace.up()
    source = tmp_path / "notes"
    source.write_text("hello")
    volume = workspace.volume("data")
    done = workspace.inv("volume.cp", "--name", volume, "--file", "a/b/", "--from", str(source))
    assert done.returncode == 0, done.stderr
    assert f"in use by {workspace.name}" in done.stderr
    assert workspace.sh("cd ~/.local/share/a/b && echo ' you' >> notes && cat notes") == "hello you"


def test_a_terminal_obeys_nothing_that_is_in_a_volume(workspace: Workspace, name: str) -> None:
    words = ["volume", "cp", name, "--file", "evil", "--to", "-"]
    said, status = pexpect.run(
        str(DEVENV) + " " + " ".join(words),
        cwd=str(workspace.path),
        env={**workspace.process_environ(), "TERM": "dumb"},
        withexitstatus=True,
    )
    assert (said, status) == (b"\\x1b[2Jx", 0)


def test_a_reader_that_goes_ends_it_silently(workspace: Workspace, name: str) -> None:
    workspace.in_volume("tvim-lock", "head -c 5000000 /dev/zero > big")
    copied = f"$INV volume.cp --name {name} --file big --to -"
    done = workspace.shell(f"{copied} | head -c 1 | wc -c; echo ${{PIPESTATUS[0]}}")
    assert (done.stdout.split(), done.stderr) == (["1", "0"], "")


def test_a_full_disk_behind_stdout_is_said(workspace: Workspace, name: str) -> None:
    """At the first byte, and where what is small is written at the end alone."""
    workspace.in_volume("tvim-lock", "head -c 5000000 /dev/zero > big")
    for file in ("big", "lazy-lock.json"):
        done = workspace.shell(f"$INV volume.cp --name {name} --file {file} --to - > /dev/full")
        assert done.returncode == 1
        assert "error: The output could not be written: No space left on device." in done.stderr
        assert "Traceback" not in done.stderr


def test_names_that_are_no_utf_8_work_on_the_command_line(workspace: Workspace, name: str) -> None:
    workspace.in_volume("tvim-lock", "echo odd > \"$(printf 'a\\377')\"")
    line = "$INV volume.cp --name \"$1\" --file $'a\\xff' --to . && cat $'a\\xff'"
    done = workspace.shell(line, name)
    assert done.stdout == "odd\n", done.stderr
    assert "a\\xff" in done.stderr
    back = "$INV volume.cp --name \"$1\" --file $'\\xfe\\n/b\\n' --from $'a\\xff'"
    assert workspace.shell(back, name).returncode == 0
    assert "./\xfe\n/b\n" in scan(name)  # latin-1 of its bytes
