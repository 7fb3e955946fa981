"""Repair on a real engine: what a wrong start left becomes the user's, nothing else changes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import uuid
from typing import Any

import pytest

from devenv_lib.errors import Refused
from devenv_lib.names import (
    LABEL_COMPLETE,
    LABEL_UNFINISHED,
    common_labels,
    complete_name,
    unfinished_name,
)
from devenv_lib.scripts import script
from devenv_lib.volumes.tree import TO, volume_at
from tests.conftest import IMAGE, Workspace, docker
from tests.trees import ODD, Entry, build, scan

pytestmark = pytest.mark.engine
#: What the wrong start of `wrong_start` leaves in the volume.
LEFT = [".", "bound", "bound/directory", "opencode", "opencode/deep", "opencode/deep/auth.json"]
_CAPABILITY = "0100000200040000000000000000000000000000"


def wrong_start(workspace: Workspace, name: str) -> None:
    """Start plain docker with a file and a directory bound in the volume, which has neither."""
    file = workspace.write("auth.json", "{}")
    directory = workspace.write("bound/file").parent
    binds = [
        f"{file}:/nowhere/v/opencode/deep/auth.json:ro",
        f"{directory}:/nowhere/v/bound/directory",
    ]
    words = [f"--volume={bind}" for bind in (f"{name}:/nowhere/v", *binds)]
    docker("run", "--rm", "--user=1000", *words, IMAGE, "true")


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Return the new owner and group of what has others, after seeing that nothing else differs."""
    assert list(before) == list(after)
    found = {}
    for path, entry in after.items():
        if entry != before[path]:
            assert [entry[0], *entry[3:]] == [before[path][0], *before[path][3:]], path
            found[path.removeprefix("./")] = (entry[1], entry[2])
    return found


@pytest.fixture
def left(workspace: Workspace) -> str:
    """A volume with leftovers, beside what is somebody's and looks like them."""
    name = workspace.make_volume("data")
    wrong_start(workspace, name)
    script = """
        mkdir own own/empty own-mode users; echo x >own/file; touch own/stub own-file
        chmod 700 own-mode; chmod 600 own-file; ln -s opencode link; mkfifo fifo
        echo x >users/file; echo x >"new
line"; chown -R 1000:1000 users; touch users/mine; chown 1000 users/mine; chmod 4711 users/mine
    """
    workspace.in_volume("data", script)
    return name


@pytest.mark.every_engine
def test_the_user_can_write_afterwards_and_nothing_else_changes(
    workspace: Workspace, left: str
) -> None:
    before = scan(left)
    done = workspace.inv("volume.repair", "--name", left, "--force")
    found = dict.fromkeys(LEFT, (1000, 1000))
    said = f"{left} REPAIRED  {len(found)} entries"
    assert (done.returncode, said in done.stderr) == (0, True), done.stderr
    assert "devuser's now (1000:1000)" in done.stderr
    assert changed(before, scan(left)) == found
    script = "cd /v && touch x opencode/x bound/directory/x && echo own >opencode/deep/auth.json"
    docker("run", "--rm", "--user=1000", f"--volume={left}:/v", IMAGE, "sh", "-c", script)
    again = scan(left)
    once_more = workspace.inv("volume.repair", "--all")
    assert (once_more.returncode, f"{left} KEPT" in once_more.stderr) == (0, True)
    assert scan(left) == again
    assert workspace.container_names() == []


def test_without_an_answer_and_with_dry_nothing_changes(workspace: Workspace, left: str) -> None:
    before = scan(left)
    done = workspace.inv("volume.repair", "--name", left)
    assert (done.returncode, "no terminal to ask on" in done.stderr) == (1, True)
    assert "opencode/deep/auth.json" in done.stdout
    dry = workspace.inv("--dry", "volume.repair", "--name", left)
    assert dry.returncode == 0
    assert scan(left) == before
    (line,) = [line for line in dry.stdout.splitlines() if not line.startswith("#")]
    subprocess.run(["bash", "-c", line], check=True)
    assert changed(before, scan(left)) == dict.fromkeys(LEFT, (1000, 1000))


def test_of_one_of_everything_only_what_may_be_a_stub_changes(workspace: Workspace) -> None:
    """Empty files of root's beside the user's own, with an engine's modes."""
    name = workspace.make_volume("data")
    build(name, [*ODD, Entry("stub", mode=0o755)])
    before = scan(name)
    done = workspace.inv("volume.repair", "--name", name, "--force", "--format", "json")
    (told,) = json.loads(done.stdout)
    assert (done.returncode, told["outcome"], told["user"]) == (0, "REPAIRED", "devuser 1000:1000")
    given = [os.fsencode(path).decode("latin-1") for path in told["leftovers"]]
    assert changed(before, scan(name)) == dict.fromkeys(given, (1000, 1000))
    assert "stub" in given
    looks = {tuple(before[f"./{path}"][:3]) for path in given}
    assert looks == {("0o100644", 0, 0), ("0o100755", 0, 0)}
    assert {before[f"./{path}"][5] for path in given} == {0}


def test_several_owners_are_refused_and_named(workspace: Workspace) -> None:
    name = workspace.make_volume("data")
    build(name)
    before = scan(name)
    done = workspace.inv("volume.repair", "--name", name, "--owner", "--force")
    assert (done.returncode, "entries of several users" in done.stderr) == (1, True)
    assert "uid 1234: 1" in done.stderr
    assert scan(name) == before


@pytest.fixture
def foreign(workspace: Workspace) -> str:
    """A volume whose user had the uid 1001."""
    name = workspace.make_volume("data")
    entries = [
        Entry(".", "dir", mode=0o755, uid=1001, gid=1001),
        Entry("a", "dir", mode=0o2700, uid=1001, gid=1001),
        Entry("a/new\nline", data="x", uid=1001, gid=1001),
        Entry("a/\xff", data="y", mode=0, uid=1001, gid=1001),
        Entry("hard", "link", data="a/\xff"),
        Entry("link", "symlink", data="/etc/passwd", uid=1001, gid=1001),
        Entry("mine", uid=1000, gid=7),
        Entry("setuid", mode=0o4755, uid=1001, gid=1001, data="z"),
        Entry("cap\nable", uid=1001, gid=1001, xattrs={"security.capability": _CAPABILITY}),
        Entry("listed", uid=1001, gid=1001, xattrs={"user.a": "31"}),
        Entry("roots", mode=0o600, data="r"),
    ]
    build(name, entries)
    return name


REOWNED = [".", "a", "a/new\nline", "a/\xff", "hard", "link", "listed", "roots"]


def test_owner_changes_exactly_what_was_counted(workspace: Workspace, foreign: str) -> None:
    """And leaves what a change of owner would take something from."""
    (workspace.home / ".local/share/opencode/auth.json").unlink()
    with pytest.raises(Refused, match="belongs to uid 1001") as refusal:
        workspace.up()
    before = scan(foreign)
    assert f"inv volume.repair --owner --name {foreign}" in refusal.value.hint
    bare = workspace.inv("volume.repair", "--name", foreign, "--force")
    assert (bare.returncode, "REFUSED" in bare.stderr) == (1, True)
    asked = workspace.inv("volume.repair", "--name", foreign, "--owner")
    assert (asked.returncode, "uid 1001: 9 entries" in asked.stdout) == (1, True)
    assert scan(foreign) == before
    done = workspace.inv("volume.repair", "--name", foreign, "--owner", "--force")
    assert (done.returncode, f"{foreign} REPAIRED  8 entries" in done.stderr) == (0, True), (
        done.stderr
    )
    assert changed(before, scan(foreign)) == dict.fromkeys(REOWNED, (1000, 1000))
    workspace.up()
    workspace.sh("touch ~/.local/share/x ~/.local/share/a/x")


@pytest.mark.every_engine
def test_owners_of_what_a_container_references_stay(workspace: Workspace, foreign: str) -> None:
    user = f"{workspace.prefix}-user"
    workspace.extra_containers.append(user)
    docker("create", f"--name={user}", f"--volume={foreign}:/x", IMAGE)
    before = scan(foreign)
    done = workspace.inv("volume.repair", "--name", foreign, "--owner", "--force")
    assert (done.returncode, f"docker rm {user}" in done.stderr) == (1, True), done.stderr
    assert scan(foreign) == before


def test_killed_at_random_moments_the_next_one_does_the_rest(
    workspace: Workspace, foreign: str
) -> None:
    workspace.in_volume("data", "mkdir many; touch $(seq -f many/%g 4000); chown -R 1001:1001 many")
    before = scan(foreign)
    seed = uuid.uuid4().hex
    moments = random.Random(seed)  # noqa: S311 - when to kill
    flags = ("--name", foreign, "--owner", "--force")
    for _ in range(4):
        workspace.killed_after(moments.uniform(0.4, 1.4), "volume.repair", *flags)
    done = workspace.inv("volume.repair", *flags)
    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    many = ["many", *(f"many/{number}" for number in range(1, 4001))]
    assert changed(before, scan(foreign)) == dict.fromkeys([*REOWNED, *many], (1000, 1000))
    assert workspace.names_when_tidy() == []


def test_it_goes_on_while_environments_use_the_volumes(workspace: Workspace) -> None:
    """And unmounts nothing: the login that is bound on a stub is still there, and read-only."""
    workspace.up()
    assert workspace.in_volume("data", "stat -c '%u %s' opencode/auth.json") == "0 0"
    done = workspace.inv("volume.repair", "--all", "--force")
    assert (done.returncode, "REPAIRED  1 entry is" in done.stderr) == (0, True), done.stderr
    assert workspace.in_volume("data", "stat -c '%u %s' opencode/auth.json") == "1000 0"
    assert "secret" in workspace.sh("cat ~/.local/share/opencode/auth.json")
    assert workspace.try_sh("echo x >~/.local/share/opencode/auth.json")[0] != 0


def test_a_symlink_in_the_place_of_a_directory_leads_nowhere(
    workspace: Workspace, left: str
) -> None:
    """As if it had been put there between the look and the change."""
    swap = "mkdir -p own/deep; touch own/deep/auth.json; mv opencode was; ln -s own opencode"
    workspace.in_volume("data", swap)
    before = scan(left)
    words = ["sh", "-c", script("volumes/repair.sh"), "devenv", TO, "1000:1000"]
    mounts = [volume_at(left, TO, read_only=False)]
    with workspace.engine.helper(IMAGE, mounts, workspace.prefix, left) as helper:
        helper.run([*words, "opencode/deep/auth.json", "users/file", "opencode", "bound"])
    assert changed(before, scan(left)) == {"bound": (1000, 1000), "opencode": (1000, 1000)}


def test_what_is_in_other_hands_is_refused_and_the_others_are_repaired(
    workspace: Workspace, left: str
) -> None:
    one, other = workspace.make_volume("cache"), workspace.make_volume("state")
    labels = common_labels(workspace.prefix)
    workspace.engine.create_volume(complete_name(one), {**labels, LABEL_COMPLETE: one})
    workspace.engine.create_volume(unfinished_name(other), {**labels, LABEL_UNFINISHED: other})
    done = workspace.inv("volume.repair", "--all", "--force")
    assert done.returncode == 1
    assert f"{left} REPAIRED" in done.stderr
    assert f"inv volume.adopt --name {one}" in done.stderr
    assert workspace.engine.volume(unfinished_name(other)) is None
    assert [workspace.in_volume(s, "stat -c %u .") for s in ("cache", "state")] == ["0", "0"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Neither --name nor --all"),
        (("--all", "--name", "x-y"), "Both --name and --all"),
        (("--all", "--format", "names"), "not a format"),
        (("--name", "../containers/x"), "../containers/x"),
    ],
)
def test_a_wrong_command_line_is_said_so(
    workspace: Workspace, words: tuple[str, ...], said: str
) -> None:
    done = workspace.inv("volume.repair", *words)
    assert (done.returncode, said in done.stderr) == (4, True), done.stderr


def test_bare_words_and_what_is_not_there(workspace: Workspace, left: str) -> None:
    done = workspace.devenv("volume", "repair", left, f"{left}-not", "--force")
    assert done.returncode == 1
    assert f"{left} REPAIRED" in done.stderr
    assert f"{left}-not REFUSED  there is no such volume" in done.stderr
    assert workspace.volume_names() == [left]
