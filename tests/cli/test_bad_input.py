"""Bad input: one or two clear lines, the right exit code, no traceback, nothing lost."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.conftest import Workspace, docker, own_base, remove_image
from tests.relay import relay

pytestmark = pytest.mark.engine


def fails(workspace: Workspace, code: int, says: str, *words: str, **variables: str) -> str:
    """Run a task that has to fail; return its stderr."""
    result = workspace.inv(*words, variables=variables)
    assert code == result.returncode, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    message, *hints = result.stderr.splitlines()
    assert message.startswith("error: ")
    assert says in message
    assert len(hints) == 1
    return result.stderr


def test_an_unknown_context_is_refused(workspace: Workspace) -> None:
    """docker-py would silently take the local engine."""
    text = fails(
        workspace,
        1,
        "The Docker context 'no-such', named by DOCKER_CONTEXT",
        "volume.list",
        DOCKER_CONTEXT="no-such",
        DOCKER_HOST="",  # which would overrule it
    )
    assert "docker context ls" in text


def test_an_engine_that_is_not_there_is_named_with_what_chose_it(workspace: Workspace) -> None:
    url = f"unix://{workspace.home}/no.sock"
    for task in ("run", "volume.list", "stop", "mounts", "build"):
        text = fails(workspace, 1, url, task, DOCKER_HOST=url)
        assert "DOCKER_HOST" in text


def test_a_socket_that_nobody_serves_is_not_running(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    fails(workspace, 1, "Connection refused", "volume.list", DOCKER_HOST=f"unix://{path}")


def test_a_volume_name_is_checked_before_the_engine_sees_it(workspace: Workspace) -> None:
    workspace.up()
    for name in ("../containers/x", "a/b", ".hidden", "with space", "new\nline", "-x", "x", ""):
        text = fails(workspace, 4, "is not a volume name", "volume.rm", f"--name={name}", "--force")
        assert repr(name)[1:-1] in text
    assert [workspace.name] == workspace.container_names()


def test_volume_rm_takes_exactly_one_of_name_and_all(workspace: Workspace) -> None:
    fails(workspace, 4, "Both --name and --all", "volume.rm", "--name", "devenv-x", "--all")
    fails(workspace, 4, "Neither --name nor --all", "volume.rm", "--force")


@pytest.mark.parametrize("flag", ["--name", "-n"])
def test_a_variable_that_is_not_set_does_not_choose_another_target(
    workspace: Workspace, flag: str
) -> None:
    """In either spelling, whatever is behind it; `stop` alone is the current directory's."""
    workspace.up()
    name = workspace.make_volume("kept")
    for words in (["volume.rm", flag, "--all"], ["volume.rm", "--all", flag], ["stop", flag]):
        for program, says, status in (
            (workspace.inv, "needed value and was not given one", 1),  # Invoke's own
            (workspace.devenv, "value", 4),
        ):
            typed = [words[0].replace(".", " "), *words[1:]]
            typed = " ".join(typed).split() if program == workspace.devenv else words
            done = program(*typed, *(["--force"] if words[0] != "stop" else []))
            assert (done.returncode, says in done.stderr) == (status, True), done.stderr
    assert (name in workspace.volume_names(), workspace.container_names()) == (
        True,
        [workspace.name],
    )


def test_a_variable_that_is_not_set_does_not_remove_without_a_backup(workspace: Workspace) -> None:
    name = workspace.make_volume("kept")
    for words in (["--backup="], ["--backup", ""], ["--backup", " "], ["-b", ""]):
        fails(workspace, 4, "--backup was given", "volume.rm", "--name", name, "--force", *words)
    assert workspace.volume_names() == [name]


def test_a_variable_that_is_not_set_does_not_choose_another_image(workspace: Workspace) -> None:
    workspace.up()
    before = workspace.engine.containers([f"devenv.prefix={workspace.prefix}"])
    for flag in ("--image", "--port"):
        words = ["run", "--detach", "--recreate", "--force", flag, ""]
        fails(workspace, 4, f"{flag} was given without a value", *words)
    after = workspace.engine.containers([f"devenv.prefix={workspace.prefix}"])
    assert [one.id for one in after] == [one.id for one in before]


def test_what_comes_next_names_the_project_that_it_is_about(workspace: Workspace) -> None:
    """As it is printed it would otherwise trust the checks of the current directory's."""
    other = workspace.path.parent / "other one"
    (other / ".devenv/checks").mkdir(parents=True)
    (other / ".devenv/checks/test_own.py").write_text("def test_it(): pass\n")
    text = fails(workspace, 1, "were never trusted", "check", "--path", str(other))
    assert f"inv check --path '{other}' --trust; without" in text
    assert f"inv check --path '{other}' --bundled" in text
    there = workspace.devenv("check", cwd=other)
    assert "Read them, then: devenv check --trust; without" in there.stderr


def test_a_variable_that_is_not_set_does_not_choose_what_is_replaced(workspace: Workspace) -> None:
    """Without --name an archive goes to the volume that it is of."""
    archive = str(workspace.write("x.tar"))
    for flag in ("--name", "--to"):
        words = ["volume.restore", "--from", archive, "--replace", flag, ""]
        fails(workspace, 4, f"{flag} was given without a value", *words)


def test_volumes_that_are_not_there_or_not_ours_are_refused(workspace: Workspace) -> None:
    """With one of them nothing at all is removed."""
    workspace.up()
    workspace.stop()
    foreign = f"{workspace.prefix}-foreign"
    workspace.extra_volumes.append(foreign)
    docker("volume", "create", foreign)
    mine = workspace.volume("data")
    for name, reason in (
        (f"{workspace.prefix}-no-such", "there is no such volume"),
        (foreign, "it does not carry the label devenv=true"),
    ):
        result = workspace.inv("volume.rm", "--name", mine, "--name", name, "--force")
        assert result.returncode == 1
        assert f"{name} REFUSED  {reason}" in result.stderr.splitlines()
        assert f"{mine} KEPT  one refusal refuses the whole command" in result.stderr.splitlines()
    assert len(workspace.volume_names()) == 4
    assert workspace.engine.volume(foreign)


def test_a_volume_of_another_prefix_is_refused_with_its_prefix(workspace: Workspace) -> None:
    workspace.up()
    workspace.stop()
    name = workspace.volume("data")
    other = f"{workspace.prefix}-x"
    result = workspace.inv(
        "volume.rm", "--name", name, "--force", variables={"DEVENV_PREFIX": other}
    )
    assert result.returncode == 1
    assert f"it belongs to the prefix {workspace.prefix}, not to {other}" in result.stderr
    assert len(workspace.volume_names()) == 4


def test_projects_that_cannot_be_are_refused(workspace: Workspace) -> None:
    file = workspace.write("file")
    for path, says in (
        (str(workspace.home / "missing"), "does not exist"),
        (str(file), "is not a directory"),
        ("/", "the root of the file system"),
        (str(workspace.home), "it is the home directory"),
        (str(workspace.home.parent), "above the home directory"),
        (str(workspace.write(".cache/x").parent), "a volume is mounted at its place"),
    ):
        fails(workspace, 4, says, "run", "--path", path)
    assert (workspace.container_names(), workspace.volume_names()) == ([], [])


def test_settings_that_are_wrong_name_key_and_origin(workspace: Workspace) -> None:
    for name, value, says in (
        ("DEVENV_MEMORY", "1k", "'devenv.memory' in DEVENV_MEMORY is '1k'"),
        ("DEVENV_MEMORY", "9999999999g", "'devenv.memory' in DEVENV_MEMORY"),
        ("DEVENV_MEMORY", "lots", "'devenv.memory' in DEVENV_MEMORY is 'lots'"),
        ("INVOKE_DEVENV_CPUS", "-1", "'devenv.cpus' in INVOKE_DEVENV_CPUS"),
        ("DEVENV_PORTS", "[99999]", "'devenv.ports' in DEVENV_PORTS"),
        ("DEVENV_PREFIX", "No Good", "'devenv.prefix' in DEVENV_PREFIX"),
        ("DEVENV_MOUNTS", "[{}]", "'devenv.mounts' in DEVENV_MOUNTS"),
        ("DEVENV_LOCKFILES", '{"tvim": ["../x"]}', "'devenv.lockfiles' in DEVENV_LOCKFILES"),
        ("DEVENV_MEMORY_SWAP", "1g", "'devenv.memory_swap'"),
    ):
        fails(workspace, 4, says, "run", **{name: value})
    assert workspace.inv("volume.list", variables={"DEVENV_UNRELATED": "x"}).returncode == 0


def test_a_projects_file_may_not_widen_access(workspace: Workspace) -> None:
    """Whatever runs inside can write the project's invoke.yaml; the user's own file may."""
    text = json.dumps({"devenv": {"mounts": [{"source": "/etc", "target": "/host-etc"}]}})
    (workspace.path / "invoke.yaml").write_text(text)
    message = fails(workspace, 4, f"{workspace.path}/invoke.yaml, a file of the project", "run")
    assert "~/.invoke.yaml" in message
    (workspace.path / "invoke.yaml").unlink()
    workspace.write(".invoke.yaml", text)
    assert "/host-etc" in workspace.inv("mounts").stdout


def test_an_unknown_key_names_its_file_and_the_nearest_one(workspace: Workspace) -> None:
    file = workspace.path / "invoke.yaml"
    file.write_text("devenv:\n  prefx: other\n")
    text = fails(workspace, 4, f"'devenv.prefx' in {file} is not a setting", "volume.list")
    assert "Did you mean 'prefix'?" in text
    file.write_text("devenv:\n")
    assert workspace.inv("volume.list").returncode == 0
    file.write_text("devenv: [1]\n")
    fails(workspace, 4, f"'devenv' in {file} is not a mapping", "volume.list")


def test_a_settings_file_that_does_not_exist_is_refused(workspace: Workspace) -> None:
    """Invoke ignores it, and the command would act on the default prefix."""
    words = ("-f", "no-such.yaml", "volume.rm", "--all", "--force")
    fails(workspace, 4, "no-such.yaml, given with -f, does not exist", *words)


def test_a_format_that_does_not_exist_names_those_that_do(workspace: Workspace) -> None:
    assert "json, names" in fails(workspace, 4, "'xml' is not", "volume.list", "--format", "xml")


def test_an_image_that_cannot_be_had_is_said_so(workspace: Workspace) -> None:
    result = workspace.inv("run", "--image", "localhost:1/no/such:image")
    assert result.returncode == 1
    assert "could not be pulled" in result.stderr
    assert "Traceback" not in result.stderr
    fails(workspace, 4, "'devenv.image' in the command line", "run", "--image", "--privileged")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("USER nobody", "has no home directory of its own"),
        ("USER 4321", "has no user '4321'"),
        ("RUN rm /etc/passwd", "has no /etc/passwd"),
        ("RUN sed -i /devuser/d /etc/passwd\nUSER root", "and would run as root"),
    ],
)
def test_images_without_a_usable_user_are_refused(
    workspace: Workspace, tmp_path: Path, change: str, says: str
) -> None:
    name = f"{workspace.prefix}-odd:latest"
    if "nobody" in change:
        change = f"RUN sed -i 's,:/nonexistent:,:/:,' /etc/passwd\n{change}"
    (tmp_path / "Dockerfile").write_text(f"{own_base(workspace)}\nUSER root\n{change}\n")
    docker("build", "--quiet", f"--tag={name}", str(tmp_path))
    try:
        fails(workspace, 1, says, "run", "--image", name)
        assert (workspace.container_names(), workspace.volume_names()) == ([], [])
    finally:
        remove_image(name)


def test_a_required_mount_that_is_missing_is_an_error(workspace: Workspace) -> None:
    request = {"source": "~/no-such", "target": "~/x", "required": True}
    fails(workspace, 4, "which is not there", "run", DEVENV_MOUNTS=json.dumps([request]))
    assert not (workspace.home / "no-such").exists()


def test_the_engines_socket_is_never_mounted(workspace: Workspace) -> None:
    socket_path = str(workspace.engine.endpoint.socket)
    for source in (socket_path, "/run"):
        request = {"source": source, "target": "/host"}
        fails(workspace, 4, "engine's socket", "run", DEVENV_MOUNTS=json.dumps([request]))


def test_an_engine_over_the_network_is_refused_for_environments_only(workspace: Workspace) -> None:
    """The volume tasks work there; run says why it cannot."""
    with relay(str(workspace.engine.endpoint.socket)) as door:
        fails(workspace, 1, "is on another machine", "run", DOCKER_HOST=door.url)
        result = workspace.inv("volume.list", "--format=json", variables={"DOCKER_HOST": door.url})
        assert result.stdout == "[]\n"


def test_an_engine_that_stops_answering_half_way_is_said_so(workspace: Workspace) -> None:
    """Cut at each request in turn: a clear error, and afterwards the same command succeeds."""
    for cut in range(1, 14):
        with relay(str(workspace.engine.endpoint.socket), at=cut, unix=True) as door:
            result = workspace.inv("run", "--detach", variables={"DOCKER_HOST": door.url})
        assert "Traceback" not in result.stderr, result.stderr
        if result.returncode:
            assert result.returncode == 1
            assert result.stderr.startswith("error: ")
    assert workspace.inv("run", "--detach").returncode == 0
    assert [workspace.name] == workspace.names_when_tidy()


def test_an_address_that_is_none_is_said_so(workspace: Workspace) -> None:
    for url in ("tcp://[", "foo", "/var/run/docker.sock"):
        fails(workspace, 1, "is not an engine's address", "volume.list", DOCKER_HOST=url)


def test_a_closed_standard_input_is_no_terminal(workspace: Workspace) -> None:
    """`inv exec -- true <&-` has no stdin at all."""
    line = "exec -- echo out <&-"
    result = workspace.shell(f"$INV {line}")
    assert (result.returncode, result.stdout) == (0, "out\n"), result.stderr


def test_output_that_cannot_be_written_is_said_so(workspace: Workspace) -> None:
    line = "mounts >/dev/full"
    result = workspace.shell(f"$INV {line}")
    assert result.returncode == 1
    assert "error: The output could not be written: No space left on device." in result.stderr
    assert "Traceback" not in result.stderr


def test_a_zero_byte_in_a_path_is_a_settings_error(workspace: Workspace) -> None:
    request = '[{"source": "/a\\u0000b", "target": "/x"}]'
    fails(workspace, 4, "'devenv.mounts'", "mounts", DEVENV_MOUNTS=request)


def test_closed_outputs_are_no_defect(workspace: Workspace) -> None:
    """Whoever closed them does not want to read."""
    for line in ("volume.list >&-", "mounts >&-", "run --detach >&-", "run --detach 2>&-"):
        result = workspace.shell(f"$INV {line}")
        assert result.returncode == 0, result.stderr
        assert "Traceback" not in result.stderr


def test_a_mount_above_another_is_refused_before_anything_is_touched(workspace: Workspace) -> None:
    for target in ("~/.local", "/home"):
        request = json.dumps([{"source": "/etc", "target": target}])
        fails(workspace, 4, "could not be mounted then", "run", DEVENV_MOUNTS=request)
    assert (workspace.container_names(), workspace.volume_names()) == ([], [])


def test_a_port_that_is_taken_names_the_setting(workspace: Workspace) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = json.dumps([taken.getsockname()[1]])
        result = workspace.inv("run", "--detach", variables={"DEVENV_PORTS": port})
    assert result.returncode == 1
    assert "DEVENV_PORTS" in result.stderr.splitlines()[-1]
