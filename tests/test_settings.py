"""Settings: what each key takes, where it may be set, and which layer wins."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib.errors import SettingsError
from devenv_lib.readers import DEFAULT_LOCKFILES, READERS, STRUCTURED, MountRequest
from devenv_lib.records import Port
from devenv_lib.settings import WIDENING, Build, Layer, Settings, load, variables
from devenv_lib.texts import quoted


def nested(key: str, value: object) -> dict[str, object]:
    """Return a layer's values with one dotted key set."""
    head, _, tail = key.partition(".")
    return {head: {tail: value} if tail else value}


def read(key: str, value: object) -> object:
    """Load one key from a file and return what the settings then have."""
    settings: object = load([Layer("~/.invoke.yaml", nested(key, value))])
    for name in key.split("."):
        settings = getattr(settings, name)
    return settings


def failure(layer: Layer) -> SettingsError:
    """Return the error that loading ``layer`` ends with."""
    with pytest.raises(SettingsError) as caught:
        load([layer])
    return caught.value


DIGESTED = f"registry.example:5000/a/b_c:1.0@sha256:{'0f' * 32}"
GOOD: list[tuple[str, object, object]] = [
    ("prefix", "ci-7", "ci-7"),
    ("image", "debian:trixie-slim", "debian:trixie-slim"),
    ("image", DIGESTED, DIGESTED),
    ("image", "devenv", "devenv"),
    ("image", "", ""),
    ("user", "alice", "alice"),
    ("user", "1000", "1000"),
    ("user", 1000, "1000"),
    ("memory", "512m", 512 << 20),
    ("memory", "2G", 2 << 30),
    ("memory", "7000k", 7000 << 10),
    ("memory", "10000000b", 10_000_000),
    ("memory", 1 << 30, 1 << 30),
    ("memory", "1073741824", 1 << 30),
    ("memory_swap", "16g", 16 << 30),
    ("cpus", 2, 2.0),
    ("cpus", 1.5, 1.5),
    ("cpus", "0.25", 0.25),
    *(("limits_required", value, False) for value in (False, "false")),
    *(("limits_required", value, True) for value in (True, "true", "True")),
    ("ports", [8080], (Port(8080, 8080),)),
    ("ports", ["3000:80", "1:65535"], (Port(3000, 80), Port(1, 65535))),
    ("ports", [], ()),
    ("ports", (8080,), (Port(8080, 8080),)),
    *(("ssh", value, None) for value in ("auto", "Auto")),
    *(("ssh", value, True) for value in (True, "true", "True")),
    *(("ssh", value, False) for value in (False, "false")),
    ("ssh_port", 2200, 2200),
    ("ssh_port", "65535", 65535),
    ("ssh_port", "0", 0),
    ("mounts", [{"source": "~/a", "target": "/b"}], (MountRequest("~/a", "/b"),)),
    (
        "mounts",
        [{"source": "/a", "target": "~/b", "mode": "rw", "required": True}],
        (MountRequest("/a", "~/b", "rw", required=True),),
    ),
    ("lockfiles", {}, {"tvim": ("lazy-lock.json",)}),
    (
        "lockfiles",
        {"nvim": ["lazy-lock.json", "b.json"]},
        {"tvim": ("lazy-lock.json",), "nvim": ("lazy-lock.json", "b.json")},
    ),
    ("lockfiles", {"tvim": ["other.json"]}, {"tvim": ("other.json",)}),
    ("linked_mounts", 0, 0),
    ("linked_mounts", 1000, 1000),
    ("linked_mounts", "64", 64),
    ("build.base", "debian:bookworm", "debian:bookworm"),
    ("build.ca_certificates", ["~/ca.pem", "/b c.pem"], ("~/ca.pem", "/b c.pem")),
    ("volumes.protected", ["devenv-data", "*-[st]?*"], ("devenv-data", "*-[st]?*")),
    ("volumes.scope", {"devenv-cache": "project"}, {"devenv-cache": "project"}),
    ("volumes.extra", {"devenv-go": "~/go"}, {"devenv-go": "~/go"}),
]


@pytest.mark.parametrize(("key", "value", "expected"), GOOD)
def test_a_key_is_read_into_its_type(key: str, value: object, expected: object) -> None:
    """What a file says becomes what the library works with."""
    assert expected == read(key, value)


def test_every_key_has_a_good_example_here() -> None:
    """A new key comes with its test."""
    assert set(READERS) == {key for key, _, _ in GOOD}


NOT_TEXT: list[object] = [None, 5, 1.5, True, [], ["a"], {}]
SIZES: list[object] = [None, True, False, 0, -1, 1.5, "", "0", "0g", "8gb", "1.5g", "-1g", "g", []]
#: References that no engine takes, or takes for another object's.
IMAGES = ["a..b", "../a", "a/../b", "a:", "a@sha256:0f", "a//b", "a?b", "a%2fb", "ä"]
#: Long ones of which all but the end is good: a pattern must not try every way to read them.
IMAGES += [
    "ghcr.io/organisation/some-project/MyImage",
    "a" * 60 + "!",
    "a-" * 30 + "/" + "b" * 60 + "B",
]
#: Ports that are none, each alone in a list and beside a good one.
PORTS: list[object] = [0, -1, 65536, "", "a", ":", "80:", ":80", "1:2:3", "1:0", "80/udp", True]
PORTS += [None, 80.0, [80], {}, "0.0.0.0:80:80", "80 ", "80\n"]
#: What makes a good mount a bad one.
MOUNTS: list[dict[str, object]] = [
    {"mode": "w"},
    {"mode": None},
    {"mode": ["ro"]},
    {"required": "yes"},
    {"required": 1},
    {"readonly": True},
    {"source": "a"},
    {"source": ""},
    {"source": "~"},
    {"source": "~alice/a"},
    {"source": 5},
    {"source": None},
    {"target": "b"},
    {"target": ""},
    {"target": "../b"},
    {"target": ["/b"]},
    {"target": "/"},
    {"target": "/."},
    {"target": "/.."},
    {"target": "/x/../b"},
    {"target": "~/.."},
    {"target": "~/.config/../.config/tvim"},
    {"target": "/b\0"},
    {"source": "/a\0b"},
]
LOCKFILES: list[object] = [
    {"nvim": "a.json"},
    {"nvim": None},
    {"nvim": [5]},
    {"nvim": [""]},
    {"nvim": ["."]},
    {"nvim": [".."]},
    {"nvim": ["a/b"]},
    {"nvim": ["../a"]},
    {"../nvim": ["a"]},
    {"a/b": ["a"]},
    {"": ["a"]},
    {".": ["a"]},
    {"..": ["a"]},
    {5: ["a"]},
]
BAD_VALUES: dict[str, list[object]] = {
    "prefix": [*NOT_TEXT, "", "a", "A-b", "a--b", "-ab", "ab-", "a/b", "a b", "ab\n"],
    "image": [*NOT_TEXT, "--privileged", " a", "a b", "a\n", "a;b", "$(a)", "/a", *IMAGES],
    "user": [one for one in NOT_TEXT if isinstance(one, bool) or not isinstance(one, int)],
    "memory": [*SIZES, {}, "8 g", "8g\n", "0x10", "inf"],
    "memory_swap": SIZES,
    "cpus": [None, True, False, 0, -1, "", "two", "nan", "inf", [], {}, "0", "-2", 10**400],
    "ports": [
        *(None, 8080, "8080", {}, {"8080": 80}, True),
        *([port] for port in PORTS),
        *([80, port] for port in PORTS),
    ],
    "limits_required": [None, 0, 1, "", "yes", "1", [], {}],
    "ssh": [None, 0, 1, 1.0, "", "yes", "1", "auto ", [], {}],
    "ssh_port": [*PORTS[1:], 1.5, "0x16", "-1", "00080000", "٣", []],
    "mounts": [
        *(None, "a:b", {"source": "/a", "target": "/b"}, True, 5),
        *([None], ["/a:/b"], [5], [[]], [{}], [{"source": "/a"}], [{"target": "/a"}]),
        *([{"source": "/a", "target": "/b"} | change] for change in MOUNTS),
    ],
    "lockfiles": [
        *(None, "nvim", ["nvim"], 5, True, *LOCKFILES),
        *({"tvim": ["a\0b"]}, {"tvim": ["\ud800"]}, {"tvim": ["a/b"]}),
    ],
    "linked_mounts": [
        *(None, True, False, -1, 1001, 99999, 1.5, 2.0, "", "many", "-1", "+1", "1001", "1e2"),
        *("3 ", "3\n", "٣", [], [3], {}),
    ],
    "build.base": [None, 5, [], "", "--no-cache", "a b"],
    "build.ca_certificates": [None, "~/ca.pem", 5, {}, [5], [None]],
    "volumes.scope": [
        "devenv-cache",
        ["devenv-cache"],
        {"devenv-cache": True},
        {"../x": "project"},
    ],
    "volumes.extra": [
        *("devenv-go", ["devenv-go"], {"devenv-go": "go"}, {"devenv-go": "~"}, {"devenv-go": "/"}),
        *({"devenv-go": "~/../x"}, {"devenv-go": 1}, {"a/b": "/x"}, {"devenv-go": "/a\0"}),
    ],
    "volumes.protected": [
        None,
        "devenv-data",
        5,
        {},
        [5],
        [None],
        [""],
        ["a b"],
        ["a/b"],
        ["a[b"],
        ["a]"],
    ],
}
BAD = [(key, value) for key, values in BAD_VALUES.items() for value in values]


@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_wrong_value_is_refused_with_key_value_origin_and_what_is_accepted(
    key: str, value: object
) -> None:
    """Whoever reads the message knows what to change, where, and into what."""
    error = failure(Layer("/home/me/.invoke.yaml", nested(key, value)))

    assert str(error) == f"'devenv.{key}' in /home/me/.invoke.yaml is {quoted(value)}."
    assert error.hint.startswith("It takes ")
    assert len("It takes .") < len(error.hint)


def test_every_key_has_a_bad_example_here() -> None:
    """A new key comes with its refusals."""
    assert set(READERS) == set(BAD_VALUES)


@pytest.mark.parametrize(
    ("key", "value", "accepted"),
    [
        ("memory", "a lot", "512m or 8g"),
        ("cpus", "many", "a number from 0.01 on"),
        ("ports", ["http"], "from 1 to 65535"),
        ("ports", [8080, "8080:9000"], "published once"),
        ("image", "-x", "debian:trixie-slim"),
        ("prefix", "A", "lower-case"),
        ("mounts", [{}], "source, target"),
        ("mounts", [{"source": "a", "target": "/b"}], "begin with / or ~/"),
        ("mounts", [{"source": "/a", "target": "/"}], "below / and without '..'"),
        ("lockfiles", [], "below ~/.config"),
        ("linked_mounts", -1, "a whole number from 0 to 1000"),
        ("build.ca_certificates", "a", "a list of paths"),
        ("user", 1.5, "text"),
    ],
)
def test_a_refusal_says_what_is_accepted(key: str, value: object, accepted: str) -> None:
    """The accepted form is the key's own, with an example where one helps."""
    assert accepted in failure(Layer("f", nested(key, value))).hint


@pytest.mark.parametrize("key", ["imag", "build.bases", "volume", "Memory", "5"])
def test_an_unknown_key_is_refused_with_key_and_origin(key: str) -> None:
    """A key that is misspelt does nothing: better to say so than to go on without it."""
    error = failure(Layer("~/.invoke.yaml", nested(key, "x")))

    assert str(error) == f"'devenv.{key}' in ~/.invoke.yaml is not a setting."


def test_an_unknown_key_that_is_nearly_one_gets_a_suggestion() -> None:
    """The likeliest mistake is a letter."""
    assert failure(Layer("f", {"memry": "8g"})).hint == "Did you mean 'memory'?"


def test_an_unknown_key_that_is_like_none_gets_the_list() -> None:
    """All the keys that there are, for whoever guessed."""
    hint = failure(Layer("f", {"zzz": 1})).hint

    assert all(key in hint for key in READERS)


@pytest.mark.parametrize("values", ["text", 5, ["image"], True, False, 0, ""])
def test_settings_that_are_no_mapping_are_refused(values: object) -> None:
    """``devenv: text`` in a file is a mistake, also where the text is empty."""
    error = failure(Layer("~/.invoke.yaml", values))

    assert str(error) == "'devenv' in ~/.invoke.yaml is not a mapping of settings."
    assert "memory_swap" in error.hint


@pytest.mark.parametrize("value", [5, 0, "x", "", [], ["base"], True, False])
def test_build_that_is_no_mapping_is_refused_and_its_keys_named(value: object) -> None:
    """It is a setting, so it is not called an unknown one."""
    error = failure(Layer("f", {"build": value}))

    assert f"'devenv.build' in f is {value!r}." == str(error)
    assert error.hint == "It takes a mapping of base, ca_certificates."


@pytest.mark.parametrize("values", [None, {}, {"build": {}}, {"build": None}])
def test_an_empty_layer_changes_nothing(values: object) -> None:
    """A file without settings is as good as none."""
    assert Settings() == load([Layer("f", values)])


def test_without_layers_there_are_the_defaults() -> None:
    """8 GiB, 12 GiB with swap, 4 processors, no ports, tvim's lockfile."""
    settings = load([])

    assert (settings.prefix, settings.image, settings.user) == ("devenv", "", "")
    assert (settings.memory, settings.swap_limit, settings.cpus) == (8 << 30, 12 << 30, 4.0)
    assert (settings.ports, settings.mounts) == ((), ())
    assert settings.lockfiles == {"tvim": ("lazy-lock.json",)}
    assert Build("debian:trixie-slim", ()) == settings.build


def test_the_last_layer_wins_key_by_key() -> None:
    """A stronger layer replaces what it names and leaves the rest."""
    settings = load(
        [
            Layer("a", {"image": "one", "user": "alice", "cpus": 1}),
            Layer("b", {"image": "two", "cpus": 2}),
            Layer("c", {"cpus": 3}),
        ]
    )

    assert (settings.image, settings.user, settings.cpus) == ("two", "alice", 3.0)


def test_a_wrong_value_is_an_error_even_where_a_stronger_layer_replaces_it() -> None:
    """A mistake in a file does not wait for the day when the variable is gone."""
    with pytest.raises(SettingsError, match=r"'devenv\.cpus' in weak is 'many'"):
        load([Layer("weak", {"cpus": "many"}), Layer("strong", {"cpus": 2})])


def test_the_keys_of_build_are_merged_over_each_other() -> None:
    """One layer's certificates survive another one's base."""
    settings = load(
        [
            Layer("a", {"build": {"ca_certificates": ["/ca.pem"], "base": "one:1"}}),
            Layer("b", {"build": {"base": "two:2"}}),
        ]
    )

    assert Build("two:2", ("/ca.pem",)) == settings.build


def test_one_key_of_build_keeps_the_other_ones_default() -> None:
    """The library merges over its own defaults, which no parent's configuration can wipe."""
    settings = load([Layer("a", {"build": {"ca_certificates": ["/ca.pem"]}})])

    assert Build("debian:trixie-slim", ("/ca.pem",)) == settings.build


def test_lockfiles_are_merged_over_the_default() -> None:
    """Asking for nvim's keeps tvim's."""
    settings = load([Layer("a", {"lockfiles": {"nvim": ["l"]}})])

    assert settings.lockfiles == {**DEFAULT_LOCKFILES, "nvim": ("l",)}


def test_the_lockfiles_of_two_layers_are_merged() -> None:
    """Each may ask for a directory; the stronger one decides about those that both name."""
    weak = {"lockfiles": {"nvim": ["weak"], "emacs": ["weak"]}}
    strong = {"lockfiles": {"nvim": ["strong"]}}
    settings = load([Layer("a", weak), Layer("b", strong)])

    assert settings.lockfiles == {**DEFAULT_LOCKFILES, "nvim": ("strong",), "emacs": ("weak",)}


def test_swap_is_half_as_much_again_as_memory() -> None:
    """Whoever lowers the memory need not know about swap."""
    assert load([Layer("a", {"memory": "2g"})]).swap_limit == 3 << 30


def test_swap_that_is_given_is_taken() -> None:
    """It counts memory in, as docker's own flag does; equal to memory means none."""
    assert load([Layer("a", {"memory": "2g", "memory_swap": "2g"})]).swap_limit == 2 << 30


def test_swap_below_memory_is_refused_whichever_layers_they_come_from() -> None:
    """The engine would refuse it later and less clearly."""
    with pytest.raises(SettingsError, match=r"memory_swap.*is below 'devenv\.memory'") as caught:
        load([Layer("a", {"memory_swap": "1g"}), Layer("b", {"memory": "2g"})])

    assert "Raise memory_swap" in caught.value.hint


EXAMPLES: Mapping[str, object] = {key: value for key, value, _ in GOOD}


@pytest.mark.parametrize("key", sorted(WIDENING))
def test_a_project_may_not_set_what_widens_its_reach(key: str) -> None:
    """What runs inside can write the project, and with it the project's settings file."""
    error = failure(Layer("/p/invoke.yaml", nested(key, EXAMPLES[key]), trusted=False))

    assert f"'devenv.{key}' is set in /p/invoke.yaml" in str(error)
    assert "~/.invoke.yaml" in error.hint
    assert f"DEVENV_{key.replace('.', '_').upper()}" in error.hint


@pytest.mark.parametrize("key", sorted(WIDENING))
def test_a_persons_own_file_may_set_what_widens(key: str) -> None:
    """What a project may not, its user may."""
    assert Settings() != load([Layer("~/.invoke.yaml", nested(key, EXAMPLES[key]))])


@pytest.mark.parametrize("key", sorted(set(READERS) - WIDENING))
def test_a_project_may_set_the_rest(key: str) -> None:
    """Image, ports and the like are the project's business."""
    load([Layer("/p/invoke.yaml", nested(key, EXAMPLES[key]), trusted=False)])


def test_the_keys_that_widen_are_those_of_the_design() -> None:
    """And the prefix and the base: other projects' volumes, the image that all share."""
    limits = {"memory", "memory_swap", "cpus", "limits_required", "linked_mounts"}
    more = {"prefix", "build.base"}

    assert {
        "mounts",
        "user",
        "lockfiles",
        "build.ca_certificates",
        "volumes.protected",
        "volumes.extra",
        "ssh",
    } | limits | more == WIDENING


def test_a_project_is_told_about_trust_before_it_is_told_about_types() -> None:
    """Mending the type first would only lead to the next error."""
    error = failure(Layer("/p/invoke.yaml", {"mounts": "nonsense"}, trusted=False))

    assert "widens" in str(error)


def text(key: str, value: str) -> Layer:
    """Return a layer as a variable makes it."""
    return Layer("DEVENV_X", {key: value}, text=True)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("ports", '[8080, "3000:80"]', (Port(8080, 8080), Port(3000, 80))),
        ("mounts", '[{"source": "/a", "target": "/b"}]', (MountRequest("/a", "/b"),)),
        ("lockfiles", '{"tvim": []}', {"tvim": ()}),
        ("memory", "1g", 1 << 30),
        ("cpus", "2.5", 2.5),
        ("user", "1000", "1000"),
        ("image", "a:1", "a:1"),
    ],
)
def test_a_variable_is_text_and_json_where_text_is_not_enough(
    key: str, value: str, expected: object
) -> None:
    """A user named by a number stays text; a list is written as JSON."""
    assert expected == getattr(load([text(key, value)]), key)


def test_a_dotted_key_is_read_from_a_variable() -> None:
    """``DEVENV_BUILD_CA_CERTIFICATES`` is a list too."""
    assert load([text("build.ca_certificates", '["/a.pem"]')]).build.ca_certificates == ("/a.pem",)


@pytest.mark.parametrize("key", sorted(STRUCTURED))
@pytest.mark.parametrize("value", ["", "nonsense", "[", "5", "null", "true"])
def test_a_variable_that_is_no_json_of_the_kind_is_refused_and_json_asked_for(
    key: str, value: str
) -> None:
    """The message shows the text as it was given, and that JSON was expected."""
    error = failure(text(key, value))

    assert f"'devenv.{key}' in DEVENV_X is {value!r}." == str(error)
    assert error.hint.endswith(" (as JSON).")


def test_more_brackets_than_python_reads_are_no_list() -> None:
    with pytest.raises(SettingsError, match=r"'devenv\.ports' in DEVENV_PORTS is '\[+…") as caught:
        load([Layer("DEVENV_PORTS", {"ports": "[" * 100_000}, text=True)])
    assert len(str(caught.value)) < 300


def test_json_in_a_file_is_not_decoded() -> None:
    """A file has lists of its own: text that looks like one is a mistake."""
    assert "(as JSON)" not in failure(Layer("f", {"ports": "[8080]"})).hint


def test_variables_are_found_by_their_names() -> None:
    """Upper-case, dots as underscores, an empty one included: it is a value that was given."""
    environ = {"DEVENV_IMAGE": "a", "DEVENV_BUILD_BASE": "b", "DEVENV_USER": "", "IMAGE": "c"}

    assert variables(environ, "DEVENV_") == {"image": "a", "build.base": "b", "user": ""}


def test_other_tools_variables_are_left_alone() -> None:
    """``DEVENV_`` is not ours alone (cachix's devenv has it too)."""
    assert variables({"DEVENV_ROOT": "/x", "DEVENV_": "x", "DEVENV_IMAGES": "x"}, "DEVENV_") == {}


def test_every_key_can_be_a_variable() -> None:
    """Each key has a variable, and no two share one."""
    environ = {f"X_{key.replace('.', '_').upper()}": key for key in READERS}

    assert {key: key for key in READERS} == variables(environ, "X_")


def test_the_lockfiles_of_one_settings_object_cannot_be_changed() -> None:
    """Frozen to the bottom, the default included."""
    with pytest.raises(TypeError):
        Settings().lockfiles["x"] = ()  # type: ignore[index]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=8,
)


def refusal(layer: Layer) -> SettingsError | None:
    """Return the error that loading ``layer`` ends with, if any; no other may come out."""
    try:
        load([layer])
    except SettingsError as error:
        return error
    return None


@given(st.sampled_from(sorted(READERS)), anything, st.booleans())
def test_any_value_is_read_or_refused_and_nothing_else(key: str, value: object, text: bool) -> None:
    """Whatever a file holds, the only failure is the one with a remedy."""
    error = refusal(Layer("f", {key: str(value) if text else value}, text=text))

    assert error is None or (f"'devenv.{key}" in str(error) and error.hint)


@given(anything)
def test_any_file_is_read_or_refused_and_nothing_else(values: object) -> None:
    """The same for the whole of a file's ``devenv:``."""
    error = refusal(Layer("f", values))

    assert error is None or "'devenv" in str(error)


def test_a_directory_that_one_layer_changes_stays_changed_when_another_adds_one() -> None:
    """The defaults are merged once, below all layers, and not again with each."""
    first = Layer("a", {"lockfiles": {"tvim": ["other.json"]}})
    second = Layer("b", {"lockfiles": {"nvim": ["lazy-lock.json"]}})
    expected = {"tvim": ("other.json",), "nvim": ("lazy-lock.json",)}
    assert expected == dict(load([first, second]).lockfiles)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"scope": {"devenv-caches": "project"}}, "no volume of an environment"),
        ({"scope": {"other-cache": "project"}}, "does not begin with the prefix"),
        ({"extra": {"other-go": "~/go"}}, "does not begin with the prefix"),
        ({"extra": {"devenv-data": "~/go"}}, "which environments have already"),
        ({"extra": {"devenv-go-unfinished": "~/go"}}, "beside others for a while"),
    ],
)
def test_names_of_volumes_have_to_be_ones_of_environments(values: object, words: str) -> None:
    error = failure(Layer("~/.invoke.yaml", {"volumes": values}))
    assert words in str(error)
    assert "~/.invoke.yaml" in str(error)


def test_scopes_are_merged_volume_by_volume_and_follow_the_prefix() -> None:
    """A file names the volumes of the default prefix; under another one the same counts."""
    user = {
        "scope": {"devenv-cache": "project", "devenv-go": "shared"},
        "extra": {"devenv-go": "/go"},
    }
    project = {"scope": {"devenv-data": "project"}}
    settings = load(
        [
            Layer("~/.invoke.yaml", {"volumes": user}),
            Layer("/p/invoke.yaml", {"volumes": project}, trusted=False),
            Layer("DEVENV_PREFIX", {"prefix": "client"}, text=True),
        ]
    )
    assert settings.volumes.extra == {"client-go": "/go"}
    assert settings.volumes.scope == {
        "client-cache": "project",
        "client-go": "shared",
        "client-data": "project",
    }


def test_a_project_may_not_share_what_its_user_wants_apart() -> None:
    values = {"volumes": {"scope": {"devenv-cache": "shared"}}}
    error = failure(Layer("/p/invoke.yaml", values, trusted=False))
    assert "shares a volume" in str(error)
