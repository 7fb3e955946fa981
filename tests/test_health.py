"""Health: from facts to findings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devenv_lib.errors import EngineFailure, SettingsError
from devenv_lib.mounts import LeftOut, MountPlan
from devenv_lib.mounts.records import Cause
from devenv_lib.names import (
    LABEL_ADOPTING,
    LABEL_COMPLETE,
    LABEL_UNFINISHED,
    common_labels,
    helper_name,
    unfinished_name,
)
from devenv_lib.plans.claims import claimed
from devenv_lib.plans.health.configuration import (
    Agent,
    agent_finding,
    configuration_findings,
)
from devenv_lib.plans.health.engine import (
    GIB,
    Chosen,
    Disk,
    Program,
    choice_findings,
    disk_finding,
    engine_finding,
    program_finding,
    prune_finding,
)
from devenv_lib.plans.health.environments import (
    EnvironmentFacts,
    environment_findings,
)
from devenv_lib.plans.health.finding import Finding, Mend, failed, failing
from devenv_lib.plans.health.image import ImageFacts, image_finding, user_finding
from devenv_lib.plans.health.private import Private
from devenv_lib.plans.health.settings import keys, settings_findings, sound
from devenv_lib.plans.health.versions import versions_finding
from devenv_lib.plans.health.volumes import Seen, VolumeFacts, volume_findings
from devenv_lib.plans.leftovers import ROOT, Findings
from devenv_lib.plans.orphans import Directories
from devenv_lib.records import Container, Image, MountPoint, Volume
from devenv_lib.settings import Layer, Settings
from tests import builders
from tests.builders import IDENTITY, PROJECT, P


def bind(source: str, target: str) -> MountPoint:
    """Return a read-only bind."""
    return MountPoint("bind", source, target, read_only=True)


def wrong(findings: object) -> list[tuple[str, str]]:
    """Return word and subject of what is not in order."""
    assert isinstance(findings, list)
    return [(f.word, f.subject) for f in findings if f.word != "OK"]


def test_a_failure_is_told_without_what_was_given() -> None:
    error = SettingsError("'x' is 'secret'.", "It takes y.", "'x' is not what it takes.")
    assert failing("settings", error) == Finding(
        "settings", "FAIL", "'x' is not what it takes", "It takes y."
    )
    assert failing("engine", EngineFailure("It broke.")).why == "It broke"
    assert failed([failing("x", error)])
    assert not failed([Finding("x", "WARN", "")])


# What is not told


HIDDEN = Private(("/home/ada", "/home"), "ada")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("inv run --path /home/ada/work/app", "inv run --path ~/work/app"),
        ("inv run --path '/home/ada/my work'", "inv run --path ~/'my work'"),
        ("cd /home/ada && ls '/home/ada'", "cd ~ && ls '~'"),
        ("/home/adam/x", "~/adam/x"),
        ("docker --host unix:///home/ada/d.sock ps", "docker --host unix://$HOME/d.sock ps"),
        ("docker --host 'unix:///home/ada/a b'", "docker --host unix://$HOME/'a b'"),
        ("tcp://ada:pass@host:2375", "tcp://host:2375"),
        ("ssh://ada@host", "ssh://host"),
    ],
)
def test_commands_have_the_home_as_a_shell_takes_it(text: str, told: str) -> None:
    assert HIDDEN.command(text) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/srv/ada/app", "/srv/USER/app"),
        ("devenv-ada-app", "devenv-USER-app"),
        ("/mnt/home/ada/app", "/mnt/home/USER/app"),
        ("/srv/adam", "/srv/adam"),
        ("canada", "canada"),
    ],
)
def test_a_text_has_not_the_users_name(text: str, told: str) -> None:
    assert HIDDEN.text(text) == told


def test_roots_name_is_nobodys_and_the_root_nobodys_home() -> None:
    assert Private(("/", ""), "root").text("/ and /root are root's") == "/ and /root are root's"


def test_all_of_a_finding_is_hidden_and_its_mend_stays() -> None:
    mend = Mend("image", "devenv-project-ada-app:latest")
    found = Finding("environment /home/ada/x", "WARN", "/home/ada/y", "ls /home/ada/z", mend)
    (told,) = HIDDEN.findings([found])
    assert told == Finding("environment ~/x", "WARN", "~/y", "ls ~/z", mend)


# Settings


def test_what_is_right_counts_and_all_that_is_wrong_is_told() -> None:
    layers = [
        Layer("a", {"memory": "1g", "memori": 1, "cpus": "x", "build": 3, "ports": [80]}),
        Layer("b", "text"),
        Layer("c", {"prefix": "other", "image": "img"}, trusted=False),
        Layer("D", {"cpus": "2"}, text=True),
    ]
    settings, errors = sound(layers)
    assert (settings.memory, settings.cpus, settings.prefix) == (GIB, 2.0, "devenv")
    assert settings.image == "img"
    assert [str(e).split(" in ")[0] for e in errors] == [
        *("'devenv.memori'", "'devenv.cpus'", "'devenv.build'", "'devenv'"),
        "'devenv.prefix' is set",
    ]
    assert all("'x'" not in e.discreet for e in errors)


def test_settings_that_do_not_go_together_leave_the_others() -> None:
    layer = Layer("a", {"memory": "2g", "memory_swap": "1g", "prefix": "mine"})
    settings, (error,) = sound([layer])
    assert (settings.prefix, settings.memory) == ("mine", Settings().memory)
    assert "memory_swap" in str(error)


def test_of_what_does_not_go_together_all_is_told_and_the_rest_counts() -> None:
    extra = {"devenv-go": "~/go"}
    layer = Layer("a", {"memory": "2g", "memory_swap": "1g", "volumes": {"extra": extra}})
    settings, (error,) = sound([layer])
    assert settings.volumes.extra == extra
    assert "memory_swap" in str(error)

    wrong = Layer("b", {"volumes": {"extra": {"other-go": "~/gone"}}})
    settings, errors = sound([layer, wrong])
    assert not settings.volumes.extra
    assert ["memory_swap" in str(e) for e in errors] == [True, False]
    assert "other-go" in str(errors[1])


def test_the_keys_of_a_layer_are_dotted() -> None:
    assert keys(Layer("a", {"build": {"base": "x"}, "image": "y"})) == ["build.base", "image"]
    assert keys(Layer("a", None)) == keys(Layer("a", 3)) == []


def test_settings_are_told_by_their_keys_and_never_by_their_values() -> None:
    layers = [
        Layer("/f.yaml", {"image": "secret"}),
        Layer("DEVENV_CPUS", {"cpus": "secret"}, text=True),
    ]
    found = list(settings_findings(layers, []))
    assert [f.why for f in found] == ["/f.yaml sets image", "variables: DEVENV_CPUS"]
    (default,) = settings_findings([], [])
    assert (default.word, default.why) == ("OK", "all are the defaults")


# The engine


def test_the_engine_is_told_with_how_it_was_chosen() -> None:
    info = builders.info()
    assert engine_finding(info, "default (unix://x)", "the default").why == (
        "default (unix://x), the default: 26.1.5, API 1.45, as root"
    )
    rootless = engine_finding(builders.info(rootless=True), "t", "DOCKER_HOST")
    assert "t, chosen by DOCKER_HOST" in rootless.why
    assert rootless.why.endswith("rootless")
    assert engine_finding(builders.info(machine="OrbStack"), "t", "x").why.endswith("in OrbStack")


@pytest.mark.parametrize(
    ("disk", "word"),
    [
        (None, "OK"),
        (Disk("/d", 6 * GIB, 10 * GIB), "OK"),
        (Disk("/d", 4 * GIB, 100 * GIB), "WARN"),
        (Disk("/d", GIB // 4, 100 * GIB), "FAIL"),
        (Disk("/d", 50 * GIB, 100 * GIB, 1, 100), "WARN"),
        (Disk("/d", 50 * GIB, 100 * GIB, 0, 100), "FAIL"),
        (Disk("/d", 50 * GIB, 100 * GIB, 50, 100), "OK"),
    ],
)
def test_the_room_that_is_left_decides(disk: Disk | None, word: str) -> None:
    found = disk_finding(disk)
    assert (found.word, bool(found.remedy)) == (word, word != "OK")


def test_prunes_that_spare_the_volumes_are_in_order() -> None:
    assert prune_finding("1.41", ["label!=devenv"], "f").word == "OK"
    assert prune_finding("1.41", [], "f").remedy.startswith("To spare them, in f:")


def test_what_names_another_engine_and_does_not_count_is_told() -> None:
    host = Chosen("DOCKER_HOST", "unix:///a", "unix:///a")
    same, other = (
        Chosen("DOCKER_CONTEXT", "unix:///a", "a"),
        Chosen("currentContext in f", "b", "b"),
    )
    assert list(choice_findings([])) == list(choice_findings([host, same])) == []
    (found,) = choice_findings([host, same, other])
    assert (found.word, found.remedy) == ("WARN", "If b is meant: unset DOCKER_HOST")


@pytest.mark.parametrize(
    ("program", "word"),
    [
        (Program("28", "ME"), "OK"),
        (Program("28", "OTHER"), "WARN"),
        (Program("28", "", "permission denied"), "FAIL"),
        (Program("", "", "broken"), "FAIL"),
    ],
)
def test_the_docker_program_has_to_take_the_same_engine(program: Program, word: str) -> None:
    info = builders.info(id="ME")
    assert program_finding(program, info, "title", "docker info").word == word


def test_an_engine_without_an_id_is_compared_with_none() -> None:
    assert program_finding(Program("28", "X"), builders.info(), "t", "w").word == "OK"


# The image and its user


IMAGE = Image("sha256:1", "devuser", {}, "2026-11-25T01:02:03.4Z")


def test_an_image_is_there_missing_or_outdated() -> None:
    facts = ImageFacts("i", "project", IMAGE, "/p/.devenv")
    assert (
        image_finding(facts, PROJECT).why
        == "i, made 2026-11-25T01:02:03, from what it is built from now"
    )
    missing = image_finding(replace(facts, image=None), PROJECT)
    assert (missing.word, missing.mend) == ("WARN", Mend("image", "i"))
    old = image_finding(replace(facts, outdated=True), PROJECT)
    assert (old.word, old.mend, old.remedy) == ("WARN", None, "inv build --path /home/me/code/app")
    default = image_finding(replace(facts, kind="default", outdated=True), PROJECT)
    assert "or was built for another owner" in default.why
    given = image_finding(ImageFacts("i", "given", None), PROJECT)
    assert given.remedy == "docker pull i"


@pytest.mark.parametrize(
    ("owner", "kind", "word"),
    [
        (1000, "default", "OK"),
        (0, "default", "WARN"),
        (1001, "default", "WARN"),
        (7, "given", "WARN"),
    ],
)
def test_the_images_user_should_be_the_projects_owner(owner: int, kind: str, word: str) -> None:
    assert user_finding(IDENTITY, owner, PROJECT, kind).word == word


def test_nobody_is_told_to_give_away_a_directory_of_the_system() -> None:
    found = user_finding(IDENTITY, 0, builders.project("/etc/app"), "default")
    assert (found.word, found.remedy) == ("WARN", "")


# Volumes


def facts(*objects: Volume | Container, **more: object) -> VolumeFacts:
    return VolumeFacts(
        builders.snapshot(*objects),
        "devenv",
        Directories("m"),
        who=IDENTITY,
        **more,  # type: ignore[arg-type]
    )


def planned(*names: str) -> list[MountPoint]:
    return [MountPoint("volume", n, f"/mnt/{n}", read_only=False) for n in names]


def test_volumes_that_are_as_they_should_be_are_in_order() -> None:
    seen = {"devenv-data": Seen(Findings(1000))}
    found = list(volume_findings(facts(builders.volume(), looks=seen)))
    assert wrong(found) == []
    assert found[0].why == "1 labelled volume of the prefix devenv"


@pytest.mark.parametrize(
    ("look", "word", "mend"),
    [
        (Findings(0, {ROOT: "d"}), "WARN", True),
        (Findings(1000, {b"a": "d", b"a/b": "f"}), "WARN", True),
        (Findings(1000, {}, {0: 2}, {0: b"x"}), "WARN", False),
        (Findings(1234, {}, {1234: 1}, {1234: ROOT}), "FAIL", False),
    ],
)
def test_who_owns_a_volume_decides(look: Findings, word: str, mend: bool) -> None:
    name = "devenv-data"
    found = list(volume_findings(facts(builders.volume(), looks={name: Seen(look)})))
    assert wrong(found) == [(word, name)]
    assert bool([f for f in found if f.mend]) == mend
    used = facts(builders.volume(), builders.container(volumes=[name]), looks={name: Seen(look)})
    assert not [f for f in volume_findings(used) if f.mend]


def test_places_at_which_something_is_mounted_are_expected() -> None:
    mounts = [*planned("devenv-data"), bind("/h", "/mnt/devenv-data/a/b")]
    look = {"devenv-data": Seen(Findings(1000, {b"a/b": "f"}))}
    assert wrong(list(volume_findings(facts(builders.volume(), planned=mounts, looks=look)))) == []
    container = replace(builders.container(), mounts=tuple(mounts))
    assert wrong(list(volume_findings(facts(builders.volume(), container, looks=look)))) == []
    assert wrong(list(volume_findings(facts(builders.volume(), looks=look)))) != []


def ill(*objects: Volume | Container, **more: object) -> list[Finding]:
    found = volume_findings(facts(*objects, **more))
    return [finding for finding in found if finding.word != "OK"]


def test_what_another_command_has_in_hand_is_not_judged_by_its_owner() -> None:
    """Mending it could be to undo a restore, which removes what it was to."""
    labels = {**common_labels("devenv"), LABEL_UNFINISHED: "devenv-data"}
    look = {"devenv-data": Seen(Findings(0, leftovers={ROOT: "d"}))}
    assert [one.mend for one in ill(builders.volume(), looks=look)] == [
        Mend("repair", "devenv-data")
    ]
    (told,) = ill(builders.volume(), Volume("devenv-data-unfinished", labels), looks=look)
    assert (told.word, told.mend) == ("FAIL", None)


@pytest.mark.parametrize(
    ("image", "begins"),
    [("devenv:latest", ""), ("devenv-code-app:latest", "DEVENV_IMAGE=devenv-code-app:latest ")],
)
def test_an_image_of_its_own_is_named_where_a_volume_is_to_become_its_users(
    image: str, begins: str
) -> None:
    """The command takes the default one's user else."""
    look = {"devenv-data": Seen(Findings(0, leftovers={ROOT: "d"}))}
    (told,) = ill(builders.volume(), looks=look, image=image)
    assert told.remedy == f"{begins}inv volume.repair --name devenv-data"


def test_a_copy_that_a_killed_adoption_left_is_a_finding() -> None:
    labels = common_labels("devenv")
    copy = Volume("devenv-x-adopting", {**labels, LABEL_ADOPTING: "devenv-x"})
    (told,) = ill(copy)
    assert (told.subject, told.word) == ("devenv-x-adopting", "WARN")
    assert told.remedy.endswith("inv volume.adopt --name devenv-x")
    complete = Volume("devenv-x-adopting-complete", {**labels, LABEL_COMPLETE: "devenv-x"})
    assert [one.word for one in ill(copy, complete)] == ["FAIL"]
    assert ill(copy, builders.container(volumes=["devenv-x-adopting"])) == []


def test_a_look_that_was_cut_short_says_so() -> None:
    look = {"devenv-data": Seen(Findings(1000), whole=False)}
    (_, found) = volume_findings(facts(builders.volume(), looks=look))
    assert (found.word, found.remedy) == ("OK", "inv volume.repair --dry --name devenv-data")


def test_namesakes_are_told_by_whose_they_are() -> None:
    names = ("devenv-data", "devenv-cache", "devenv-state", "devenv-none")
    found = list(
        volume_findings(
            facts(
                builders.volume("devenv-data", None),
                builders.volume("devenv-cache", "other"),
                builders.volume("devenv-state"),
                planned=planned(*names),
            )
        )
    )
    assert wrong(found) == [("FAIL", "devenv-cache"), ("WARN", "devenv-data")]
    assert [f.mend for f in found if f.mend] == [Mend("adopt", "devenv-data")]


def test_a_namesake_in_use_or_with_a_driver_is_not_mended() -> None:
    volume = builders.volume("devenv-data", None)
    user = builders.container("x", "exited", {}, ["devenv-data"])
    for objects in ((volume, user), (replace(volume, plain=False),)):
        found = list(volume_findings(facts(*objects, planned=planned("devenv-data"))))
        assert wrong(found) == [("WARN", "devenv-data")]
        assert not [f for f in found if f.mend]


def test_a_volume_that_no_adoption_takes_is_not_to_be_adopted() -> None:
    volume = replace(builders.volume("devenv-data", None), plain=False)
    (found,) = [
        one
        for one in volume_findings(facts(volume, planned=planned("devenv-data")))
        if one.subject == "devenv-data"
    ]
    assert "adopt" not in found.remedy
    assert found.remedy.endswith("docker volume inspect devenv-data")


def test_what_a_helper_is_at_work_on_is_in_order() -> None:
    labels = {**common_labels("devenv"), LABEL_UNFINISHED: "devenv-data"}
    marker = Volume(unfinished_name("devenv-data"), labels)
    temporary = {**common_labels("devenv"), "devenv.temporary": "true"}
    helper = builders.container(
        helper_name("devenv", "x"), labels=temporary, volumes=["devenv-data"]
    )
    left = list(volume_findings(facts(builders.volume(), marker)))
    assert wrong(left) == [("FAIL", "devenv-data")]
    assert wrong(list(volume_findings(facts(builders.volume(), marker, helper)))) == []
    stopped = replace(helper, state="created")
    assert wrong(list(volume_findings(facts(builders.volume(), marker, stopped)))) != []


def test_a_claim_is_by_prefix_and_by_path() -> None:
    own = Volume("devenv-x", {**common_labels("devenv"), "devenv.path": "/a"})
    assert claimed(own, "devenv", "/a") is None
    assert claimed(own, "devenv") is None
    assert claimed(own, "devenv", "/b") is not None
    assert claimed(own, "other", "/a") is not None
    assert claimed(Volume("devenv-x", {}), "devenv", "/a") is None


# Environments


def of(container: Container, **more: object) -> list[Finding]:
    return list(environment_findings([EnvironmentFacts(PROJECT, container, **more)]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("container", "more", "said"),
    [
        (builders.container(state="exited"), {}, "it is stopped"),
        (builders.container(state="exited"), {"displaced": ["/x is gone"]}, "/x is gone"),
        (builders.container(state="exited"), {"unseen": ["/x may not"]}, "be started: /x may not"),
        (builders.container(state="paused"), {}, "paused"),
        (builders.container("devenv-code-app.restarting"), {}, "its restart is not finished"),
        (builders.container("devenv-code-app.replaced"), {}, "its replacement is not finished"),
        (builders.container(), {"state": "missing"}, "is gone"),
        (builders.container(), {"differs": ["a", "b"]}, "otherwise now: a; b"),
        (builders.container(), {"agent": "/old"}, "not the present one (/old)"),
        (
            builders.container(),
            {"replaced": [bind("/a", "/ssh-agent")]},
            "an ssh agent that is not the present one",
        ),
        (
            builders.container(),
            {"replaced": [bind("/a", "/b")]},
            "/b is still the former /a",
        ),
    ],
)
def test_an_environment_that_is_not_as_it_should_be_is_one_finding(
    container: Container, more: dict[str, object], said: str
) -> None:
    found = of(container, **more)
    assert wrong(found) == [("WARN", "environment /home/me/code/app")]
    assert said in found[0].why
    assert "devenv-code-app" not in found[0].remedy or "unpause" in found[0].remedy


def test_one_that_runs_as_it_would_be_made_is_in_order() -> None:
    assert wrong(of(builders.container())) == []
    (none,) = environment_findings([])
    assert none.word == "OK"


# Configuration


def test_an_agent_is_none_one_that_answers_or_none_that_does() -> None:
    assert agent_finding(None).word == "OK"
    assert agent_finding(Agent("/a", 1)).why == "answers at /a, with 1 key"
    assert agent_finding(Agent("/a", problem="nobody answers")).word == "WARN"


def test_what_is_not_there_is_missed_by_nobody() -> None:
    left = [
        LeftOut("/h/.bashrc", P("/i/.bashrc"), "not there", "missing"),
        LeftOut("$SSH_AUTH_SOCK", P("/ssh-agent"), "no ssh agent is running"),
    ]
    assert wrong(list(configuration_findings(MountPlan((), tuple(left))))) == []


@pytest.mark.parametrize(
    ("cause", "remedy"),
    [
        ("dangling", "ls -l '/h/a b'"),
        ("", "realpath '/h/a b'"),
        ("limit", "DEVENV_LINKED_MOUNTS=NUMBER"),
    ],
)
def test_what_is_there_and_not_mounted_has_its_remedy(cause: Cause, remedy: str) -> None:
    """Whatever is in its name."""
    left = LeftOut("/h/a b", P("/i/a"), "it leads to /h/linked_mounts, which leads nowhere", cause)
    (_, found) = configuration_findings(MountPlan((), (left,)))
    assert (found.word, remedy in found.remedy) == ("WARN", True)


def test_versions_are_one_line() -> None:
    assert versions_finding({"a": "1", "b": "", "c": "2"}).why == "a 1, c 2"
