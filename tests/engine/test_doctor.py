"""Doctor: each finding, by breaking the thing for real, beside an otherwise healthy report."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from devenv_lib.host import machine_digest
from devenv_lib.host.directories import which
from devenv_lib.names import (
    LABEL_COMPLETE,
    LABEL_HOST,
    LABEL_PARENT,
    LABEL_PATH,
    LABEL_UNFINISHED,
    REPLACED,
    RESTARTING,
    STARTING,
    common_labels,
    complete_name,
    unfinished_name,
)
from devenv_lib.plans.prune import FILTER
from devenv_lib.volumes.tree import FROM, volume_at
from tests.conftest import IMAGE, Workspace, built_image, docker, give, remove_image
from tests.relay import relay
from tests.trees import scan

pytestmark = pytest.mark.engine

#: For the default image of another prefix than the tests'.
REPAIR = f"DEVENV_IMAGE={IMAGE} inv volume.repair"

Found = dict[str, Any]


def report(workspace: Workspace, *words: str, **options: Any) -> list[Found]:
    """Return doctor's findings; its exit code has to agree with them."""
    done = workspace.inv("doctor", *words, "--format", "json", **options)
    assert done.stdout, done.stderr
    findings: list[Found] = json.loads(done.stdout)["findings"]
    assert done.returncode == int(any(f["word"] == "FAIL" for f in findings)), done.stderr
    return findings


def wrong(findings: list[Found]) -> list[tuple[str, str]]:
    """Return word and subject of what is not in order."""
    return [(f["word"], f["subject"]) for f in findings if f["word"] != "OK"]


def only(workspace: Workspace, word: str, subject: str, **options: Any) -> Found:
    """Return the one finding that is not in order, which is this one."""
    findings = report(workspace, **options)
    assert wrong(findings) == [(word, subject)], findings
    (found,) = [f for f in findings if f["word"] != "OK"]
    assert found["remedy"]
    return found


@pytest.fixture
def sound(workspace: Workspace) -> Workspace:
    """A workspace in which nothing is wrong, without an environment."""
    workspace.write(".docker/config.json", json.dumps({"pruneFilters": [FILTER]}))
    return workspace


@pytest.fixture
def healthy(sound: Workspace) -> Workspace:
    """The same with an environment that runs."""
    sound.up()
    return sound


def environment(workspace: Workspace) -> str:
    """Return what reports call the workspace's environment."""
    return f"environment {shown(workspace, workspace.path)}"


def shown(workspace: Workspace, path: Path) -> str:
    return f"~/{path.relative_to(workspace.home)}"


# A healthy machine


@pytest.mark.every_engine
def test_a_healthy_environment_has_no_finding_that_is_not_ok(healthy: Workspace) -> None:
    findings = report(healthy)
    assert wrong(findings) == []
    subjects = {f["subject"] for f in findings}
    assert subjects == {
        *("settings", "engine", "disk", "prune", "docker program", "ssh agent", "image", "user"),
        *("configuration", "volumes", environment(healthy), "versions"),
    }
    told = healthy.devenv("doctor", str(healthy.path))
    assert (told.returncode, told.stdout.count("OK ")) == (0, len(findings))
    assert f"OK    volumes: 4 labelled volumes of the prefix {healthy.prefix}" in told.stdout
    assert f"{len(findings)} in order" in told.stderr


def test_a_machine_on_which_nothing_was_done_yet_is_healthy(sound: Workspace) -> None:
    assert wrong(report(sound)) == []


def test_what_an_environment_left_in_its_volumes_is_expected_when_it_is_gone(
    healthy: Workspace,
) -> None:
    """The stub of a mount that the next one has too."""
    healthy.stop()
    assert healthy.in_volume("data", "stat -c '%u %s' opencode/auth.json") == "0 0"
    assert wrong(report(healthy)) == []


def tree(root: Path) -> dict[str, tuple[Any, ...]]:
    """Return everything about what is below a directory."""
    found = {}
    for path in [root, *sorted(root.rglob("*"))]:
        stat = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        identity = (stat.st_mode, stat.st_uid, stat.st_gid, stat.st_ino, stat.st_mtime_ns)
        found[str(path)] = (*identity, content)
    return found


def state(workspace: Workspace) -> list[str]:
    """Return what the engine has of this prefix, and the image."""
    everything = (volume.name for volume in workspace.engine.volumes())
    volumes = sorted(name for name in everything if name.startswith(workspace.prefix))
    names = [*workspace.container_names(), *volumes]
    inspected = [json.loads(docker("inspect", name).stdout)[0] for name in names]
    for one in inspected:
        one.pop("ExecIDs", None)  # a program that has ended is forgotten by and by
        one["Mounts"] = sorted(map(json.dumps, one.get("Mounts", [])))  # in any order
    inside = [json.dumps(scan(name)) for name in volumes]
    (image,) = json.loads(docker("inspect", IMAGE).stdout)
    for field in ("RepoTags", "RepoDigests", "Metadata"):  # other tests give it names
        image.pop(field, None)
    return [json.dumps([*inspected, image], sort_keys=True), *inside]


def test_it_changes_nothing(healthy: Workspace) -> None:
    """Neither on the engine nor on the host, with findings of most kinds, in any form."""
    data, other = healthy.volume("data"), healthy.volume("other")
    healthy.in_volume("data", "mkdir left; chown 0:0 left")
    docker("volume", "create", other)
    healthy.extra_volumes.append(other)
    healthy.write(".invoke.yaml", f"devenv: {{volumes: {{extra: {{{other}: ~/.other}}}}}}\n")
    before, files = state(healthy), tree(healthy.home)
    for words, status, says in (
        (("doctor",), 0, f"WARN  {data}: an engine left what is root's in it, left\n"),
        (("doctor", "--fix"), 1, "no terminal to ask on"),
        (("--dry", "doctor", "--fix"), 0, f"{other}-adopting"),
    ):
        done = healthy.inv(*words, variables={"PYTHONDONTWRITEBYTECODE": "1"})
        assert (done.returncode, says in done.stdout + done.stderr) == (status, True), done
        assert f"WARN  {other}: " in done.stdout or "--dry" in words
    assert state(healthy) == before
    assert tree(healthy.home) == files


# Settings


def test_unknown_keys_and_wrong_values_are_all_named_and_the_rest_is_reported(
    healthy: Workspace,
) -> None:
    healthy.write(".invoke.yaml", "devenv: {memori: 1g, cpus: many, memory: 8g}\n")
    findings = report(healthy)
    assert wrong(findings) == [("FAIL", "settings"), ("FAIL", "settings")]
    one, other = (f for f in findings if f["word"] == "FAIL")
    assert one["why"] == "'devenv.memori' in ~/.invoke.yaml is not a setting"
    assert one["remedy"] == "Did you mean 'memory'?"
    assert "'devenv.cpus' in ~/.invoke.yaml is not what it takes" in other["why"]
    assert ("settings", "OK") in [(f["subject"], f["word"]) for f in findings]
    assert any("~/.invoke.yaml sets memori, cpus, memory" in f["why"] for f in findings)


def test_settings_that_do_not_go_together_are_a_finding(healthy: Workspace) -> None:
    healthy.write(".invoke.yaml", "devenv: {memory: 8g, memory_swap: 1g}\n")
    assert "below 'devenv.memory'" in only(healthy, "FAIL", "settings")["why"]


def test_a_key_that_a_project_may_not_set_is_a_finding(healthy: Workspace) -> None:
    file = healthy.path / "invoke.yaml"
    file.write_text("devenv: {prefix: other}\n")
    found = only(healthy, "FAIL", "settings")
    assert "a file of the project" in found["why"]


@pytest.mark.parametrize("place", [".invoke.yaml", "work/app/invoke.yaml"])
def test_a_settings_file_that_cannot_be_read_is_a_finding_of_devenvs(
    healthy: Workspace, place: str
) -> None:
    """Invoke itself ends at it: `inv doctor` is not reached."""
    healthy.write(place, "devenv: [\nghp_secret: {")
    done = healthy.devenv("doctor", "--format", "json")
    findings = json.loads(done.stdout)["findings"]
    assert (done.returncode, wrong(findings)) == (1, [("FAIL", "settings")])
    (found,) = [f for f in findings if f["word"] == "FAIL"]
    assert found["why"].startswith(f"~/{place} cannot be read: it is not well-formed (line ")
    assert "ghp_secret" not in done.stdout + done.stderr
    run = healthy.devenv("run", "--detach")
    assert (run.returncode, f"{place} cannot be read" in run.stderr) == (4, True)


# The engine and the docker program


def test_no_engine_is_a_finding_and_the_rest_is_reported(sound: Workspace) -> None:
    variables = {"DOCKER_HOST": f"unix://{sound.home}/no.sock"}
    findings = report(sound, variables=variables)
    assert wrong(findings) == [("FAIL", "engine")]
    assert {"settings", "ssh agent", "configuration", "versions"} <= {
        f["subject"] for f in findings
    }


def test_an_unknown_context_is_a_finding(sound: Workspace) -> None:
    variables = {"DOCKER_CONTEXT": "nonsense", "DOCKER_HOST": ""}  # which would overrule it
    found = only(sound, "FAIL", "engine", variables=variables)
    assert "docker context ls" in found["remedy"]


def test_an_engine_over_a_network_runs_no_environments(sound: Workspace) -> None:
    with relay(str(sound.engine.endpoint.socket)) as door:
        found = only(sound, "FAIL", "engine", variables={"DOCKER_HOST": door.url})
    assert "is on another machine" in found["why"]


def test_a_variable_that_overrules_a_context_is_a_finding(healthy: Workspace) -> None:
    """The classic: both devenv and docker go by the variable, and the person by the context."""
    environ = healthy.process_environ()
    docker("context", "create", "far", "--docker", "host=tcp://192.0.2.1:2375", env=environ)
    docker("context", "use", "far", env={**environ, "DOCKER_HOST": ""})
    socket_of = healthy.engine.endpoint.url
    found = only(healthy, "WARN", "docker program", variables={"DOCKER_HOST": socket_of})
    assert found["why"].startswith("DOCKER_HOST names the engine unix://")
    assert "and currentContext in ~/.docker/config.json another one, far" in found["why"]
    assert found["remedy"] == "If far is meant: unset DOCKER_HOST"


def program(workspace: Workspace, script: str) -> dict[str, str]:
    """Put another docker program first in the ``PATH``, and return the variable."""
    file = workspace.write(
        "bin/docker", f'#!/bin/sh\n{script}\nexec {shutil.which("docker")} "$@"\n'
    )
    file.chmod(0o755)
    return {"PATH": f"{file.parent}:{os.environ['PATH']}"}


def test_a_docker_program_that_takes_another_engine_is_a_finding(healthy: Workspace) -> None:
    variables = program(healthy, '[ "$1" != info ] || { echo OTHER; exit; }')
    if healthy.engine.info().podman:  # which has no id that could be compared
        assert wrong(report(healthy, variables=variables)) == []
        return
    found = only(healthy, "WARN", "docker program", variables=variables)
    assert "docker alone takes another engine" in found["why"]
    assert f"docker {healthy.engine.endpoint.words[0]} " in found["remedy"]


def test_a_docker_program_that_does_not_reach_the_engine_is_a_finding(healthy: Workspace) -> None:
    """An API that the engine does not speak, say. Helpers, which take docker, do not start then.

    The words are those of Docker about version 1.99; Podman speaks any that it is asked for.
    """
    said = "Error response from daemon: client version 1.99 is too new."
    findings = report(healthy, variables=program(healthy, f"echo '{said}' >&2; exit 1"))
    assert wrong(findings) == [("FAIL", "docker program"), ("FAIL", "volumes")]
    (found,) = [f for f in findings if f["subject"] == "docker program"]
    assert "does not answer: Error response from daemon" in found["why"]


def test_no_docker_program_is_a_finding(sound: Workspace) -> None:
    empty = sound.home / "empty"
    empty.mkdir()
    found = only(sound, "FAIL", "docker program", variables={"PATH": str(empty)})
    assert "not installed" in found["why"]


@pytest.mark.parametrize(
    ("size", "word"),
    [("size=4g", "WARN"), ("size=1m", "FAIL"), ("size=20g,nr_inodes=1", "FAIL")],
)
def test_a_disk_that_is_almost_full_is_a_finding(healthy: Workspace, size: str, word: str) -> None:
    """As doctor sees the engine's directory: it has a small file system there, and nobody else."""
    root = healthy.engine.info().root
    # A throw-away engine's directory has another place on the host: then one is made up there.
    top = next(str(p) for p in (Path(root), *Path(root).parents) if p.exists())
    there = "" if top == root else f"mount -t tmpfs none {top} && mkdir -p {root} && "
    line = f"{there}mount -t tmpfs -o {size} none {root} && exec $INV doctor --format json"
    done = healthy.shell(f"unshare --mount bash -c '{line}'")
    findings = json.loads(done.stdout)["findings"]
    assert wrong(findings) == [(word, "disk")], done.stderr
    assert done.returncode == int(word == "FAIL")


def test_prunes_that_do_not_spare_the_volumes_are_a_finding(healthy: Workspace) -> None:
    healthy.write(".docker/config.json", "{}")
    found = only(healthy, "WARN", "prune")
    assert (
        found["remedy"] == f'To spare them, in ~/.docker/config.json: "pruneFilters": ["{FILTER}"]'
    )


# The ssh agent


@pytest.fixture
def agent(sound: Workspace) -> Iterator[Path]:
    """An ssh agent with no key, which answers as the protocol has it."""
    path = Path("/tmp") / f"{sound.prefix}-agent"  # noqa: S108 - a socket's path has to be short
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    give(path)
    server.listen()

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client, suppress(OSError):  # it may not have waited
                client.recv(5)
                client.sendall(b"\0\0\0\x05\x0c\0\0\0\0")

    threading.Thread(target=serve, daemon=True).start()
    sound.environ["SSH_AUTH_SOCK"] = str(path)
    yield path
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    path.unlink(missing_ok=True)


def test_an_agent_that_answers_is_in_order(sound: Workspace, agent: Path) -> None:
    sound.up()
    findings = report(sound)
    assert wrong(findings) == []
    assert any(f["why"] == f"answers at {agent}, with 0 keys" for f in findings)


def test_a_socket_without_an_agent_is_a_finding(sound: Workspace) -> None:
    path = sound.home / "dead.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    found = only(sound, "WARN", "ssh agent", variables={"SSH_AUTH_SOCK": str(path)})
    assert "~/dead.sock, and no agent answers there" in found["why"]


def test_a_socket_that_says_something_else_or_nothing_is_no_agent(sound: Workspace) -> None:
    path = sound.home / "mute.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        found = only(sound, "WARN", "ssh agent", variables={"SSH_AUTH_SOCK": str(path)})
    assert "in time" in found["why"]


def test_an_environment_with_a_former_agents_socket_is_a_finding(
    sound: Workspace, agent: Path
) -> None:
    """After the next login, say."""
    sound.up()
    other = agent.with_name(f"{agent.name}-2")
    agent.rename(other)
    sound.environ["SSH_AUTH_SOCK"] = str(other)
    try:
        found = only(sound, "WARN", environment(sound))
    finally:
        other.rename(agent)
    assert "an ssh agent that is not the present one" in found["why"]
    assert "inv run --recreate" in found["remedy"]


def test_an_agent_that_was_started_anew_at_its_place_is_a_finding(
    sound: Workspace, agent: Path
) -> None:
    """The bind follows the former socket."""
    sound.up()
    agent.rename(agent.with_suffix(".old"))
    os.link(agent.with_suffix(".old"), agent)
    assert wrong(report(sound)) == []  # it is the same socket
    agent.unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(agent))
        findings = report(sound)
    agent.unlink()
    agent.with_suffix(".old").rename(agent)
    assert wrong(findings) == [("WARN", "ssh agent"), ("WARN", environment(sound))]


# The image


def test_a_missing_image_is_a_finding_that_fix_builds(sound: Workspace) -> None:
    file = sound.write("work/app/.devenv/Dockerfile", f"FROM {IMAGE}\n")
    assert file.exists()
    own = {"DEVENV_IMAGE": ""}
    found = only(sound, "WARN", "image", variables=own)
    assert "is not here yet" in found["why"]
    assert found["mend"] == {"verb": "image", "name": sound.project.image}
    dry = sound.inv("--dry", "doctor", "--fix", variables=own)
    assert (dry.returncode, "docker build" in dry.stdout or " build " in dry.stdout) == (0, True)
    assert sound.engine.image(sound.project.image) is None
    try:
        done = sound.inv("doctor", "--fix", "--force", variables=own)
        assert (done.returncode, f"{sound.project.image} MENDED" in done.stderr) == (0, True)
        assert wrong(report(sound, variables=own)) == []
    finally:
        remove_image(sound.project.image)


def test_an_image_that_is_older_than_its_dockerfile_is_a_finding(sound: Workspace) -> None:
    file = sound.write("work/app/.devenv/Dockerfile", f"FROM {IMAGE}\n")
    own = {"DEVENV_IMAGE": ""}
    sound.inv("build", variables=own, check=True)
    try:
        assert wrong(report(sound, variables=own)) == []
        file.write_text(f"FROM {IMAGE}\nENV A=1\n")
        found = only(sound, "WARN", "image", variables=own)
    finally:
        remove_image(sound.project.image)
    assert "older than what it is built from, ~/work/app/.devenv" in found["why"]
    assert found["remedy"] == "inv build --path ~/work/app"
    assert found["mend"] is None


def test_a_default_image_that_was_built_from_something_else_is_a_finding(
    sound: Workspace,
) -> None:
    """A certificate authority was added to the settings since."""
    name = f"{sound.prefix}:latest"
    docker("tag", IMAGE, name)
    try:
        assert wrong(report(sound, variables={"DEVENV_IMAGE": ""})) == []
        sound.write("ca.pem", "-----BEGIN CERTIFICATE-----\n")
        text = "devenv: {build: {ca_certificates: [~/ca.pem]}}\n"
        sound.write(".invoke.yaml", text)
        found = only(sound, "WARN", "image", variables={"DEVENV_IMAGE": ""})
    finally:
        remove_image(name)
    assert "is older than what it is built from" in found["why"]


def test_a_dockerfile_outside_of_the_project_is_a_failure(sound: Workspace) -> None:
    sound.write("elsewhere/Dockerfile", f"FROM {IMAGE}\n")
    (sound.path / ".devenv").symlink_to(sound.home / "elsewhere")
    found = only(sound, "FAIL", "image", variables={"DEVENV_IMAGE": ""})
    assert "leads out of the project" in found["why"]


def test_an_image_of_another_uid_is_a_finding(sound: Workspace) -> None:
    lines = "USER root\nRUN usermod -u 1234 devuser\nUSER devuser"
    with built_image(sound, lines) as name:
        found = only(sound, "WARN", "user", variables={"DEVENV_IMAGE": name})
    assert "uid 1234, the project's owner is 1000" in found["why"]
    assert f"DEVENV_PREFIX={sound.prefix}-1000 inv run --path ~/work/app" in found["remedy"]


def test_an_image_without_a_usable_user_is_a_finding(sound: Workspace) -> None:
    with built_image(sound, "USER nosuchuser") as name:
        findings = report(sound, variables={"DEVENV_IMAGE": name})
    assert wrong(findings) == [("FAIL", "image")]


@pytest.mark.usefixtures("as_root")
def test_a_project_of_roots_is_a_finding(sound: Workspace) -> None:
    os.chown(sound.path, 0, 0)
    found = only(sound, "WARN", "user")
    assert "sudo chown -R 1000:1000 ~/work/app" in found["remedy"]


def test_a_directory_that_is_no_project_is_a_finding(sound: Workspace) -> None:
    findings = report(sound, "--path", str(sound.home))
    assert wrong(findings) == [("FAIL", "project")]


# Volumes


def test_a_volume_of_roots_is_a_finding_that_fix_mends(sound: Workspace) -> None:
    name = sound.make_volume("data")
    sound.in_volume("data", "echo mine >file; chown 1000:1000 file; chown 0:0 .")
    found = only(sound, "WARN", name)
    assert "it is root's" in found["why"]
    assert found["mend"] == {"verb": "repair", "name": name}
    dry = sound.inv("--dry", "doctor", "--fix")
    assert f"src={name}" in dry.stdout
    asked = sound.inv("doctor", "--fix")
    assert (asked.returncode, "no terminal to ask on" in asked.stderr) == (1, True)
    assert sound.in_volume("data", "stat -c %u .") == "0"
    done = sound.inv("doctor", "--fix", "--force")
    assert (done.returncode, f"{name} MENDED  1 entry is devuser's" in done.stderr) == (0, True)
    assert sound.in_volume("data", "stat -c %u .") == "1000"
    assert wrong(report(sound)) == []
    again = sound.inv("doctor", "--fix")
    assert (again.returncode, "nothing that --fix mends" in again.stderr) == (0, True)


def test_a_stub_that_no_mount_needs_is_a_finding(healthy: Workspace) -> None:
    healthy.in_volume("data", "mkdir -m 755 old; touch old/stub; chmod 644 old/stub")
    found = only(healthy, "WARN", healthy.volume("data"))
    assert found["why"] == "an engine left what is root's in it, old and 1 more"
    assert found["remedy"] == f"{REPAIR} --name {healthy.volume('data')}"
    assert found["mend"] is None  # it is in use
    healthy.stop()
    assert only(healthy, "WARN", healthy.volume("data"))["mend"]["verb"] == "repair"


def test_a_volume_of_another_users_is_a_failure(sound: Workspace) -> None:
    name = sound.make_volume("data")
    sound.in_volume("data", "chown 1234 .")
    found = only(sound, "FAIL", name)
    assert "belongs to uid 1234" in found["why"]
    assert found["remedy"].endswith(f"inv volume.repair --owner --name {name}")


def test_entries_of_others_are_a_finding_that_fix_leaves(healthy: Workspace) -> None:
    healthy.in_volume("state", "mkdir own; echo x >own/file")
    found = only(healthy, "WARN", healthy.volume("state"))
    assert found["why"] == "entries in it are not devuser's, uid 0: 2 (own/file, …)"
    assert found["mend"] is None


def test_an_unlabelled_namesake_is_a_finding_that_fix_adopts(sound: Workspace) -> None:
    name = sound.volume("data")
    docker("volume", "create", name)
    sound.extra_volumes.append(name)
    sound.in_volume("data", "echo kept >file; chown -R 1000:1000 .")
    found = only(sound, "WARN", name)
    assert found["mend"] == {"verb": "adopt", "name": name}
    dry = sound.inv("--dry", "doctor", "--fix")
    assert f"{name}-adopting" in dry.stdout
    done = sound.inv("doctor", "--fix", "--force")
    assert (done.returncode, f"{name} MENDED" in done.stderr) == (0, True), done.stderr
    assert sound.volume_names() == [name]
    assert sound.in_volume("data", "cat file") == "kept"
    assert wrong(report(sound)) == []


def test_an_unlabelled_namesake_in_use_is_not_mended(sound: Workspace) -> None:
    name = sound.volume("data")
    docker("volume", "create", name)
    sound.extra_volumes.append(name)
    sound.up()
    found = only(sound, "WARN", name)
    assert "mounted by the running" in found["why"]
    assert (
        found["remedy"]
        == f"First: inv stop --path ~/work/app; then: inv volume.adopt --name {name}"
    )
    assert found["mend"] is None


def test_a_volume_of_another_prefix_is_a_failure(sound: Workspace) -> None:
    name = sound.volume("data")
    sound.engine.create_volume(name, common_labels("elsewhere"))
    sound.extra_volumes.append(name)
    found = only(sound, "FAIL", name)
    assert "belongs to the prefix elsewhere" in found["why"]


def test_another_projects_own_volume_is_a_failure(sound: Workspace) -> None:
    name = sound.volume("data")
    sound.engine.create_volume(name, {**common_labels(sound.prefix), LABEL_PATH: "/other"})
    sound.in_volume("data", "chown 1000:1000 .")
    assert "the own one of the project /other" in only(sound, "FAIL", name)["why"]


def test_an_orphan_is_a_finding_that_fix_leaves(healthy: Workspace) -> None:
    name = healthy.volume("gone")
    labels = {
        LABEL_PATH: str(healthy.home / "work/gone"),
        LABEL_HOST: machine_digest(),
        LABEL_PARENT: which(str(healthy.home / "work")),
    }
    healthy.engine.create_volume(name, {**common_labels(healthy.prefix), **labels})
    healthy.in_volume("gone", "chown 1000:1000 .")
    found = only(healthy, "WARN", name)
    assert found["why"] == "an orphan: its project ~/work/gone is gone"
    assert (found["remedy"].endswith("inv volume.rm --orphans"), found["mend"]) == (True, None)


@pytest.mark.parametrize(
    ("verb", "label", "marker"),
    [("adopt", LABEL_COMPLETE, complete_name), ("repair", LABEL_UNFINISHED, unfinished_name)],
)
def test_what_is_half_done_is_a_failure_with_what_carries_on(
    sound: Workspace, verb: str, label: str, marker: Any
) -> None:
    name = sound.make_volume("data")  # root's, as tar leaves its top until the end
    sound.engine.create_volume(marker(name), {**common_labels(sound.prefix), label: name})
    found = only(sound, "FAIL", name)
    assert "which is not finished" in found["why"]
    assert (found["remedy"], found["mend"]) == (f"inv volume.{verb} --name {name}", None)
    done = sound.inv("doctor", "--fix", "--force")
    assert (done.returncode, "There is nothing that --fix mends." in done.stderr) == (1, True)
    assert sorted(sound.volume_names()) == sorted([name, marker(name)])


def test_what_a_command_is_at_work_on_is_none(sound: Workspace) -> None:
    name = sound.make_volume("data")
    sound.in_volume("data", "chown 1000:1000 .")
    labels = {**common_labels(sound.prefix), LABEL_UNFINISHED: name}
    sound.engine.create_volume(unfinished_name(name), labels)
    with sound.engine.helper(IMAGE, [volume_at(name, FROM)], sound.prefix, name):
        findings = report(sound)
    assert wrong(findings) == []
    assert any("a command is at work on it" in f["why"] for f in findings)


def test_protected_volumes_are_told_and_patterns_that_protect_nothing_are_a_finding(
    healthy: Workspace,
) -> None:
    data = healthy.volume("data")
    healthy.write(".invoke.yaml", f"devenv: {{volumes: {{protected: [{data}, '*-dta']}}}}\n")
    found = only(healthy, "WARN", "volumes")
    assert "'*-dta' in devenv.volumes.protected protects no volume" in found["why"]
    healthy.write(".invoke.yaml", f"devenv: {{volumes: {{protected: [{data}]}}}}\n")
    findings = report(healthy)
    assert wrong(findings) == []
    assert any(f["why"] == f"protected from inv volume.rm: {data}" for f in findings)


def test_behind_large_volumes_the_others_are_judged_by_their_roots(sound: Workspace) -> None:
    """So that none is passed over."""
    fill = "chown 1000:1000 .; mkdir m; cd m; seq 60000 | xargs touch; chown -R 1000:1000 /v"
    for suffix in ("cache", "data", "one"):
        sound.make_volume(suffix)
        sound.in_volume(suffix, fill)
    name = sound.make_volume("state")
    sound.in_volume("state", "echo mine >file; chown 1000:1000 file; chown 0:0 .")
    assert "it is root's" in only(sound, "WARN", name)["why"]


def test_a_large_volume_is_looked_at_as_far_as_two_seconds_allow(sound: Workspace) -> None:
    name = sound.make_volume("data")
    script = "chown 1000:1000 .; mkdir m; cd m; seq 70000 | xargs touch; chown -R 1000:1000 /v"
    sound.in_volume("data", script)
    findings = report(sound)
    assert wrong(findings) == []
    (told,) = [f for f in findings if f["subject"] == name]
    assert (told["word"], told["remedy"]) == ("OK", f"{REPAIR} --dry --name {name}")


# Environments


def test_a_stopped_environment_is_a_finding(healthy: Workspace) -> None:
    docker("stop", healthy.name)
    found = only(healthy, "WARN", environment(healthy))
    assert "it is stopped (Exited" in found["why"]
    assert found["remedy"] == "inv run --path ~/work/app"


def test_a_stopped_environment_whose_sources_have_gone_says_so(healthy: Workspace) -> None:
    docker("stop", healthy.name)
    (healthy.home / ".bashrc").unlink()
    found = only(healthy, "WARN", environment(healthy))
    assert "cannot be started as it is: ~/.bashrc is gone" in found["why"]


def test_a_paused_environment_is_a_finding(healthy: Workspace) -> None:
    docker("pause", healthy.name)
    try:
        found = only(healthy, "WARN", environment(healthy))
    finally:
        docker("unpause", healthy.name)
    assert found["remedy"] == f"docker unpause {healthy.name}"


def test_a_half_made_environment_is_a_finding(sound: Workspace) -> None:
    sound.half_made()
    findings = report(sound)
    # Where the image has no such directory, Docker made the volume as root's; Podman makes all so.
    suffixes = ["tvim-lock"]
    if sound.engine.info().podman:
        suffixes = ["cache", "data", "state", "tvim-lock"]
    roots = [("WARN", sound.volume(suffix)) for suffix in suffixes]
    assert wrong(findings) == [*roots, ("WARN", environment(sound))]
    assert "its start is not finished" in next(f["why"] for f in findings if "start" in f["why"])
    assert sound.container_names() == [sound.name + STARTING]


@pytest.mark.parametrize("stage", [RESTARTING, REPLACED])
def test_a_restart_or_replacement_that_is_not_finished_is_a_finding(
    healthy: Workspace, stage: str
) -> None:
    docker("stop", healthy.name)
    docker("rename", healthy.name, healthy.name + stage)
    found = only(healthy, "WARN", environment(healthy))
    assert "is not finished: a command is at work on it, or was killed" in found["why"]
    assert found["remedy"] == "To carry it on: inv run --path ~/work/app"


def test_a_stale_environment_is_a_finding(healthy: Workspace) -> None:
    healthy.write(".invoke.yaml", "devenv: {ports: ['8000']}\n")
    found = only(healthy, "WARN", environment(healthy))
    assert "ports are now " in found["why"]
    assert found["remedy"] == "inv run --recreate --path ~/work/app"


def test_an_environment_whose_project_is_gone_is_a_finding(
    healthy: Workspace, make_workspace: Any
) -> None:
    other = make_workspace("work/other", prefix=healthy.prefix)
    other.up()
    shutil.rmtree(other.path)
    found = only(healthy, "WARN", f"environment {shown(healthy, other.path)}")
    assert found["remedy"] == "To remove it: inv stop --path ~/work/other"


def replace(file: Path, text: str = "new\n") -> None:
    """Write a file as editors do: another one, which takes its name."""
    new = file.with_name(f"{file.name}.new")
    new.write_text(text)
    give(new)
    new.rename(file)


def test_a_file_that_was_replaced_below_its_bind_is_a_finding(healthy: Workspace) -> None:
    replace(healthy.home / ".bashrc")
    found = only(healthy, "WARN", environment(healthy))
    assert "/home/devuser/.bashrc is still the former ~/.bashrc" in found["why"]
    assert found["remedy"] == "inv stop --keep --path ~/work/app && inv run --path ~/work/app"
    healthy.inv("stop", "--keep", check=True)
    healthy.inv("run", "--detach", check=True)
    assert wrong(report(healthy)) == []


def test_a_directory_that_was_replaced_below_its_bind_is_a_finding(healthy: Workspace) -> None:
    directory = healthy.home / ".config/git"
    directory.rename(directory.with_name("git.old"))
    healthy.write(".config/git/ignore", "new\n")
    found = only(healthy, "WARN", environment(healthy))
    assert "/home/devuser/.config/git is still the former ~/.config/git" in found["why"]


# Configuration


def test_a_dangling_link_in_configuration_is_a_finding(sound: Workspace) -> None:
    (sound.home / ".config/nvim/lost.lua").symlink_to("../elsewhere/lost.lua")
    found = only(sound, "WARN", "configuration")
    assert "~/.config/nvim/lost.lua" in found["why"]
    assert "leads nowhere" in found["why"]


def test_a_link_that_leaves_its_mount_and_is_not_followed_is_a_finding(sound: Workspace) -> None:
    sound.write("secret/file", "x")
    (sound.home / ".config/nvim/out.lua").symlink_to(sound.home / "secret/file")
    found = only(sound, "WARN", "configuration")
    assert "~/.config/nvim/out.lua: it leads to ~/secret/file, out of ~/.config" in found["why"]


def test_mounts_that_are_not_possible_are_a_failure(sound: Workspace) -> None:
    text = "devenv: {mounts: [{source: ~/none, target: ~/none, required: true}]}\n"
    sound.write(".invoke.yaml", text)
    found = only(sound, "FAIL", "configuration")
    assert "requires ~/none" in found["why"]


# What is not told


SECRET = "ghp_0123456789secret"  # noqa: S105 - what a test looks for


def test_no_secret_and_no_personal_path_is_told(healthy: Workspace) -> None:
    """A value of a variable, of a settings file and of docker's configuration; the home."""
    healthy.write(
        ".invoke.yaml", f"devenv: {{memory: {SECRET}, token: {SECRET}, ports: {SECRET}}}\n"
    )
    config = {"auths": {"registry.example": {"auth": SECRET}}}
    healthy.write(".docker/config.json", json.dumps(config))
    (healthy.home / ".config/nvim/lost.lua").symlink_to(healthy.home / "lost")
    replace(healthy.home / ".bashrc")
    variables = {
        "GITHUB_TOKEN": SECRET,
        "DEVENV_CPUS": SECRET,
        "INVOKE_DEVENV_MOUNTS": SECRET,
        "SSH_AUTH_SOCK": str(healthy.home / "none"),
        "DOCKER_HOST": f"unix://{healthy.home}/none.sock",
    }
    some = {key: variables[key] for key in ("GITHUB_TOKEN", "DEVENV_CPUS", "SSH_AUTH_SOCK")}
    for each in (variables, some):
        for form in ("json", "table"):
            done = healthy.devenv("doctor", "--format", form, variables=each)
            told = done.stdout + done.stderr
            assert "Traceback" not in told
            assert "~/.invoke.yaml" in told
            assert SECRET not in told
            assert str(healthy.home) not in told


def test_neither_a_user_nor_a_password_of_an_address_is_told(sound: Workspace) -> None:
    variables = {"DOCKER_HOST": f"tcp://ada:{SECRET}@127.0.0.1:1"}
    done = sound.devenv("doctor", variables=variables)
    told = done.stdout + done.stderr
    assert (SECRET in told, "ada" in told, "127.0.0.1:1" in told) == (False, False, True)


def test_a_reader_that_has_gone_ends_it_silently(healthy: Workspace) -> None:
    done = healthy.shell("$INV doctor | head -1")
    assert (done.stdout.count("\n"), "Traceback" in done.stderr) == (1, False)
    assert done.stdout.startswith("OK    settings: ")


def test_escape_sequences_are_spelled_out(healthy: Workspace) -> None:
    (healthy.home / ".config/nvim/\x1b[31mlost").symlink_to("../../\x1b]0;x\x07")
    variables = {"DOCKER_CONTEXT": "a\x1b[2Jb"}
    for more in ({}, variables):
        done = healthy.devenv("doctor", variables=more)
        assert "\x1b" not in done.stdout + done.stderr
        assert "\\x1b[31mlost" in done.stdout


# Bad input


@pytest.mark.parametrize("words", [("--format", "names"), ("--format", "")])
def test_a_format_that_it_has_not_is_wrong_usage(
    workspace: Workspace, words: tuple[str, ...]
) -> None:
    done = workspace.inv("doctor", *words)
    assert (done.returncode, done.stdout) == (4, "")
