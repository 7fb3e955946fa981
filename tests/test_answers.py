"""Answers: the engine's JSON as records, and plans as its requests."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from devenv_lib.engine import answers, bodies
from devenv_lib.mounts import MountPlan
from devenv_lib.plans import differences
from devenv_lib.records import LIMITS, Container, Found, Image, MountPoint, Port, Volume
from devenv_lib.settings import Settings
from tests.builders import P, environment_plan, found, info, mount_plan, tvim

RICH = mount_plan(tvim(), found(".bashrc"), agent=Found(P("/run/a"), P("/run/a"), "socket"))
BIND = next(mount for mount in RICH.mounts if mount.kind == "bind")


def body(mounts: MountPlan = RICH, **more: Any) -> dict[str, Any]:
    """Return the body of a create request, as it reaches the engine."""
    sent: dict[str, Any] = json.loads(
        json.dumps(bodies.container_body(environment_plan(mounts, **more)))
    )
    return sent


# Answers


def test_a_volume_is_read() -> None:
    data = {"Name": "a", "Labels": {"devenv": "true"}, "CreatedAt": "2024-01-02T03:04:05Z"}

    assert Volume("a", {"devenv": "true"}, "2024-01-02T03:04:05Z") == answers.volume(data)


@pytest.mark.parametrize(
    ("options", "plain"),
    [
        (None, True),
        ({}, True),
        ({"UID": "0", "GID": "0", "o": "uid=0,gid=0"}, True),
        ({"UID": "7", "GID": "0", "o": "uid=7,gid=0"}, False),
        ({"type": "nfs", "UID": "0", "GID": "0", "o": "uid=0,gid=0"}, False),
    ],
)
def test_a_volume_whose_only_option_is_its_owner_is_a_plain_one(
    options: dict[str, str] | None, plain: bool
) -> None:
    """On Podman devenv's own are made with that one."""
    assert answers.volume({"Name": "a", "Driver": "local", "Options": options}).plain == plain


@pytest.mark.parametrize("labels", [{}, {"Labels": None}, {"Labels": {}}])
def test_a_volume_without_labels_and_date_is_read(labels: dict[str, Any]) -> None:
    """Docker says null where there are none; an old one has no date."""
    assert Volume("a", {}, "") == answers.volume({"Name": "a", **labels})


def test_a_container_is_read() -> None:
    """One entry of the list of all containers."""
    data = {
        "Id": "0123456789abcdef",
        "Names": ["/devenv-code-app"],
        "State": "running",
        "Labels": {"devenv": "true"},
        "Image": "devenv:latest",
        "ImageID": "sha256:a",
        "Mounts": [
            {
                "Type": "volume",
                "Name": "devenv-data",
                "Source": "/var/lib/docker/volumes/devenv-data/_data",
                "Destination": "/d",
                "RW": True,
            },
            {"Type": "bind", "Source": "/home/me", "Destination": "/h", "RW": False},
        ],
    }

    assert Container(
        "0123456789abcdef",
        "devenv-code-app",
        "running",
        {"devenv": "true"},
        (
            MountPoint("volume", "devenv-data", "/d", read_only=False),
            MountPoint("bind", "/home/me", "/h", read_only=True),
        ),
        "devenv:latest",
        "sha256:a",
    ) == answers.container(data)


def test_a_containers_name_is_its_own_and_not_a_link_to_it() -> None:
    """Old links show as further names with two slashes."""
    data = {"Id": "x", "Names": ["/other/alias", "/own"]}

    assert answers.container(data).name == "own"


@pytest.mark.parametrize("names", [{}, {"Names": None}, {"Names": []}])
def test_a_container_without_a_name_has_the_beginning_of_its_id(names: dict[str, Any]) -> None:
    """One that is being removed has none for a moment."""
    assert answers.container({"Id": "0123456789abcdef", **names}).name == "0123456789ab"


def test_published_ports_are_those_that_loopback_leads_to() -> None:
    """Each once: an engine tells of every address."""

    def port(public: int | None, ip: str = "127.0.0.1", kind: str = "tcp") -> dict[str, Any]:
        entry = {"PrivatePort": 80, "Type": kind, "IP": ip}
        return entry if public is None else {**entry, "PublicPort": public}

    ports = [port(9), port(8, "0.0.0.0"), port(8, "::"), port(8, ""), port(None)]  # noqa: S104
    ports += [port(7, kind="udp"), port(6, "192.168.1.5"), port(5, "::1")]

    assert answers.container({"Id": "x", "Ports": ports}).published == (Port(8, 80), Port(9, 80))
    assert answers.container({"Id": "x", "Ports": None}).published == ()


def test_a_container_with_nothing_but_an_id_is_read() -> None:
    """Podman leaves fields out, Docker sets them to null."""
    nothing = {"State": None, "Labels": None, "Mounts": None, "Image": None, "ImageID": None}

    assert Container("ab", "ab", "", {}) == answers.container({"Id": "ab", **nothing})


def test_a_temporary_file_system_is_a_mount_without_a_source() -> None:
    assert MountPoint("tmpfs", "", "/t", read_only=False) == answers.mount_point(
        {"Type": "tmpfs", "Destination": "/t", "RW": True}
    )


def test_an_engine_is_read() -> None:
    data = {"ServerVersion": "26.1.5", "NCPU": 8, "SecurityOptions": ["name=seccomp"]}
    seen = answers.info(data, "1.45")

    assert (seen.version, seen.api, seen.cpus, seen.rootless) == ("26.1.5", "1.45", 8, False)


def test_an_engine_that_says_little_has_one_processor() -> None:
    """Fewer would be an error at every create."""
    seen = answers.info({"NCPU": 0, "SecurityOptions": None}, "1.41")

    assert (seen.version, seen.cpus, seen.rootless) == ("", 1, False)


@pytest.mark.parametrize(
    ("said", "limits"),
    [
        ({}, LIMITS),
        ({"MemoryLimit": True, "SwapLimit": True, "CpuCfsQuota": True}, LIMITS),
        ({"MemoryLimit": True, "SwapLimit": False}, {"memory", "cpus"}),
        ({"MemoryLimit": False, "SwapLimit": False, "CpuCfsQuota": False}, set()),
    ],
)
def test_an_engine_says_which_limits_it_can_set(said: dict[str, bool], limits: set[str]) -> None:
    """Podman fails to start a container with a limit whose controller its control group lacks."""
    assert limits == answers.info(said, "1.45").limits


def test_podman_is_known_by_the_builder_that_it_names() -> None:
    assert answers.info({"BuildahVersion": "1.39.3"}, "1.41").podman
    assert not answers.info({}, "1.45").podman


def test_an_engine_is_known_again_by_its_id_but_on_podman() -> None:
    """Podman 5.4 makes a new one up for each answer."""
    assert answers.info({"ID": "x"}, "1.45").id == "x"
    assert answers.info({"ID": "x", "BuildahVersion": "1.39.3"}, "1.41").id == ""


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("docker.io/library/devenv:latest", "devenv:latest"),
        ("localhost/devenv:latest", "devenv:latest"),
        ("docker.io/someone/devenv", "docker.io/someone/devenv"),
        ("devenv:latest", "devenv:latest"),
    ],
)
def test_an_images_name_is_as_docker_says_it(said: str, name: str) -> None:
    """Podman puts in front what Docker leaves out."""
    assert name == answers.container({"Id": "x", "Image": said}).image


@pytest.mark.parametrize("option", ["name=rootless", "name=userns"])
def test_a_rootless_engine_says_so_among_its_security_options(option: str) -> None:
    """Docker and Podman alike, and one that maps all users to others."""
    options = ["name=seccomp,profile=builtin", option]

    assert answers.info({"SecurityOptions": options}, "1.45").rootless


@pytest.mark.parametrize(
    ("data", "machine"),
    [
        ({"OperatingSystem": "Docker Desktop", "Name": "docker-desktop"}, "Docker Desktop"),
        ({"OperatingSystem": "OrbStack"}, "OrbStack"),
        ({"OperatingSystem": "Ubuntu 24.04", "Name": "colima"}, "Colima"),
        ({"OperatingSystem": "Ubuntu 24.04", "Name": "colima-work"}, "Colima"),
    ],
)
def test_an_engine_in_a_virtual_machine_names_its_maker(data: dict[str, str], machine: str) -> None:
    assert machine == answers.info(data, "1.45").machine


@pytest.mark.parametrize(
    ("told", "source"),
    [
        ("/host_mnt/Users/ada/app", "/Users/ada/app"),
        ("/host_mnt/data/app", "/host_mnt/data/app"),
        ("/Users/ada/app", "/Users/ada/app"),
    ],
)
def test_a_bind_in_a_virtual_machine_is_told_by_its_place_on_the_host(
    told: str, source: str
) -> None:
    data = {"Type": "bind", "Source": told, "Destination": "/t", "RW": True}

    assert answers.mount_point(data).source == source


def test_an_image_is_read() -> None:
    config = {"User": "devuser", "Labels": {"devenv.image": "true"}}

    assert Image("sha256:a", "devuser", {"devenv.image": "true"}) == answers.image(
        {"Id": "sha256:a", "Config": config}
    )


@pytest.mark.parametrize("config", [{}, {"Config": None}, {"Config": {"Labels": None}}])
def test_an_image_without_configuration_is_read(config: dict[str, Any]) -> None:
    """An imported archive has none."""
    assert Image("a", "", {}) == answers.image({"Id": "a", **config})


def inspection(plan_body: dict[str, Any]) -> dict[str, Any]:
    """Return how an engine tells of a container that was created by a body."""
    mounts = [
        {
            "Type": mount["Type"],
            "Name": mount.get("Source") if mount["Type"] == "volume" else None,
            "Source": mount.get("Source", ""),
            "Destination": mount["Target"],
            "RW": not mount.get("ReadOnly"),
        }
        for mount in plan_body["HostConfig"]["Mounts"]
    ]
    return {
        "Image": "sha256:" + "a" * 64,
        "Config": plan_body,
        "HostConfig": plan_body["HostConfig"],
        "Mounts": mounts,
    }


def test_a_container_that_was_created_by_a_plan_does_not_differ_from_it() -> None:
    """What is written and what is read agree, or every environment would seem outdated."""
    settings = Settings(cpus=1.5, ports=(Port(3000, 80), Port(3001, 80), Port(9000, 9000)))
    plan = environment_plan(RICH, settings=settings)
    existing = answers.existing(inspection(bodies.container_body(plan)))

    assert differences(existing, plan) == ()
    assert set(settings.ports) == set(existing.ports)


def test_a_container_with_nothing_set_is_read() -> None:
    """Engines say null, or leave out."""
    config = {"User": None, "Env": None}
    host = {"Memory": None, "PortBindings": None}
    seen = answers.existing({"Image": "i", "Config": config, "HostConfig": host, "Mounts": None})

    assert (seen.user, seen.mounts, seen.environment, seen.ports) == ("", (), {}, ())
    assert (seen.memory, seen.swap, seen.cpus) == (0, 0, 0.0)


@pytest.mark.parametrize(
    ("state", "running"), [({"Running": False}, False), ({"Running": True}, True), (None, True)]
)
def test_a_container_is_known_to_run_or_not(state: object, running: bool) -> None:
    data = {"Image": "i", "Config": {}, "HostConfig": {}, "State": state}

    assert running == answers.existing(data).running


def test_a_variable_may_hold_equals_signs_or_nothing() -> None:
    config = {"Env": ["A=b=c", "D=", "E"]}
    seen = answers.existing({"Image": "i", "Config": config, "HostConfig": {}})

    assert seen.environment == {"A": "b=c", "D": "", "E": ""}


@pytest.mark.parametrize("published", [None, []])
def test_a_port_that_is_exposed_and_not_published_is_none(published: object) -> None:
    host = {"PortBindings": {"80/tcp": published}}

    assert answers.existing({"Image": "i", "Config": {}, "HostConfig": host}).ports == ()


@pytest.mark.parametrize("text", ["", "0", None])
def test_a_port_that_the_engine_picks_is_read_as_0(text: str | None) -> None:
    host = {"PortBindings": {"2222/tcp": [{"HostIp": "127.0.0.1", "HostPort": text}]}}
    seen = answers.existing({"Image": "i", "Config": {}, "HostConfig": host})

    assert seen.ports == (Port(0, 2222),)


# Requests


def test_the_container_runs_the_planned_image_as_the_planned_user() -> None:
    sent = body()
    keys = ("Image", "User", "WorkingDir", "Hostname", "Entrypoint", "Cmd")

    assert [sent[key] for key in keys] == [
        "devenv:latest",
        "1000:1000",
        "/home/devuser/code/app",
        "app",
        ["sleep"],
        ["infinity"],
    ]


def test_labels_and_variables_are_the_plans() -> None:
    plan = environment_plan(RICH)

    assert dict(plan.labels) == body()["Labels"]
    assert [f"{key}={value}" for key, value in plan.environment.items()] == body()["Env"]


def test_there_is_an_init_process() -> None:
    """Without one a stop takes ten seconds."""
    assert body()["HostConfig"]["Init"] is True


def test_no_privilege_is_asked_for_and_none_can_be_gained() -> None:
    """Neither privileged, nor capabilities, devices, nor the host's namespaces."""
    host = body()["HostConfig"]
    widening = {"Privileged", "CapAdd", "Devices", "DeviceRequests", "PidMode", "IpcMode"}
    widening |= {"NetworkMode", "UsernsMode", "UTSMode", "CgroupnsMode", "VolumesFrom", "Binds"}

    assert not widening & set(host)
    assert host["SecurityOpt"] == ["no-new-privileges", "label=disable"]


def test_the_limits_are_bytes_and_billionths_of_a_processor() -> None:
    host = body(settings=Settings(cpus=1.5))["HostConfig"]

    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (
        8 << 30,
        12 << 30,
        1_500_000_000,
    )


def test_ports_are_published_on_loopback_alone() -> None:
    """The engine's default would be every address of this machine."""
    sent = body(settings=Settings(ports=(Port(3000, 80), Port(3001, 80), Port(9, 9))))

    assert sent["ExposedPorts"] == {"80/tcp": {}, "9/tcp": {}}
    assert sent["HostConfig"]["PortBindings"] == {
        "80/tcp": [
            {"HostIp": "127.0.0.1", "HostPort": "3000"},
            {"HostIp": "127.0.0.1", "HostPort": "3001"},
        ],
        "9/tcp": [{"HostIp": "127.0.0.1", "HostPort": "9"}],
    }


def test_the_engine_picks_a_port_of_0() -> None:
    sent = bodies.container_body(environment_plan(ssh=True))

    assert sent["HostConfig"]["PortBindings"] == {
        "2222/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]
    }


def test_without_ports_nothing_is_published() -> None:
    assert (body()["ExposedPorts"], body()["HostConfig"]["PortBindings"]) == ({}, {})


def test_every_mount_is_structured_and_in_the_plans_order() -> None:
    """Never ``src:dst`` text: a path may hold a colon."""
    mounts = body()["HostConfig"]["Mounts"]

    assert [(m.kind, m.source, str(m.target), m.read_only) for m in RICH.mounts] == [
        (m["Type"], m.get("Source", ""), m["Target"], m.get("ReadOnly", False)) for m in mounts
    ]


def test_every_volumes_mount_carries_the_labels_and_no_bind_does() -> None:
    """A volume that vanished since is then made anew with them."""
    options = {
        mount["Target"]: mount.get("VolumeOptions") for mount in body()["HostConfig"]["Mounts"]
    }
    labels = {"Labels": {"devenv": "true", "devenv.prefix": "devenv"}}

    assert {
        str(mount.target): labels if mount.kind == "volume" else None for mount in RICH.mounts
    } == (options)


def test_on_an_older_engine_read_only_binds_are_not_recursive() -> None:
    """What is mounted below them would stay writable there."""
    mounts = body(engine=info(api="1.43"))["HostConfig"]["Mounts"]
    shallow = {m["Target"] for m in mounts if m.get("BindOptions") == {"NonRecursive": True}}

    assert shallow == {str(m.target) for m in RICH.mounts if m.kind == "bind" and m.read_only}
    assert not [m for m in body()["HostConfig"]["Mounts"] if "BindOptions" in m]


def test_a_source_with_any_character_is_sent_as_it_is() -> None:
    odd = "/a:b,c \"d\" 'e' 日本\n"
    bind = replace(BIND, source=odd)

    assert body(MountPlan((bind,)))["HostConfig"]["Mounts"][0]["Source"] == odd


def test_a_helper_sees_volumes_and_nothing_else() -> None:
    """It runs as root: no network, no bind, two capabilities, and the engine removes it."""
    sent = bodies.one_shot_body("img", {"v1": "/a", "v2": "/b"}, ["chown", "1:1", "/a/x"], "mine")
    host = sent["HostConfig"]

    assert (sent["Image"], sent["User"]) == ("img", "0")
    assert (sent["Entrypoint"], sent["Cmd"]) == (["chown"], ["1:1", "/a/x"])
    labels = {"devenv": "true", "devenv.prefix": "mine", "devenv.temporary": "true"}
    assert labels == sent["Labels"]
    assert (sent["NetworkDisabled"], host["NetworkMode"], host["AutoRemove"]) == (
        True,
        "none",
        True,
    )
    assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], ["CHOWN", "DAC_OVERRIDE"])
    assert "no-new-privileges" in host["SecurityOpt"]
    assert [(m["Type"], m["Source"], m["Target"]) for m in host["Mounts"]] == [
        ("volume", "v1", "/a"),
        ("volume", "v2", "/b"),
    ]


def test_a_helper_finds_its_program_in_the_system_alone() -> None:
    """The image's ``PATH`` may begin in a shared volume, where others can write."""
    for sent in (
        bodies.one_shot_body("img", {}, ["chown"], "devenv"),
        bodies.helper_body("img", [], "devenv"),
    ):
        assert "PATH=/usr/sbin:/usr/bin:/sbin:/bin" in sent["Env"]


def event(action: str, who: str, mode: str = "true") -> dict[str, Any]:
    return {"Action": action, "Actor": {"Attributes": {"container": who, "read/write": mode}}}


MINE = event("mount", "helper", "false")


@pytest.mark.parametrize(
    ("events", "used"),
    [
        ([], None),
        ([event("mount", "x")], None),
        ([MINE], False),
        ([MINE, event("unmount", "helper"), event("mount", "reader", "false")], False),
        ([MINE, event("mount", "x")], True),
        ([MINE, event("mount", "x"), event("unmount", "x")], True),
        ([event("mount", "x"), event("unmount", "x"), MINE], False),
        # It was there before the helper, and may have written until it was gone.
        ([event("mount", "x"), MINE, event("unmount", "x")], True),
        ([event("create", ""), event("mount", "x", "false"), MINE, event("destroy", "")], False),
    ],
)
def test_whether_others_could_write_since_a_helper_had_a_volume(
    events: list[dict[str, Any]], used: bool | None
) -> None:
    """`None`: the engine has forgotten the helper itself."""
    assert answers.used_since(events, "helper") is used


def test_a_probe_has_the_labels_by_which_it_is_found_again() -> None:
    """It is only read from, and somebody may kill devenv before it is removed."""
    sent = bodies.probe_body("img", "mine", "token")

    labels = {"devenv": "true", "devenv.prefix": "mine", "devenv.temporary": "true"}
    labels["devenv.made-by"] = "token"
    assert labels == sent["Labels"]
    assert "HostConfig" not in sent


def test_a_probe_has_a_user_that_needs_no_look_into_the_image() -> None:
    """Podman looks up the image's before it reads a file, and an image may name nobody."""
    assert bodies.probe_body("img", "mine")["User"] == "0"


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ('Conflict. The container name "/x" is already in use by container "y".', True),
        ('creating container storage: the container name "x" is already in use by y', True),
        ("renaming container 1f: UNIQUE constraint failed: ContainerConfig.Name", True),
        ("driver failed programming external connectivity: address already in use", False),
        ("no space left on device", False),
    ],
)
def test_a_taken_name_is_known_on_docker_and_podman(said: str, taken: bool) -> None:
    """A taken port is something else, which going round again does not mend."""
    assert taken == answers.name_is_taken(said)
