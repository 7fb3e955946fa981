"""What a test is given: functions that make things, and failures in the test's own words."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from devenv_lib.containers import Inside
from devenv_lib.errors import DevenvError
from devenv_lib.records import Volume
from devenv_lib.settings import Settings
from devenv_lib.testing.temporaries import Temporaries


class VolumeFactory(Protocol):
    """What the fixture ``devenv_volume`` is."""

    def __call__(self) -> Volume:
        """Make a volume, and return its record.

        Raises:
            EngineFailure: the engine refused or stopped answering.
        """


class EnvironmentFactory(Protocol):
    """What the fixture ``devenv_environment`` is."""

    def __call__(self, settings: Settings | None = None) -> Inside:
        """Bring up the environment of a new, empty project.

        Of ``settings`` everything counts but the prefix; further volumes have to be the test's
        own. An image that they name is used instead of the session's.

        Raises:
            DevenvError: what `devenv_lib.environment` raises.
        """


def volume_factory(made: Temporaries) -> VolumeFactory:
    """Return the function that makes volumes among ``made``."""

    def make() -> Volume:
        __tracebackhide__ = True
        try:
            return made.volume()
        except DevenvError as error:
            raise _short(error) from None

    return make


def environment_factory(made: Temporaries, image: str, home: Path) -> EnvironmentFactory:
    """Return the function that makes environments among ``made``, of projects below ``home``."""

    def make(settings: Settings | None = None) -> Inside:
        __tracebackhide__ = True
        try:
            return made.environment(image, home, settings or Settings())
        except DevenvError as error:
            raise _short(error) from None

    return make


def _short(error: DevenvError) -> DevenvError:
    """Return the error as the test's reader needs it: with its hint, without devenv's frames."""
    if error.hint:
        error.add_note(error.hint)
    return error.with_traceback(None)


def remove(made: Temporaries, left: list[str]) -> None:
    """Remove what a test made. What cannot be removed is the test's error.

    Ctrl-C ends pytest before it reports one: then it is added to ``left``.
    """
    failures: list[str] = []
    try:
        made.remove(failures.append)
    except KeyboardInterrupt:
        left += failures
        raise
    if failures:
        pytest.fail("\n".join(failures), pytrace=False)
