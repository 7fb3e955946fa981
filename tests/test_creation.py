"""Creation: what a container is created with, and when two plans are the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devenv_lib.mounts import MountPlan
from devenv_lib.plans import EnvironmentPlan
from devenv_lib.readers import MountRequest
from devenv_lib.records import LIMITS, Found, Port
from devenv_lib.settings import Settings
from tests.builders import (
    IDENTITY,
    P,
    environment_plan,
    found,
    info,
    mount_plan,
    project,
    tvim,
)

PLAN = environment_plan()


def with_agent(path: str) -> MountPlan:
    return mount_plan(agent=Found(P(path), P(path), "socket"))


def test_the_workdir_is_where_the_project_is_mounted() -> None:
    assert P("/home/devuser/code/app") == PLAN.workdir
    assert P("/workspaces/app") == environment_plan(at=project("/srv/app")).workdir


def test_memory_swap_and_ports_are_the_settings() -> None:
    settings = Settings(memory=1 << 30, ports=(Port(3000, 80),))
    plan = environment_plan(settings=settings)

    assert (1 << 30, 3 << 29, (Port(3000, 80),)) == (plan.memory, plan.swap, plan.ports)


@pytest.mark.parametrize(("there", "got"), [(1, 1.0), (4, 4.0), (64, 4.0)])
def test_processors_are_capped_to_what_the_engine_has(there: int, got: float) -> None:
    """More would be an error at create."""
    assert got == environment_plan(engine=info(there)).cpus


def test_a_part_of_a_processor_is_taken_as_it_is() -> None:
    assert environment_plan(settings=Settings(cpus=0.5), engine=info(1)).cpus == 0.5


@pytest.mark.parametrize(
    ("limits", "planned", "unlimited"),
    [
        (LIMITS, (8 << 30, 12 << 30, 4.0), ()),
        ({"memory", "cpus"}, (8 << 30, 0, 4.0), ("memory_swap",)),
        ({"memory_swap", "cpus"}, (0, 0, 4.0), ("memory", "memory_swap")),
        (set(), (0, 0, 0.0), ("cpus", "memory", "memory_swap")),
    ],
)
def test_a_limit_that_the_engine_cannot_set_is_not_asked_for(
    limits: set[str], planned: tuple[int, int, float], unlimited: tuple[str, ...]
) -> None:
    """It would be an error at the start on Podman."""
    plan = environment_plan(engine=info(limits=frozenset(limits)))

    assert (plan.memory, plan.swap, plan.cpus) == planned
    assert plan.unlimited == unlimited


def test_the_variables_of_every_process_inside() -> None:
    """UTF-8, a history that survives, and git trusting the project whoever owns it."""
    assert dict(PLAN.environment) == {
        "HOME": "/home/devuser",
        "LANG": "C.UTF-8",
        "HISTFILE": "/home/devuser/.local/state/bash/history",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "/home/devuser/code/app",
    }


def test_the_history_is_in_the_state_volume_of_the_users_home() -> None:
    plan = environment_plan(identity=replace(IDENTITY, home=P("/root")))

    assert plan.environment["HISTFILE"] == "/root/.local/state/bash/history"


def test_the_agent_is_named_where_there_is_one() -> None:
    assert environment_plan(with_agent("/run/a")).environment["SSH_AUTH_SOCK"] == "/ssh-agent"
    assert "SSH_AUTH_SOCK" not in PLAN.environment


@pytest.mark.parametrize(
    ("kernel", "shallow"), [((4, 18), True), ((5, 11), True), ((5, 12), False), ((), False)]
)
def test_with_an_old_kernel_no_mount_below_stays_writable(
    kernel: tuple[int, ...], shallow: bool
) -> None:
    """Docker makes them read-only by mount_setattr(2), which is there from 5.12 on."""
    assert shallow == environment_plan(engine=info(api="1.45", kernel=kernel)).shallow


@pytest.mark.parametrize(
    ("api", "shallow"), [("1.41", True), ("1.43", True), ("1.44", False), ("1.45", False)]
)
def test_until_api_1_44_read_only_binds_leave_out_what_is_mounted_below(
    api: str, shallow: bool
) -> None:
    """Before Docker 25 such a mount below would stay writable."""
    assert shallow == environment_plan(engine=info(api=api)).shallow


def test_the_labels_are_the_projects_and_the_digest() -> None:
    """One look at the labels tells whether the settings changed, and who the user is."""
    own = {"devenv.user": "devuser", "devenv.settings": PLAN.digest, "devenv.ssh": ""}
    labels = {**project().labels, **own}

    assert labels == PLAN.labels
    assert len(PLAN.digest) == 64


def test_sshd_has_a_label_and_a_port_behind_the_settings_own() -> None:
    plan = environment_plan(ssh=True, settings=Settings(ports=(Port(80, 80),), ssh_port=2200))

    assert plan.labels["devenv.ssh"] == "2222"
    assert plan.ports == (Port(80, 80), Port(2200, 2222))
    assert PLAN.labels["devenv.ssh"] == ""  # or an image's own label would count


def test_the_same_plan_has_the_same_digest() -> None:
    """Also in another process: nothing in it depends on hashing or order."""
    ports = (Port(1, 1), Port(2, 2))

    assert environment_plan().digest == PLAN.digest
    assert (
        environment_plan(settings=Settings(ports=ports)).digest
        == environment_plan(settings=Settings(ports=ports[::-1])).digest
    )


@pytest.mark.parametrize("path", ["/tmp/ssh-1/agent", "/run/user/1000/ssh"])  # noqa: S108
def test_the_agent_is_not_in_the_digest(path: str) -> None:
    """It moves with every login, and one that comes or goes changes no settings."""
    assert PLAN.digest == environment_plan(with_agent(path)).digest


MORE_MOUNTS = mount_plan(
    found("d", "directory"), settings=Settings(mounts=(MountRequest("~/d", "/d"),))
)


@pytest.mark.parametrize(
    "other",
    [
        environment_plan(settings=Settings(memory=1 << 30)),
        environment_plan(settings=Settings(memory_swap=9 << 30)),
        environment_plan(settings=Settings(cpus=1.0)),
        environment_plan(settings=Settings(ports=(Port(80, 80),))),
        environment_plan(ssh=True),
        environment_plan(settings=Settings(prefix="mine")),
        environment_plan(image=("devenv:latest", "sha256:other")),
        environment_plan(identity=replace(IDENTITY, name="alice")),
        environment_plan(mount_plan(found(".bashrc"))),
        environment_plan(mount_plan(tvim())),
        environment_plan(MORE_MOUNTS),
        replace(PLAN, workdir=P("/x")),
        replace(PLAN, environment={**PLAN.environment, "LANG": "C"}),
    ],
)
def test_whatever_the_settings_decide_is_in_the_digest(other: EnvironmentPlan) -> None:
    """Limits, ports, image, user, mounts and their modes, variables."""
    assert other.digest != PLAN.digest


def test_a_mount_that_becomes_writable_changes_the_digest() -> None:
    mounts = tuple(replace(mount, read_only=False) for mount in MORE_MOUNTS.mounts)
    writable = environment_plan(replace(MORE_MOUNTS, mounts=mounts))

    assert environment_plan(MORE_MOUNTS).digest != writable.digest


def test_what_is_only_for_people_is_not_in_the_digest() -> None:
    """A better reason in a later version makes no environment differ."""
    mounts = tuple(replace(mount, why="because") for mount in PLAN.mounts.mounts)

    assert PLAN.digest == environment_plan(replace(PLAN.mounts, mounts=mounts, left_out=())).digest
