"""Lists from a helper: one of which a part did not come is no shorter list."""

from __future__ import annotations

import io
import subprocess

import pytest

from devenv_lib.errors import EngineFailure
from devenv_lib.volumes.owners import _check_end, _to_the_end
from devenv_lib.volumes.tree import listing, whole_records


def test_a_list_that_came_to_its_end_is_read() -> None:
    """As a helper runs it; its status stays the program's."""
    done = subprocess.run(
        listing(["sh", "-c", r"printf 'a\0b\0'; exit 3"]), capture_output=True, check=False
    )
    assert (done.returncode, list(whole_records(io.BytesIO(done.stdout)))) == (3, [b"a", b"b"])
    assert list(whole_records(io.BytesIO(b"\0"))) == []


@pytest.mark.parametrize("came", [b"", b"a", b"a\0", b"a\0b"])
def test_a_list_that_broke_off_is_a_failure(came: bytes) -> None:
    """Nothing found would else be taken for nothing there."""
    with pytest.raises(EngineFailure, match="broke off"):
        list(whole_records(io.BytesIO(came)))
    with pytest.raises(EngineFailure, match="broke off"):
        _check_end(io.BytesIO(came))
    with pytest.raises(EngineFailure, match="broke off"):
        list(_to_the_end(io.BytesIO(came.replace(b"\0", b"\n"))))


@pytest.mark.parametrize(("came", "paths"), [(b"\0", b""), (b"/a\0\0", b"/a\0")])
def test_what_is_handed_on_has_no_empty_name(came: bytes, paths: bytes) -> None:
    listed = io.BytesIO(came)
    _check_end(listed)
    assert listed.read() == paths
    assert list(_to_the_end(io.BytesIO(b"x\n\n"))) == [b"x\n"]
