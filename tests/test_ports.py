"""Ports that somebody else has: who, and what to do about it."""

from __future__ import annotations

import pytest

from devenv_lib.errors import Refused
from devenv_lib.plans.ports import refuse_taken
from devenv_lib.records import Container, Port
from tests.builders import PROJECT, container, project

SSH, WEB = Port(3333, 2222), Port(3333, 80)


def refusal(port: Port, *there: Container, busy: dict[int, str] | None = None) -> Refused:
    """Return how ``port`` is refused."""
    with pytest.raises(Refused) as raised:
        refuse_taken(PROJECT, [Port(1, 1), port], there, busy or {})
    return raised.value


def test_free_ports_are_not_refused() -> None:
    """Nor one that the engine picks."""
    other = container("other", labels={}, published=[Port(4, 4)])

    refuse_taken(PROJECT, [SSH, Port(0, 2222)], [other], {})


def test_the_projects_own_container_does_not_count() -> None:
    """Also where its port is listened on, by whatever the engine does that with."""
    own = container(published=[SSH])

    refuse_taken(PROJECT, [SSH], [own], {3333: "docker-proxy, process 7"})


def test_a_foreign_container_is_named() -> None:
    error = refusal(SSH, container("web", labels={}, published=[Port(3333, 80)]), busy={3333: "x"})

    assert str(error) == "Port 3333 is taken by the container web."
    assert error.hint.startswith("Stop it: docker stop web; or choose another for ssh: inv run")


@pytest.mark.parametrize(("prefix", "head"), [("devenv", ""), ("mine", "DEVENV_PREFIX=mine ")])
def test_another_projects_environment_is_stopped_by_its_path(prefix: str, head: str) -> None:
    at = project("/home/me/code/a b", prefix=prefix)
    error = refusal(WEB, container(at.names[0], labels=at.labels, published=[SSH]))

    assert str(error) == f"Port 3333 is taken by the container {at.names[0]}."
    assert error.hint == (
        f"Stop it: {head}inv stop --path '/home/me/code/a b'; "
        "or choose another: DEVENV_PORTS='[PORT]' inv run"
    )


def test_another_program_is_named_where_it_is_known() -> None:
    known, unknown = refusal(SSH, busy={3333: "nc, process 7"}), refusal(SSH, busy={3333: ""})

    assert str(known) == "Port 3333 is taken by another program (nc, process 7)."
    assert str(unknown) == "Port 3333 is taken by another program."
    assert "See which one: ss -ltnp 'sport = :3333'" in unknown.hint
