"""Repair: what is done about what a look has shown, and what is refused."""

from __future__ import annotations

import io
import shlex

import pytest

from devenv_lib.errors import UsageError
from devenv_lib.names import (
    LABEL_COMPLETE,
    LABEL_TEMPORARY,
    LABEL_UNFINISHED,
    adopting_name,
    common_labels,
    complete_name,
    helper_name,
    unfinished_name,
)
from devenv_lib.plans.leftovers import ROOT, Findings
from devenv_lib.plans.repair import RepairPlan, before_the_look, repairing, to_repair
from devenv_lib.records import Container, Snapshot, Volume
from devenv_lib.volumes.owners import capable_files, owner_words
from devenv_lib.volumes.repair import rehearse_repair
from tests.builders import IDENTITY, container, snapshot, volume

NAME = "devenv-data"
LEFT = {ROOT: "d", b"opencode": "d", b"opencode/auth.json": "f"}
OURS = common_labels("devenv")


def plan(found: Findings, *users: Container, owner: bool = False) -> RepairPlan:
    seen = snapshot(volume(NAME), *users)
    return repairing(NAME, found, IDENTITY, seen, "devenv", owner=owner)


def marked(name: str, label: str, about: str) -> Volume:
    return Volume(name, {**OURS, label: about})


def refused(one: RepairPlan | None) -> str:
    assert one is not None
    assert one.refusal is not None
    assert not one.needed
    return f"{one.refusal.reason}; {one.refusal.remedy}"


def test_leftovers_are_given_and_nothing_else() -> None:
    one = plan(Findings(0, LEFT, {0: 3, 1001: 2}))
    assert (dict(one.given), one.owners, one.entries, one.needed) == (LEFT, {}, 3, True)


def test_leftovers_are_given_while_the_volume_is_in_use() -> None:
    assert plan(Findings(1000, LEFT), container(volumes=[NAME])).needed


def test_a_volume_in_order_needs_nothing() -> None:
    assert not plan(Findings(1000)).needed
    assert not plan(Findings(1000), owner=True).needed


def test_what_is_anothers_inside_does_not_refuse_the_leftovers() -> None:
    one = plan(Findings(1000, LEFT, {1001: 2}))
    assert (one.refusal, one.entries) == (None, 3)


def test_a_foreign_root_is_refused_with_the_command() -> None:
    said = refused(plan(Findings(1001, {b"x": "f"}, {1001: 7})))
    assert "its root belongs to uid 1001, the environment's user is 1000" in said
    assert f"inv volume.repair --owner --name {NAME}" in said


def test_with_owner_everything_is_given_but_what_would_lose_bits() -> None:
    one = plan(Findings(1001, {b"x": "f"}, {0: 2, 1001: 7}, kept=(b"suid",)), owner=True)
    assert (one.refusal, one.owners, one.entries) == (None, {0: 2, 1001: 7}, 9)


def test_only_what_is_kept_is_nothing_to_do() -> None:
    assert not plan(Findings(1000, {}, {1001: 1}, kept=(b"suid",)), owner=True).needed


def test_several_foreign_users_are_refused_and_named() -> None:
    said = refused(plan(Findings(1001, {}, {0: 9, 33: 2, 1001: 7}), owner=True))
    assert "uid 33: 2, uid 1001: 7" in said


@pytest.mark.parametrize(("state", "how"), [("running", "mounted"), ("exited", "referenced")])
def test_owners_of_what_is_in_use_stay(state: str, how: str) -> None:
    said = refused(
        plan(Findings(1001, {}, {1001: 7}), container("x", state, {}, [NAME]), owner=True)
    )
    assert f"it is {how} by the" in said
    assert "docker rm x" in said


def test_helpers_of_ours_do_not_count_as_users() -> None:
    """Its image's labels do not make a helper of a container."""
    labels = {**OURS, LABEL_TEMPORARY: "true"}
    found = Findings(1001, {}, {1001: 7})
    helper = container(helper_name("devenv", "x"), "running", labels, [NAME])
    assert plan(found, helper, owner=True).needed
    refused(plan(found, container("devenv-somebodys", "running", labels, [NAME]), owner=True))


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (snapshot(), "there is no such volume"),
        (snapshot(volume(NAME, None)), f"inv volume.adopt --name {NAME}"),
        (snapshot(volume(NAME, "other")), "DEVENV_PREFIX=other inv volume.repair"),
        (
            snapshot(volume(NAME), marked(complete_name(NAME), LABEL_COMPLETE, NAME)),
            f"Carry on first: inv volume.adopt --name {NAME}",
        ),
    ],
)
def test_what_is_not_ours_or_in_other_hands_is_refused(seen: Snapshot, said: str) -> None:
    assert said in refused(before_the_look(seen, "devenv", NAME))


def test_a_restore_that_is_not_finished_comes_first() -> None:
    """Its marker is refused, with the command for the volume itself."""
    marker = unfinished_name(NAME)
    seen = snapshot(volume(NAME), marked(marker, LABEL_UNFINISHED, NAME))
    assert before_the_look(seen, "devenv", NAME) == RepairPlan(NAME, unfinished=True)
    assert RepairPlan(NAME, unfinished=True).needed
    assert f"inv volume.repair --name {NAME}" in refused(before_the_look(seen, "devenv", marker))


def test_a_volume_of_ours_is_looked_into() -> None:
    assert before_the_look(snapshot(volume(NAME)), "devenv", NAME) is None


def test_all_are_those_of_the_prefix_without_the_markers() -> None:
    seen = snapshot(
        volume(NAME),
        volume("devenv-x", None),
        volume("other-data", "other"),
        marked(complete_name("devenv-gone"), LABEL_COMPLETE, "devenv-gone"),
        marked(adopting_name("devenv-gone"), "devenv.adopting", "devenv-gone"),
        marked(unfinished_name(NAME), LABEL_UNFINISHED, NAME),
    )
    assert to_repair(seen, "devenv", None) == (NAME, "devenv-gone")


def test_names_are_checked_and_taken_once() -> None:
    assert to_repair(snapshot(), "devenv", ["b-b", "a-a", "b-b"]) == ("b-b", "a-a")
    with pytest.raises(UsageError):
        to_repair(snapshot(), "devenv", ["../containers/x"])


def words(line: str) -> list[str]:
    return shlex.split(line)


def test_a_dry_run_shows_the_same_changes() -> None:
    found = Findings(0, LEFT, {1001: 7}, kept=(b"suid",))
    chown, find = map(words, rehearse_repair(plan(found, owner=True), "image", IDENTITY))
    assert chown[-5:] == ["1000:1000", "--", "/v/.", "/v/opencode", "/v/opencode/auth.json"]
    assert find[find.index("-uid") + 1] == "1001"
    assert find[-10:] == [
        *("!", "-samefile", "/v/suid"),
        *("-exec", "chown", "-h", "--from=1001", "1000:1000", "{}", "+"),
    ]


def test_a_change_of_owners_spares_files_by_their_numbers() -> None:
    line = owner_words("/v", 7, IDENTITY, [11, 12])
    assert line[:8] == ["find", "-P", "/v", "-ignore_readdir_race", "-xdev", "-uid", "7", "!"]
    assert " ".join(line).count("! -inum 1") == 2


def test_files_with_capabilities_are_read_from_what_tar_shows() -> None:
    shown = io.BytesIO(
        rb"-rw-r--r--* 0/0   0 2026-11-25 05:43 /v/a\nb \\ \377 c" + b"\n"
        b"  x: 20 security.capability\n"
        b"-rw-r--r--  0/0   0 2026-11-25 05:43 /v/plain\n"
        b"-rw-r--r--* 0/0   0 2026-11-25 05:43 /v/ends in \t \n"
        b"  x: 20 security.capability\n"
    )
    assert list(capable_files(shown)) == [b"/v/a\nb \\ \xff c", b"/v/ends in \t "]
