"""The short grammar of ``devenv``: what a command line becomes, and what it never does."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devenv_lib.cli.grammar import translate
from devenv_lib.cli.program import commands
from devenv_lib.cli.usage import usage
from devenv_lib.errors import UsageError

COMMANDS = commands()
#: What there is in the directory where the command line is typed.
DIRECTORIES = {"app", "build", "volume", "my app", "-odd"}


def translated(*argv: str) -> list[str]:
    """Return what a command line becomes, where `DIRECTORIES` exist."""
    return translate(argv, COMMANDS, DIRECTORIES.__contains__)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["."], ["run", "--path=."]),
        ([".."], ["run", "--path=.."]),
        (["app"], ["run", "--path=app"]),
        (["my app"], ["run", "--path=my app"]),
        (["./app/../nowhere"], ["run", "--path=./app/../nowhere"]),
        (["~"], ["run", "--path=~"]),
        (["~ada/app"], ["run", "--path=~ada/app"]),
        (["--detach", "."], ["run", "--detach", "--path=."]),
        (["-d", "."], ["run", "-d", "--path=."]),
        ([".", "--detach"], ["run", "--path=.", "--detach"]),
        (["--image", "x:1", "app"], ["run", "--image", "x:1", "--path=app"]),
        (["--image=x:1", "app"], ["run", "--image=x:1", "--path=app"]),
        (["--path", "app"], ["run", "--path", "app"]),
        (["run"], ["run"]),
        (["run", "app"], ["run", "--path=app"]),
        (["list"], ["list"]),
        (["list", "--all", "--format", "json"], ["list", "--all", "--format", "json"]),
        (["stop"], ["stop"]),
        (["stop", "."], ["stop", "--path=."]),
        (["stop", "devenv-a-b"], ["stop", "--name=devenv-a-b"]),
        (
            ["stop", "app", "devenv-a-b", "../x"],
            ["stop", "--path=app", "--name=devenv-a-b", "--path=../x"],
        ),
        (["stop", "--all"], ["stop", "--all"]),
        (["stop", "--keep", "app"], ["stop", "--keep", "--path=app"]),
        (["stop", "run"], ["stop", "--name=run"]),
        (["exec", ".", "--", "ls", "-l"], ["exec", "--path=.", "--", "ls", "-l"]),
        (["exec", "--", "ls"], ["exec", "--", "ls"]),
        (
            ["check", "app", "-k", "run", "--", "-x"],
            ["check", "--path=app", "-k", "run", "--", "-x"],
        ),
        (["check", "--", "app"], ["check", "--", "app"]),
        (
            ["exec", "devenv-a-b", "--user", "root", "--", "id"],
            ["exec", "--name=devenv-a-b", "--user", "root", "--", "id"],
        ),
        (
            ["exec", "--env", "A=1", "--env", "B=app", "app", "--", "env"],
            ["exec", "--env", "A=1", "--env", "B=app", "--path=app", "--", "env"],
        ),
        (["volume", "list"], ["volume.list"]),
        (["volume.list"], ["volume.list"]),
        (["volume", "list", "--no-size"], ["volume.list", "--no-size"]),
        (["volume", "rm", "devenv-data"], ["volume.rm", "--name=devenv-data"]),
        (
            ["volume", "rm", "devenv-data", "devenv-cache"],
            ["volume.rm", "--name=devenv-data", "--name=devenv-cache"],
        ),
        (["volume", "rm", "--all"], ["volume.rm", "--all"]),
        (["volume", "rm", "--force", "x-y"], ["volume.rm", "--force", "--name=x-y"]),
        (["volume", "rm", "x-y", "--force"], ["volume.rm", "--name=x-y", "--force"]),
        (["volume", "rm", "-f", "x-y"], ["volume.rm", "-f", "--name=x-y"]),
        (["volume", "rm", "--all", "--force"], ["volume.rm", "--all", "--force"]),
        (["volume", "restore", "a b.tar"], ["volume.restore", "--from=a b.tar"]),
        (["volume", "restore", "app"], ["volume.restore", "--from=app"]),
        (["volume", "restore", "run"], ["volume.restore", "--from=run"]),
        (
            ["volume", "restore", "--name", "x-y", "~/a.tar", "--replace"],
            ["volume.restore", "--name", "x-y", "--from=~/a.tar", "--replace"],
        ),
        (["volume", "restore", "--from", "a.tar"], ["volume.restore", "--from", "a.tar"]),
        (["build"], ["build"]),
        (["build", "app", "--no-cache"], ["build", "--path=app", "--no-cache"]),
        (["setup", "run", "."], ["setup", "run", "--path=."]),
        (["build", "run"], ["build", "run"]),
        (["--dry", "stop", "app"], ["--dry", "stop", "--path=app"]),
        (["-f", "my.yaml", "app"], ["-f", "my.yaml", "run", "--path=app"]),
        (["-f", "my.yaml", "--dry", "list"], ["-f", "my.yaml", "--dry", "list"]),
        (["stop", "app", "--dry"], ["stop", "--path=app", "--dry"]),
        ([], []),
        (["help"], ["--help"]),
        (["help", "stop"], ["--help", "stop"]),
        (["help", "help"], ["--help"]),
        (["help", "volume"], ["--list", "volume"]),
        (["volume", "rm", "-fa"], ["volume.rm", "-fa"]),
        (["exec", "-papp", "--", "x"], ["exec", "-papp", "--", "x"]),
        (["help", "volume", "rm"], ["--help", "volume.rm"]),
        (["--help", "volume", "rm"], ["--help", "volume.rm"]),
        (["--version"], ["--version"]),
        (["stop", "--help"], ["stop", "--help"]),
        (["--list"], ["--list"]),
    ],
)
def test_a_command_line_becomes_invokes_words(typed: list[str], meant: list[str]) -> None:
    assert translated(*typed) == meant


def test_the_words_of_a_command_stay_as_they_were_typed() -> None:
    words = ["a b", "", "--", "-x", "--path", "app", "stop", "'\"", "*", "\n"]
    assert translated("exec", "app", "--", *words) == ["exec", "--path=app", "--", *words]


@pytest.mark.parametrize(
    ("typed", "said", "hint"),
    [
        (["lst"], "'lst' is neither a command nor a directory", "devenv list"),
        (["volumes"], "'volumes' is neither", "devenv volume list"),
        (["volume", "--force", "rm", "a"], "--force stands before", "volume COMMAND --force"),
        (["volume", "--help"], "'volume' is not a command of its own", "devenv help volume"),
        (["exec", "--path", "app", "app", "--", "x"], "'app' is too much", ""),
        (["exec", "--name=x-y", "app", "--", "x"], "'app' is too much", ""),
        (["run", "--path=app", "app"], "'app' is too much", ""),
        (["run", "app", "lst"], "'lst' is too much", ""),
        (["build", "lst"], "'lst' is neither", "devenv list"),
        (["list", "extra"], "'extra' is too much behind list", ""),
        (["stop", "-kn", "x-y"], "-n needs a value", ""),
        (["volume", "rm", "-fn", "x-y"], "-n needs a value", ""),
        (["exec", "-lp", "app", "--", "x"], "-p needs a value", ""),
        (["xyzzy"], "'xyzzy' is neither", "Commands: "),
        (["volume"], "'volume' is not a command", "devenv volume list"),
        (["volume", "ls"], "'volume ls' is not a command", "devenv volume list"),
        (["volume", "remove", "x-y"], "'volume remove' is not", "devenv volume rm"),
        (["list", "app"], "'app' is too much behind list", "devenv help list"),
        (["exec", ".", "ls"], "'ls' is too much", "devenv exec PATH -- COMMAND"),
        (["exec", "..."], "is not a directory or a name", "devenv help exec"),
        (["run", "app", "app"], "'app' is too much", ""),
        (["build", "nowhere"], "'nowhere' is neither a command", ""),
        (["stop", ""], "'' is not a directory or a name", ""),
        (["volume", "rm", "../containers/x"], "is not a volume's name", ""),
        (["volume", "rm", "."], "'.' is not a volume's name", ""),
        (["volume", "restore", "a.tar", "b.tar"], "takes one archive", "help volume restore"),
        (["volume", "restore", "--from=a.tar", "b.tar"], "takes one archive", ""),
        (["--detach"], "'--detach' belongs to no command", "devenv ."),
        (["--image", "x"], "belongs to no command", ""),
        (["--path", "app", "run"], "--path stands before the command's name", "devenv run --path"),
        (["-d", "list"], "-d stands before", "devenv list -d"),
        (["--all", "list"], "--all stands before", "devenv list --all"),
        (["-k", "volume", "list"], "-k stands before", "devenv volume list -k"),
        (["-f"], "-f needs a value", ""),
        (["stop", "--name"], "--name needs a value", ""),
        (["stop", "app", "--", "x"], "Only exec takes a command", "devenv exec"),
        (["--", "ls"], "Only exec takes a command", ""),
        (["help", "nothing"], "'nothing' is neither", ""),
        (["help", "stop", "run"], "'run' is too much behind help", ""),
        ([""], "'' is neither", ""),
        (["-"], "'-' is neither", ""),
    ],
)
def test_a_wrong_command_line_is_an_error_that_helps(
    typed: list[str], said: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        translated(*typed)
    assert said in str(caught.value)
    assert hint in caught.value.hint
    assert caught.value.exit_code == 4


def test_a_command_may_follow_a_path_with_flags_before_it() -> None:
    assert translated("--detach", ".", "list") == ["run", "--detach", "--path=.", "list"]


def test_a_command_is_meant_where_a_directory_has_its_name() -> None:
    """The directory is `./build`."""
    assert translated("build") == ["build"]
    assert translated("./build") == ["run", "--path=./build"]


WORDS = st.one_of(
    st.sampled_from(
        [
            *("run", "list", "stop", "exec", "volume", "rm", "build", "help", "setup", "mounts"),
            *("volume.rm", "volume.list", ".", "app", "my app", "-odd", "devenv-a-b", "--", "-"),
            *("--all", "--force", "--path", "--path=app", "--name", "--name=x-y", "-f", "-a"),
            *("--dry", "--help", "--version", "--env", "A=1", "--user", "--keep", "--recreate", ""),
        ]
    ),
    st.text(max_size=8),
)


def invented(words: list[str], typed: list[str]) -> list[str]:
    """Return the words that were not typed, but for those that the grammar may make."""
    pairs = {".".join(pair) for pair in itertools.pairwise(typed)}
    values = {f"--{kind}={word}" for kind in ("path", "name") for word in typed}
    by_path = any(word in values or word.startswith("--path") for word in words)
    made = {
        *pairs,
        *values,
        *(["run"] if by_path else []),
        *(["--help", "--list"] if "help" in typed else []),
    }
    return [word for word in words if word not in {*typed, *made}]


@given(st.lists(WORDS, max_size=7))
@example(["stop"])
@example(["volume", "rm", "--force"])
def test_nothing_is_acted_on_that_was_not_named(argv: list[str]) -> None:
    """It ends in an error of ours, or in words that were typed."""
    try:
        words = translated(*argv)
    except UsageError:
        return
    end = argv.index("--") if "--" in argv else len(argv)
    own = words[: len(words) - len(argv[end:])]
    assert words[len(own) :] == argv[end:]  # a command's words, untouched
    assert invented(own, argv[:end]) == []


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("run", "devenv run [FLAGS] [PATH]"),
        ("exec", "devenv exec [FLAGS] [PATH|NAME] -- COMMAND…"),
        ("check", "devenv check [FLAGS] [PATH] [-- FLAGS…]"),
        ("volume.cp", "devenv volume cp [FLAGS] NAME"),
        ("list", "devenv list [FLAGS]"),
        ("setup", "devenv setup"),
    ],
)
def test_help_says_how_a_command_is_typed(name: str, typed: str) -> None:
    assert usage(COMMANDS[name]) == typed
