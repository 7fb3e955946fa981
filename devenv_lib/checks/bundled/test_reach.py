"""Nobody but this machine reaches in, and the ssh agent is reached from inside."""

from __future__ import annotations

import ipaddress

import pytest

from devenv_lib.checks.look import Seen
from devenv_lib.checks.subject import Subject


def test_ports_are_on_loopback_only(subject: Subject) -> None:
    """Every port that the engine publishes now is on an address of this machine alone."""
    exposure = subject.exposure
    assert exposure.network != "host", (
        "it uses this machine's own network, on which every port is open. inv run --recreate"
    )
    open_ = [p for p in exposure.published if not ipaddress.ip_address(p.address).is_loopback]
    named = ", ".join(f"{p.inside} on {p.address}:{p.host}" for p in open_)
    assert not open_, f"others can reach {named}. To publish on 127.0.0.1: inv run --recreate"


def test_ssh_agent_answers(subject: Subject, seen: Seen) -> None:
    """It says which keys it has, or that it has none.

    One that does not let this user in ends ``ssh-add`` with 1 as well, but in other words.
    """
    if not subject.agent:
        pytest.skip(subject.no_agent)
    if not seen.said("program", "ssh-add"):
        pytest.skip("the image has no ssh-add to ask the agent with")
    said = seen.said("agent", subject.agent)
    assert said == "keys" or said.startswith("1 The agent has no identities"), (
        f"the agent at {subject.agent} does not answer the user inside (ssh-add: {said or '-'}). "
        "After a new login it has another socket: inv run --recreate"
    )
