"""Adoption on a real engine: nothing of a volume is lost, whatever ends it and whenever."""

from __future__ import annotations

import importlib
import json
import random
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from devenv_lib import volumes
from devenv_lib.engine import Engine
from devenv_lib.engine.helper import Helper
from devenv_lib.errors import DevenvError, EngineFailure, Refused
from devenv_lib.names import (
    LABEL_ADOPTING,
    LABEL_COMPLETE,
    adopting_name,
    common_labels,
    complete_name,
    ours,
)
from devenv_lib.plans.adoption import Content
from devenv_lib.volumes.tree import FROM, volume_at
from tests.conftest import IMAGE, Workspace, docker, when_free
from tests.trees import DEFAULT_ACL, Entry, build, scan

pytestmark = pytest.mark.engine
#: Makes a directory whose default access list is handed down to what is made in it, and gives
#: that one more attribute behind its lists.
HAND_DOWN = (
    'import os; os.mkdir("handed"); os.setxattr("handed", "system.posix_acl_default", '
    f'bytes.fromhex("{DEFAULT_ACL}")); os.mkdir("handed/down"); '
    'open("handed/file", "w").close(); os.setxattr("handed/file", "user.x", b"1")'
)


@pytest.fixture
def odd(workspace: Workspace) -> str:
    """An unlabelled volume of ours with one of everything in it."""
    name = workspace.volume("data")
    workspace.extra_volumes.append(name)
    docker("volume", "create", "--label=mine=1", name)
    build(name)
    return name


def labelled(workspace: Workspace, name: str) -> bool:
    volume = workspace.engine.volume(name)
    return volume is not None and ours(volume.labels, workspace.prefix)


@pytest.mark.every_engine
def test_everything_in_a_volume_survives_its_adoption(workspace: Workspace, odd: str) -> None:
    before = scan(odd)
    done = workspace.inv("volume.adopt", "--name", odd)
    assert (done.returncode, f"{odd} ADOPTED" in done.stderr) == (0, True), done.stderr
    assert scan(odd) == before
    assert labelled(workspace, odd)
    volume = workspace.engine.volume(odd)
    assert volume
    assert volume.labels["mine"] == "1"
    assert workspace.volume_names() == [odd]
    again = workspace.inv("volume.adopt", "--name", odd, "--format", "json")
    assert (again.returncode, f"{odd} OK" in again.stderr) == (0, True)
    assert [each["outcome"] for each in json.loads(again.stdout)] == ["unchanged"]


def test_an_access_list_that_was_handed_down_is_no_difference(
    workspace: Workspace, odd: str
) -> None:
    """Its attributes were set in another order than a copy sets them."""
    workspace.in_volume("data", f"python3 -c '{HAND_DOWN}'")
    before = scan(odd)
    lists = before["./handed/down"][-1]
    assert {"system.posix_acl_access", "system.posix_acl_default"} <= lists.keys()
    done = workspace.inv("volume.adopt", "--name", odd)
    assert (done.returncode, f"{odd} ADOPTED" in done.stderr) == (0, True), done.stderr
    assert scan(odd) == before


def test_killed_at_random_moments_it_is_carried_on(workspace: Workspace, odd: str) -> None:
    """Beside it somebody tries to remove all, which has to be refused or to find nothing."""
    before = scan(odd)
    seed = uuid.uuid4().hex
    moments = random.Random(seed)  # noqa: S311 - when to kill
    for _ in range(6):
        workspace.killed_after(moments.uniform(0.3, 1.6), "volume.adopt", "--name", odd)
        if labelled(workspace, odd) and not workspace.engine.volume(complete_name(odd)):
            break  # it is whole: from here on, whoever removes all gets what they ask for
        workspace.inv("volume.rm", "--all", "--force")
    volumes.adopt(workspace.engine, workspace.prefix, odd, IMAGE)
    assert volumes.adopt(workspace.engine, workspace.prefix, odd, IMAGE) is False
    assert labelled(workspace, odd)
    assert scan(odd) == before, f"seed {seed}"
    assert workspace.volume_names() == [odd]
    assert workspace.container_names() == []


def immutable(name: str, path: str, *, on: bool) -> None:
    """Have the file system keep a file, as FS_IOC_SETFLAGS with FS_IMMUTABLE_FL does."""
    lines = "import fcntl, struct, sys; f = open(sys.argv[1], 'rb'); "
    lines += "fcntl.ioctl(f, 0x40086602, struct.pack('l', 0x10 * int(sys.argv[2])))"
    words = ["run", "--rm", "--user=0", "--cap-add=LINUX_IMMUTABLE", f"--volume={name}:/v", IMAGE]
    docker(*words, "python3", "-c", lines, f"/v/{path}", str(int(on)))


def test_an_original_that_the_engine_removed_by_half_is_carried_on(workspace: Workspace) -> None:
    """What is left of it once looked like the original, written to, and its copy was given up."""
    name = workspace.volume("torn")
    workspace.engine.create_volume(name, {})
    build(name, [Entry(f"{n}", data="x") for n in range(20)])
    before = scan(name)
    immutable(name, "10", on=True)
    try:
        failed = workspace.inv("volume.adopt", "--name", name)
    finally:
        immutable(name, "10", on=False)
    assert (failed.returncode, f"Everything is in {name}-adopting." in failed.stderr) == (1, True)
    assert len(scan(name)) < len(before)
    done = workspace.inv("volume.adopt", "--name", name)
    assert done.returncode == 0, done.stderr
    assert scan(name) == before
    assert workspace.volume_names() == [name]


def test_who_is_faster_than_the_new_volume_loses_nothing(
    workspace: Workspace, odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the original's removal and its return anybody can make one of its name."""
    workspace.in_volume("data", "echo first > both")
    create = Engine.create_volume

    def late(engine: Engine, name: str, labels: Mapping[str, str]) -> None:
        if name == odd:
            docker("volume", "create", odd)
            workspace.in_volume("data", "echo theirs > both")
        create(engine, name, labels)

    monkeypatch.setattr(Engine, "create_volume", late)
    with suppress(DevenvError):
        volumes.adopt(workspace.engine, workspace.prefix, odd, IMAGE)
    monkeypatch.setattr(Engine, "create_volume", create)
    assert workspace.in_volume("data", "cat both") == "theirs"
    assert workspace.in_volume("data-adopting", "cat both") == "first"


def test_a_copy_that_became_the_complete_one_meanwhile_is_not_removed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While `volume.rm --all` removes what is before it in the list."""
    engine, prefix, name = workspace.engine, workspace.prefix, workspace.volume("x")
    first, labels = workspace.make_volume("a"), common_labels(prefix)
    engine.create_volume(adopting_name(name), {**labels, LABEL_ADOPTING: name})
    plan, remove = volumes.plan_removal(engine, prefix, None), engine.remove_volume

    def finishing(removed: str) -> None:
        remove(removed)
        engine.create_volume(complete_name(name), {**labels, LABEL_COMPLETE: name})

    monkeypatch.setattr(engine, "remove_volume", finishing)
    done = volumes.remove(engine, prefix, plan)
    assert [(each.name, bool(each.failure)) for each in done] == [
        (first, False),
        (adopting_name(name), True),
    ]
    assert f"inv volume.adopt --name {name}" in done[1].failure
    assert workspace.volume_names() == [adopting_name(name), complete_name(name)]


def test_what_is_written_behind_a_look_is_kept_where_the_engine_does_not_tell(
    workspace: Workspace, odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container came and went in the look before the removal, and Podman tells of none."""
    module, looks = importlib.import_module("devenv_lib.volumes.adopt"), []
    look_into: Callable[[Helper, str], Content] = module.look_into

    def look(helper: Helper, target: str) -> Content:
        content = look_into(helper, target)
        looks.append(target)
        if len(looks) == 3:  # behind those at the original and at its copy
            workspace.in_volume("data", "echo precious >late")
        return content

    monkeypatch.setattr(module, "look_into", look)
    monkeypatch.setattr(Engine, "used_since", lambda *_: None)
    assert volumes.adopt(workspace.engine, workspace.prefix, odd, IMAGE)
    assert workspace.in_volume("data", "cat late") == "precious"
    assert labelled(workspace, odd)


def test_two_at_once_end_with_one_adopted_volume(workspace: Workspace, odd: str) -> None:
    before = scan(odd)
    with ThreadPoolExecutor(2) as pool:
        words = ("volume.adopt", "--name", odd)
        runs = list(pool.map(lambda _: when_free(lambda: workspace.inv(*words)), range(2)))
    said = "".join(run.stderr for run in runs)
    assert [run.returncode for run in runs] == [0, 0], said
    assert said.count("ADOPTED") == 1
    assert scan(odd) == before


def test_the_helper_of_another_adoption_is_waited_for_and_no_refusal(
    workspace: Workspace, odd: str
) -> None:
    """A command that came while another one copied was told to run again."""
    engine, prefix = workspace.engine, workspace.prefix
    with engine.helper(IMAGE, [volume_at(odd, FROM)], prefix, adopting_name(odd)) as helper:
        helper.ready()
        assert volumes.plan_adoption(engine, prefix, odd).name == odd
        other = workspace.begin("volume.adopt", "--name", odd)
    said = other.communicate()[1]
    assert other.returncode == 0, said
    assert labelled(workspace, odd)


@pytest.mark.every_engine
def test_a_volume_in_use_is_refused_and_stays(workspace: Workspace, odd: str) -> None:
    user = f"{workspace.prefix}-user"
    workspace.extra_containers.append(user)
    docker("create", f"--name={user}", f"--volume={odd}:/x", IMAGE)
    done = workspace.inv("volume.adopt", "--name", odd)
    assert done.returncode == 1
    assert f"stopped container {user}" in done.stderr
    assert f"docker rm {user}" in done.stderr
    assert not labelled(workspace, odd)
    assert workspace.volume_names() == []


def test_who_begins_to_use_a_volume_while_it_is_copied_goes_on_with_it(
    workspace: Workspace, odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the adoption stays, which would keep them out of their environment."""
    before, module = scan(odd), importlib.import_module("devenv_lib.volumes.adopt")
    name, copy_tree = f"{workspace.prefix}-user", module.copy_tree
    workspace.extra_containers.append(name)

    def meanwhile(helper: Helper) -> None:
        copy_tree(helper)
        docker("run", "--detach", f"--name={name}", f"--volume={odd}:/v", IMAGE, "sleep", "60")

    monkeypatch.setattr(module, "copy_tree", meanwhile)
    with pytest.raises(Refused, match=f"mounted by the running container {name}"):
        volumes.adopt(workspace.engine, workspace.prefix, odd, IMAGE)
    assert workspace.volume_names() == []  # of devenv's
    assert workspace.engine.volume(odd) is not None
    docker("rm", "--force", name)
    monkeypatch.undo()
    assert volumes.adopt(workspace.engine, workspace.prefix, odd, IMAGE)
    assert scan(odd) == before


def test_a_copy_that_is_complete_stays_when_the_look_for_users_fails(
    workspace: Workspace, odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is what its marker speaks of."""
    before, module = scan(odd), importlib.import_module("devenv_lib.volumes.adopt")

    def fails(*_: object) -> None:
        raise EngineFailure("it went")

    monkeypatch.setattr(module, "refuse_users", fails)
    with pytest.raises(EngineFailure, match="it went"):
        volumes.adopt(workspace.engine, workspace.prefix, odd, IMAGE)
    there = {volume.name for volume in workspace.engine.volumes()}
    assert {odd, adopting_name(odd), complete_name(odd)} <= there
    monkeypatch.undo()
    assert volumes.adopt(workspace.engine, workspace.prefix, odd, IMAGE)
    assert scan(odd) == before


def test_run_names_what_to_adopt_and_refuses_what_is_being_adopted(workspace: Workspace) -> None:
    name = workspace.volume("data")
    docker("volume", "create", name)
    workspace.extra_volumes.append(name)
    done = workspace.inv("run", "--detach")
    assert f"inv volume.adopt --name {name}" in done.stderr
    workspace.stop()
    workspace.engine.remove_volume(name)
    labels = {**common_labels(workspace.prefix), LABEL_COMPLETE: name}
    workspace.engine.create_volume(complete_name(name), labels)
    with pytest.raises(Refused, match="adoption") as raised:
        workspace.up()
    assert raised.value.hint == f"Carry on first: inv volume.adopt --name {name}"
    assert workspace.engine.volume(name) is None
    assert workspace.container_names() == []


def test_an_image_that_cannot_be_had_is_said_so(workspace: Workspace, odd: str) -> None:
    done = workspace.inv(
        "volume.adopt", "--name", odd, variables={"DEVENV_IMAGE": "devenv-no-such-image"}
    )
    assert done.returncode == 1
    assert not labelled(workspace, odd)
