"""The client's configuration: a block for each environment, and nothing that anybody planted."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib.names import LABEL_SSH, LABEL_USER
from devenv_lib.plans.ssh_config import config_lines
from devenv_lib.project import Project
from devenv_lib.records import Container, Port
from tests.builders import PROJECT, container, project

WORDS = {"Host", "HostName", "Port", "User", "HostKeyAlias", "StrictHostKeyChecking"}


def environment(
    at: Project = PROJECT, port: int = 32768, name: str = "", **labels: str
) -> Container:
    own: Mapping[str, str] = {**at.labels, LABEL_USER: "devuser", LABEL_SSH: "2222"}
    own = {**own, **{key.replace("_", "."): value for key, value in labels.items()}}
    return container(name or at.names[0], labels=own, published=[Port(port, 2222)])


def test_an_environment_is_a_block() -> None:
    """The host key is the volume's, and remembered once."""
    assert list(config_lines([environment()], "devenv")) == [
        "Host devenv-code-app",
        "    HostName 127.0.0.1",
        "    Port 32768",
        "    User devuser",
        "    HostKeyAlias devenv-state",
        "    StrictHostKeyChecking accept-new",
    ]


def test_blocks_are_sorted_by_name() -> None:
    other = environment(project("/home/me/code/aaa"), 1)
    lines = list(config_lines([environment(), other], "devenv"))

    assert [line for line in lines if line.startswith("Host ")] == [
        "Host devenv-code-aaa",
        "Host devenv-code-app",
    ]
    assert lines == list(config_lines([other, environment()], "devenv"))


@pytest.mark.parametrize(
    "other",
    [
        container(labels={**PROJECT.labels, LABEL_USER: "devuser", LABEL_SSH: "2222"}),
        container(published=[Port(1, 2222)]),
        environment(name="devenv-code-app.starting"),
        environment(name="devenv-else"),
        environment(devenv_prefix="other"),
        environment(devenv_path="/elsewhere"),
        environment(devenv_user=""),
        environment(devenv_user="a\n    ProxyCommand rm -rf ~"),
        environment(devenv_user="a b"),
        environment(devenv_user="-oProxyCommand=x"),
        environment(devenv_user="%d"),
        environment(devenv_ssh="22"),
    ],
)
def test_what_is_no_plain_environment_with_sshd_is_left_out(other: Container) -> None:
    """A label is anybody's word."""
    assert list(config_lines([other], "devenv")) == []


@given(st.text(), st.text(), st.text())
def test_no_label_and_no_name_becomes_a_directive(name: str, user: str, path: str) -> None:
    one = environment(name=name, devenv_user=user, devenv_path=path)
    lines = list(config_lines([one, environment(devenv_user=user)], "devenv"))

    assert {line.split()[0] for line in lines} <= WORDS
    assert all(len(line.split()) == 2 and line.isprintable() for line in lines)
