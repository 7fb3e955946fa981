"""Removal: what would go, what is refused, and the command that frees it."""

from __future__ import annotations

import shlex

import pytest

from devenv_lib.errors import UsageError
from devenv_lib.names import LABEL_TEMPORARY, LABEL_UNFINISHED, common_labels, helper_name
from devenv_lib.plans import Refusal, RemovalPlan, removal
from devenv_lib.records import Container, Snapshot, Volume
from tests.builders import PROJECT, container, project, snapshot, volume

ALL = None


def refusal(seen: Snapshot, name: str = "devenv-data", prefix: str = "devenv") -> Refusal:
    """Return the one refusal of removing ``name``."""
    plan = removal(seen, prefix, [name])
    assert plan.volumes == ()
    (one,) = plan.refusals
    return one


def test_a_labelled_volume_that_nobody_uses_is_removed() -> None:
    assert RemovalPlan((volume(),), ()) == removal(snapshot(volume()), "devenv", ["devenv-data"])


def test_a_volume_that_is_still_to_be_made_is_in_the_hands_of_a_restore() -> None:
    """Killed between its marker and the volume: what there is can be cleared up."""
    labels = {**common_labels("devenv"), LABEL_UNFINISHED: "devenv-data"}
    found = refusal(snapshot(Volume("devenv-data-unfinished", labels)))
    assert "not finished" in found.reason
    assert "inv volume.repair --name devenv-data" in found.remedy


def test_volumes_are_removed_in_the_order_they_were_named() -> None:
    seen = snapshot(volume("aa"), volume("bb"))

    assert (volume("bb"), volume("aa")) == removal(seen, "devenv", ["bb", "aa"]).volumes


def test_a_volume_that_is_named_twice_is_removed_once() -> None:
    """And refused once."""
    seen = snapshot(volume("aa"), volume("bb"))

    assert (volume("aa"), volume("bb")) == removal(seen, "devenv", ["aa", "bb", "aa"]).volumes
    assert len(removal(seen, "devenv", ["no", "no"]).refusals) == 1


def test_a_volume_that_does_not_exist_is_refused() -> None:
    """Whoever misspelt a name learns it before anything else is removed."""
    assert Refusal("devenv-data", "there is no such volume", "inv volume.list") == refusal(
        snapshot()
    )


@pytest.mark.parametrize(
    "labels", [{}, {"devenv": "false"}, {"devenv": ""}, {"devenv.prefix": "devenv"}]
)
def test_a_volume_without_the_label_is_refused_whatever_its_name(labels: dict[str, str]) -> None:
    """Nothing that devenv did not label is ever removed."""
    one = refusal(snapshot(Volume("devenv-data", labels)))

    assert one.reason == "it does not carry the label devenv=true"
    assert one.remedy.startswith("docker volume rm devenv-data ")


def test_a_volume_of_another_prefix_is_refused_and_its_own_named() -> None:
    """It is somebody else's on a shared engine."""
    one = refusal(snapshot(volume(prefix="other")))

    assert one.reason == "it belongs to the prefix other, not to devenv"
    assert one.remedy == "DEVENV_PREFIX=other inv volume.rm --name devenv-data"


def test_a_prefix_that_a_shell_would_read_is_quoted_in_the_remedy() -> None:
    """A label is anybody's text; the remedy is copied into a shell."""
    one = refusal(snapshot(volume(prefix="x; rm -rf ~")))

    assert shlex.split(one.remedy)[0] == "DEVENV_PREFIX=x; rm -rf ~"


@pytest.mark.parametrize("labels", [{"devenv": "true"}, {"devenv": "true", "devenv.prefix": ""}])
def test_a_volume_without_a_prefix_counts_as_devenvs(labels: dict[str, str]) -> None:
    """An older tool of this family labelled so: the default prefix may, no other."""
    older = Volume("devenv-data", labels)

    assert (older,) == removal(snapshot(older), "devenv", ["devenv-data"]).volumes
    assert refusal(snapshot(older), prefix="mine").remedy.startswith("DEVENV_PREFIX=devenv ")


@pytest.mark.parametrize("state", ["running", "paused", "restarting", "removing"])
def test_a_volume_that_a_running_container_mounts_is_refused(state: str) -> None:
    """With the container's name and the command that ends it."""
    one = refusal(snapshot(volume(), container(state=state, volumes=["devenv-data"])))

    assert one.reason == "it is mounted by the running container devenv-code-app"
    assert one.remedy == "inv stop --path /home/me/code/app"


@pytest.mark.parametrize("state", ["exited", "created", "dead"])
def test_a_volume_that_a_stopped_container_references_is_refused(state: str) -> None:
    """The engine would refuse it, and the container would start without its state."""
    one = refusal(snapshot(volume(), container(state=state, volumes=["devenv-data"])))

    assert one.reason == "the stopped container devenv-code-app still references it"
    assert one.remedy == "inv stop --path /home/me/code/app"


def test_an_environment_that_is_still_starting_is_ended_by_the_same_command() -> None:
    user = container("devenv-code-app.starting", volumes=["devenv-data"])

    assert refusal(snapshot(volume(), user)).remedy == "inv stop --path /home/me/code/app"


def test_a_path_that_a_shell_would_read_is_quoted_in_the_remedy() -> None:
    """Paths have spaces and quotes."""
    its = project("/home/me/my code/it's $(x)")
    user = container(its.names[0], labels=its.labels, volumes=["devenv-data"])
    remedy = refusal(snapshot(volume(), user)).remedy

    assert shlex.split(remedy) == ["inv", "stop", "--path", "/home/me/my code/it's $(x)"]


def test_an_environment_of_another_prefix_is_ended_under_that_prefix() -> None:
    its = project(prefix="other")
    user = container(its.names[0], labels=its.labels, volumes=["devenv-data"])

    assert (
        refusal(snapshot(volume(), user)).remedy
        == "DEVENV_PREFIX=other inv stop --path /home/me/code/app"
    )


@pytest.mark.parametrize(
    "user",
    [
        container("sidecar", labels={}, volumes=["devenv-data"]),
        container("sidecar", labels=PROJECT.labels, volumes=["devenv-data"]),
        container("sidecar", labels={"devenv": "true"}, volumes=["devenv-data"]),
    ],
)
def test_somebody_elses_container_is_ended_with_docker(user: Container) -> None:
    """``inv stop`` would not touch it: labels alone do not make an environment."""
    remedy = refusal(snapshot(volume(), user)).remedy

    assert remedy == "docker stop sidecar && docker rm sidecar"


def test_nobody_is_told_to_stop_another_devenv_command_half_way() -> None:
    """A helper that never ran is nobody's: that one is to be removed."""
    labels = {**common_labels("devenv"), LABEL_TEMPORARY: "true"}
    name = helper_name("devenv", "devenv-data")
    at_work = container(name, labels=labels, volumes=["devenv-data"])
    left = container(name, "created", labels, ["devenv-data"])

    assert refusal(snapshot(volume(), at_work)).remedy.startswith("wait for the devenv command")
    assert refusal(snapshot(volume(), left)).remedy == f"docker rm {name}"


def test_somebody_elses_stopped_container_only_has_to_be_removed() -> None:
    user = container("sidecar", "exited", {}, ["devenv-data"])

    assert refusal(snapshot(volume(), user)).remedy == "docker rm sidecar"


def test_every_user_is_a_refusal_of_its_own_running_ones_first() -> None:
    """All that has to be done is said at once."""
    users = [
        container("bb", "exited", {}, ["devenv-data"]),
        container("aa", "exited", {}, ["devenv-data"]),
        container("cc", "running", {}, ["devenv-data"]),
    ]
    reasons = [one.reason for one in removal(snapshot(volume(), *users), "devenv", ALL).refusals]

    assert reasons == [
        "it is mounted by the running container cc",
        "the stopped container aa still references it",
        "the stopped container bb still references it",
    ]


def test_a_bind_with_a_volumes_name_is_no_use_of_it() -> None:
    """Only a mount of the kind volume references one."""
    user = container(volumes=["other"])

    assert removal(snapshot(volume(), user), "devenv", ["devenv-data"]).refusals == ()


def test_a_refusal_leaves_the_others_in_the_plan_to_be_named_as_kept() -> None:
    """One refusal refuses the whole command; the report says what was kept by it."""
    plan = removal(snapshot(volume("aa"), volume("bb", None)), "devenv", ["aa", "bb"])

    assert (volume("aa"),) == plan.volumes
    assert [one.volume for one in plan.refusals] == ["bb"]


def test_all_is_every_labelled_volume_of_the_prefix_by_name() -> None:
    """Neither another prefix's nor an unlabelled one, and these are no refusals either."""
    older = Volume("zz-older", {"devenv": "true"})
    seen = snapshot(
        volume("devenv-b"),
        volume("devenv-a"),
        volume("devenv-foreign", None),
        volume("devenv-other", "other"),
        older,
    )

    assert RemovalPlan((volume("devenv-a"), volume("devenv-b"), older), ()) == removal(
        seen, "devenv", ALL
    )
    assert (volume("devenv-other", "other"),) == removal(seen, "other", ALL).volumes


def test_all_refuses_what_is_in_use_like_a_name_does() -> None:
    """``--all`` skips nothing."""
    seen = snapshot(volume("aa"), volume("bb"), container(volumes=["bb"]))
    plan = removal(seen, "devenv", ALL)

    assert (volume("aa"),) == plan.volumes
    assert [one.volume for one in plan.refusals] == ["bb"]


def test_all_of_nothing_is_nothing() -> None:
    assert RemovalPlan((), ()) == removal(snapshot(volume("x1", "other")), "devenv", ALL)


@pytest.mark.parametrize("name", ["../containers/x", "", "a b", "a\nb", "a/b"])
def test_a_name_that_an_engine_could_read_otherwise_ends_the_command(name: str) -> None:
    """Before anything is looked up, also beside good names."""
    with pytest.raises(UsageError, match="is not a volume name"):
        removal(snapshot(volume()), "devenv", ["devenv-data", name])


# Protection


def test_a_protected_volume_is_refused_by_its_name_whatever_else_is_asked() -> None:
    """The refusal names the pattern and the setting."""
    seen = snapshot(volume("devenv-data"), volume("devenv-cache"))

    plan = removal(seen, "devenv", ["devenv-data", "devenv-cache"], ["devenv-d*"])

    (refusal,) = plan.refusals
    assert (refusal.volume, plan.volumes) == ("devenv-data", (volume("devenv-cache"),))
    assert refusal.reason == "it is protected by 'devenv-d*' in devenv.volumes.protected"
    assert "DEVENV_VOLUMES_PROTECTED" in refusal.remedy


def test_a_removal_of_all_goes_round_protected_volumes() -> None:
    """Also round one that is in use: what is not to be removed need not be free."""
    seen = snapshot(volume("aa"), volume("bb"), volume("cc"), container(volumes=["bb"]))

    plan = removal(seen, "devenv", ALL, ["b?"])

    assert plan == RemovalPlan((volume("aa"), volume("cc")), (), ("bb",))


def test_a_protected_volume_of_another_prefix_is_none_of_the_commands_business() -> None:
    assert removal(snapshot(volume("x1", "other")), "devenv", ALL, ["*"]).spared == ()


@pytest.mark.parametrize("pattern", ["DEVENV-DATA", "data", "devenv-dat", "devenv-data?"])
def test_a_pattern_is_about_the_whole_name(pattern: str) -> None:
    assert removal(snapshot(volume()), "devenv", ["devenv-data"], [pattern]).refusals == ()
