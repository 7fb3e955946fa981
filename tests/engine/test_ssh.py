"""ssh: who has a key gets in as the ordinary user, by a port of this machine alone.

The client is the image's own, in a container on this machine's network: whoever has the engine
can run these tests.
"""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from devenv_lib import images
from devenv_lib.errors import ImageError, Refused, UsageError
from devenv_lib.plans.ssh import ssh_address
from devenv_lib.readers import MountRequest
from devenv_lib.records import Port
from tests.conftest import IMAGE, Workspace, built_image, docker, free_port, give

pytestmark = pytest.mark.engine

KEY = "/home/devuser/.local/state/devenv/ssh/ssh_host_ed25519_key"
OPTIONS = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null")


def client(keys: Path, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program of the image as its user, with ``keys`` at ``/keys``."""
    place = ["--network=host", f"--volume={keys}:/keys", f"--entrypoint={words[0]}"]
    run = ["run", "--rm", "--interactive", *place, IMAGE]
    return docker(*run, *words[1:], check=False, stdin=options.pop("stdin", None), **options)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a key pair."""
    directory = tmp_path_factory.mktemp("keys")
    give(directory)
    made = client(directory, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/keys/id")
    assert made.returncode == 0, made.stderr
    return directory


@pytest.fixture
def reached(workspace: Workspace, keys: Path) -> Workspace:
    """A workspace on whose host the key may log in."""
    workspace.write(".ssh/authorized_keys", (keys / "id.pub").read_text())
    return workspace


def port_of(workspace: Workspace) -> int:
    """Return the port of this machine that leads to the environment's sshd."""
    address = ssh_address(workspace.up().container)
    assert address.startswith("127.0.0.1:")
    return int(address.partition(":")[2])


def ssh(
    keys: Path, port: int, *words: str, user: str = "devuser", more: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    options = [f"-o{option}" for option in (*OPTIONS, *more)]
    line = ["ssh", "-i", "/keys/id", "-p", str(port), *options, f"{user}@127.0.0.1", *words]
    return client(keys, *line)


def host_key(keys: Path, port: int) -> str:
    """Return the key by which the server says who it is, as a stranger sees it."""
    said = client(
        keys, "ssh-keyscan", "-T", "60", "-t", "ed25519", "-p", str(port), "127.0.0.1"
    ).stdout
    return said.split()[-1]


@contextmanager
def listener() -> Iterator[int]:
    """Listen on a port of this machine, as any program may."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.mark.every_engine
def test_a_key_lands_as_the_ordinary_user_with_what_an_exec_has(
    reached: Workspace, keys: Path
) -> None:
    """Its variables, the image's PATH among them."""
    port = port_of(reached)
    names = ("HOME", "LANG", "HISTFILE", "GIT_CONFIG_COUNT", "GIT_CONFIG_VALUE_0", "PATH")
    script = "id -un; " + "; ".join(f'echo "${name}"' for name in names)
    result = ssh(keys, port, script)
    assert (result.returncode, result.stdout.strip()) == (0, reached.sh(script)), result.stderr
    assert result.stdout.startswith("devuser\n")
    assert ssh(keys, port, "printf '[%s]' 'a  b' \"$0\"; exit 7").returncode == 7


def test_a_shell_on_a_terminal_keeps_the_images_path(reached: Workspace, keys: Path) -> None:
    """It is the shell of `inv run`: a login shell would replace it."""
    port = port_of(reached)
    line = ["ssh", "-tt", "-i", "/keys/id", "-p", str(port), *(f"-o{one}" for one in OPTIONS)]
    with subprocess.Popen(["printf", r'echo "=$PATH="; exit 3\n'], stdout=subprocess.PIPE) as typed:
        result = client(keys, *line, "devuser@127.0.0.1", stdin=typed.stdout)
    assert f"={reached.sh('echo $PATH')}=" in result.stdout
    assert result.returncode == 3


def test_nobody_gets_in_without_the_key_or_as_root(reached: Workspace, keys: Path) -> None:
    port = port_of(reached)
    for method in ("password", "keyboard-interactive", "none"):
        result = ssh(keys, port, "true", more=(f"PreferredAuthentications={method}",))
        assert result.returncode == 255
        assert "Permission denied (publickey)" in result.stderr
    assert ssh(keys, port, "true", user="root").returncode == 255
    assert ssh(keys, port, "true").returncode == 0


def test_a_key_for_one_command_gets_no_shell(reached: Workspace, keys: Path) -> None:
    """On the host it runs that and nothing else; here that command means nothing."""
    file = reached.home / ".ssh/authorized_keys"
    key, port = file.read_text(), port_of(reached)
    kind, blob, _ = key.split(maxsplit=2)
    for text in (
        f'command="echo only" {key}',
        f'restrict,Command="x y",from="*" {key}',
        f'command="echo only" {kind}\t {blob} comment\n',
        f'command="echo only" {kind} {blob} jos\udce9@laptop\n',
        f'# \0 \udce9\ncommand="echo \udce9" {key}',
        f'# {key}from="192.0.2.1" {key}environment="A=\\"b",command="x" {key}',
    ):
        file.write_bytes(text.encode(errors="surrogateescape"))
        for words in ((), ("id",)):
            result = ssh(keys, port, *words)
            assert (result.returncode, result.stdout) == (1, ""), result
            assert "one command of its own" in result.stderr
    # A comment, behind the key or instead of one, is none of its options; nor is a text in one.
    for text in (
        f"{kind} {blob} jos\udce9\n",
        f"{key.strip()} command=\n",
        f'#command="x" {key}{key}',
        f'from="*,command=" {key}',
    ):
        file.write_bytes(text.encode(errors="surrogateescape"))
        assert ssh(keys, port, "id", "-un").stdout == "devuser\n"


def test_a_certificate_for_one_command_gets_no_shell(reached: Workspace, keys: Path) -> None:
    """The command may be in it, or in the line of who signed it."""
    file, port = reached.home / ".ssh/authorized_keys", port_of(reached)
    assert client(keys, "sh", "-c", "cd /keys && cp id ca && cp id.pub ca.pub").returncode == 0
    authority = f'cert-authority,principals="me" {file.read_text()}'

    def enters(options: tuple[str, ...], line: str) -> subprocess.CompletedProcess[str]:
        sign = ["ssh-keygen", "-q", "-s", "/keys/ca", "-I", "it", "-n", "me", *options]
        made = client(keys, *sign, "/keys/other.pub")
        assert made.returncode == 0, made.stderr
        file.write_text(f'# command="x" {line}{line}')
        more = ("IdentitiesOnly=yes", "CertificateFile=/keys/other-cert.pub")
        words = [f"-o{option}" for option in (*OPTIONS, *more)]
        where = ["-p", str(port), "devuser@127.0.0.1"]
        return client(keys, "ssh", "-i", "/keys/other", *words, *where, "id", "-un")

    made = client(keys, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/keys/other")
    assert made.returncode == 0, made.stderr
    assert enters((), authority).stdout == "devuser\n"
    for options, line in (
        (("-O", "force-command=echo only"), authority),
        ((), f'command="echo only",{authority}'),
    ):
        result = enters(options, line)
        assert (result.returncode, result.stdout) == (1, ""), result
        assert "one command of its own" in result.stderr


def test_a_key_gets_in_where_sshd_cannot_tell_which_it_is(reached: Workspace, keys: Path) -> None:
    """It tells by a file in /tmp: then no key of the file may have a command of its own."""
    reached.path.joinpath("tmp").mkdir()
    reached.configure(mounts=(MountRequest(str(reached.path / "tmp"), "/tmp"),))  # noqa: S108
    file = reached.home / ".ssh/authorized_keys"
    key, port = file.read_text(), port_of(reached)
    assert ssh(keys, port, "id", "-un").stdout == "devuser\n"
    file.write_text(f'{key}command="x" ssh-ed25519 AAAA\n')
    assert "one command of its own" in ssh(keys, port, "id", "-un").stderr


def test_it_is_published_on_loopback_alone(reached: Workspace) -> None:
    reached.up()
    ports = json.loads(
        docker("inspect", "-f", "{{json .NetworkSettings.Ports}}", reached.name).stdout
    )
    assert [binding["HostIp"] for binding in ports["2222/tcp"]] == ["127.0.0.1"]


def test_sshd_is_the_users_own_process(reached: Workspace) -> None:
    reached.up()
    script = "stat -c %U /proc/$(cat /dev/shm/devenv-sshd.pid); stat -c '%U %a' " + KEY
    assert reached.sh(script).split("\n") == ["devuser", "devuser 600"]


def test_the_host_key_is_the_same_in_every_container(
    reached: Workspace, make_workspace: Any, keys: Path
) -> None:
    """After a recreate, and in another project's environment of the prefix."""
    first = host_key(keys, port_of(reached))
    reached.up(recreate=True)
    assert host_key(keys, port_of(reached)) == first
    other: Workspace = make_workspace("work/other", prefix=reached.prefix)
    assert host_key(keys, port_of(other)) == first
    assert reached.sh("ls -A ~/.local/state/devenv/ssh") == "ssh_host_ed25519_key"


def test_two_environments_that_start_at_once_agree_on_a_key(
    reached: Workspace, make_workspace: Any, keys: Path
) -> None:
    other: Workspace = make_workspace("work/other", prefix=reached.prefix)
    starts = [each.begin("run", "--detach") for each in (reached, other) for _ in range(3)]
    results = [(start.communicate()[1], start.returncode) for start in starts]
    assert [text for text, status in results if status or "did not" in text] == []
    assert host_key(keys, port_of(reached)) == host_key(keys, port_of(other))


def test_a_restart_brings_sshd_back(reached: Workspace, keys: Path) -> None:
    reached.up()
    docker("stop", reached.name)
    assert reached.up().outcome == "started"
    assert ssh(keys, port_of(reached), "true").returncode == 0


def test_a_start_that_was_killed_ends_with_sshd(reached: Workspace, keys: Path) -> None:
    left = reached.half_made()
    assert reached.up().container.id == left
    assert ssh(keys, port_of(reached), "true").returncode == 0


def test_sftp_works(reached: Workspace, keys: Path) -> None:
    reached.write("work/app/sent", "content")
    options = [f"-o{option}" for option in OPTIONS]
    line = ["scp", "-i", "/keys/id", "-P", str(port_of(reached)), *options]
    result = client(keys, *line, "devuser@127.0.0.1:work/app/sent", "/keys/got")
    assert result.returncode == 0, result.stderr
    assert (keys / "got").read_text() == "content"


@pytest.mark.parametrize("content", [None, "", "# no key\n\n"])
def test_without_a_key_there_is_no_sshd_and_no_port(
    workspace: Workspace, content: str | None
) -> None:
    """Not even for somebody who set a port for when there is one."""
    if content is not None:
        workspace.write(".ssh/authorized_keys", content)
    workspace.configure(ssh_port=free_port())
    environment = workspace.up()
    assert ssh_address(environment.container) == ""
    assert environment.container.published == ()
    assert workspace.try_sh("pidof sshd")[0] == 1


def test_ssh_that_is_asked_for_without_a_key_is_an_error(workspace: Workspace) -> None:
    workspace.configure(ssh=True)
    with pytest.raises(UsageError, match=r"authorized_keys is not mounted \(not there\)") as raised:
        workspace.up()
    assert "ssh-keygen" in raised.value.hint
    assert workspace.container_names() == []


def test_the_flags_are_honoured(reached: Workspace) -> None:
    """`--port`, then the variable; without either an existing fixed port is as good as any."""
    one, two = free_port(), free_port()
    said = reached.inv("run", "--detach", "--port", str(one)).stderr
    assert f"ssh: 127.0.0.1:{one}, as devuser" in said
    assert "differs" not in reached.inv("run", "--detach").stderr
    said = reached.inv("run", "--detach", variables={"DEVENV_SSH_PORT": str(two)}).stderr
    assert f"differs: ports are now ssh on {two}" in said
    off = {"DEVENV_SSH": "false"}
    assert "differs: ports are now none" in reached.inv("run", "--detach", variables=off).stderr
    assert "differs" not in reached.inv("run", "--detach", "--ssh", variables=off).stderr


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (("--port", "x"), {}),
        (("--port", "65536"), {}),
        (("--port", "-1"), {}),
        (("--port", "2200"), {"DEVENV_SSH": "false"}),
        ((), {"DEVENV_SSH_PORT": "ssh"}),
        (("--port", "2200"), {"DEVENV_PORTS": '["2200:80"]'}),
        (("--ssh",), {"DEVENV_PORTS": "[2222]"}),
    ],
)
def test_a_wrong_port_is_wrong_usage_and_nothing_is_created(
    reached: Workspace, words: tuple[str, ...], variables: dict[str, str]
) -> None:
    result = reached.inv("run", "--detach", *words, variables=variables)
    assert result.returncode == 4
    assert "port" in result.stderr
    assert (reached.container_names(), reached.volume_names()) == ([], [])


def test_a_port_without_a_key_is_not_ignored(workspace: Workspace) -> None:
    result = workspace.inv("run", "--detach", "--port", "2200")
    assert (result.returncode, workspace.container_names()) == (4, [])
    assert "nobody could log in" in result.stderr


def test_a_port_that_a_program_has_is_refused_by_name(reached: Workspace) -> None:
    """Before anything is created, or set aside."""
    with listener() as port:
        reached.configure(ssh_port=port)
        with pytest.raises(Refused, match=rf"Port {port} is taken by another program"):
            reached.up()
        assert reached.container_names() == []
        reached.configure(ssh_port=0)
        before = reached.up().container.id
        reached.configure(ssh_port=port)
        with pytest.raises(Refused, match="is taken"):
            reached.up(recreate=True)
    environment = reached.up()
    assert (environment.container.id, environment.outcome) == (before, "running")


def test_what_is_wrong_in_any_case_is_said_before_an_image_is_built(
    reached: Workspace, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That takes minutes. Without its own image the prefix has none yet."""
    monkeypatch.setattr(images, "ensure", lambda *_: pytest.fail("an image was made"))
    with listener() as port:
        reached.configure(image="", ssh_port=port)
        with pytest.raises(Refused, match="is taken by another program"):
            reached.up()
    (reached.home / ".ssh/authorized_keys").unlink()
    reached.configure(ssh=True, ssh_port=0)
    with pytest.raises(UsageError, match="nobody could log in"):
        reached.up()
    assert reached.container_names() == workspace.container_names() == []


def test_a_port_that_a_container_has_is_refused_by_name(
    reached: Workspace, make_workspace: Any
) -> None:
    port = free_port()
    other: Workspace = make_workspace("work/other", prefix=reached.prefix)
    other.configure(ssh_port=port)
    other.up()
    result = reached.inv("run", "--detach", "--port", str(port))
    assert result.returncode == 1
    assert f"Port {port} is taken by the container {other.name}." in result.stderr
    assert f"inv stop --path {other.path}" in result.stderr
    assert reached.container_names() == [other.name]


def test_one_port_can_be_kept_through_a_recreate(reached: Workspace) -> None:
    """The project's own container has it, which does not count."""
    reached.configure(ssh_port=free_port())
    reached.up()
    assert reached.up(recreate=True).outcome == "created"


def test_starts_of_one_environment_at_once_do_not_refuse_each_other(reached: Workspace) -> None:
    """With one fixed port: what has it may be the very environment that all want."""
    port = str(free_port())
    starts = [reached.begin("run", "--detach", "--port", port) for _ in range(6)]
    results = [(start.communicate()[1], start.returncode) for start in starts]
    assert [text for text, status in results if status] == []


def test_a_port_of_the_settings_is_checked_as_well(workspace: Workspace) -> None:
    with listener() as port:
        workspace.configure(ports=(Port(port, 80),))
        with pytest.raises(Refused, match="taken by another program"):
            workspace.up()
    assert workspace.container_names() == []


def test_an_image_without_sshd_is_no_failure_unless_it_was_asked_for(
    reached: Workspace,
) -> None:
    with built_image(reached, "USER root\nRUN rm /usr/sbin/sshd\nUSER devuser") as name:
        reached.configure(image=name)
        assert reached.up().ssh == ("no sshd in the image",)
        reached.stop()
        reached.configure(ssh=True)
        with pytest.raises(ImageError, match="there is no sshd in the image"):
            reached.up()
        assert reached.container_names() == []


def test_keys_that_the_user_inside_cannot_read_are_said(reached: Workspace) -> None:
    """Instead of silently letting nobody in."""
    file = reached.home / ".ssh/authorized_keys"
    file.chmod(0o666)
    (said,) = reached.up().ssh
    assert said == "others may write /home/devuser/.ssh/authorized_keys"
    reached.stop()
    file.chmod(0)
    (said,) = reached.up().ssh
    assert said == "the user inside may not read /home/devuser/.ssh/authorized_keys"


@pytest.mark.parametrize(
    ("place", "target"),
    [
        ("devenv", "elsewhere"),
        ("devenv/ssh", "elsewhere"),
        ("devenv/ssh/ssh_host_ed25519_key", "elsewhere/key"),  # a file that could be made
    ],
)
def test_a_planted_symlink_is_not_followed(reached: Workspace, place: str, target: str) -> None:
    """The environment is there all the same, and says why nobody can get in by ssh."""
    project = "~/work/app"
    reached.configure(ssh=False)
    reached.up()
    link = f"~/.local/state/{place}"
    lines = f"mkdir -p {project}/elsewhere $(dirname {link}); ln -s {project}/{target} {link}"
    reached.sh(lines)
    reached.configure(ssh=None)
    environment = reached.up(recreate=True)
    assert "in the volume" in environment.ssh[-1]
    assert list((reached.path / "elsewhere").iterdir()) == []


def test_a_sshd_that_cannot_start_does_not_cost_the_environment(reached: Workspace) -> None:
    """A key that is no key: sshd's own last line says so."""
    reached.up()
    reached.sh(f"echo nonsense > {KEY}")
    environment = reached.up(recreate=True)
    assert environment.outcome == "created"
    assert environment.ssh[-1].startswith("sshd did not start: sshd: no hostkeys available")


def test_the_configuration_is_ready_to_be_included(reached: Workspace, keys: Path) -> None:
    """Nothing else is on stdout, and the client gets in by it."""
    reached.up()
    result = reached.inv("ssh-config")
    assert (result.returncode, result.stderr) == (0, "")
    (keys / "config").write_text(result.stdout)
    line = ["ssh", "-F", "/keys/config", "-i", "/keys/id", "-oUserKnownHostsFile=/keys/known"]
    assert client(keys, *line, reached.name, "id -un").stdout == "devuser\n"
    assert (keys / "known").read_text().startswith(f"{reached.prefix}-state ")
    here = reached.inv("ssh-config", "--path", ".").stdout
    assert here == result.stdout
    nowhere = reached.inv("ssh-config", "--path", "..")
    assert "Host " not in nowhere.stdout
    assert "work with ssh is running" in nowhere.stderr
    words = shlex.split(reached.inv("--dry", "ssh-config").stdout)
    assert docker(*words[1:], "--format={{.Names}}").stdout.split() == [reached.name]


def test_logins_at_once_get_in(reached: Workspace, keys: Path) -> None:
    port = port_of(reached)
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda n: ssh(keys, port, f"exit {n}"), range(3)))
    assert [result.returncode for result in results] == [0, 1, 2]
