"""Where a copy comes to be on the host, and what the messages tell a person to run."""

from __future__ import annotations

import errno
import shlex
from pathlib import Path

import pytest

from devenv_lib.errors import DevenvError, Refused
from devenv_lib.volumes.landing import beside, landing
from devenv_lib.volumes.partial import unwritable


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
