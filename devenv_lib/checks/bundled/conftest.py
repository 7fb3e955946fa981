"""What the bundled checks are given: what the environment should be, and what a look showed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest

from devenv_lib.checks.fixtures import SUBJECT
from devenv_lib.checks.look import Seen, look
from devenv_lib.checks.subject import Subject
from devenv_lib.errors import DevenvError


@pytest.fixture(scope="session")
def subject(request: pytest.FixtureRequest) -> Subject:
    """What the environment is, has and should have."""
    return request.config.stash[SUBJECT]


@pytest.fixture(scope="session")
def seen(subject: Subject) -> Seen:
    """What one look from inside showed, which all checks share."""
    try:
        return look(subject)
    except DevenvError as error:
        pytest.fail(f"{error}\n{error.hint}", pytrace=False)


def _below_home(subject: Subject, path: str) -> str:
    home = PurePosixPath(subject.home)
    place = PurePosixPath(path)
    return f"~/{place.relative_to(home)}" if place.is_relative_to(home) else path


#: What a check can be made for each of: how they are found, how one is called, and what is said
#: where there are none.
_EACH: Mapping[str, tuple[Callable[[Subject], Iterable[Any]], Callable[..., str], str]] = {
    "volume": (lambda s: s.volumes, lambda s, one: one.source, "there are no volumes"),
    "mount": (
        lambda s: s.read_only,
        lambda s, one: _below_home(s, one.target),
        "nothing is mounted read-only",
    ),
    "lock": (
        lambda s: s.locks,
        lambda s, one: one.name,
        "there is no configuration with lockfiles on this machine",
    ),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a check for each volume, read-only mount and lockfile, or one that is skipped."""
    subject = metafunc.config.stash[SUBJECT]
    for argument in set(metafunc.fixturenames) & set(_EACH):
        find, call, absent = _EACH[argument]
        params = [pytest.param(one, id=call(subject, one)) for one in find(subject)]
        none = pytest.param(None, marks=pytest.mark.skip(reason=absent), id="none")
        metafunc.parametrize(argument, params or [none])
