"""Restore on a real engine: all of the new or all of the old, whatever ends it and whenever."""

from __future__ import annotations

import gzip
import importlib
import json
import random
import subprocess
import tarfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devenv_lib import volumes
from devenv_lib.errors import EngineFailure, Refused
from devenv_lib.names import LABEL_UNFINISHED, common_labels, unfinished_name
from devenv_lib.scripts import script
from devenv_lib.volumes.filling import LABEL_ORIGIN, LABEL_WAS
from tests.conftest import IMAGE, Workspace, docker, when_free
from tests.relay import Relay, relay
from tests.test_stream import END, HIDING, head
from tests.trees import DEFAULT_ACL, Entry, build, scan

pytestmark = pytest.mark.engine

#: Both tops hand something down to what is made in them.
NEW = [Entry(".", "dir", mode=0o2751, uid=5, gid=6, mtime=-(10**9) - 5)]
NEW += [Entry("d", "dir"), *(Entry(f"d/{n}", data="n" * 60_000) for n in range(60)), Entry("both")]
OLD = [Entry(".", "dir", mode=0o2770, uid=1000, gid=1000, mtime=10**18 + 7)]
OLD[0].xattrs["system.posix_acl_default"] = DEFAULT_ACL
OLD += [Entry("d", "dir", mode=0o700), Entry("d/old", data="o"), Entry("both", "symlink", data="x")]
OLD += [Entry(".hidden"), Entry("new\nline")]


@dataclass
class Case:
    """An archive of a volume with `NEW` in it, and another volume with `OLD`."""

    workspace: Workspace
    archive: Path
    name: str
    new: dict[str, Any]
    old: dict[str, Any]

    def inv(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.workspace.inv("volume.restore", *self.words(*words))

    def words(self, *words: str) -> tuple[str, ...]:
        return (f"--from={self.archive}", f"--name={self.name}", *words)


@pytest.fixture
def case(workspace: Workspace, tmp_path: Path) -> Case:
    names = [workspace.volume(name) for name in ("new", "old")]
    for name, tree in zip(names, (NEW, OLD), strict=True):
        workspace.engine.create_volume(name, common_labels(workspace.prefix))
        build(name, tree)
    saved = volumes.backup(workspace.engine, workspace.prefix, names[0], tmp_path, IMAGE)
    new = scan(names[0])
    workspace.engine.remove_volume(names[0])
    return Case(workspace, Path(saved.path), names[1], new, scan(names[1]))


@pytest.mark.every_engine
def test_a_volume_that_is_not_empty_is_replaced_only_if_wanted_and_saved_first(case: Case) -> None:
    refused = case.inv()
    assert (refused.returncode, "is not empty" in refused.stderr) == (1, True)
    assert "--replace" in refused.stderr
    assert scan(case.name) == case.old
    done = case.inv("--replace")
    assert (done.returncode, "RESTORED" in done.stderr) == (0, True), done.stderr
    assert scan(case.name) == case.new
    (saved,) = set(case.archive.parent.glob(f"{case.name}-*.tar*"))
    assert saved.name.endswith(volumes.SUFFIXES[volumes.best()])
    assert f"was saved first: {saved}" in done.stderr
    with volumes.opened(saved) as archive:
        volumes.restore(
            case.workspace.engine, case.workspace.prefix, archive, IMAGE, replace=saved.parent
        )
    assert scan(case.name) == case.old
    assert case.workspace.volume_names() == [case.name]


def test_a_dry_run_says_what_the_command_would_do(case: Case) -> None:
    """It looks into the volume, in a helper that only reads, and leaves nothing behind."""
    refused = case.inv("--dry")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"The volume {case.name} is not empty." in refused.stderr
    entries = f"# {len(NEW)} entries of {case.archive} would be restored to {case.name}"
    done = case.inv("--replace", "--dry")
    first = f"# what is in {case.name} would be saved to {case.archive.parent} first, and replaced"
    assert (done.returncode, done.stdout) == (0, f"{first}\n{entries}\n"), done.stderr
    assert scan(case.name) == case.old
    case.workspace.engine.remove_volume(case.name)
    assert case.inv("--dry").stdout == f"{entries}, which would be made\n"
    assert case.workspace.volume_names() == []
    case.workspace.engine.create_volume(case.name, common_labels(case.workspace.prefix))
    assert case.inv("--dry").stdout == f"{entries}\n"
    assert case.workspace.container_names() == []
    labels = {**common_labels(case.workspace.prefix), LABEL_UNFINISHED: case.name}
    case.workspace.engine.create_volume(unfinished_name(case.name), labels)
    assert "would be carried on or undone first" in case.inv("--dry").stdout


def test_a_dry_run_makes_no_image(case: Case) -> None:
    result = case.workspace.inv(
        "volume.restore", *case.words("--dry"), variables={"DEVENV_IMAGE": "no-such:image"}
    )
    assert (result.returncode, "is not here yet" in result.stderr) == (1, True), result.stderr


@pytest.mark.every_engine
def test_a_volume_that_is_gone_comes_back_under_its_name_with_its_labels(case: Case) -> None:
    done = case.workspace.devenv("volume", "restore", "--from", str(case.archive))
    assert done.returncode == 0, done.stderr
    name = case.workspace.volume("new")
    assert scan(name) == case.new
    assert case.workspace.volume_names() == sorted([case.name, name])


def test_a_tar_of_another_program_is_restored_to_the_volume_that_is_named(case: Case) -> None:
    plain, name = case.archive.with_name("plain.tar"), case.workspace.volume("plain")
    with tarfile.open(plain, "w") as tar:
        tar.addfile(tarfile.TarInfo("a"))
    unnamed = case.workspace.inv("volume.restore", f"--from={plain}")
    assert (unnamed.returncode, "Name the volume" in unnamed.stderr) == (4, True)
    done = case.workspace.inv("volume.restore", f"--from={plain}", f"--name={name}")
    assert (done.returncode, "not verified" in done.stderr) == (0, True)
    assert sorted(scan(name)) == [".", "./a"]
    done = case.workspace.inv("volume.restore", f"--from={plain}", *case.words("--replace")[1:])
    assert done.returncode == 0
    after = scan(case.name)
    assert (sorted(after), after["."]) == ([".", "./a"], case.old["."])


@pytest.mark.parametrize("words", [(), ("--replace",)])
def test_what_may_not_be_filled_is_refused_and_stays(case: Case, words: tuple[str, ...]) -> None:
    user = f"{case.workspace.prefix}-user"
    case.workspace.extra_containers.append(user)
    docker("create", f"--name={user}", f"--volume={case.name}:/x", IMAGE)
    done = case.inv(*words)
    assert (done.returncode, f"docker rm {user}" in done.stderr) == (1, True), done.stderr
    docker("rm", user)
    assert scan(case.name) == case.old
    assert case.workspace.volume_names() == [case.name]


def test_a_volume_that_is_not_ours_is_refused_without_advice_to_remove_it(case: Case) -> None:
    name = case.workspace.volume("plain")
    case.workspace.extra_volumes.append(name)
    docker("volume", "create", name)
    words = (f"--from={case.archive}", f"--name={name}", "--replace")
    done = case.workspace.inv("volume.restore", *words)
    assert (done.returncode, f"inv volume.adopt --name {name}" in done.stderr) == (1, True)
    assert "volume.rm" not in done.stderr
    assert case.workspace.volume_names() == [case.name]


@pytest.mark.parametrize("chosen_by", ["name", "manifest"])
def test_a_name_outside_of_the_prefix_is_refused_whoever_gives_it(
    case: Case, chosen_by: str
) -> None:
    """Nothing has that name afterwards, and what has it already stays as it is."""
    name = case.workspace.prefix.replace("devenv-", "other-") + "-data"
    case.workspace.extra_volumes.append(name)
    words = [f"--from={case.archive}", "--replace"]
    if chosen_by == "name":
        words.append(f"--name={name}")
    else:
        (manifest,) = case.archive.parent.glob("*.json")
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "name": name}))
    for there in (False, True):
        if there:
            docker("volume", "create", name)
        done = case.workspace.inv("volume.restore", *words)
        assert (done.returncode, name in done.stderr) == (4, True), done.stderr
        assert (case.workspace.engine.volume(name) is not None) == there
    assert sorted(scan(name)) == ["."]
    assert case.workspace.volume_names() == [case.name]


def test_what_is_written_behind_the_backup_is_not_replaced(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody takes the volume for a moment, while the new is unpacked."""
    module = importlib.import_module("devenv_lib.volumes.restore")
    unpack = module._unpack

    def late(*words: Any) -> Any:
        yield from unpack(*words)
        case.workspace.in_volume("old", "echo late > d/late")

    monkeypatch.setattr(module, "_unpack", late)
    engine, prefix = case.workspace.engine, case.workspace.prefix
    with (
        volumes.opened(case.archive) as archive,
        pytest.raises(Refused, match="changed meanwhile"),
    ):
        volumes.restore(engine, prefix, archive, IMAGE, name=case.name, replace=tmp_path)
    assert case.workspace.in_volume("old", "cat d/late") == "late"
    case.workspace.in_volume("old", "rm d/late")
    assert sorted(scan(case.name)) == sorted(case.old)
    assert case.workspace.volume_names() == [case.name]


def test_a_protected_volume_is_not_replaced(case: Case) -> None:
    variables = {"DEVENV_VOLUMES_PROTECTED": f'["{case.name}"]'}
    words = case.words("--replace")
    done = case.workspace.inv("volume.restore", *words, variables=variables)
    assert (done.returncode, "devenv.volumes.protected" in done.stderr) == (1, True)
    assert scan(case.name) == case.old


def changing(door: Relay) -> list[str]:
    """Return the requests that may have changed something on the engine."""
    return [asked for asked in door.requests if not asked.startswith(("GET ", "HEAD "))]


def test_a_hostile_archive_is_refused_before_the_engine_is_touched(case: Case) -> None:
    path = case.archive.with_name("hostile.tar")
    with tarfile.open(path, "w") as tar:
        link = tarfile.TarInfo("s")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo("s/passwd"))
    name = case.workspace.volume("hostile")
    with relay(str(case.workspace.engine.endpoint.socket), unix=True) as door:
        case.workspace.environ["DOCKER_HOST"] = door.url
        done = case.workspace.inv("volume.restore", f"--from={path}", f"--name={name}")
        assert (done.returncode, "written through 's'" in done.stderr) == (1, True)
        assert changing(door) == []
        assert case.workspace.volume_names() == [case.name]
        assert case.inv("--replace").returncode == 0
        assert changing(door)


@pytest.mark.parametrize("what", ["a symlink with a size", "a map of more", "a size for all"])
def test_an_archive_that_hides_entries_is_refused_before_the_engine_is_touched(
    case: Case, what: str
) -> None:
    path = case.archive.with_name("hiding.tar")
    path.write_bytes(head(b"before") + HIDING[what] + END)
    words = (f"--from={path}", *case.words("--replace")[1:])
    with relay(str(case.workspace.engine.endpoint.socket), unix=True) as door:
        case.workspace.environ["DOCKER_HOST"] = door.url
        done = case.workspace.inv("volume.restore", *words)
    assert (done.returncode, f"{path} has a" in done.stderr) == (1, True), done.stderr
    assert changing(door) == []
    assert scan(case.name) == case.old
    assert case.workspace.volume_names() == [case.name]


def test_an_archive_of_another_form_comes_back_with_its_holes(case: Case, tmp_path: Path) -> None:
    """As `tar --sparse` writes it by itself, which is GNU's old form."""
    name, again = case.workspace.volume("holes"), case.workspace.volume("again")
    case.workspace.engine.create_volume(name, common_labels(case.workspace.prefix))
    build(name, [Entry("f", hole=9 << 20, mtime=10**18), Entry("n" * 120, mtime=10**18)])
    case.workspace.in_volume("holes", "touch -d @5 .; tar --sparse -cf f.tar f n*")
    path = tmp_path / "gnu.tar"
    words = ["docker", "run", "--rm", f"--volume={name}:/v", IMAGE, "cat", "/v/f.tar"]
    with path.open("wb") as file:
        subprocess.run(words, stdout=file, check=True)
    done = case.workspace.inv("volume.restore", f"--from={path}", f"--name={again}")
    assert done.returncode == 0, done.stderr
    before, after = scan(name), scan(again)
    assert {key: after[key] for key in after if key != "."} == {
        key: before[key] for key in before if key not in (".", "./f.tar")
    }
    assert path.stat().st_size < 1 << 20
    assert int(case.workspace.in_volume("again", "du -k f | cut -f 1")) < 1024


def test_an_archive_that_changes_meanwhile_leaves_the_volume_as_it_was(case: Case) -> None:
    def moved(_: int) -> None:
        with case.archive.open("ab") as file:
            file.write(b"\0")

    engine, prefix = case.workspace.engine, case.workspace.prefix
    to = case.archive.parent
    with volumes.opened(case.archive) as archive, pytest.raises(Refused, match="changed while"):
        volumes.restore(engine, prefix, archive, IMAGE, name=case.name, replace=to, moved=moved)
    assert scan(case.name) == case.old
    assert case.workspace.volume_names() == [case.name]


@pytest.mark.every_engine
def test_an_archive_with_much_behind_its_end_is_read_to_it(case: Case) -> None:
    """Tar ends at its own mark, and does not read what comes behind; some write that, for tapes."""
    path = case.archive.with_name("padded.tar.gz")
    path.write_bytes(case.archive.read_bytes() + gzip.compress(bytes(16 << 20)))
    name = case.workspace.volume("padded")
    done = case.workspace.inv("volume.restore", f"--from={path}", f"--name={name}")
    assert done.returncode == 0, done.stderr
    assert scan(name) == case.new

    def moved(_: int) -> None:
        with path.open("ab") as file:
            file.write(b"\0")

    engine, prefix = case.workspace.engine, case.workspace.prefix
    with volumes.opened(path) as archive, pytest.raises(Refused, match="changed while"):
        volumes.restore(
            engine, prefix, archive, IMAGE, name=case.name, replace=path.parent, moved=moved
        )
    assert scan(case.name) == case.old


@pytest.mark.parametrize("kind", ["absent", "present", "clone"])
def test_killed_at_random_moments_it_is_all_or_nothing(case: Case, kind: str) -> None:
    workspace, seed = case.workspace, uuid.uuid4().hex
    target = case.name if kind == "present" else workspace.volume("target")
    words = ["volume.restore", f"--from={case.archive}", f"--name={target}", "--replace"]
    if kind == "clone":
        volumes.settle(workspace.engine, workspace.prefix, target, IMAGE)
        words = ["volume.clone", f"--name={case.name}", f"--to={target}"]
    moments = random.Random(seed)  # noqa: S311 - when to kill
    for _ in range(4):
        workspace.killed_after(moments.uniform(0.3, 1.5), *words)
        if workspace.engine.volume(unfinished_name(target)):
            refused = workspace.inv("volume.rm", "--name", target, "--force")
            assert (refused.returncode, "not finished" in refused.stderr) == (1, True)
    volumes.settle(workspace.engine, workspace.prefix, target, IMAGE)
    wanted = [case.old] if kind == "clone" else [case.new, case.old]
    if workspace.engine.volume(target):
        assert scan(target) in wanted, f"seed {seed}"
    else:
        assert kind != "present", f"seed {seed}"
    assert workspace.container_names() == []
    assert not workspace.engine.volume(unfinished_name(target))


@pytest.mark.every_engine
def test_two_at_once_end_with_one_whole_volume(case: Case) -> None:
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: when_free(lambda: case.inv("--replace")), range(2)))
    assert [run.returncode for run in runs] == [0, 0], "".join(run.stderr for run in runs)
    assert scan(case.name) == case.new
    assert case.workspace.volume_names() == [case.name]


def test_an_engine_that_goes_meanwhile_is_said_so_with_what_is_where(case: Case) -> None:
    """Cut at one request after the other: the message says what is where, and nothing is lost."""
    engine, said = case.workspace.engine, []
    for cut in range(12, 40, 3):
        with relay(str(engine.endpoint.socket), at=cut, unix=True) as door:
            words = ("volume.restore", *case.words("--replace"))
            result = case.workspace.inv(*words, variables={"DOCKER_HOST": door.url})
        assert "Traceback" not in result.stderr, result.stderr
        said.append(result.stderr)
        if engine.volume(unfinished_name(case.name)):
            assert "nothing that was in it is lost" in result.stderr, result.stderr
            assert f"inv volume.repair --name {case.name}" in result.stderr
        volumes.settle(engine, case.workspace.prefix, case.name, IMAGE)
        assert scan(case.name) in (case.old, case.new)
    assert any("is not finished" in text for text in said)


def in_memory(workspace: Workspace, options: str) -> str:
    """Make a volume of a tmpfs with mount ``options``, and return its name."""
    name = workspace.volume("small")
    labels = [f"--label={k}={v}" for k, v in common_labels(workspace.prefix).items()]
    driver = ("--opt=type=tmpfs", "--opt=device=tmpfs", f"--opt=o={options}")
    docker("volume", "create", *labels, *driver, name)
    return name


def test_a_disk_that_is_full_leaves_the_volume_as_it_was(case: Case) -> None:
    name = in_memory(case.workspace, "size=1m")
    engine, prefix = case.workspace.engine, case.workspace.prefix
    with (
        volumes.opened(case.archive) as archive,
        pytest.raises(EngineFailure, match=f"No space left.* {name} is as it was"),
    ):
        volumes.restore(engine, prefix, archive, IMAGE, name=name)
    assert case.workspace.volume_names() == sorted([case.name, name])


#: Fills a volume from the commit on: of names too, of which a file system in memory has a number.
_FULL_AFTER_COMMIT = """
cd /v
touch old-1 old-2
sh -c "$SWAP" devenv /v begin mine
touch .devenv-restore-incoming/new
sh -c "$SWAP" devenv /v commit mine top
mkdir .devenv-restore-ballast
n=0
while touch .devenv-restore-ballast/$n 2>/dev/null; do n=$((n + 1)); done
cat /dev/zero > .devenv-restore-ballast/0 2>/dev/null
sh -c "$SWAP" devenv /v settle mine
rm -r .devenv-restore-ballast
ls -A
"""


def test_a_disk_that_fills_up_after_the_commit_does_not_keep_the_new_out(
    workspace: Workspace,
) -> None:
    name = in_memory(workspace, "size=2m,nr_inodes=40")
    words = ["run", "--rm", "--user=0", "--network=none", f"--volume={name}:/v:nocopy"]
    words += [f"--env=SWAP={script('volumes/swap.sh')}", IMAGE, "sh", "-c", _FULL_AFTER_COMMIT]
    done = docker(*words, check=False)
    assert (done.returncode, done.stdout) == (0, "carried on\nnew\n"), done.stderr


def test_a_disk_without_room_for_the_moves_leaves_the_volume_as_it_was() -> None:
    """What the moves need is set aside before the commit, which fails without it."""
    filled = "head -c 1040000 /dev/zero > .devenv-restore-incoming/new"
    steps = [f'sh -c "$SWAP" devenv /v {step}' for step in ("begin m", "commit m top", "settle m")]
    lines = ["cd /v", "touch old", steps[0], filled, steps[1], steps[2], "ls -A"]
    words = ["run", "--rm", "--user=0", "--network=none", "--tmpfs=/v:size=1m"]
    words += [f"--env=SWAP={script('volumes/swap.sh')}", IMAGE, "sh", "-c", "\n".join(lines)]
    assert docker(*words).stdout == "rolled back\nold\n"


LEFT = "mkdir .devenv-restore-ready; echo old >.devenv-restore-ready/f; touch .devenv-restore-was"


@pytest.mark.parametrize("words", [(), ("--replace",)])
@pytest.mark.parametrize("killed", [False, True])
def test_what_an_earlier_restore_left_does_not_take_the_place_of_what_came_since(
    case: Case, words: tuple[str, ...], *, killed: bool
) -> None:
    """Its marker was removed by hand. Nor does it when this one was killed at its begin."""
    case.workspace.in_volume("old", LEFT)
    before = scan(case.name)
    if killed:
        marks = {LABEL_UNFINISHED: case.name, LABEL_WAS: "present", LABEL_ORIGIN: "of this"}
        labels = common_labels(case.workspace.prefix) | marks
        case.workspace.engine.create_volume(unfinished_name(case.name), labels)
    done = case.inv(*words)
    says = f"{case.name} has .devenv-restore-ready at its top"
    assert (done.returncode, says in done.stderr) == (1, True), done.stderr
    assert scan(case.name) == before
    assert case.workspace.volume_names() == [case.name]


def test_what_an_engine_does_not_begin_needs_no_repair(case: Case) -> None:
    """A marker's name that is too long for it."""
    name = case.workspace.volume("").ljust(250, "x")
    result = case.workspace.inv("volume.restore", f"--from={case.archive}", f"--name={name}")
    assert (result.returncode, "refused while creating" in result.stderr) == (1, True)
    assert "volume.repair" not in result.stderr
    assert case.workspace.volume_names() == [case.name]


def test_what_a_file_system_does_not_keep_is_said_so(case: Case, tmp_path: Path) -> None:
    """Linux' ramfs has no extended attributes; tar goes on without them."""
    path, name = tmp_path / "x.tar", case.workspace.volume("ram")
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("f")
        member.mtime, member.pax_headers = 10**10, {"SCHILY.xattr.user.k": "v"}
        archive.addfile(member)
    labels = [f"--label={k}={v}" for k, v in common_labels(case.workspace.prefix).items()]
    docker("volume", "create", *labels, "--opt=type=ramfs", "--opt=device=ramfs", name)
    for target, lost in ((name, True), (case.workspace.volume("disk"), False)):
        words = ("volume.restore", f"--from={path}", f"--name={target}")
        result = case.workspace.inv(*words)
        assert result.returncode == 0, result.stderr
        assert ("not everything could be kept" in result.stderr) == lost, result.stderr
        assert ("user.k" in result.stderr) == lost


def test_a_marker_keeps_run_out_and_settle_removes_it(workspace: Workspace) -> None:
    name = workspace.volume("data")
    labels = {**common_labels(workspace.prefix), LABEL_UNFINISHED: name, LABEL_WAS: "absent"}
    workspace.engine.create_volume(unfinished_name(name), labels)
    with pytest.raises(Refused, match="restore or a clone"):
        workspace.up()
    assert workspace.volume_names() == [unfinished_name(name)]
    engine, prefix = workspace.engine, workspace.prefix
    assert volumes.settle(engine, prefix, name, IMAGE) == "rolled back"
    assert volumes.settle(engine, prefix, name, IMAGE) == ""
    assert workspace.volume_names() == []


def test_a_marker_that_somebodys_prune_took_is_no_failure(case: Case) -> None:
    """No container has it, so that a prune may take it while the restore is under way."""
    name, engine = case.workspace.volume("pruned"), case.workspace.engine

    def prune(_: int) -> None:
        docker("volume", "rm", unfinished_name(name), check=False)

    with volumes.opened(case.archive) as archive:
        done = volumes.restore(
            engine, case.workspace.prefix, archive, IMAGE, name=name, moved=prune
        )
    assert (done.name, scan(name)) == (name, case.new)
    assert unfinished_name(name) not in case.workspace.volume_names()


def test_where_the_old_was_saved_is_said_at_once(case: Case) -> None:
    """Whatever becomes of the restore then, Ctrl-C for one."""
    said: list[str] = []

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with volumes.opened(case.archive) as archive, pytest.raises(KeyboardInterrupt):
        volumes.restore(
            case.workspace.engine,
            case.workspace.prefix,
            archive,
            IMAGE,
            name=case.name,
            replace=case.archive.parent,
            moved=interrupt,
            say=said.append,
        )
    (saved,) = case.archive.parent.glob(f"{case.name}-*.tar*")
    assert said == [f"What is in {case.name} was saved first: {saved}"]
    assert scan(case.name) == case.old
