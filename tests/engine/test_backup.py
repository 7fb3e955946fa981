"""Backup, restore and clone on a real engine: what went in is what comes out."""

from __future__ import annotations

import importlib
import json
import random
import signal
import tarfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from invoke import Context

from devenv_lib import volumes
from devenv_lib.engine import Engine, bodies, temporary
from devenv_lib.errors import DevenvError, EngineFailure, Refused
from devenv_lib.images import Choice
from devenv_lib.names import LABEL, LABEL_PREFIX, LABEL_TEMPORARY, common_labels, helper_name
from devenv_lib.scripts import script
from devenv_lib.tasks import saving
from devenv_lib.tasks._hands import Hands, hands
from devenv_lib.volumes import tar
from devenv_lib.volumes.compression import Compression
from devenv_lib.volumes.tree import FROM, volume_at
from tests.conftest import IMAGE, RUN, Workspace, built_image, docker
from tests.trees import ODD, Entry, build, scan

pytestmark = pytest.mark.engine
CLIENT = "devenv_lib.engine.client"


@pytest.fixture
def odd(workspace: Workspace) -> str:
    """A volume of ours with one of everything in it."""
    name = workspace.make_volume("odd")
    build(name)
    return name


def save(workspace: Workspace, name: str, to: Path, **options: object) -> volumes.Backup:
    engine, prefix = workspace.engine, workspace.prefix
    return volumes.backup(engine, prefix, name, to, IMAGE, **options)  # type: ignore[arg-type]


def restore(workspace: Workspace, path: str, name: str) -> volumes.Restored:
    with volumes.opened(Path(path)) as archive:
        return volumes.restore(workspace.engine, workspace.prefix, archive, IMAGE, name=name)


@pytest.mark.parametrize(
    "compression", ["gzip", pytest.param("zstd", marks=pytest.mark.every_engine), "none"]
)
def test_everything_survives_backup_and_restore(
    workspace: Workspace, odd: str, tmp_path: Path, compression: Compression
) -> None:
    before, to = scan(odd), tmp_path / "to"
    to.mkdir()
    saved = save(workspace, odd, to, compression=compression)
    assert sorted(path.name for path in to.iterdir()) == sorted(
        [saved.manifest.archive, f"{saved.manifest.archive.partition('.tar')[0]}.json"]
    )
    assert {path.stat().st_mode & 0o777 for path in to.iterdir()} == {0o600}
    assert saved.manifest.files == len(before)
    assert saved.manifest.size < 20 << 20, "a hole was written out"
    other = workspace.volume("other")
    assert restore(workspace, saved.path, other).files == len(before)
    assert scan(other) == before
    assert scan(odd) == before
    assert workspace.volume_names() == sorted([odd, other])


def test_what_an_image_says_to_tar_leaves_nothing_out(workspace: Workspace, tmp_path: Path) -> None:
    name = workspace.make_volume("data")
    workspace.in_volume("data", "echo precious >kept.log; mkdir deep; cp kept.log deep")
    before = scan(name)
    with built_image(workspace, "ENV TAR_OPTIONS=--exclude=*.log TAPE=/dev/null") as image:
        done = workspace.inv(
            "volume.backup",
            "--name",
            name,
            "--to",
            str(tmp_path),
            variables={"DEVENV_IMAGE": image},
        )
        assert done.returncode == 0, done.stderr
        (path,) = tmp_path.glob("*.tar*")
        other = workspace.volume("other")
        done = workspace.inv(
            *("volume.restore", "--from", str(path), "--name", other),
            variables={"DEVENV_IMAGE": image},
        )
        assert (done.returncode, scan(other)) == (0, before), done.stderr


@pytest.mark.every_engine
def test_everything_survives_a_clone(workspace: Workspace, odd: str) -> None:
    before = scan(odd)
    done = workspace.devenv("volume", "clone", odd, "--to", workspace.volume("clone"))
    assert (done.returncode, "CLONED" in done.stderr) == (0, True), done.stderr
    assert scan(workspace.volume("clone")) == before
    assert scan(odd) == before
    more = ["volume.clone", "--name", odd, "--format=json", "--to"]
    told = json.loads(workspace.inv(*more, workspace.volume("more"), check=True).stdout)
    assert (told["source"], told["files"], told["notes"]) == (odd, len(before), [])
    again = workspace.inv(*more, workspace.volume("clone"))
    assert (again.returncode, "There is a volume" in again.stderr) == (1, True)


NAMES = st.text(st.characters(max_codepoint=255, exclude_characters="/\0"), min_size=1, max_size=8)
NAMES = NAMES.filter(lambda name: name not in (".", ".."))
TIMES = st.none() | st.integers(-(2**31) * 10**9, 2**33 * 10**9)
OWNERS = st.sampled_from([0, 1, 1000, 65534, 4242424])
BYTES = st.text(st.characters(max_codepoint=255), max_size=40)
KINDS = st.sampled_from(["file", "file", "dir", "dir", "symlink", "fifo", "link"])
MODES = st.integers(0, 0o7777)


@st.composite
def trees(draw: st.DrawFn) -> list[Entry]:
    """Draw entries, each in a directory that was drawn before it, ten levels deep at most."""
    entries = [Entry(".", "dir", mode=draw(MODES), uid=draw(OWNERS), mtime=draw(TIMES))]
    places, files = [""], [""]
    for name in draw(
        st.lists(NAMES.filter(lambda n: n not in (".", "..")), max_size=14, unique=True)
    ):
        path, kind = draw(st.sampled_from(places)) + name, draw(KINDS)
        if kind == "link" and len(files) == 1:
            kind = "file"
        data = {"link": lambda: draw(st.sampled_from(files[1:])), "symlink": lambda: draw(NAMES)}
        text = data.get(kind, lambda: draw(BYTES))()
        hole = draw(st.sampled_from([0, 0, 3 << 20])) if kind == "file" else 0
        xattrs = {"user.x": "00ff"} if kind == "file" and draw(st.booleans()) else {}
        owner = (draw(OWNERS), draw(OWNERS))
        entry = Entry(path, kind, text, draw(MODES), *owner, draw(TIMES), hole, xattrs)
        entries.append(entry)
        if kind == "dir" and path.count("/") < 9:
            places.append(f"{path}/")
        elif kind in ("file", "symlink"):  # of others tar keeps no hard links
            files.append(path)
    return entries


# Each example takes seconds: what fails is shown as it was found.
@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
@given(tree=trees())
def test_any_tree_survives_backup_restore_and_clone(
    make_workspace: Callable[..., Workspace], tmp_path: Path, tree: list[Entry]
) -> None:
    workspace = make_workspace(prefix=f"devenv-t{RUN}-h{uuid.uuid4().hex[:6]}")
    names = [workspace.volume(name) for name in ("one", "two", "three")]
    try:
        workspace.engine.create_volume(names[0], common_labels(workspace.prefix))
        build(names[0], tree)
        before = scan(names[0])
        saved = save(workspace, names[0], tmp_path)
        restore(workspace, saved.path, names[1])
        volumes.clone(workspace.engine, workspace.prefix, names[1], names[2], IMAGE)
        assert scan(names[1]) == before
        assert scan(names[2]) == before
    finally:
        workspace.clean()


@pytest.mark.every_engine
def test_a_volume_in_use_is_saved_with_a_note_and_paused_if_wanted(
    workspace: Workspace, tmp_path: Path
) -> None:
    container = workspace.up().container
    name, states = workspace.volume("data"), set[str]()

    def moved(_: int) -> None:
        states.update(c.state for c in workspace.engine.containers() if c.id == container.id)

    assert f"in use by {container.name}" in save(workspace, name, tmp_path).manifest.notes[0]
    saved = save(workspace, name, tmp_path, pause=True, moved=moved)
    assert saved.manifest.notes == (f"in use by {container.name}: paused meanwhile",)
    assert states == {"paused"}
    assert [c.state for c in workspace.engine.containers() if c.id == container.id] == ["running"]


def test_a_pause_of_somebody_elses_is_not_undone(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two backups with one environment: each lets go on what it has paused itself."""
    container, pause = workspace.up().container, Engine.pause

    def late(engine: Engine, identity: str) -> None:
        docker("pause", identity)
        pause(engine, identity)

    monkeypatch.setattr(Engine, "pause", late)
    with pytest.raises(EngineFailure, match="already paused"):
        save(workspace, workspace.volume("data"), tmp_path, pause=True)
    (found,) = (c for c in workspace.engine.containers() if c.id == container.id)
    assert found.state == "paused"
    docker("unpause", container.id)


def test_one_that_goes_on_while_it_is_read_was_not_paused_meanwhile(
    workspace: Workspace, tmp_path: Path
) -> None:
    container = workspace.up().container
    docker("pause", container.id)

    def moved(_: int) -> None:
        docker("unpause", container.id, check=False)

    saved = save(workspace, workspace.volume("data"), tmp_path, pause=True, moved=moved)
    assert "may not be consistent" in saved.manifest.notes[0]


@pytest.mark.parametrize("stays", [True, False])
def test_who_comes_while_a_volume_is_read_is_noted(
    workspace: Workspace, odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, stays: bool
) -> None:
    user = f"{workspace.prefix}-late"
    workspace.extra_containers.append(user)
    known = []

    def used_since(engine: Engine, *words: str) -> bool | None:
        known.append(asked(engine, *words))
        return known[-1]

    asked = Engine.used_since
    monkeypatch.setattr(Engine, "used_since", used_since)

    def moved(_: int) -> None:
        if user not in {one.name for one in workspace.engine.containers()}:
            words = ["sleep", "300"] if stays else ["true"]
            docker("run", "--detach", f"--name={user}", f"--volume={odd}:/v", IMAGE, *words)
            if not stays:
                docker("wait", user)

    notes = save(workspace, odd, tmp_path, moved=moved).manifest.notes
    if known == [None]:  # Podman tells of no mounts, and Docker of its last 256 events alone
        assert notes == ()
        return
    expected = f"in use by {user}" if stays else "somebody may have written"
    assert any(note.startswith(expected) for note in notes), notes


@pytest.mark.parametrize("verb", ["backup", "clone", "usage", "cp"])
def test_a_volume_that_is_removed_just_before_is_not_taken_for_an_empty_one(
    workspace: Workspace, odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """An engine makes what a helper mounts and what is not there."""
    module, engine, prefix = importlib.import_module(CLIENT), workspace.engine, workspace.prefix
    begin = module.begin

    def late(*words: Any) -> Any:
        if any(mount.source == odd for mount in words[3]):
            docker("volume", "rm", odd)
        return begin(*words)

    monkeypatch.setattr(module, "begin", late)
    workspace.extra_volumes.append(odd)
    verbs: dict[str, Callable[[], object]] = {
        "backup": lambda: save(workspace, odd, tmp_path),
        "clone": lambda: volumes.clone(engine, prefix, odd, workspace.volume("new"), IMAGE),
        "usage": lambda: volumes.measure(engine, prefix, odd, IMAGE),
        "cp": lambda: volumes.copy_out(engine, prefix, odd, ".", str(tmp_path), IMAGE),
    }
    # Podman gives it no labels, so that there it is one of nobody's.
    with pytest.raises(Refused, match=r"removed meanwhile|does not carry the label"):
        verbs[verb]()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []
    assert workspace.volume("new") not in workspace.volume_names()


def test_what_is_written_behind_a_backup_is_not_removed(
    workspace: Workspace, odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saving several volumes takes minutes, in which anybody may use one and be gone again."""
    hands = Hands(workspace.engine, workspace.settings, Choice(IMAGE, "given"))
    saving.save_first(hands, [odd], tmp_path)
    save_all = saving.save

    def late(*words: Any, **options: Any) -> Any:
        made = save_all(*words, **options)
        workspace.in_volume("odd", "mkdir -p deep/down && echo late > deep/down/file")
        return made

    monkeypatch.setattr(saving, "save", late)
    with pytest.raises(Refused, match=f"Nothing was removed: {odd} changed since"):
        saving.save_first(hands, [odd], tmp_path)


def test_an_environment_goes_on_when_a_backup_fails(workspace: Workspace, tmp_path: Path) -> None:
    container = workspace.up().container

    def fail(_: int) -> None:
        raise DevenvError("enough")

    with pytest.raises(DevenvError, match="enough"):
        save(workspace, workspace.volume("data"), tmp_path, pause=True, moved=fail)
    assert [c.state for c in workspace.engine.containers() if c.id == container.id] == ["running"]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_an_environment_goes_on_when_a_backup_is_ended(
    workspace: Workspace, tmp_path: Path, number: signal.Signals
) -> None:
    """By `kill`, by a terminal that is closed, or by Ctrl-C."""
    container, name, to = workspace.up().container, workspace.volume("data"), tmp_path / "to"
    to.mkdir()
    workspace.in_volume("data", "head -c 200000000 /dev/urandom >big")
    words = ("volume.backup", "--name", name, "--to", str(to), "--pause")
    process = workspace.begin(*words)
    while process.poll() is None:
        if "paused" in {c.state for c in workspace.engine.containers() if c.id == container.id}:
            process.send_signal(number)
            break
    said = process.communicate()[1]
    killed = number == signal.SIGKILL
    assert (process.returncode, said) == ((-9, "") if killed else (2, "Interrupted.\n"))
    deadline = time.monotonic() + 60 * killed
    while True:
        (state,) = (c.state for c in workspace.engine.containers() if c.id == container.id)
        if state == "running" or time.monotonic() > deadline:
            break
    assert state == "running"
    assert killed or list(to.iterdir()) == []


def test_a_volume_that_is_not_there_is_not_made_by_its_backup(
    workspace: Workspace, tmp_path: Path
) -> None:
    """An engine makes what a helper mounts."""
    with pytest.raises(Refused, match="no such volume"):
        save(workspace, workspace.volume("none"), tmp_path)
    assert workspace.volume_names() == []


def test_what_a_restore_would_refuse_is_noted(workspace: Workspace, tmp_path: Path) -> None:
    name = workspace.make_volume("odd")
    build(name, [Entry(".devenv-restore-notes"), Entry("f")])
    saved = save(workspace, name, tmp_path)
    assert "a restore would refuse it" in saved.manifest.notes[0]
    with pytest.raises(Refused, match="is refused"), volumes.opened(Path(saved.path)):
        pass


#: Makes directories of 250 letters in each other, and a file at the end, below any length.
DEEP = """python3 -c '
import os
for _ in range(17):
    os.mkdir("d" * 250)
    os.chdir("d" * 250)
open("file", "w").close()
'"""


def test_what_nothing_could_unpack_is_noted_and_never_replaced(
    workspace: Workspace, tmp_path: Path
) -> None:
    """A restore that replaces would else destroy the only copy that can be read."""
    name = workspace.make_volume("deep")
    workspace.in_volume("deep", DEEP)
    made = save(workspace, name, tmp_path)
    assert made.manifest.notes == (
        "a restore would refuse it: paths in it are longer than 4,093 bytes",
    )
    other = workspace.make_volume("other")
    good = save(workspace, other, tmp_path)
    with (
        volumes.opened(Path(good.path)) as archive,
        pytest.raises(Refused, match=r"Nothing was replaced: .* name that is too long"),
    ):
        volumes.restore(
            workspace.engine, workspace.prefix, archive, IMAGE, name=name, replace=tmp_path
        )
    assert workspace.in_volume("deep", "find . -name file | wc -l") == "1"


@pytest.mark.usefixtures("engine")
def test_holes_are_holes_only_where_the_file_system_tells_them() -> None:
    """Sysfs says of its files that they have content, and that they take no block."""
    steps = f"""{script("volumes/sparse.sh")}
mkdir d "d/a
b"
truncate -s 1M d/hole "d/a
b/hole"
echo content >d/file
sparse d; echo; sparse /sys/kernel/uevent_seqnum; echo; sparse /none; echo; sparse /dev/shm"""
    found = docker(
        "run", "--rm", "--network=none", "--workdir=/opt", "--user=0", IMAGE, "sh", "-c", steps
    )
    assert found.stdout == "--sparse\n\n\n\n--sparse\n"


def test_words_of_tars_are_a_note_and_dockers_own_are_none() -> None:
    warning = "tar: ./x: Warning: Cannot llistxattr: Input/output error"
    said = f"WARNING: Error loading config file {warning} Total bytes written: 10240 (10KiB)"
    assert tar.warned(said) == warning
    assert tar.warned("WARNING: Error loading config file Total bytes written: 10 (1)") == ""
    assert tar.warned("") == ""


def test_a_driver_and_options_are_noted(workspace: Workspace, tmp_path: Path) -> None:
    """No archive has them: what is restored later is a plain volume."""
    name = workspace.volume("bound")
    (tmp_path / "there").mkdir()
    options = ["type=none", "o=bind", f"device={tmp_path}/there"]
    labels = [f"{key}={value}" for key, value in common_labels(workspace.prefix).items()]
    words = [f"--opt={one}" for one in options] + [f"--label={one}" for one in labels]
    docker("volume", "create", *words, name)
    made = save(workspace, name, tmp_path)
    assert "a driver or options of its own" in made.manifest.notes[0]
    assert "a driver or options of its own" in restore(workspace, made.path, name).notes[0]


def test_a_symlink_to_an_archive_has_its_manifest(
    workspace: Workspace, odd: str, tmp_path: Path
) -> None:
    made = save(workspace, odd, tmp_path)
    (tmp_path / "latest.tar.gz").symlink_to(made.path)
    with volumes.opened(tmp_path / "latest.tar.gz") as archive:
        assert archive.manifest == made.manifest


def test_one_that_somebody_made_anew_during_a_removal_stays(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The removal of a large volume takes minutes."""
    names = [workspace.make_volume(one) for one in ("a", "b")]
    plan = volumes.plan_removal(workspace.engine, workspace.prefix, names)
    remove = Engine.remove_volume

    def slow(engine: Engine, name: str) -> None:
        remove(engine, name)
        if name == names[0]:
            remove(engine, names[1])
            engine.create_volume(names[1], {**common_labels(workspace.prefix), "anew": "1"})

    monkeypatch.setattr(Engine, "remove_volume", slow)
    first, second = volumes.remove(workspace.engine, workspace.prefix, plan)
    assert (first.failure, "another one" in second.failure) == ("", True)
    assert workspace.volume_names() == [names[1]]


def test_sockets_are_named_since_no_archive_has_them(workspace: Workspace, tmp_path: Path) -> None:
    name = workspace.make_volume("odd")
    build(name, [Entry("s", "socket"), Entry("f")])
    saved = save(workspace, name, tmp_path)
    assert saved.manifest.notes == ("1 socket was left out: no archive can hold one",)
    assert saved.manifest.files == 2


def test_a_full_disk_leaves_no_file(workspace: Workspace, odd: str, tmp_path: Path) -> None:
    to = tmp_path / "to"
    to.mkdir()
    words = ["volume.backup", "--name", odd, "--to", str(to), "--no-compress"]
    done = workspace.shell('ulimit -f 2; exec $INV "$@"', *words)
    assert done.returncode == 1
    assert "could not be written to" in done.stderr
    assert list(to.iterdir()) == []


def test_killed_at_random_moments_no_half_archive_has_its_name(
    workspace: Workspace, tmp_path: Path
) -> None:
    name, to, seed = workspace.make_volume("big"), tmp_path / "to", uuid.uuid4().hex
    build(name, [Entry(str(n), data="x" * 200_000) for n in range(40)])
    to.mkdir()
    moments = random.Random(seed)  # noqa: S311 - when to kill
    for _ in range(5):
        workspace.killed_after(
            moments.uniform(0.2, 0.9), "volume.backup", "--name", name, "--to", str(to)
        )
    done = workspace.inv("volume.backup", "--name", name, "--to", str(to))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in to.iterdir() if path.name.endswith("partial")] == []
    for path in to.glob("*.tar*"):
        with volumes.opened(path) as archive:
            assert archive.manifest, f"seed {seed}"
            assert archive.files == 41


def test_a_directory_that_cannot_be_listed_has_nothing_left(closed: Path) -> None:
    """It may be written to all the same."""
    assert volumes.remove_left(closed) == []


def test_what_is_not_devenvs_own_is_left_alone(tmp_path: Path) -> None:
    names = ["a.devenv-partial", ".x.0123.devenv-partial", ".devenv-partial", "x.tar"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / ".x.0123456789ab.devenv-partial").touch()
    assert volumes.remove_left(tmp_path) == [".x.0123456789ab.devenv-partial"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_other_programs_can_read_an_archive(workspace: Workspace, odd: str, tmp_path: Path) -> None:
    saved = save(workspace, odd, tmp_path, compression="none")
    with tarfile.open(saved.path) as tar:
        assert len(tar.getnames()) == len(ODD)


def test_what_a_killed_command_never_started_keeps_no_volume(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A helper's container that was made, and not started, references its volume for good."""
    name, helper = workspace.make_volume("x"), helper_name(workspace.prefix, "killed")
    labels = [f"--label={k}=true" for k in (LABEL, LABEL_TEMPORARY)]
    labels.append(f"--label={LABEL_PREFIX}={workspace.prefix}")
    docker("create", f"--name={helper}", *labels, f"--volume={name}:/v", IMAGE)
    at_once = temporary.remove_leftovers
    monkeypatch.setattr(temporary, "remove_leftovers", lambda client, p, _: at_once(client, p, 0))
    monkeypatch.setenv("DEVENV_PREFIX", workspace.prefix)
    assert workspace.container_names() == [helper]
    hands(Context())
    assert workspace.container_names() == []


def test_a_helper_that_was_never_started_does_not_keep_what_is_to_go(workspace: Workspace) -> None:
    """The command was killed a moment ago; with --dry nothing is removed."""
    name = workspace.make_volume("data")
    body = bodies.helper_body(IMAGE, [volume_at(name, FROM)], workspace.prefix)
    helper = helper_name(workspace.prefix, name)
    workspace.engine._client.create_container_from_config(body, helper)
    rehearsed = workspace.inv("--dry", "volume.rm", "--name", name)
    assert (rehearsed.returncode, workspace.container_names()) == (1, [helper])
    done = workspace.inv("volume.rm", "--name", name, "--force")
    assert (done.returncode, workspace.volume_names()) == (0, []), done.stderr
    assert workspace.container_names() == []


def test_rm_saves_every_volume_before_the_first_goes(
    workspace: Workspace, odd: str, tmp_path: Path
) -> None:
    before, to = scan(odd), tmp_path / "to"
    missing = workspace.inv("volume.rm", "--all", "--force", f"--backup={to}")
    assert (missing.returncode, f"mkdir -p {to}" in missing.stderr) == (4, True)
    to.mkdir()
    dry = workspace.inv("--dry", "volume.rm", "--all", "--force", f"--backup={to}")
    assert dry.stdout.splitlines()[0] == f"# {odd} is saved to {to} first"
    assert (scan(odd), list(to.iterdir())) == (before, [])
    done = workspace.inv("volume.rm", "--all", "--force", f"--backup={to}")
    assert done.returncode == 0, done.stderr
    assert done.stderr.index("SAVED") < done.stderr.index("REMOVED")
    assert workspace.volume_names() == []
    (path,) = to.glob("*.tar*")
    restore(workspace, str(path), odd)
    assert scan(odd) == before


def test_nothing_goes_when_one_cannot_be_saved(
    workspace: Workspace, odd: str, tmp_path: Path
) -> None:
    """The second one is too large for the disk."""
    large, to = workspace.make_volume("z-large"), tmp_path / "to"
    noise = random.Random(1).randbytes(400_000).decode("latin-1")  # noqa: S311 - does not compress
    build(large, [Entry("noise", data=noise)])
    to.mkdir()
    line = 'ulimit -f 256; exec $INV volume.rm --all --force --backup "$1"'
    done = workspace.shell(line, str(to))
    assert (done.returncode, "Nothing was removed" in done.stderr) == (1, True), done.stderr
    assert f"{odd} SAVED" in done.stderr
    assert f"{large} FAILED" in done.stderr
    assert workspace.volume_names() == sorted([odd, large])


def test_a_manifest_is_written_through_no_symlink_in_its_place(
    workspace: Workspace, odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name is known before, to whatever may write where backups go."""
    module = importlib.import_module("devenv_lib.volumes.backup")
    to, victim, written = tmp_path / "to", tmp_path / "victim", module.write_manifest
    to.mkdir()
    victim.write_text("elsewhere")

    def meanwhile(manifest: Any) -> Any:
        (place,) = to.glob("*.json")
        place.unlink()
        place.symlink_to(victim)
        return written(manifest)

    monkeypatch.setattr(module, "write_manifest", meanwhile)
    save(workspace, odd, to, compression="none")
    assert victim.read_text() == "elsewhere"
