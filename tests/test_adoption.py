"""Adoption: whatever dies, and whatever others do meanwhile, one complete copy is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from devenv_lib.engine import Engine
from devenv_lib.errors import DevenvError, EngineFailure, Refused, UsageError
from devenv_lib.names import (
    LABEL_ADOPTING,
    LABEL_COMPLETE,
    LABEL_REMOVING,
    adopting_name,
    common_labels,
    complete_name,
    removing_name,
)
from devenv_lib.plans.pending import pending
from devenv_lib.plans.removal import removal
from devenv_lib.records import Container, MountPoint, Snapshot, Volume
from devenv_lib.volumes import adopt, plan_adoption, rehearse_adoption
from tests.model import Content, Killed, ModelEngine

NAME = "devenv-data"
COPY, MARKER, REMOVING = adopting_name(NAME), complete_name(NAME), removing_name(NAME)
FILES = {"a": "1", "b": "2", "c": "3"}
OURS = common_labels("devenv")
#: More operations than an adoption has.
EVERY = range(1, 28)


def engine(labels: dict[str, str] | None = None, files: Content = FILES) -> ModelEngine:
    made = ModelEngine()
    made.make(NAME, labels or {}, files)
    return made


def run(model: ModelEngine, dies_at: int | None = None) -> bool | None:
    """Adopt, and return what it returned; ``None`` if it died."""
    model.dies_at, model.operations = dies_at, 0
    try:
        return adopt(cast("Engine", model), "devenv", NAME, "image")
    except Killed:
        return None


def killed(where: Callable[[ModelEngine], object]) -> Iterator[ModelEngine]:
    """Yield what adoptions leave that are killed at any moment, if ``where`` holds of it.

    At one moment at least it does: else there would be nothing to show.
    """
    found = 0
    for moment in EVERY:
        model = engine()
        if run(model, moment) is None and where(model):
            found += 1
            yield model
    assert found


def is_gone(model: ModelEngine) -> bool:
    """Whether the original was removed and is not back."""
    return NAME not in model.volumes


def is_as_it_was(model: ModelEngine) -> bool:
    """Whether the volume is the original, whose removal has not begun."""
    there = model.volumes.get(NAME)
    if there is None or OURS.items() <= there.labels.items():
        return False
    return REMOVING not in model.volumes


def known_copies(model: ModelEngine) -> list[Content]:
    """Return what is known to be complete: the copy if the marker says so, else the volume."""
    if MARKER in model.volumes:
        return [model.volumes[COPY].files]
    return [model.volumes[NAME].files]


def test_an_adoption_keeps_everything_and_leaves_nothing() -> None:
    model = engine({"mine": "1"})
    assert run(model) is True
    assert list(model.volumes) == [NAME]
    assert model.volumes[NAME].files == FILES
    assert model.volumes[NAME].labels == {**OURS, "mine": "1"}
    assert run(model) is False


def test_an_empty_volume_is_adopted_too() -> None:
    model = engine(files={})
    assert run(model) is True
    assert list(model.volumes) == [NAME]


@pytest.mark.parametrize("first", EVERY)
def test_killed_at_any_moment_a_complete_copy_is_known_and_the_next_carries_on(first: int) -> None:
    for second in (None, *EVERY):
        model = engine()
        if run(model, first) is None:
            assert FILES in known_copies(model)
            if run(model, second) is None:
                assert FILES in known_copies(model)
        run(model)
        assert model.volumes[NAME].files == FILES
        assert set(model.volumes) == {NAME}
        assert OURS.items() <= model.volumes[NAME].labels.items()


def test_every_moment_was_tried() -> None:
    model = engine()
    run(model)
    assert model.operations < max(EVERY)


def test_one_that_is_remade_empty_by_others_is_filled_again() -> None:
    """As by a plain ``docker run -v``, after the original went."""
    for model in killed(is_gone):
        model.make(NAME, {})
        assert FILES in known_copies(model)
        assert run(model) is True
        assert model.volumes[NAME].files == FILES


def test_one_that_is_remade_with_something_in_it_stops_the_adoption() -> None:
    for model in killed(is_gone):
        model.make(NAME, {}, {"new": "1"})
        before = {name: dict(each.files) for name, each in model.volumes.items()}
        with pytest.raises(Refused, match="made a volume of that name anew"):
            run(model)
        assert {name: each.files for name, each in model.volumes.items()} == before
        del model.volumes[NAME]  # as the message says
        assert run(model) is True
        assert model.volumes[NAME].files == FILES


def test_what_is_written_into_the_original_meanwhile_is_kept() -> None:
    """Killed before the original went; somebody used it, and its copy is out of date."""
    for model in killed(is_as_it_was):
        model.volumes[NAME].files["later"] = "4"
        run(model)
        assert model.volumes[NAME].files == {**FILES, "later": "4"}
        assert set(model.volumes) == {NAME}


def torn() -> ModelEngine:
    """Return an engine that failed while it removed the original."""
    model = engine()
    model.tears = True
    with pytest.raises(EngineFailure, match=f"Everything is in {COPY}"):
        run(model)
    model.tears = False
    assert FILES.items() > model.volumes[NAME].files.items()
    return model


def test_an_original_that_was_removed_by_half_counts_for_nothing() -> None:
    """The copy is all there is then: it must not be taken for one that is out of date."""
    model = torn()
    assert FILES in known_copies(model)
    assert run(model) is True
    assert model.volumes[NAME].files == FILES
    assert set(model.volumes) == {NAME}


@pytest.mark.parametrize("moment", EVERY)
def test_one_that_was_removed_by_half_is_carried_on_from_any_moment(moment: int) -> None:
    model = torn()
    if run(model, moment) is None:
        assert FILES in known_copies(model)
    run(model)
    assert model.volumes[NAME].files == FILES
    assert set(model.volumes) == {NAME}


def test_one_that_was_removed_by_half_and_written_to_stops_the_adoption() -> None:
    model = torn()
    model.volumes[NAME].files["a"] = "new"
    before = {name: dict(each.files) for name, each in model.volumes.items()}
    with pytest.raises(Refused, match="begun and not finished") as raised:
        run(model)
    assert f"docker volume rm {NAME}" in raised.value.hint
    assert {name: each.files for name, each in model.volumes.items()} == before
    del model.volumes[NAME]  # as the message says
    assert run(model) is True
    assert model.volumes[NAME].files == FILES


def test_without_its_copy_one_that_was_removed_by_half_is_not_believed_in() -> None:
    model = torn()
    del model.volumes[COPY]
    with pytest.raises(Refused, match="was removed by somebody"):
        run(model)
    assert MARKER in model.volumes


def test_a_removal_that_an_engine_refuses_has_not_begun() -> None:
    """A container took the volume in between; what it writes is in the original alone."""
    model = engine()
    remove = model.remove_volume

    def in_use(name: str) -> None:
        if name == NAME:
            raise EngineFailure("volume is in use", status=409)
        remove(name)

    model.remove_volume = in_use  # type: ignore[method-assign]
    with pytest.raises(EngineFailure, match="in use"):
        run(model)
    model.remove_volume = remove  # type: ignore[method-assign]
    model.volumes[NAME].files["later"] = "4"
    run(model)
    assert model.volumes[NAME].files == {**FILES, "later": "4"}
    assert set(model.volumes) == {NAME}


def test_a_volume_that_others_keep_writing_into_is_left_alone() -> None:
    """Between the look at it and its removal; the engine tells of it."""
    model = engine()
    model.writers.add(NAME)
    with pytest.raises(EngineFailure, match="different at every look"):
        run(model)
    assert model.volumes[NAME].files == FILES


def test_rm_and_run_refuse_what_is_being_adopted() -> None:
    for model in killed(lambda model: MARKER in model.volumes):
        snapshot = model.snapshot()
        assert set(pending(snapshot.volumes, "devenv")) == {NAME, COPY, MARKER, REMOVING}
        plan = removal(snapshot, "devenv", None)
        assert {r.volume for r in plan.refusals} >= {COPY, MARKER}
        assert all("inv volume.adopt --name devenv-data" in r.remedy for r in plan.refusals)
        assert pending(snapshot.volumes, "other") == {}


@pytest.mark.parametrize("whole", [True, False])
def test_a_copy_that_somebody_removed_is_not_believed_in(whole: bool) -> None:
    """Then only the untouched original is complete; what is half copied back is not."""

    def is_met(model: ModelEngine) -> bool:
        there = model.volumes.get(NAME)
        complete = there is not None and there.files == FILES
        return {COPY, MARKER} <= set(model.volumes) and complete == whole

    for model in killed(is_met):
        del model.volumes[COPY]
        if whole:
            run(model)
            assert model.volumes[NAME].files == FILES
            assert set(model.volumes) == {NAME}
        else:
            with pytest.raises(Refused, match="was removed by somebody"):
                run(model)
            assert MARKER in model.volumes


def test_a_copy_alone_is_kept_since_it_may_be_all_there_is() -> None:
    for model in killed(lambda model: COPY in model.volumes and MARKER not in model.volumes):
        del model.volumes[NAME]
        with pytest.raises(Refused, match="is gone, and its copy"):
            run(model)
        assert COPY in model.volumes


REFUSED: Any = [
    (
        "no name of ours",
        "other-data",
        Volume("other-data", {}),
        UsageError,
        "no name of the prefix",
    ),
    ("no name at all", "../x", Volume(NAME, {}), UsageError, "not a"),
    ("another prefix's", NAME, Volume(NAME, common_labels("devenv-b")), Refused, "prefix devenv-b"),
    (
        "one whose copy could not be called anything",
        f"devenv-{'x' * 231}",
        Volume(f"devenv-{'x' * 231}", {}),
        Refused,
        "so long a name",
    ),
    ("one with options", NAME, Volume(NAME, {}, plain=False), Refused, "options of its own"),
    ("not there", NAME, Volume("devenv-x", {}), Refused, "There is no volume"),
]


@pytest.mark.parametrize(
    ("name", "volume", "kind", "words"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_what_cannot_be_adopted_is_refused(
    name: str, volume: Volume, kind: type[DevenvError], words: str
) -> None:
    model = ModelEngine()
    model.snapshot = lambda: Snapshot((volume,), ())  # type: ignore[method-assign]
    with pytest.raises(kind, match=words) as raised:
        plan_adoption(cast("Engine", model), "devenv", name)
    assert raised.value.hint


@pytest.mark.parametrize("state", ["running", "exited"])
@pytest.mark.parametrize("held", [NAME, COPY])
def test_a_volume_that_a_container_references_is_refused(state: str, held: str) -> None:
    user = Container("1", "web", state, {}, (MountPoint("volume", held, "/x", read_only=False),))
    model = engine()
    model.make(COPY, {**OURS, "devenv.adopting": NAME})
    volumes = model.snapshot().volumes
    model.snapshot = lambda: Snapshot(volumes, (user,))  # type: ignore[method-assign]
    with pytest.raises(Refused, match=r"container web") as raised:
        run(model)
    assert "docker rm web" in raised.value.hint
    assert model.volumes[NAME].labels == {}


@pytest.mark.parametrize("name", [COPY, MARKER])
def test_somebody_elses_volume_of_a_needed_name_is_not_touched(name: str) -> None:
    model = engine()
    model.make(name, {}, {"theirs": "1"})
    with pytest.raises(Refused, match="is not its"):
        run(model)
    assert model.volumes[name].files == {"theirs": "1"}
    assert model.volumes[NAME].labels == {}


def test_a_failure_says_where_everything_is() -> None:
    """A full disk, say: each copied file is an operation of the model."""
    places = set()
    for moment in EVERY:
        model = engine()
        model.fails_at = moment
        try:
            run(model)
        except EngineFailure as failure:
            where = str(failure).rpartition(" is in ")[2].removesuffix(".")
            assert model.volumes[where].files == FILES
            places.add(where)
        model.fails_at = None
        run(model)
        assert model.volumes[NAME].files == FILES
        assert set(model.volumes) == {NAME}
    assert places == {NAME, COPY}


def test_a_dry_run_says_what_is_left_to_do() -> None:
    model = engine()
    plan = plan_adoption(cast("Engine", model), "devenv", NAME)
    lines = list(rehearse_adoption(plan, {}))
    assert [line for line in lines if "volume rm" in line] == [
        f"docker volume rm {NAME}",
        f"docker volume rm {MARKER} {REMOVING} {COPY}",
    ]
    run(model)
    plan = plan_adoption(cast("Engine", model), "devenv", NAME)
    assert list(rehearse_adoption(plan, {})) == [f"# {NAME} carries the labels already"]


def test_a_label_alone_marks_what_is_under_way_only_inside_its_prefix() -> None:
    stray = Volume("x", {LABEL_COMPLETE: NAME})
    assert pending([stray], "devenv") == {}


def test_without_the_marker_nothing_is_done_of_a_removal_that_was_begun() -> None:
    """Somebody removed the marker: the volume may be half, and its copy the only whole one."""
    model = engine(files={"a": "1"})
    model.make(COPY, {**OURS, LABEL_ADOPTING: NAME}, FILES)
    model.make(REMOVING, {**OURS, LABEL_REMOVING: NAME}, {})
    with pytest.raises(Refused, match=f"{COPY} has all of it") as caught:
        run(model)
    assert f"docker volume rm {REMOVING}" in caught.value.hint
    assert list(model.volumes) == [NAME, COPY, REMOVING]
    model.volumes.pop(REMOVING)  # as the hint says, where the volume is whole
    assert run(model) is True
    assert set(model.volumes) == {NAME}
