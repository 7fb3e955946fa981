"""Differences: how a running environment differs from the one that would be made now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devenv_lib.mounts import MountPlan
from devenv_lib.plans import EnvironmentPlan, differences
from devenv_lib.plans.differences import VOLATILE, Existing
from devenv_lib.records import Found, MountPoint, Port
from devenv_lib.settings import Settings
from tests.builders import IDENTITY, P, environment_plan, found, mount_plan

PLAN = environment_plan()


def made_from(plan: EnvironmentPlan) -> Existing:
    """Return the container that the plan makes, as an engine tells of it."""
    return Existing(
        image_id=plan.image_id,
        user=plan.identity.user,
        mounts=tuple(
            MountPoint(m.kind, m.source, str(m.target), m.read_only) for m in plan.mounts.mounts
        ),
        environment={**plan.environment, "PATH": "/usr/bin"},
        memory=plan.memory,
        swap=plan.swap,
        cpus=plan.cpus,
        ports=plan.ports,
    )


NOW = made_from(PLAN)


def with_agent(path: str) -> MountPlan:
    return mount_plan(agent=Found(P(path), P(path), "socket"))


def test_a_container_made_from_the_plan_does_not_differ() -> None:
    """Whatever else the image brings into its environment."""
    assert differences(NOW, PLAN) == ()


def test_the_order_of_mounts_and_ports_is_no_difference() -> None:
    """Engines answer in their own order."""
    plan = replace(PLAN, ports=(Port(1, 1), Port(2, 2)))
    was = replace(made_from(plan), mounts=NOW.mounts[::-1], ports=plan.ports[::-1])

    assert differences(was, plan) == ()


def test_another_image_is_a_difference() -> None:
    """Its name and the beginning of its id, as docker shows it."""
    lines = differences(replace(NOW, image_id="sha256:old"), PLAN)

    assert lines == ("the image is now devenv:latest (aaaaaaaaaaaa)",)


def test_an_image_that_is_not_here_yet_is_said_so() -> None:
    """It is another one than the environment's, whatever it will be."""
    expected = f"the image is now {PLAN.image} (not here yet)"
    assert (expected,) == differences(NOW, replace(PLAN, image_id=""))


def test_another_user_is_a_difference() -> None:
    """By number: a name is the image's word."""
    plan = replace(PLAN, identity=replace(IDENTITY, name="alice", uid=2000))

    assert differences(NOW, plan) == ("the user was 1000:1000, is now 2000:1000 (alice)",)


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (replace(PLAN, memory=1 << 29), "memory: was 8 GiB, is now 0.5 GiB"),
        (replace(PLAN, swap=9 << 30), "memory and swap: was 12 GiB, is now 9 GiB"),
        (replace(PLAN, cpus=0.5), "cpus: was 4, is now 0.5"),
    ],
)
def test_another_limit_is_a_difference(plan: EnvironmentPlan, line: str) -> None:
    assert differences(NOW, plan) == (line,)


def test_a_limit_that_the_engine_cannot_set_is_no_difference() -> None:
    """It says 0, or -1 for swap: recreating would change nothing."""
    assert differences(replace(NOW, memory=0, swap=-1, cpus=0.0), PLAN) == ()


def test_other_ports_are_a_difference() -> None:
    plan = replace(PLAN, ports=(Port(3000, 80), Port(81, 81)))

    assert differences(NOW, plan) == ("ports are now 3000:80, 81:81",)
    assert differences(made_from(plan), PLAN) == ("ports are now none",)


def test_sshd_that_comes_goes_or_moves_is_a_difference() -> None:
    with_ports = Settings(ports=(Port(3000, 3000),))
    plan = environment_plan(ssh=True, settings=with_ports)
    fixed = environment_plan(ssh=True, settings=Settings(ssh_port=2200))
    here = "ports are now 3000:3000, ssh on a port that the engine picks"

    assert differences(NOW, plan) == (here,)
    assert differences(made_from(fixed), PLAN) == ("ports are now none",)
    assert differences(made_from(plan), fixed) == ("ports are now ssh on 2200",)


def test_where_the_engine_may_pick_a_port_any_is_no_difference() -> None:
    """Who had one by `--port` is not told to give it up."""
    fixed = environment_plan(ssh=True, settings=Settings(ssh_port=2200))

    assert differences(made_from(fixed), environment_plan(ssh=True)) == ()


def test_a_mount_that_comes_or_goes_is_a_difference() -> None:
    """With source, target and mode."""
    plan = environment_plan(mount_plan(found(".bashrc")))
    shown = "/home/me/.bashrc at /home/devuser/.bashrc (ro)"

    assert differences(NOW, plan) == (f"new mount: {shown}",)
    assert differences(made_from(plan), PLAN) == (f"no longer mounted: {shown}",)


def test_a_mount_with_another_source_or_mode_goes_and_comes() -> None:
    moved = environment_plan(mount_plan(found(".bashrc", "file", "/dotfiles/bashrc")))
    plan = environment_plan(mount_plan(found(".bashrc")))

    assert differences(made_from(plan), moved) == (
        "new mount: /dotfiles/bashrc at /home/devuser/.bashrc (ro)",
        "no longer mounted: /home/me/.bashrc at /home/devuser/.bashrc (ro)",
    )


def test_a_mount_that_became_read_only_is_a_difference() -> None:
    plan = environment_plan(mount_plan(found(".bashrc")))
    was = made_from(plan)
    open_ = tuple(replace(m, read_only=False) for m in was.mounts)

    assert differences(replace(was, mounts=open_), plan) == (
        "new mount: /home/me/.bashrc at /home/devuser/.bashrc (ro)",
        "no longer mounted: /home/me/.bashrc at /home/devuser/.bashrc (rw)",
    )


def test_a_volume_that_the_image_asked_for_is_no_difference() -> None:
    """The engine named it; recreating would bring the like again."""
    anonymous = MountPoint("volume", "0f" * 32, "/var/lib/x", read_only=False)
    was = replace(NOW, mounts=(*NOW.mounts, anonymous))

    assert differences(was, PLAN) == ()


def test_the_agent_is_no_difference_when_it_moves_comes_or_goes() -> None:
    """It does so with every login."""
    one, two = environment_plan(with_agent("/run/1")), environment_plan(with_agent("/run/2"))

    assert [
        differences(made_from(was), plan) for was, plan in ((one, two), (one, PLAN), (PLAN, one))
    ] == [(), (), ()]


def test_another_variable_is_a_difference() -> None:
    was = replace(NOW, environment={**PLAN.environment, "LANG": "C"})

    assert differences(was, PLAN) == ("the variable LANG is now C.UTF-8",)


def test_a_missing_variable_is_a_difference() -> None:
    rest = {key: value for key, value in PLAN.environment.items() if key != "HISTFILE"}
    lines = differences(replace(NOW, environment=rest), PLAN)

    assert lines == ("the variable HISTFILE is now /home/devuser/.local/state/bash/history",)


@pytest.mark.parametrize("name", ["TERM", "COLORTERM", "TZ", "SSH_AUTH_SOCK"])
def test_what_follows_the_login_session_is_no_difference(name: str) -> None:
    """It is passed at every attach instead."""
    plan = replace(PLAN, environment={**PLAN.environment, name: "new"})

    assert name in VOLATILE
    assert differences(NOW, plan) == ()


def test_everything_that_differs_is_said_at_once() -> None:
    """A line for each, so that one recreate is enough to think about."""
    plan = environment_plan(
        mount_plan(found(".bashrc")),
        settings=Settings(memory=1 << 30, cpus=1.0, ports=(Port(80, 80),)),
        image=("other:1", "sha256:b"),
    )

    assert len(differences(NOW, plan)) == 6
