"""Images: the default one by both builders, a project's own, certificate authorities."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from devenv_lib import images
from devenv_lib.errors import ImageError, SettingsError
from devenv_lib.settings import Build
from tests.conftest import IMAGE, Workspace, docker, not_here

pytestmark = pytest.mark.engine
PROGRAMS = (
    "bash git ssh /usr/sbin/sshd curl less nvim rg fd fzf jq make python3 node npm gh shellcheck "
    "tmux tree unzip starship ps infocmp"
)


@pytest.fixture
def project(workspace: Workspace) -> Iterator[Workspace]:
    """A workspace that uses its project's own image, which is removed afterwards."""
    workspace.configure(image="")
    yield workspace
    workspace.clean()
    docker("rmi", "--force", workspace.project.image, check=False)


def dockerfile(workspace: Workspace, text: str) -> Path:
    directory = workspace.path / ".devenv"
    directory.mkdir(exist_ok=True)
    (directory / "Dockerfile").write_text(text)
    return directory


def test_the_default_image_has_what_a_terminal_developer_expects(workspace: Workspace) -> None:
    workspace.up()
    workspace.sh(
        f"for p in {PROGRAMS}; do command -v $p >/dev/null || {{ echo $p; exit 1; }}; done"
    )
    workspace.sh("python3 -m venv /tmp/venv && infocmp alacritty >/dev/null")
    data = json.loads(docker("image", "inspect", IMAGE).stdout)[0]
    assert data["Config"]["Labels"]["devenv.image"] == "true"
    assert "devenv" not in data["Config"]["Labels"]


@pytest.mark.internet
@pytest.mark.parametrize("buildkit", ["0", "1"])
def test_the_dockerfile_builds_with_either_builder(workspace: Workspace, buildkit: str) -> None:
    """With a gid that Debian already has, and a large uid; from the base that is here."""
    engine, settings = workspace.engine, workspace.settings
    choice = images.default_image(workspace.prefix)
    settings = workspace.settings
    words = images.build_words(engine, choice, settings, (1_234_567, 20), choice.context)
    program = _builder(buildkit)
    environ = {**os.environ, "DOCKER_BUILDKIT": buildkit}
    try:
        subprocess.run([program, *words], check=True, env=environ, capture_output=True)
        shown = docker("run", "--rm", choice.name, "id").stdout
        assert "uid=1234567(devuser) gid=20(dialout)" in shown
    finally:
        docker("rmi", "--force", choice.name, check=False)


def _builder(buildkit: str) -> str:
    """Return a docker program that has this builder: a newer one needs buildx for BuildKit."""
    for program in ("docker", "/usr/bin/docker"):
        if buildkit == "0" or _has_buildkit(program):
            return program
    return not_here("no docker program here has BuildKit")


def _has_buildkit(program: str) -> bool:
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    plugin = subprocess.run([program, "buildx", "version"], capture_output=True, check=False)
    return plugin.returncode == 0 or "version 20." in version.stdout


def test_a_projects_dockerfile_is_built_and_built_again_when_it_changed(project: Workspace) -> None:
    """Its context is .devenv, it is told uid and gid, and any change there counts."""
    directory = dockerfile(
        project,
        f"FROM {IMAGE}\nARG USER_UID\nARG USER_GID\nUSER root\n"
        "RUN echo $USER_UID:$USER_GID > /ids\nCOPY note /note\nUSER devuser\n",
    )
    (directory / "note").write_text("first")
    said: list[str] = []
    project.up(say=said.append)
    owner = project.path.stat()
    uid, gid = images.user_ids((owner.st_uid, owner.st_gid))
    assert f"{uid}:{gid}\nfirst" == project.sh("cat /ids; cat /note")
    assert len(said) == 1
    project.up(recreate=True, say=said.append)
    assert len(said) == 1
    (directory / "note").write_text("second")
    environment = project.up()
    assert environment.outcome == "running"
    assert f"{directory} changed since {project.project.image} was built" in environment.differs
    project.up(recreate=True, say=said.append)
    assert project.sh("cat /note") == "second"
    assert "whose .devenv directory changed" in said[-1]


def test_a_build_that_fails_ends_clearly_and_leaves_the_environment(project: Workspace) -> None:
    """The builder's words are above; a disk that is full while building looks the same."""
    dockerfile(project, f"FROM {IMAGE}\nRUN echo cannot write: No space left on device; exit 1\n")
    result = project.inv("run", "--detach", variables={"DEVENV_IMAGE": ""})
    assert result.returncode == 1
    assert "No space left on device" in result.stderr
    assert f"error: The image {project.project.image} did not build" in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert project.container_names() == []


def test_build_shows_its_progress_and_builds_anew(project: Workspace) -> None:
    dockerfile(project, f"FROM {IMAGE}\nRUN echo progress-is-shown\n")
    result = project.inv("build", variables={"DEVENV_IMAGE": ""})
    assert result.returncode == 0, result.stderr
    assert "progress-is-shown" in result.stderr
    assert f"{project.project.image} BUILT" in result.stderr
    assert project.inv("build").returncode == 4


@pytest.mark.internet
def test_certificate_authorities_reach_the_image(workspace: Workspace, tmp_path: Path) -> None:
    """A program inside trusts them through the system's bundle."""
    file = tmp_path / "authority.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -subj '/CN=devenv test' -keyout /dev/null"
    file.write_text(docker("run", "--rm", IMAGE, "sh", "-c", make).stdout)
    choice = images.default_image(workspace.prefix)
    workspace.configure(image="", build=Build(ca_certificates=(str(file),)))
    try:
        images.build(workspace.engine, choice, workspace.settings, (1000, 1000))
        verify = (
            "openssl verify -CAfile $SSL_CERT_FILE /usr/local/share/ca-certificates/devenv/00.crt"
        )
        assert "OK" in docker("run", "--rm", choice.name, "sh", "-c", verify).stdout
    finally:
        docker("rmi", "--force", choice.name, check=False)


def test_a_base_that_was_asked_for_is_not_replaced_by_ours(workspace: Workspace) -> None:
    """What setup makes stands in for the default base alone."""
    workspace.configure(build=Build(base="no-such-base:latest"))
    assert images.base_image(workspace.engine, workspace.settings) == "no-such-base:latest"


def test_a_default_image_that_is_there_is_never_built_over(project: Workspace) -> None:
    """Other environments use it, whoever it was built for."""
    dockerfile(project, f"FROM {IMAGE}\n")
    choice = images.choose(project.project, project.settings)
    before = project.engine.image(IMAGE)
    images.build(project.engine, choice, project.settings, (4321, 4321))
    assert before == project.engine.image(IMAGE)
    dockerfile(project, f"FROM {project.prefix}:latest\n")
    lines = list(images.rehearse(project.engine, choice, project.settings, (4321, 4321)))
    assert [f"--tag={project.prefix}:latest" in line for line in lines] == [True, False]


def test_a_temporary_directory_without_room_is_said_so(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise shutil.Error("No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    choice = images.default_image(workspace.prefix)
    with pytest.raises(ImageError, match="No space left") as error:
        images.build(workspace.engine, choice, workspace.settings, (1000, 1000))
    assert "TMPDIR" in error.value.hint


def test_a_certificate_that_cannot_be_read_is_named(workspace: Workspace, tmp_path: Path) -> None:
    choice = images.default_image(workspace.prefix)
    for content, says in ((None, "cannot be read"), ("no pem", "no PEM certificate")):
        file = tmp_path / f"{says}.pem"
        if content:
            file.write_text(content)
        workspace.configure(build=Build(ca_certificates=(str(file),)))
        with pytest.raises(SettingsError, match=says):
            images.build(workspace.engine, choice, workspace.settings, (1000, 1000))


def test_who_an_images_user_is_is_read_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reading leaves no container behind, and the second time there is none."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(workspace.home / "cache"))
    image = workspace.engine.image(IMAGE)
    assert image is not None
    for _ in range(2):
        who = images.identity(workspace.engine, image, IMAGE, workspace.prefix, "")
        assert (who.name, str(who.home), who.shell) == ("devuser", "/home/devuser", "/bin/bash")
    probes = [c.name for c in workspace.engine.containers() if c.name.startswith(workspace.prefix)]
    assert probes == []
    assert len(list((workspace.home / "cache/devenv/images").iterdir())) == 1
