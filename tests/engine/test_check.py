"""``inv check``: each bundled check is broken for real, and is seen to fail, alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from devenv_lib.containers.links import make_links
from devenv_lib.engine import bodies
from devenv_lib.engine.answers import ANY
from devenv_lib.names import common_labels
from tests.conftest import PATIENCE, Workspace, built_image, docker, give

pytestmark = pytest.mark.engine

HOME = "/home/devuser"
LIMIT_CHECKS = {
    "memory": "test_memory_is_limited",
    "memory_swap": "test_memory_with_swap_is_limited",
    "cpus": "test_processors_are_limited",
}
VOLUMES = ("cache", "data", "state")
Change = Callable[[dict[str, Any]], None]


@dataclass
class Checked:
    """What ``inv check --format json`` said."""

    code: int
    stderr: str
    results: dict[str, dict[str, Any]] = field(default_factory=dict)

    def having(self, outcome: str) -> set[str]:
        return {name for name, one in self.results.items() if one["outcome"] == outcome}

    @property
    def failed(self) -> set[str]:
        """The names of checks that failed, without their files."""
        return {name.partition("::")[2] for name in self.having("failed")}

    def reason(self, name: str) -> str:
        (found,) = (one for full, one in self.results.items() if full.endswith(f"::{name}"))
        return str(found["reason"])


def check(workspace: Workspace, *words: str, **options: Any) -> Checked:
    done = workspace.inv("check", "--format", "json", *words, **options)
    assert done.stdout, done.stderr
    said = json.loads(done.stdout)
    assert said["exit_code"] == done.returncode
    found = {one["name"]: one for one in said["checks"]}
    assert len(found) == len(said["checks"])
    return Checked(done.returncode, done.stderr, found)


def make(workspace: Workspace, change: Change) -> str:
    """Make the project's environment by hand, with one thing changed; return its id."""
    plan = workspace.draft()
    make_links(plan.mounts)
    for mount in plan.mounts.volumes:
        workspace.engine.create_volume(mount.source, dict(mount.labels))
    body = bodies.container_body(plan)
    change(body)
    made = workspace.engine._client.create_container_from_config(body, workspace.name)["Id"]
    workspace.engine.start(made)
    # What devenv itself does after a start: tops, a fresh lockfile, and parents of binds.
    for volume, script in (
        *((suffix, "[ $(stat -c %u .) != 0 ] || chown 1000:1000 .") for suffix in VOLUMES),
        ("data", "chown -R 1000:1000 opencode 2>/dev/null || true"),
        ("tvim-lock", "echo '{}' >lazy-lock.json; chown -R 1000:1000 ."),
    ):
        workspace.in_volume(volume, script)
    return str(made)


def up_with_content(workspace: Workspace) -> None:
    """Bring it up with something in the cache: an empty volume's owner changes with a mount."""
    workspace.up()
    workspace.sh(f"touch {HOME}/.cache/content")


def another_date(line: str) -> str:
    """Return a Dockerfile's lines that put a script in the place of the program ``date``."""
    make = f"""mv /bin/date /bin/real-date && echo '{line.replace("'", '"')} "$@"' >/bin/date"""
    return f"USER root\nRUN {make} && chmod 755 /bin/date\nUSER devuser"


def mount_at(body: dict[str, Any], target: str) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = body["HostConfig"]["Mounts"]
    return next(mount for mount in mounts if mount["Target"] == target)


def without(body: dict[str, Any], target: str) -> None:
    mounts = body["HostConfig"]["Mounts"]
    body["HostConfig"]["Mounts"] = [m for m in mounts if m["Target"] != target]


def host_config(**changes: Any) -> Change:
    return lambda body: body["HostConfig"].update(changes)


def unlimited(workspace: Workspace) -> set[str]:
    """Return the checks of the limits that this engine cannot set."""
    return {LIMIT_CHECKS[name] for name in workspace.draft().unlimited}


# Everything as it should be


@pytest.mark.every_engine
def test_a_sound_environment_passes_all_that_it_can_show(workspace: Workspace) -> None:
    """It is started for it, goes on, and nothing is left in it or in the project."""
    before = sorted(workspace.path.rglob("*"))
    done = check(workspace)

    assert done.code == 0, done.results
    limits = {f"bundled/test_limits.py::{name}" for name in unlimited(workspace)}
    assert limits <= done.having("skipped")
    assert done.having("skipped") - limits <= {
        "bundled/test_reach.py::test_ssh_agent_answers",
        "bundled/test_time.py::test_time_zone_is_the_hosts",
    }
    assert done.reason("test_ssh_agent_answers") == "no ssh agent is running"
    assert len(done.having("passed")) > 30
    assert f"{workspace.name} CREATED" in done.stderr
    assert workspace.container_names() == [workspace.name]
    assert sorted(workspace.path.rglob("*")) == before
    look = f"find {HOME} /opt -name '.devenv-check*' 2>/dev/null || true"
    assert workspace.sh(look, user="root") == ""


def test_the_report_has_a_line_for_each_check_and_a_summary(workspace: Workspace) -> None:
    workspace.up()
    done = workspace.inv("check")

    assert done.returncode == 0
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert "bundled/test_rights.py::test_not_root PASSED" in lines
    skipped = lines.index("bundled/test_reach.py::test_ssh_agent_answers SKIPPED")
    assert lines[skipped + 1] == "    no ssh agent is running"
    assert re.search(r"\b[1-9]\d* passed\b", lines[-1])
    assert workspace.engine.endpoint.title in lines[-1]


def test_the_files_of_the_host_stay_as_they_were(workspace: Workspace) -> None:
    """Content and time: nothing is opened for writing but what refuses it."""

    def state() -> dict[str, tuple[int, bytes]]:
        files = [path for path in workspace.home.rglob("*") if path.is_file()]
        return {str(f): (f.stat().st_mtime_ns, f.read_bytes()) for f in files}

    workspace.up()
    before = state()
    lock = workspace.sh(f"stat -c %Y:%s {HOME}/.config/tvim/lazy-lock.json")

    assert check(workspace).code == 0
    after = {name: one for name, one in state().items() if "cache" not in name}
    assert after == {name: one for name, one in before.items() if "cache" not in name}
    assert workspace.sh(f"stat -c %Y:%s {HOME}/.config/tvim/lazy-lock.json") == lock


# Each promise, broken


def test_a_volume_that_is_not_mounted(workspace: Workspace) -> None:
    make(workspace, lambda body: without(body, f"{HOME}/.cache"))
    name = f"test_volume_is_mounted[{workspace.volume('cache')}]"
    done = check(workspace)

    assert (done.code, done.failed) == (1, {name})
    assert "inv run --recreate" in done.reason(name)


def test_another_volume_at_its_place(workspace: Workspace) -> None:
    other = workspace.make_volume("other")
    workspace.in_volume("other", "touch x; chown 1000:1000 .")
    target = f"{HOME}/.cache"
    make(workspace, lambda body: mount_at(body, target).update(Source=other))
    name = f"test_volume_is_mounted[{workspace.volume('cache')}]"
    done = check(workspace)

    assert done.failed == {name}
    assert other in done.reason(name)


def test_a_volume_that_the_user_may_not_write(workspace: Workspace) -> None:
    up_with_content(workspace)
    workspace.in_volume("cache", "chmod 0555 .")
    name = f"test_volume_is_writable[{workspace.volume('cache')}]"
    done = check(workspace)

    assert done.failed == {name}
    assert "Permission denied" in done.reason(name)


def test_a_volume_of_roots_that_can_be_written_all_the_same(workspace: Workspace) -> None:
    up_with_content(workspace)
    workspace.in_volume("cache", "chown 0:0 . && chmod 0777 .")
    name = f"test_volume_belongs_to_the_user[{workspace.volume('cache')}]"
    done = check(workspace)

    assert done.failed == {name}
    assert "inv volume.repair" in done.reason(name)


def test_a_volume_of_roots(workspace: Workspace) -> None:
    workspace.up()
    workspace.in_volume("data", "chown 0:0 . && chmod 0755 .")
    volume = workspace.volume("data")

    assert check(workspace).failed == {
        f"test_volume_belongs_to_the_user[{volume}]",
        f"test_volume_is_writable[{volume}]",
    }


def test_a_directory_that_is_mounted_writable(workspace: Workspace) -> None:
    """The host's directory has no file more afterwards."""
    target = f"{HOME}/.config/nvim"
    make(workspace, lambda body: mount_at(body, target).update(ReadOnly=False))
    done = check(workspace)

    assert done.failed == {"test_mount_refuses_a_write[~/.config/nvim]"}
    assert [p.name for p in (workspace.home / ".config/nvim").iterdir()] == ["init.lua"]


def test_a_file_that_is_mounted_writable(workspace: Workspace) -> None:
    """It is not written to in order to show it."""
    target, file = f"{HOME}/.bashrc", workspace.home / ".bashrc"
    make(workspace, lambda body: mount_at(body, target).update(ReadOnly=False))
    before = (file.read_bytes(), file.stat().st_mtime_ns)

    assert check(workspace).failed == {"test_mount_refuses_a_write[~/.bashrc]"}
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_a_writable_mount_that_the_user_may_not_write(workspace: Workspace) -> None:
    """What is refused by owner and mode only can be written tomorrow."""
    os.chown(workspace.home / ".bashrc", 0, 0)
    target = f"{HOME}/.bashrc"
    make(workspace, lambda body: mount_at(body, target).update(ReadOnly=False))
    done = check(workspace)

    assert done.failed == {"test_mount_refuses_a_write[~/.bashrc]"}
    assert "only by its owner and mode" in done.reason("test_mount_refuses_a_write[~/.bashrc]")


def test_a_file_of_the_host_that_changes_while_it_is_tried(workspace: Workspace) -> None:
    """A program of the image writes to it, through a mount that is writable."""
    target = f"{HOME}/.bashrc"
    with built_image(workspace, another_date(f"echo >>{target}; exec /bin/real-date")) as image:
        workspace.configure(image=image)
        make(workspace, lambda body: mount_at(body, target).update(ReadOnly=False))
        done = check(workspace, variables={"DEVENV_IMAGE": image})

        assert done.failed == {
            "test_host_file_is_unchanged[~/.bashrc]",
            "test_mount_refuses_a_write[~/.bashrc]",
        }


LOCK = "tvim/lazy-lock.json"


def test_a_lockfile_that_cannot_be_written(workspace: Workspace) -> None:
    workspace.up()
    workspace.in_volume("tvim-lock", "chown 0:0 lazy-lock.json")

    assert check(workspace).failed == {f"test_lockfile_is_written_in_place[{LOCK}]"}


def test_a_lockfile_that_is_not_there_is_not_made(workspace: Workspace) -> None:
    workspace.up()
    workspace.in_volume("tvim-lock", "rm lazy-lock.json")
    done = check(workspace)

    assert f"test_lockfile_is_written_in_place[{LOCK}]" in done.failed
    assert workspace.in_volume("tvim-lock", "ls -A") == ""


def links_elsewhere(workspace: Workspace, lock: str) -> Path:
    """Make a directory of links like devenv's, whose lockfile leads to ``lock``."""
    directory = workspace.home / "links"
    directory.mkdir()
    (directory / "init.lua").symlink_to("/opt/devenv/config/tvim/init.lua")
    (directory / "lazy-lock.json").symlink_to(lock)
    return directory


def test_a_lockfile_in_the_containers_own_layer(workspace: Workspace) -> None:
    """It can be written like the right one, and would be gone with the container."""
    directory = links_elsewhere(workspace, f"{HOME}/lock.json")
    target = f"{HOME}/.config/tvim"
    make(workspace, lambda body: mount_at(body, target).update(Source=str(directory)))
    workspace.sh(f"echo '{{}}' >{HOME}/lock.json")
    name = f"test_lockfile_survives_recreation[{LOCK}]"
    done = check(workspace)

    assert done.failed == {name}
    assert "not on a volume" in done.reason(name)


def test_a_lockfile_on_another_volume(workspace: Workspace) -> None:
    directory = links_elsewhere(workspace, f"{HOME}/.cache/lock.json")
    target = f"{HOME}/.config/tvim"
    make(workspace, lambda body: mount_at(body, target).update(Source=str(directory)))
    workspace.sh(f"echo '{{}}' >{HOME}/.cache/lock.json")
    name = f"test_lockfile_survives_recreation[{LOCK}]"
    done = check(workspace)

    assert done.failed == {name}
    assert workspace.volume("cache") in done.reason(name)


def test_a_lockfile_that_is_the_hosts_own(workspace: Workspace) -> None:
    """The whole configuration, mounted writable: the simple way that devenv does not go."""
    source, target = workspace.home / ".config/tvim", f"{HOME}/.config/tvim"
    change = {"Source": str(source), "ReadOnly": False}
    make(workspace, lambda body: mount_at(body, target).update(change))

    assert check(workspace).failed == {
        f"test_lockfile_of_the_host_stays[{LOCK}]",
        f"test_lockfile_survives_recreation[{LOCK}]",
        f"test_nothing_is_planted_beside_the_lockfile[{LOCK}]",
        "test_mount_refuses_a_write[~/.config/tvim]",
    }
    assert (source / "lazy-lock.json").read_text() == '{"host": 1}\n'


def test_a_directory_of_links_that_can_be_written(workspace: Workspace) -> None:
    target = f"{HOME}/.config/tvim"
    make(workspace, lambda body: mount_at(body, target).update(ReadOnly=False))
    give(Path(str(workspace.draft().mounts.locks[0].source)))

    assert check(workspace).failed == {
        f"test_nothing_is_planted_beside_the_lockfile[{LOCK}]",
        "test_mount_refuses_a_write[~/.config/tvim]",
    }


def test_a_login_that_the_user_cannot_read(workspace: Workspace) -> None:
    auth = workspace.home / ".local/share/opencode/auth.json"
    auth.chmod(0o600)
    os.chown(auth, 0, 0)
    done = check(workspace)

    assert done.failed == {"test_auth_json_is_readable"}
    assert "secret" not in json.dumps(done.results)


def test_a_directory_around_the_login_that_is_roots(workspace: Workspace) -> None:
    workspace.up()
    workspace.in_volume("data", "chown 0:0 opencode")

    assert check(workspace).failed == {"test_directory_around_auth_json_is_writable"}


def test_without_a_login_its_checks_are_skipped(make_workspace: Any) -> None:
    """And so are those of lockfiles and read-only mounts, where there are none."""
    done = check(make_workspace())

    assert done.code == 0
    assert "auth.json" in done.reason("test_auth_json_is_readable")
    assert "lockfiles" in done.reason("test_lockfile_is_written_in_place[none]")
    assert done.reason("test_mount_refuses_a_write[none]") == "nothing is mounted read-only"


def test_an_engines_socket(workspace: Workspace) -> None:
    path = str(workspace.engine.endpoint.socket)
    socket = {"Type": "bind", "Source": path, "Target": "/x", "ReadOnly": True}
    make(workspace, lambda body: body["HostConfig"]["Mounts"].append(socket))
    done = check(workspace)

    assert done.failed == {"test_no_engine_socket"}
    assert f"{path} at /x" in done.reason("test_no_engine_socket")


def test_a_directory_with_an_engines_socket_at_its_usual_place(workspace: Workspace) -> None:
    """As seen from inside, whatever engine it is."""
    workspace.up()
    code = "import socket; socket.socket(socket.AF_UNIX).bind('/run/docker.sock')"
    workspace.sh(f'python3 -c "{code}"', user="root")
    done = check(workspace)

    assert done.failed == {"test_no_engine_socket"}
    assert "/run/docker.sock" in done.reason("test_no_engine_socket")


def test_an_added_capability(workspace: Workspace) -> None:
    make(workspace, host_config(CapAdd=["NET_ADMIN"]))
    done = check(workspace)

    # Podman gives it to an ordinary user's programs too.
    also = {"test_not_root"} if workspace.engine.info().podman else set[str]()
    assert done.failed == {"test_no_added_capability", *also}
    assert "CapBnd: numbers 12" in done.reason("test_no_added_capability")


def test_new_privileges(workspace: Workspace) -> None:
    make(workspace, host_config(SecurityOpt=[]))

    assert check(workspace).failed == {"test_no_new_privileges"}


def test_a_container_of_roots(workspace: Workspace) -> None:
    """What root makes in the project is root's."""
    make(workspace, lambda body: body.update(User="0:0"))

    assert check(workspace).failed == {
        "test_not_root",
        "test_project_files_belong_to_the_hosts_user",
    }


def test_root_that_was_asked_for_is_skipped(workspace: Workspace) -> None:
    variables = {"DEVENV_USER": "root"}
    done = check(workspace, "--keyword", "not_root", variables=variables)

    assert done.code == 0
    assert done.reason("test_not_root") == "the setting 'user' asks for root"


def test_a_port_on_every_address(workspace: Workspace) -> None:
    def publish(body: dict[str, Any]) -> None:
        body["ExposedPorts"]["8080/tcp"] = {}
        body["HostConfig"]["PortBindings"]["8080/tcp"] = [{"HostIp": ANY, "HostPort": ""}]

    make(workspace, publish)
    done = check(workspace)

    assert done.failed == {"test_ports_are_on_loopback_only"}
    assert "8080/tcp on 0.0.0.0:" in done.reason("test_ports_are_on_loopback_only")


def test_the_hosts_own_network(workspace: Workspace) -> None:
    def share(body: dict[str, Any]) -> None:
        del body["Hostname"]
        body["HostConfig"]["NetworkMode"] = "host"

    make(workspace, share)

    assert check(workspace).failed == {"test_ports_are_on_loopback_only"}


@pytest.fixture
def agent(workspace: Workspace, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An ssh agent of this test's own, whose socket the environment's user may use."""
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    until = time.monotonic() + PATIENCE
    while not socket.exists() and time.monotonic() < until:
        time.sleep(0.01)
    give(socket)
    workspace.environ["SSH_AUTH_SOCK"] = str(socket)
    yield process
    process.kill()
    process.wait()


def test_an_agent_that_is_gone(workspace: Workspace, agent: subprocess.Popen[bytes]) -> None:
    """ssh-agent lets in its own user and root only, so it is asked as that one."""
    workspace.environ["DEVENV_USER"] = "root"
    workspace.configure(user="root")
    first = check(workspace, "--keyword", "ssh_agent")
    agent.kill()
    agent.wait()
    second = check(workspace, "--keyword", "ssh_agent")

    assert (first.code, first.having("passed")) == (
        0,
        {"bundled/test_reach.py::test_ssh_agent_answers"},
    )
    assert (second.code, second.failed) == (1, {"test_ssh_agent_answers"})


def test_an_agent_that_does_not_let_the_user_in(
    workspace: Workspace, agent: subprocess.Popen[bytes]
) -> None:
    """It is there and listens, for another user: root, as the tests have to be for this one."""
    if os.getuid() != 0:  # then it is this user's, and lets the environment's in
        agent.kill()
    done = check(workspace, "--keyword", "ssh_agent")

    assert (done.code, done.failed) == (1, {"test_ssh_agent_answers"})


def test_a_project_of_another_owner(workspace: Workspace) -> None:
    workspace.up()
    workspace.path.chmod(0o777)
    os.chown(workspace.path, 1234, 1234)
    done = check(workspace)

    assert done.failed == {"test_project_files_belong_to_the_hosts_user"}
    assert "belongs to uid 1000" in done.reason("test_project_files_belong_to_the_hosts_user")


def test_a_project_that_the_user_cannot_write(workspace: Workspace) -> None:
    workspace.up()
    workspace.path.chmod(0o555)

    assert check(workspace).failed == {"test_project_files_belong_to_the_hosts_user"}


def test_a_project_of_roots_is_skipped(workspace: Workspace) -> None:
    os.chown(workspace.path, 0, 0)
    done = check(workspace)

    assert done.code == 0
    assert "belongs to root" in done.reason("test_project_files_belong_to_the_hosts_user")


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"Memory": 0, "MemorySwap": 0}, {"memory", "memory_swap"}),
        ({"MemorySwap": -1}, {"memory_swap"}),
        ({"NanoCpus": 0}, {"cpus"}),
    ],
    ids=["memory", "swap", "processors"],
)
def test_a_limit_that_is_not_set(
    workspace: Workspace, changes: dict[str, int], failed: set[str]
) -> None:
    make(workspace, host_config(**changes))
    done = check(workspace)

    expected = {LIMIT_CHECKS[name] for name in failed} - unlimited(workspace)
    assert done.failed == expected
    assert ("there is no limit" in str(done.results)) == bool(expected)


def test_a_limit_above_the_settings(workspace: Workspace) -> None:
    workspace.up()

    expected = {LIMIT_CHECKS["memory"], LIMIT_CHECKS["memory_swap"]} - unlimited(workspace)
    assert check(workspace, variables={"DEVENV_MEMORY": "1g"}).failed == expected


def test_a_clock_that_is_wrong(workspace: Workspace) -> None:
    late = another_date("exec /bin/real-date --date='5 hours ago'")
    with built_image(workspace, late) as image:
        done = check(workspace, variables={"DEVENV_IMAGE": image})

        assert done.failed == {"test_clock_is_right"}
        assert re.search(r" -1[78]\d{3} seconds", done.reason("test_clock_is_right"))


def test_a_time_zone_that_the_image_does_not_know(workspace: Workspace) -> None:
    lines = "USER root\nRUN rm -rf /usr/share/zoneinfo\nUSER devuser"
    with built_image(workspace, lines) as image:
        variables = {"DEVENV_IMAGE": image, "TZ": "Asia/Tokyo"}
        done = check(workspace, variables=variables)

        assert done.failed == {"test_time_zone_is_the_hosts"}
        assert "+0900 here" in done.reason("test_time_zone_is_the_hosts")


def test_a_time_zone_that_it_knows(workspace: Workspace) -> None:
    done = check(workspace, "--keyword", "zone", variables={"TZ": "Asia/Tokyo"})

    assert (done.code, len(done.having("passed"))) == (0, 1)


def test_a_volume_without_room_is_said_to_be_full_and_not_somebody_elses(
    workspace: Workspace,
) -> None:
    """In a volume of 64 KiB, in memory."""
    labels = [f"--label={key}={value}" for key, value in common_labels(workspace.prefix).items()]
    options = [f"--opt={o}" for o in ("type=tmpfs", "device=tmpfs", "o=size=64k,uid=1000,gid=1000")]
    name = workspace.volume("cache")
    docker("volume", "create", *labels, *options, name)
    workspace.up()
    workspace.try_sh(f"cat /dev/zero >{HOME}/.cache/all")
    done = check(workspace)
    assert done.failed == {f"test_volume_is_writable[{name}]"}
    reason = done.reason(f"test_volume_is_writable[{name}]")
    assert "No space left on device" in reason
    assert "docker system df" in reason
    assert "owner" not in reason
