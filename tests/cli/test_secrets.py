"""Secrets, planted wherever they are: no report, label, dry run or error has one."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.conftest import Workspace, docker
from tests.relay import relay

pytestmark = pytest.mark.engine

SECRET = "ghp_0123456789secret"  # noqa: S105 - what a test looks for
ADDRESS = f"http://ada:{SECRET}@proxy.invalid:3128"
VARIABLES = {
    "GITHUB_TOKEN": SECRET,
    "NPM_TOKEN": SECRET,
    "HTTP_PROXY": ADDRESS,
    "HTTPS_PROXY": ADDRESS,
    "https_proxy": ADDRESS,
    "NO_PROXY": "localhost",
}


@pytest.fixture
def planted(workspace: Workspace) -> Workspace:
    """A workspace with a secret in its variables, in auth.json and in docker's configuration."""
    workspace.write(".local/share/opencode/auth.json", json.dumps({"token": SECRET}))
    configuration = {
        "auths": {"registry.invalid": {"auth": SECRET, "identitytoken": SECRET}},
        "HttpHeaders": {"X-Token": SECRET},
        "proxies": {"default": {"httpProxy": ADDRESS, "httpsProxy": ADDRESS}},
    }
    workspace.write(".docker/config.json", json.dumps(configuration))
    workspace.write(".config/git/credentials", f"https://ada:{SECRET}@host\n")
    workspace.environ.update(VARIABLES)
    return workspace


def untold(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command wrote, which has no secret in it."""
    told = done.stdout + done.stderr
    assert SECRET not in told
    assert "Traceback" not in told
    return told


def test_no_report_and_no_dry_run_tells_a_secret(planted: Workspace) -> None:
    told = ""
    for words in (
        ("run", "--detach", "--dry", "."),
        ("run", "--detach", "."),
        ("exec", "--env", f"TOKEN={SECRET}", "--dry", ".", "--", "env"),
        ("list",),
        ("list", "--format", "json"),
        ("mounts", "."),
        ("mounts", ".", "--format", "json"),
        ("build", "--dry", "."),
        ("volume", "list", "--format", "json"),
        ("volume", "rm", "--all"),
        ("ssh-config",),
        ("doctor", "."),
        ("doctor", ".", "--format", "json"),
    ):
        told += untold(planted.devenv(*words))
    assert "auth.json" in told


def test_no_secret_is_in_what_an_engine_tells_of_a_container(planted: Workspace) -> None:
    """Labels, variables and command lines are there for everybody who may ask the engine."""
    planted.devenv("run", "--detach", ".", check=True)
    assert SECRET not in docker("inspect", planted.name).stdout
    for name in planted.volume_names():
        assert SECRET not in docker("volume", "inspect", name).stdout


def test_a_variable_reaches_the_command_alone(planted: Workspace) -> None:
    """It is there, and nothing else told of it."""
    done = planted.devenv("exec", "--env", f"TOKEN={SECRET}", ".", "--", "sh", "-c", "echo $TOKEN")
    assert done.stdout == f"{SECRET}\n"
    assert SECRET not in done.stderr
    assert SECRET not in docker("inspect", planted.name).stdout


def test_an_address_with_a_password_is_told_without(planted: Workspace) -> None:
    planted.environ["NO_PROXY"] = "127.0.0.1"
    with relay("/var/run/docker.sock") as through:
        planted.environ["DOCKER_HOST"] = through.url.replace("//", f"//ada:{SECRET}@")
        planted.make_volume("data")
        for words in (
            ("volume", "list"),
            ("volume", "list", "--format", "json"),
            ("volume", "rm", "--all"),
            ("list",),
            ("list", "--all"),
            ("run", "--detach", "."),
            ("stop", "--all"),
            ("doctor", "."),
        ):
            told = untold(planted.devenv(*words))
        assert "ada" not in told
        assert "tcp://***@127.0.0.1" in planted.devenv("volume", "list").stderr


@pytest.mark.parametrize(
    "address",
    [
        f"tcp://ada:{SECRET}@127.0.0.1:1",
        f"tcp://ada:{SECRET}@",
        f"tcp://ada:{SECRET}@127.0.0.1:port",
        f"nonsense://ada:{SECRET}@127.0.0.1",
        f"http+unix://ada:{SECRET}@none",
    ],
)
def test_an_error_about_an_address_tells_no_password(planted: Workspace, address: str) -> None:
    planted.environ["DOCKER_HOST"] = address
    told = untold(planted.devenv("volume", "list"))
    assert "error: " in told


@pytest.mark.parametrize(
    "configuration",
    [
        {"auths": [SECRET]},
        {"auths": {"registry.invalid": SECRET}},
        {"auths": {"registry.invalid": {"auth": SECRET}}},
        {"HttpHeaders": SECRET},
        {"proxies": {"default": SECRET}},
    ],
)
def test_an_error_about_dockers_configuration_tells_no_secret(
    planted: Workspace, configuration: object
) -> None:
    planted.write(".docker/config.json", json.dumps(configuration))
    untold(planted.devenv("volume", "list"))
    untold(planted.devenv("doctor", "."))


@pytest.mark.parametrize("text", [f"devenv: {{token: {SECRET}", f"a: b: {SECRET}", f"\t{SECRET}"])
def test_an_error_about_a_settings_file_does_not_show_its_line(
    planted: Workspace, text: str
) -> None:
    """Other tools keep their settings in that file too."""
    planted.write(".invoke.yaml", text)
    told = untold(planted.devenv("list"))
    assert ".invoke.yaml cannot be read: " in told
    assert "(line 1)" in told
