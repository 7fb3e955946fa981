"""opencode's login is there to read, in a directory that opencode can write."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from devenv_lib.checks.look import Seen
from devenv_lib.checks.subject import Subject
from devenv_lib.plans.remedies import no_room

_NONE = "this machine has no ~/.local/share/opencode/auth.json, or had none at the start"


def test_auth_json_is_readable(subject: Subject, seen: Seen) -> None:
    """The user can read it to its end; what is in it goes nowhere."""
    if not subject.auth:
        pytest.skip(_NONE)
    said = seen.said("read", subject.auth)
    assert said == "opened", (
        f"the user inside ({subject.uid}) cannot read {subject.auth}: {said or 'no answer'}. "
        "See who owns it: ls -l ~/.local/share/opencode/auth.json"
    )


def test_directory_around_auth_json_is_writable(subject: Subject, seen: Seen) -> None:
    """Opencode keeps its data beside it."""
    if not subject.auth:
        pytest.skip(_NONE)
    directory = str(PurePosixPath(subject.auth).parent)
    said = seen.said("new", directory)
    owner = f"If its owner is wrong: {subject.repair} --all"
    assert said == "written", (
        f"the user cannot write {directory}: {said or 'no answer'}. {no_room(said) or owner}"
    )
