"""Names of the volumes that devenv makes beside others for a while: nobody else's are called so."""

from __future__ import annotations

import pytest

from devenv_lib.errors import UsageError
from devenv_lib.names import (
    adopting_name,
    common_labels,
    complete_name,
    is_reserved,
    removing_name,
    unfinished_name,
)
from devenv_lib.plans.restoring import refuse_target
from devenv_lib.records import Snapshot, Volume

OWN = [name("devenv-data") for name in (adopting_name, complete_name, removing_name)]
OWN.append(unfinished_name("devenv-data"))


@pytest.mark.parametrize("name", OWN)
def test_the_names_of_its_own_volumes_are_reserved(name: str) -> None:
    assert is_reserved(name)


@pytest.mark.parametrize("name", ["devenv-data", "devenv-unfinished-a", "devenv-adopted"])
def test_other_names_are_not(name: str) -> None:
    assert not is_reserved(name)


@pytest.mark.parametrize("name", OWN)
def test_no_new_volume_gets_such_a_name(name: str) -> None:
    """It would be taken for what a killed command left, of a volume that has nothing to do with it.

    One that is there already is somebody's, and can be filled.
    """
    with pytest.raises(UsageError, match="beside others for a while") as caught:
        refuse_target(Snapshot((), ()), "devenv", name)
    assert caught.value.hint == "Choose another: --name devenv-NAME"
    refuse_target(Snapshot((Volume(name, common_labels("devenv")),), ()), "devenv", name)
