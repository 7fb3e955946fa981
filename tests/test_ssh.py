"""ssh: when an environment has an sshd, on which port, and how it is told what to do."""

from __future__ import annotations

import pytest

from devenv_lib.errors import SettingsError, UsageError
from devenv_lib.names import LABEL_SSH
from devenv_lib.plans.ssh import published, ssh_address, sshd_options, wants_ssh
from devenv_lib.records import Host, Port
from devenv_lib.settings import Settings
from tests.builders import HOME, INSIDE, PROJECT, P, container, found, host, mount_plan

KEYS = found(".ssh/authorized_keys")
LABELS = {**PROJECT.labels, LABEL_SSH: "2222"}


def wanted(here: Host, *, ssh: bool | None = None) -> bool:
    mounts = mount_plan(*here.found.values())
    return wants_ssh(Settings(ssh=ssh), here, mounts, INSIDE)


def test_there_is_an_sshd_where_there_is_a_key() -> None:
    here = host(KEYS, keys=True)

    assert [wanted(here, ssh=ssh) for ssh in (None, True, False)] == [True, True, False]


@pytest.mark.parametrize(
    ("here", "why"),
    [
        (host(), f"{HOME}/.ssh/authorized_keys is not mounted (not there)"),
        (host(KEYS), f"{HOME}/.ssh/authorized_keys has no key in it"),
        (
            host(found(".ssh/authorized_keys", "dangling", "/x"), keys=True),
            f"{HOME}/.ssh/authorized_keys is not mounted (a symlink that leads nowhere (/x))",
        ),
    ],
)
def test_without_a_key_there_is_none_and_asking_for_it_is_an_error(here: Host, why: str) -> None:
    """With the command that makes one."""
    assert not wanted(here)
    assert not wanted(here, ssh=False)
    with pytest.raises(UsageError) as raised:
        wanted(here, ssh=True)
    assert str(raised.value) == f"ssh was asked for, and nobody could log in: {why}."
    assert raised.value.hint.startswith("Make a key and let it in: ssh-keygen -t ed25519 && cat ")


def test_without_sshd_only_the_settings_ports_are_published() -> None:
    """A port for it is for when there is one, and any may be in its way."""
    settings = Settings(ports=(Port(2222, 2222),), ssh_port=2222)

    assert published(settings, ssh=False) == (Port(2222, 2222),)


def test_the_engine_picks_a_port_unless_one_is_set() -> None:
    assert published(Settings(), ssh=True) == (Port(0, 2222),)
    assert published(Settings(ssh_port=2200), ssh=True) == (Port(2200, 2222),)


@pytest.mark.parametrize(
    ("port", "text"),
    [(Port(80, 2222), "port 2222 inside"), (Port(2200, 80), "port 2200 on this machine")],
)
def test_a_port_of_the_settings_that_is_sshds_is_an_error(port: Port, text: str) -> None:
    """It names both."""
    with pytest.raises(SettingsError) as raised:
        published(Settings(ports=(port,), ssh_port=2200), ssh=True)
    assert f"'devenv.ports' has {port.host}:{port.container}, and {text}" in str(raised.value)
    assert "'devenv.ssh_port'" in str(raised.value)


def test_an_address_is_the_published_port_of_a_running_container_with_the_label() -> None:
    ports = (Port(81, 80), Port(32768, 2222))

    assert ssh_address(container(labels=LABELS, published=ports)) == "127.0.0.1:32768"
    assert ssh_address(container(published=ports)) == ""
    assert ssh_address(container(labels=LABELS, published=ports[:1])) == ""
    assert ssh_address(container(state="exited", labels=LABELS, published=ports)) == ""
    assert ssh_address(container(labels={**LABELS, LABEL_SSH: "x\ny"}, published=ports)) == ""


def test_sshd_is_told_to_take_keys_alone_and_never_root() -> None:
    words = sshd_options(INSIDE, {})

    for option in (
        "AuthenticationMethods=publickey",
        "PasswordAuthentication=no",
        "KbdInteractiveAuthentication=no",
        "PermitRootLogin=no",
        'AuthorizedKeysFile="/home/devuser/.ssh/authorized_keys"',
    ):
        assert f"-o{option}" in words
    assert not [word for word in words if "StrictModes" in word]
    assert list(words[:2]) == ["-f", "/dev/null"]


def test_variables_and_paths_are_quoted_as_sshd_reads_them() -> None:
    """Whatever is in them; a percent sign would begin one of its own tokens."""
    words = sshd_options(P('/h 100%"'), {"A": 'my "b" \\ #c', "B": ""})

    assert r'-oSetEnv="A=my \"b\" \\ #c" "B="' in words
    assert r'-oAuthorizedKeysFile="/h 100%%\"/.ssh/authorized_keys"' in words
