"""Temporary files, where there is no room for them."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import NoReturn

import pytest

from devenv_lib import scratch as module
from devenv_lib.errors import DevenvError
from devenv_lib.scratch import scratch


def test_it_is_at_the_beginning_of_its_content() -> None:
    with scratch(b"content") as file:
        assert file.read() == b"content"


def test_where_none_can_be_made_another_place_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full() -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "TemporaryFile", full)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(DevenvError, match=rf"in {tmp_path}: No space left") as raised, scratch():
        pass
    assert "TMPDIR=DIRECTORY" in raised.value.hint


def test_a_failure_in_the_block_is_its_own() -> None:
    with pytest.raises(OSError, match="mine"), scratch():
        raise OSError("mine")
