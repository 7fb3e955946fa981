"""What of a report is the same each time."""

from __future__ import annotations

from tests.faults.saying import steady


def test_ages_and_sizes_pass_and_numbers_of_things_stay() -> None:
    first = "a  running  Up 3 minutes  1.2 GiB\n0 volumes in 0.41s on unix:///tmp/x/relay.sock"
    again = "a  running  Up About a minute  7 B\n0 volumes in 1.00s on unix:///tmp/y/relay.sock"
    assert steady(first) == steady(again)
    assert steady("0 volumes") != steady("3 volumes")
    assert steady("77.8 of 252.0 GiB are left") == steady("1.0 of 252.0 GiB are left")
