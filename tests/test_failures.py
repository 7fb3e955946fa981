"""Failures of an engine: a full disk is said to be one, whatever was being done."""

from __future__ import annotations

import docker
import pytest
import requests

from devenv_lib.engine.failures import broken_off, failed, free_room, translated
from devenv_lib.errors import EngineFailure
from devenv_lib.plans import adoption
from devenv_lib.plans.adoption import Adoption
from devenv_lib.plans.restoring import interrupted

FULL = "write /var/lib/engine/tmp: no space left on device"


def response(text: str) -> docker.errors.APIError:
    answer = requests.Response()
    answer.status_code = 500
    return docker.errors.APIError("refused", answer, explanation=text)


def test_a_full_disk_is_said_so_with_the_commands_that_show_it() -> None:
    with (
        pytest.raises(EngineFailure, match="no space left on device") as caught,
        translated("x", "e"),
    ):
        raise response(FULL)
    assert caught.value.hint == free_room(FULL)
    assert "docker system df" in caught.value.hint
    assert "df -h" in caught.value.hint


def test_a_container_of_which_podman_lost_a_part_is_said_to_be_removed() -> None:
    """Until then it lists no container, be it devenv's or not."""
    with pytest.raises(EngineFailure, match="76f7b4") as caught, translated("x", "e"):
        raise response('getting container from store "76f7b4": container not known')
    assert "podman rm --force ID" in caught.value.hint


def test_a_refusal_for_another_reason_has_another_remedy() -> None:
    with pytest.raises(EngineFailure) as caught, translated("x", "e"):
        raise response("no such volume")
    assert "disk is full" not in caught.value.hint


def test_a_program_in_a_helper_that_finds_the_disk_full_has_the_same_remedy() -> None:
    said = "cp: error writing 'a': No space left on device"
    assert failed("cp", 1, said).hint == broken_off("cp", said).hint == free_room(FULL)
    assert free_room("Permission denied") == ""
    assert "docker system df" not in broken_off("cp", "EOF").hint


@pytest.mark.parametrize("present", [True, False])
def test_a_full_disk_is_a_remedy_beside_the_command_that_carries_on(present: bool) -> None:
    failure = EngineFailure(FULL, "something else")
    restoring = interrupted(failure, "devenv-data", present=present, settled=None)
    found = Adoption("devenv-data", "devenv", None, None, None)
    adopting = adoption.interrupted(found, "copy", failure)
    for hint, command in ((restoring.hint, "repair"), (adopting.hint, "adopt")):
        assert "docker system df" in hint
        assert hint.endswith(f"When that is mended: inv volume.{command} --name devenv-data")
    other = interrupted(EngineFailure("x", "y"), "devenv-data", present=present, settled=None)
    assert other.hint == "When that is mended: inv volume.repair --name devenv-data"
