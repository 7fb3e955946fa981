"""Where a copy comes to be on the host, and what the messages tell a person to run."""

from __future__ import annotations

import errno
import shlex
from pathlib import Path

import pytest

from devenv_lib.errors import DevenvError, Refused
from devenv_lib.volumes.landing import beside, landing
from devenv_lib.volumes.partial import unwritable


def test_what_a_killed_copy_left_goes_with_the_next_one_and_nothing_else(tmp_path: Path) -> None:
    for name, mode in (("abcd0123", 0o700), ("opened__", 0o755), ("too-long-to-be", 0o700)):
        (tmp_path / f".devenv-cp-{name}").mkdir()
        (tmp_path / f".devenv-cp-{name}/it").write_text("a part")
        (tmp_path / f".devenv-cp-{name}").chmod(mode)
    (tmp_path / ".devenv-cp-01234567").write_text("a file")
    with beside(tmp_path / "first") as first:
        first.write_text("whole")
        with beside(tmp_path / "second") as second:
            assert first.read_text() == "whole"
            assert second.parent != first.parent
            there = {path.name.removeprefix(".devenv-cp-") for path in tmp_path.iterdir()}
            running = {first.parent.name[-8:], second.parent.name[-8:]}
            assert there == {"opened__", "too-long-to-be", "01234567", *running}
    assert not {path.name[-8:] for path in tmp_path.iterdir()} & running


def test_a_path_that_a_shell_would_take_apart_is_quoted_in_the_remedy(tmp_path: Path) -> None:
    missing = tmp_path / "my files; rm x"
    with pytest.raises(Refused) as raised:
        landing(f"{missing}/", "own", replace=False)
    assert shlex.split(raised.value.hint)[-1] == str(missing)

    with pytest.raises(DevenvError) as failed, beside(missing / "own"):
        pass
    assert shlex.split(failed.value.hint)[-1] == str(missing)

    full = unwritable(missing, OSError(errno.ENOSPC, "full"))
    assert f"df -h {shlex.quote(str(missing))};" in full.hint
