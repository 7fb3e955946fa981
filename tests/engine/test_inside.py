"""Copying out of and into volumes, and measuring them, on a real engine without an environment."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest

from devenv_lib import volumes
from devenv_lib.engine import answers, connect, starting
from devenv_lib.errors import DevenvError, EngineFailure, Refused
from devenv_lib.names import LABEL_COMPLETE, common_labels, complete_name
from devenv_lib.plans.contents import Copied
from devenv_lib.scripts import script
from devenv_lib.volumes import measuring
from devenv_lib.volumes.tree import FROM, volume_at
from tests.conftest import IMAGE, PATIENCE, Workspace, docker
from tests.relay import relay
from tests.trees import DEFAULT_ACL, ODD, build, scan

pytestmark = pytest.mark.engine

OWNER = (1000, 1000)
#: Writes to a file how much memory a command had, and its children.
_MEASURED = (
    "import resource, subprocess, sys; status = subprocess.call(sys.argv[2:]); "
    "usage = resource.getrusage(resource.RUSAGE_CHILDREN); "
    "open(sys.argv[1], chr(119)).write(str(usage.ru_maxrss)); sys.exit(status)"
)


@pytest.fixture
def name(workspace: Workspace) -> str:
    """An empty labelled volume that nobody uses."""
    return workspace.make_volume("data")


def copy_out(
    workspace: Workspace, path: str, to: Path | BytesIO, *, replace: bool = False
) -> Copied:
    place = to if isinstance(to, BytesIO) else str(to)
    volume = workspace.volume("data")
    return volumes.copy_out(
        workspace.engine, workspace.prefix, volume, path, place, IMAGE, replace=replace
    )


def copy_in(
    workspace: Workspace, path: str, source: Path | BytesIO, *, replace: bool = False
) -> Copied:
    place = source if isinstance(source, BytesIO) else str(source)
    volume = workspace.volume("data")
    return volumes.copy_in(
        workspace.engine, workspace.prefix, volume, path, place, IMAGE, OWNER, replace=replace
    )


def listed(directory: Path) -> list[bytes]:
    """Return what is below a directory, however it is called."""
    top = os.fsencode(directory)
    found = [
        os.path.relpath(at + b"/" + each, top)
        for at, inside, files in os.walk(top)
        for each in (*inside, *files)
    ]
    return sorted(found)


@pytest.mark.every_engine
def test_one_of_everything_comes_out_as_the_callers_or_is_named(
    workspace: Workspace, name: str, tmp_path: Path
) -> None:
    """No device, no fifo, no setuid bit, no symlink out, nobody else's owner; odd names stay."""
    build(name)
    workspace.in_volume(
        "data", "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"sock\")'"
    )
    out = tmp_path / "out"
    old = os.umask(0o027)
    try:
        made = copy_out(workspace, ".", out)
    finally:
        os.umask(old)
    left = {omission.path: omission.why for omission in made.omissions}
    assert set(left) == {
        *("absolute", "out", "sticky/hard symlink", "fifo", "null", "sock"),
    }
    assert (left["fifo"], left["null"], left["sock"]) == ("a fifo", "a device", "a socket")
    expected = {entry.path.encode("latin-1") for entry in ODD} - {b"."}
    expected -= {path.encode() for path in left}
    assert set(listed(out)) == expected
    for path in out.rglob("*"):
        seen = path.lstat()
        assert (seen.st_uid, seen.st_gid) == (os.getuid(), os.getgid())
        if not path.is_symlink():
            assert seen.st_mode & 0o7027 == 0, path
    assert (out / "closed/inside").read_text() == "secret"
    assert os.fsencode((out / "odd").readlink()) == b"\xff\n"
    sparse = (out / "sparse").stat()
    assert sparse.st_size == (20 << 20) + len("end")
    assert sparse.st_blocks * 512 < 1 << 20
    assert (out / "setuid").stat().st_mode & 0o7777 == 0o750


@pytest.mark.every_engine
def test_what_went_in_comes_out_and_is_the_users_inside(
    workspace: Workspace, name: str, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    (source / "sub/empty").mkdir(parents=True)
    (source / "sub/file").write_bytes(os.urandom(100_000))
    (source / os.fsdecode(b"\xff\n-")).write_text("odd")
    (source / "setuid").write_text("x")
    (source / "setuid").chmod(0o4755)
    (source / "link").symlink_to("/etc/passwd")
    os.mkfifo(source / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(source / "s"))
    top = tmp_path / "top"
    top.symlink_to(source)  # followed, since it was named
    made = copy_in(workspace, "new/parents/", top)
    assert made.target == "new/parents/top"
    assert {o.path: o.why for o in made.omissions} == {"fifo": "a fifo", "s": "a socket"}
    seen = scan(name)
    inside = {path.removeprefix("./"): entry for path, entry in seen.items() if path != "."}
    assert {(entry[1], entry[2]) for entry in inside.values()} == {OWNER}
    assert inside["new/parents/top/setuid"][0] == oct(0o100755)
    assert "/etc/passwd" in inside["new/parents/top/link"]
    out = tmp_path / "out"
    back = copy_out(workspace, "new/parents/top", out)
    assert [o.path for o in back.omissions] == ["link"]
    (source / "link").unlink()
    (source / "fifo").unlink()
    (source / "s").unlink()
    assert listed(out) == listed(source)
    assert (out / "sub/file").read_bytes() == (source / "sub/file").read_bytes()
    assert workspace.container_names() == []


@pytest.mark.usefixtures("name")
def test_nothing_is_overwritten_on_the_host_that_was_not_meant(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.in_volume("data", "echo new > f; mkdir -p d; echo x > d/x")
    there, link = tmp_path / "f", tmp_path / "link"
    there.write_text("old")
    link.symlink_to(there)
    (tmp_path / "d").mkdir()
    before = listed(tmp_path)
    for path, to, replace in [
        ("f", tmp_path, False),
        ("f", there, False),
        ("f", link, True),
        ("d", tmp_path, True),
        ("d", there, True),
        ("f", tmp_path / "no/where", False),
        ("no", tmp_path, False),
    ]:
        with pytest.raises(Refused):
            copy_out(workspace, path, to, replace=replace)
    assert (there.read_text(), listed(tmp_path)) == ("old", before)
    assert copy_out(workspace, "f", tmp_path, replace=True).target == str(there)
    assert (there.read_text(), listed(tmp_path)) == ("new\n", before)


def test_nothing_is_overwritten_in_a_volume_that_was_not_meant(
    workspace: Workspace, name: str, tmp_path: Path
) -> None:
    workspace.in_volume(
        "data", "echo old > f; ln -s f link; ln -s nowhere gone; mkdir -p d/f d/tree; echo x > d/x"
    )
    source, tree = tmp_path / "f", tmp_path / "tree"
    source.write_text("new")
    tree.mkdir()
    before = scan(name)
    cases: list[tuple[str, Path | BytesIO, bool]] = [
        (".", source, False),
        ("f", source, False),
        ("link", source, True),
        ("gone", source, True),
        ("d", source, True),  # where d/f is a directory
        ("d", tree, True),
        ("f", tree, True),
        ("f/x", source, False),
        ("d", BytesIO(b"x"), False),
    ]
    for path, given, replace in cases:
        with pytest.raises(Refused):
            copy_in(workspace, path, given, replace=replace)
        assert scan(name).keys() == before.keys(), path
    assert workspace.in_volume("data", "cat f") == "old"
    copy_in(workspace, "f", source, replace=True)
    assert workspace.in_volume("data", "cat f link") == "newnew"


def test_symlinks_lead_nowhere_but_in_the_volume(
    workspace: Workspace, name: str, tmp_path: Path
) -> None:
    workspace.in_volume(
        "data",
        "mkdir -p real/deep; echo in > real/f; ln -s real dir; ln -s real/f file; ln -s / root;"
        " ln -s /etc etc; ln -s ../.. up; ln -s loop loop; ln -s etc/passwd chain; mkfifo fifo",
    )
    source = tmp_path / "source"
    source.write_text("x")
    out = tmp_path / "out"
    here, inside = listed(tmp_path), scan(name)
    for path in ("root", "etc/passwd", "etc", "up", "up/etc/passwd", "loop", "chain", "fifo"):
        with pytest.raises(Refused):
            copy_out(workspace, path, out)
    for path in ("root/tmp/x", "etc/new", "up/x", "loop/x", "root/dev/shm/x", "root/"):
        with pytest.raises(Refused):
            copy_in(workspace, path, source)
        assert scan(name) == inside, path
    assert listed(tmp_path) == here
    for path in ("dir/f", "file"):
        stream = BytesIO()
        copy_out(workspace, path, stream)
        assert stream.getvalue() == b"in\n"
    assert copy_in(workspace, "dir/deep", source).target == "real/deep/source"


def test_directories_of_roots_are_no_obstacle(
    workspace: Workspace, name: str, tmp_path: Path
) -> None:
    workspace.in_volume("data", "mkdir -m 700 closed; echo secret > closed/f; chmod 0 closed/f")
    copy_out(workspace, "closed/f", tmp_path / "f")
    assert (tmp_path / "f").read_text() == "secret\n"
    copy_in(workspace, "closed/new/g", tmp_path / "f")
    owners = workspace.in_volume("data", "stat -c %u:%g closed closed/new closed/new/g").split()
    assert owners == ["0:0", "1000:1000", "1000:1000"]
    top, closed, new = volumes.measure(workspace.engine, workspace.prefix, name, IMAGE)
    assert (top.files, closed.path, closed.files, new.path) == (2, "closed", 2, "closed/new")


@pytest.mark.parametrize("mode", ["755", "2775"])
def test_what_a_copy_left_whose_engine_was_killed_goes_with_the_next_one(
    workspace: Workspace, name: str, tmp_path: Path, mode: str
) -> None:
    """Also with one that is refused; what only looks like it stays."""
    (tmp_path / "f").write_text("new")
    left = f"chmod {mode} .; umask 077; mkdir .devenv-cp-0123456789ab; echo x > .devenv-cp-0*/it"
    workspace.in_volume("data", f"{left}; touch there; mkdir -m 755 .devenv-cp-a")
    assert workspace.engine.volume(name)
    with pytest.raises(Refused, match="is there already"):
        copy_in(workspace, "there", tmp_path / "f")
    assert workspace.in_volume("data", "ls -A").split() == [".devenv-cp-a", "there"]


def test_what_comes_in_is_roots_alone_until_it_has_its_name(
    workspace: Workspace, name: str
) -> None:
    """Also where the top's access list hands its rights down to what is made in it."""
    acl = f'os.setxattr(".", "system.posix_acl_default", bytes.fromhex("{DEFAULT_ACL}"))'
    workspace.in_volume("data", f"python3 -c 'import os; {acl}'")
    held = "/v/.devenv-cp-0123456789ab"
    receive = f"devenv receive /v {held[3:]} file 1000:1000 644 '' '' f"
    lines = f'echo x | sh -c "$IN" {receive}; stat -c %a {held}'
    lines += f"; setpriv --reuid=1000 --clear-groups touch {held}/planted && echo PLANTED"
    steps = script("volumes/in.sh")
    words = ["run", "--rm", "--user=0", f"--volume={name}:/v", f"--env=IN={steps}"]
    done = docker(*words, IMAGE, "sh", "-c", lines, check=False)
    assert (done.stdout, "Permission denied" in done.stderr) == ("700\n", True), done.stderr


def test_a_helper_whose_end_cannot_be_seen_has_done_what_it_was_for(workspace: Workspace) -> None:
    """The engine goes at the very end: the work is done, and the helper ends by itself."""
    with relay(str(workspace.engine.endpoint.socket), unix=True) as door:
        engine = connect({"DOCKER_HOST": door.url})
        with engine.helper(IMAGE, (), workspace.prefix, "about") as helper:
            assert helper.run(["echo", "done"]) == b"done\n"
            door.end()
    until = time.monotonic() + PATIENCE
    while workspace.container_names() and time.monotonic() < until:
        time.sleep(0.05)
    assert workspace.container_names() == []


def test_sizes_are_those_of_du_and_hard_links_count_once(workspace: Workspace, name: str) -> None:
    build(name)
    workspace.in_volume("data", "head -c 300000 /dev/zero > big; ln big sticky/twin; ln big deep/x")
    found = volumes.measure(workspace.engine, workspace.prefix, name, IMAGE, depth=20)
    said = workspace.in_volume("data", "du --block-size=1 --summarize .").split()[0]
    assert found[0].bytes == int(said)
    count = workspace.in_volume("data", "find . ! -type d -printf . | wc -c")
    assert found[0].files == int(count)
    assert len(found) == int(workspace.in_volume("data", "find . -type d -printf . | wc -c"))


def test_a_volume_that_is_written_to_can_be_measured(workspace: Workspace, name: str) -> None:
    user = f"{workspace.prefix}-user"
    workspace.extra_containers.append(user)
    churn = "cd /v; while :; do mkdir -p a/b/c; echo > a/b/c/d; rm -r a; done"
    words = ["--detach", f"--name={user}", "--user=0", f"--volume={name}:/v"]
    docker("run", *words, "--entrypoint=sh", IMAGE, "-c", churn)
    for _ in range(3):
        found = volumes.measure(workspace.engine, workspace.prefix, name, IMAGE)
        assert found[0].path == "."


def test_fifty_megabytes_pass_through_with_little_memory(workspace: Workspace, name: str) -> None:
    """In by stdin and out by stdout, as a pipeline of the command line's."""
    size = 50 << 20
    measured = f"{sys.executable} -c '{_MEASURED}'"
    done = workspace.shell(
        f"head -c {size} /dev/urandom | tee >(sha256sum > in) | "
        f"{measured} mem1 $INV volume.cp --name {name} --file big --from - && "
        f"{measured} mem2 $INV volume.cp --name {name} --file big --to - | sha256sum > out; "
        "echo ${PIPESTATUS[*]}"
    )
    assert done.stdout == "0 0\n", done.stderr
    sums = [(workspace.path / each).read_text() for each in ("in", "out")]
    assert sums[0] == sums[1]
    memory = [int((workspace.path / each).read_text()) for each in ("mem1", "mem2")]
    assert max(memory) < 100 << 10  # KiB, of the largest of its processes


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle_nothing_has_the_name(
    workspace: Workspace, name: str, end: signal.Signals
) -> None:
    """Neither inside nor outside; what is left has another name, and the next copy removes it."""
    workspace.in_volume("data", "head -c 600000000 /dev/zero | tr '\\0' x > big")
    out = workspace.path / "out"
    out.mkdir()
    ended(workspace, end, out, "--file", "big", "--to", str(out))
    assert not (out / "big").exists()
    source = workspace.path / "source"
    with source.open("wb") as file:
        for _ in range(60):
            file.write(b"y" * 10_000_000)
    ended(workspace, end, None, "--file", "new/name", "--from", str(source))
    assert "new" not in workspace.in_volume("data", "ls").split()
    source.write_text("small")
    done = workspace.inv("volume.cp", "--name", name, "--file", "new/name", "--from", str(source))
    assert done.returncode == 0, done.stderr
    assert workspace.in_volume("data", "ls -A").split() == ["big", "new"]
    assert workspace.names_when_tidy() == []


def ended(workspace: Workspace, end: signal.Signals, out: Path | None, *words: str) -> None:
    """Begin a copy, wait until bytes have come where it writes, and end it with a signal."""
    process = workspace.begin("volume.cp", "--name", workspace.volume("data"), *words, group=True)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        if out is not None:
            if any(path.stat().st_size for path in out.glob(".devenv-cp-*/it")):
                break
        elif workspace.in_volume("data", "find .devenv-cp-* -name it -size +1 2>/dev/null || :"):
            break
    assert process.poll() is None, "it was too quick to be ended in the middle"
    process.send_signal(end)
    process.communicate()
    assert process.returncode != 0


@pytest.mark.usefixtures("name")
def test_a_source_that_is_not_there_or_changes_leaves_nothing(
    workspace: Workspace, tmp_path: Path
) -> None:
    with pytest.raises(DevenvError, match="cannot be read"):
        copy_in(workspace, "a/b", tmp_path / "no")

    class Failing(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error", size)

    with pytest.raises(DevenvError, match="Input/output error"):
        copy_in(workspace, "a/b", Failing())
    assert workspace.in_volume("data", "ls -A") == ""


def test_two_can_read_at_once_and_a_copy_in_waits_for_its_turn(
    workspace: Workspace, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "PATIENCE", 0.3)
    workspace.in_volume("data", "echo x > f")
    with workspace.engine.helper(IMAGE, (), workspace.prefix, name):  # somebody's lock
        copy_out(workspace, "f", tmp_path / "f")
        assert volumes.measure(workspace.engine, workspace.prefix, name, IMAGE)[0].files == 1
        with pytest.raises(Refused, match="Another command"):
            copy_in(workspace, "g", tmp_path / "f")
    assert workspace.in_volume("data", "ls") == "f"


def test_json_has_every_directory(workspace: Workspace, name: str) -> None:
    workspace.in_volume(
        "data", "for n in $(seq 60); do mkdir d$n; done; mkdir \"$(printf '\\377')\""
    )
    done = workspace.inv("volume.usage", "--name", name, "--depth", "1", "--format", "json")
    answer = json.loads(done.stdout)
    assert (answer["name"], answer["engine"]) == (name, workspace.engine.endpoint.name)
    paths = {one["path"] for one in answer["directories"]}
    assert paths == {".", "\udcff", *(f"d{n}" for n in range(1, 61))}


def test_a_copy_in_that_waited_for_an_adoption_that_died_is_refused(
    workspace: Workspace, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look before the wait saw nothing of it; what is copied then would be lost."""
    labels = {**common_labels(workspace.prefix), LABEL_COMPLETE: name}
    mount = volume_at(name, FROM)
    monkeypatch.setattr(starting, "PATIENCE", PATIENCE)
    waits, is_taken = threading.Event(), answers.name_is_taken

    def noted(said: str) -> bool:
        if is_taken(said):
            waits.set()
        return is_taken(said)

    monkeypatch.setattr(answers, "name_is_taken", noted)
    with ThreadPoolExecutor() as pool:
        with workspace.engine.helper(IMAGE, (mount,), workspace.prefix, name):
            waiting = pool.submit(copy_in, workspace, "x", BytesIO(b"x"))
            assert waits.wait(PATIENCE)
            assert not waiting.done()
            workspace.engine.create_volume(complete_name(name), labels)
        with pytest.raises(Refused, match=f"adoption of {name}, which is not finished"):
            waiting.result()
    assert workspace.in_volume("data", "ls -A") == ""


def test_what_a_look_cannot_read_is_no_small_number(
    workspace: Workspace, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 1 of find is for what vanished, which is no failure, and for a disk that fails."""
    script = "printf 'd 8 2 1 \\0'; echo \"find: './$0': $1\" >&2; exit 1"
    for why, fails in (("No such file or directory", False), ("Input/output error", True)):
        monkeypatch.setattr(measuring, "WALK", ("sh", "-c", script, "a", why))
        if fails:
            with pytest.raises(EngineFailure, match=why):
                volumes.measure(workspace.engine, workspace.prefix, name, IMAGE)
        else:
            assert len(volumes.measure(workspace.engine, workspace.prefix, name, IMAGE)) == 1


@pytest.mark.usefixtures("name")
def test_who_would_take_a_name_by_its_directory_is_told_so(
    workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "src").mkdir()
    workspace.in_volume("data", "mkdir -p d/src")
    with pytest.raises(Refused, match=r"d \(or src in it\) in the volume .* is there already"):
        copy_in(workspace, "d", tmp_path / "src")
    assert workspace.in_volume("data", "find . -mindepth 1 | sort | tr '\\n' ' '") == "./d ./d/src"
