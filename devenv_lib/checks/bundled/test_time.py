"""It is the same time inside as on the host, in the same zone."""

from __future__ import annotations

import time

import pytest

from devenv_lib.checks.look import Seen
from devenv_lib.checks.subject import Subject

#: Seconds that two clocks may differ: ``date`` says whole ones.
_NEAR = 2


def test_clock_is_right(seen: Seen) -> None:
    """Within two seconds of the host's clock."""
    said = seen.said("date", "+%s %z").partition(" ")[0]
    assert said.isdigit(), f"date says {said!r} inside"
    late = int(said) - seen.began
    assert seen.began - _NEAR <= int(said) <= seen.ended + _NEAR, (
        f"the clock inside is {late:+.0f} seconds off this machine's. A virtual machine's clock "
        "can stop while the computer sleeps: restart the engine"
    )


def test_time_zone_is_the_hosts(subject: Subject, seen: Seen) -> None:
    """Commands inside show local time as the host does."""
    zone = subject.variables.get("TZ")
    if not zone:
        pytest.skip("the name of this machine's time zone is not known")
    said = seen.said("date", "+%s %z").partition(" ")[2]
    here = time.strftime("%z", time.localtime(seen.began))
    assert said == here, (
        f"the zone {zone} is {said or 'unknown'} inside and {here} here. The image may lack the "
        "package tzdata"
    )
