"""What the bundled checks are given: what the environment should be, and what a look showed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest

from devenv_lib.checks.fixtures import SUBJECT
from devenv_lib.checks.look import Seen, look
from devenv_lib.checks.subject import Lockfile, Subject
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


def _named(subject: Subject, one: Any) -> str:
    """Return what one is called: a mount by its place inside, others by their names."""
    if isinstance(one, Lockfile):
        return one.name
    if one.kind == "volume":
        return str(one.source)
    home, place = PurePosixPath(subject.home), PurePosixPath(one.target)
    return f"~/{place.relative_to(home)}" if place.is_relative_to(home) else str(place)


#: What a check can be made for each of: how they are found, and what is said if there are none.
_EACH: Mapping[str, tuple[Callable[[Subject], Iterable[Any]], str]] = {
    "volume": (lambda s: s.volumes, "there are no volumes"),
    "mount": (lambda s: s.read_only, "nothing is mounted read-only"),
    "lock": (lambda s: s.locks, "there is no configuration with lockfiles on this machine"),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a check for each volume, read-only mount and lockfile, or one that is skipped."""
    subject = metafunc.config.stash[SUBJECT]
    for argument in set(metafunc.fixturenames) & set(_EACH):
        find, absent = _EACH[argument]
        params = [pytest.param(one, id=_named(subject, one)) for one in find(subject)]
        none = pytest.param(None, marks=pytest.mark.skip(reason=absent), id="none")
        metafunc.parametrize(argument, params or [none])
