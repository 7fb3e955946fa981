"""Commands: plans as the docker command lines that do the same by hand."""

from __future__ import annotations

import csv
import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib.mounts import Mount, MountPlan
from devenv_lib.plans import EnvironmentPlan
from devenv_lib.plans.commands import mount_value, run_options, start_lines
from devenv_lib.records import Port
from devenv_lib.settings import Settings
from tests.builders import P, environment_plan, info, mount_plan, project, tvim

PLAN = environment_plan()


def run_words(plan: EnvironmentPlan = PLAN, name: str = "devenv-code-app") -> list[str]:
    """Return the words of the one ``docker run`` line."""
    lines = [shlex.split(line) for line in start_lines(plan, name) if "# " not in line[:2]]
    (words,) = [words for words in lines if words[:2] == ["docker", "run"]]
    return words


def values(words: list[str], flag: str) -> list[str]:
    return [word.partition("=")[2] for word in words if word.startswith(f"--{flag}=")]


def bind(source: str, target: str = "/t", *, read_only: bool = False) -> Mount:
    return Mount("bind", source, P(target), read_only, "")


def test_the_container_is_run_detached_with_its_name_image_and_a_process_that_sleeps() -> None:
    words = run_words()

    assert words[:3] == ["docker", "run", "--detach"]
    assert words[-2:] == ["devenv:latest", "infinity"]
    assert (values(words, "name"), values(words, "entrypoint")) == (["devenv-code-app"], ["sleep"])


def test_the_container_has_an_init_process_and_may_gain_no_privileges() -> None:
    """Promises of the design's §5, in the words of the docker program."""
    words = run_words()

    assert "--init" in words
    assert values(words, "security-opt") == ["no-new-privileges", "label=disable"]
    assert not {"--privileged", "--cap-add"} & {word.partition("=")[0] for word in words}


def test_the_container_has_its_user_workdir_host_name_and_limits() -> None:
    words = run_words()
    flags = ("user", "workdir", "hostname", "memory", "memory-swap", "cpus")

    assert [values(words, flag) for flag in flags] == [
        ["1000:1000"],
        ["/home/devuser/code/app"],
        ["app"],
        [str(8 << 30)],
        [str(12 << 30)],
        ["4"],
    ]


def test_limits_that_the_engine_cannot_set_are_left_out_and_said() -> None:
    plan = environment_plan(engine=info(limits=frozenset({"cpus"})))
    words = run_words(plan)

    assert [values(words, flag) for flag in ("memory", "memory-swap", "cpus")] == [[], [], ["4"]]
    said = "# without a limit, which this engine cannot set: memory, memory_swap"
    assert said in list(start_lines(plan, "devenv-code-app"))


@pytest.mark.parametrize(
    ("cpus", "written"), [(1.5, "1.5"), (3.1234567, "3.1234567"), (10.0, "10"), (0.01, "0.01")]
)
def test_processors_are_written_as_a_plain_number(cpus: float, written: str) -> None:
    """With every digit that counts and no other."""
    plan = environment_plan(settings=Settings(cpus=cpus), engine=info(cpus=16))

    assert values(run_words(plan), "cpus") == [written]


def test_ports_are_published_on_loopback_alone() -> None:
    plan = environment_plan(settings=Settings(ports=(Port(3000, 80), Port(81, 81))))

    assert values(run_words(plan), "publish") == ["127.0.0.1:3000:80", "127.0.0.1:81:81"]


def test_sshd_has_a_port_a_label_and_a_comment() -> None:
    """Without a number, the docker program lets the engine pick one."""
    plan = environment_plan(ssh=True)
    fixed = environment_plan(ssh=True, settings=Settings(ssh_port=2200))

    assert values(run_words(plan), "publish") == ["127.0.0.1::2222"]
    assert values(run_words(fixed), "publish") == ["127.0.0.1:2200:2222"]
    assert "devenv.ssh=2222" in values(run_words(plan), "label")
    assert list(start_lines(plan, "x1"))[-1].startswith("# then, as the user: sshd on port 2222")
    assert not [line for line in start_lines(PLAN, "x1") if "sshd" in line]
    assert "devenv.ssh=" in values(run_words(PLAN), "label")


def test_labels_and_variables_are_the_plans() -> None:
    words = run_words()

    assert [f"{k}={v}" for k, v in PLAN.labels.items()] == values(words, "label")
    assert [f"{k}={v}" for k, v in PLAN.environment.items()] == values(words, "env")


def test_every_mount_is_there_in_the_plans_order() -> None:
    words = values(run_words(), "mount")

    assert [mount_value(mount, PLAN) for mount in PLAN.mounts.mounts] == words


def test_a_volumes_mount_carries_the_labels() -> None:
    """An engine that has to make the volume then makes it labelled."""
    value = mount_value(PLAN.mounts.volumes[0], PLAN)

    assert value == (
        "type=volume,source=devenv-cache,target=/home/devuser/.cache,"
        "volume-label=devenv=true,volume-label=devenv.prefix=devenv"
    )


def test_a_writable_bind_has_source_and_target() -> None:
    assert mount_value(bind("/a b:c", "/t"), PLAN) == "type=bind,source=/a b:c,target=/t"


def test_a_read_only_bind_says_so() -> None:
    assert mount_value(bind("/a", read_only=True), PLAN) == "type=bind,source=/a,target=/t,readonly"


def test_on_an_older_engine_a_read_only_bind_is_not_recursive() -> None:
    """What is mounted below it would stay writable."""
    older = environment_plan(engine=info(api="1.41"))

    assert mount_value(bind("/a", read_only=True), older).endswith(",readonly,bind-nonrecursive")
    assert "nonrecursive" not in mount_value(bind("/a"), older)


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("/a,b", 'type=bind,"source=/a,b",target=/t'),
        ('/a"b', 'type=bind,"source=/a""b",target=/t'),
        ("/a,readonly", 'type=bind,"source=/a,readonly",target=/t'),
        ("/a'b", "type=bind,source=/a'b,target=/t"),
        ("/a=b", "type=bind,source=/a=b,target=/t"),
        ("/a\nb", 'type=bind,"source=/a\nb",target=/t'),
    ],
)
def test_a_mount_is_written_as_a_line_of_csv(source: str, written: str) -> None:
    """Docker reads it so: a comma in a path is no new field."""
    assert written == mount_value(bind(source), PLAN)


TEXT = st.text(st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"]), min_size=1)


@given(TEXT, TEXT, st.booleans())
def test_any_source_and_target_are_read_back_from_the_csv(
    source: str, target: str, read_only: bool
) -> None:
    """Two paths, whatever is in them."""
    mount = bind(f"/{source}", f"/{target}", read_only=read_only)
    (fields,) = csv.reader([mount_value(mount, PLAN)], strict=True)

    expected = ["type=bind", f"source=/{source}", f"target={mount.target}"]
    assert [*expected, *(["readonly"] if read_only else [])] == fields


@given(TEXT)
def test_a_shell_reads_the_words_that_were_meant(text: str) -> None:
    """Whatever is in paths: the line can be copied."""
    mounts = MountPlan((bind(f"/{text}"),))
    plan = replace(environment_plan(mounts), workdir=P("/") / text)

    name = "devenv-code-app"
    expected = ["docker", "run", "--detach", f"--name={name}", *run_options(plan)]
    assert [*expected, plan.image, "infinity"] == run_words(plan, name)


def test_the_volumes_are_created_first_with_their_labels() -> None:
    plan = environment_plan(mount_plan(tvim()), settings=Settings(prefix="devenv"))
    lines = list(start_lines(plan, "x1"))
    head = "docker volume create --label=devenv=true --label=devenv.prefix=devenv "

    assert [f"{head}{mount.source}" for mount in plan.mounts.volumes] == lines[:4]
    assert "docker run " in lines[7]


def test_volumes_of_podman_are_created_as_devenv_makes_them_there() -> None:
    plan = environment_plan(engine=replace(info(), podman=True))
    head = "docker volume create --label=devenv=true --label=devenv.prefix=devenv "

    assert f"{head}--opt=o=uid=0,gid=0 devenv-cache" in list(start_lines(plan, "x1"))


def test_the_directory_of_links_is_made_before_the_container() -> None:
    """Where it is missing the engine would refuse."""
    plan = environment_plan(mount_plan(tvim("a b")))
    source = plan.mounts.locks[0].source
    lines = list(start_lines(plan, "x1"))

    assert lines[4:7] == [
        f"mkdir -p {source}",
        f"ln -sfn -- '/opt/devenv/config/tvim/a b' '{source}/a b'",
        f"ln -sfn -- /opt/devenv/lock/tvim/lazy-lock.json {source}/lazy-lock.json",
    ]


def test_what_happens_before_anyone_gets_in_is_a_comment() -> None:
    """A shell that is given the lines does not stumble over it."""
    plan = environment_plan(mount_plan(tvim("a b")))
    after = list(start_lines(plan, "x1"))[8:]

    assert after
    assert all(line.startswith("# then, ") for line in after)
    assert "# then, before anyone gets in: root /opt/devenv/lock/tvim" in after


def test_the_labels_of_volumes_are_those_of_the_prefix() -> None:
    plan = environment_plan(at=project(prefix="mine"))

    for mount in plan.mounts.volumes:
        assert mount.labels == {"devenv": "true", "devenv.prefix": "mine"}


def test_a_newline_in_a_name_does_not_end_a_comment() -> None:
    """What stood below it would be a command to whoever copies the lines."""
    settings = Settings(lockfiles={"tvim": ("a\nrm -rf b",)})
    plan = environment_plan(mounts=mount_plan(tvim(), settings=settings))
    lines = list(start_lines(plan, "devenv-code-app"))
    commands = [shlex.split(line)[0] for line in lines if not line.startswith("# ")]

    assert {"docker", "mkdir", "ln"} == set(commands)
    assert not [line for line in lines if line.startswith("# ") and "\n" in line]
