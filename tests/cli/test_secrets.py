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


def untold(done: subprocess.CompletedProcess[str], status: int) -> str:
    """Return what a command wrote, which has no secret in it and this status."""
    told = done.stdout + done.stderr
    assert done.returncode == status, told
    assert SECRET not in told
    assert "Traceback" not in told
    return told


def test_no_report_and_no_dry_run_tells_a_secret(planted: Workspace) -> None:
    """Each has something to tell."""
    told = ""
    for words, status, says in (
        (("run", "--detach", "--dry", "."), 0, "docker run --detach"),
        (("run", "--detach", "."), 0, "CREATED"),
        (("exec", "--env", f"TOKEN={SECRET}", "--dry", ".", "--", "env"), 0, "--env=TOKEN "),
        (("list",), 0, planted.name),
        (("list", "--format", "json"), 0, planted.name),
        (("mounts", "."), 0, "auth.json"),
        (("mounts", ".", "--format", "json"), 0, "auth.json"),
        (("build", "--dry", "."), 0, "docker build "),
        (("volume", "list", "--format", "json"), 0, planted.volume("data")),
        (("volume", "rm", "--all"), 1, "REFUSED"),
        (("ssh-config",), 0, "No environment with ssh is running"),
        (("doctor", "."), 0, "environment ~/work/app: running"),
        (("doctor", ".", "--format", "json"), 0, "environment ~/work/app"),
    ):
        variables = {"DEVENV_IMAGE": ""} if words[0] == "build" else {}
        told = untold(planted.devenv(*words, variables=variables), status)
        assert says in told, told


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


@pytest.mark.parametrize("who", [SECRET, f"ada:{SECRET}"])
def test_an_address_with_a_password_is_told_without(planted: Workspace, who: str) -> None:
    """A token that stands for the user is used; docker-py refuses one with a password."""
    planted.environ["NO_PROXY"] = "127.0.0.1"
    refused = int(":" in who)
    with relay(str(planted.engine.endpoint.socket)) as through:
        planted.environ["DOCKER_HOST"] = through.url.replace("//", f"//{who}@")
        planted.make_volume("data")
        for words, status in (
            (("volume", "list"), 0),
            (("volume", "list", "--format", "json"), 0),
            (("volume", "rm", "--all"), 1),
            (("list",), 0),
            (("list", "--all"), 0),
            (("run", "--detach", "."), 1),  # an engine on another machine
            (("stop", "--all"), 0),
            (("doctor", "."), 1),
        ):
            told = untold(planted.devenv(*words), refused or status)
            assert "ada:" not in told
            shown = told.replace("tcp://***@127", "tcp://127")  # doctor tells no user at all
            assert "tcp://127.0.0.1" in shown or "no terminal to ask on" in told
    assert through.requests


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
    told = untold(planted.devenv("volume", "list"), 1)
    assert "error: " in told


@pytest.mark.parametrize(
    "configuration",
    [
        {"auths": [SECRET]},
        {"auths": {"registry.invalid": SECRET}},
        {"auths": {"registry.invalid": {"auth": SECRET}}},
        {"HttpHeaders": SECRET},
        {"HttpHeaders": {"X-Token": [SECRET]}},
        {"HttpHeaders": {"X-Token": f"{SECRET}\n"}},
        {"proxies": {"default": SECRET}},
    ],
)
def test_an_error_about_dockers_configuration_tells_no_secret(
    planted: Workspace, configuration: object
) -> None:
    planted.write(".docker/config.json", json.dumps(configuration))
    says = "~/.docker/config.json cannot be used: "
    assert f"error: {says}" in untold(planted.devenv("volume", "list"), 1)
    assert f"FAIL  engine: {says}" in untold(planted.devenv("doctor", "."), 1)


@pytest.mark.parametrize("text", [f"devenv: {{token: {SECRET}", f"a: b: {SECRET}", f"\t{SECRET}"])
def test_an_error_about_a_settings_file_does_not_show_its_line(
    planted: Workspace, text: str
) -> None:
    """Other tools keep their settings in that file too."""
    planted.write(".invoke.yaml", text)
    told = untold(planted.devenv("list"), 4)
    assert ".invoke.yaml cannot be read: " in told
    assert "(line 1)" in told
