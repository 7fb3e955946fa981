"""What the tab key offers on a ``devenv`` command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib.cli.complete import complete
from devenv_lib.cli.program import commands

COMMANDS = commands()
KNOWN = {
    "environments": ["devenv-work-app", "devenv-work-lib"],
    "volumes": ["devenv-cache", "devenv-data"],
    "directories": ["app/", "src/"],
}
VOLUME_TASKS = sorted(n.removeprefix("volume.") for n in COMMANDS if n.startswith("volume."))


def offered(*words: str) -> list[str]:
    """Return what is offered for the last of ``words``."""
    return complete(words, COMMANDS, KNOWN.__getitem__)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["vol"], ["volume"]),
        (["st"], ["stop"]),
        (["s"], ["setup", "src/", "ssh-config", "stop"]),
        (["volume", ""], VOLUME_TASKS),
        (["volume", "rm"], ["rm"]),
        (["volume", "rm", ""], ["devenv-cache", "devenv-data"]),
        (["volume.rm", "devenv-c"], ["devenv-cache"]),
        (["volume", "rm", "devenv-data", "devenv-c"], ["devenv-cache"]),
        (["volume", "rm", "--name", "devenv-d"], ["devenv-data"]),
        (["volume", "rm", "--f"], ["--force"]),
        (["volume", "usage", "devenv-c"], ["devenv-cache"]),
        (["volume", "cp", "devenv-c"], ["devenv-cache"]),
        (["volume", "cp", "devenv-cache", "--to", "a"], ["app/"]),
        (["volume", "repair", "devenv-c"], ["devenv-cache"]),
        (["volume", "repair", "--o"], ["--owner"]),
        (["stop", ""], ["app/", "devenv-work-app", "devenv-work-lib", "src/"]),
        (["stop", "devenv-work-l"], ["devenv-work-lib"]),
        (["stop", "--name", "devenv-work-a"], ["devenv-work-app"]),
        (["--dry", "stop", "devenv-work-l"], ["devenv-work-lib"]),
        (["-f", "stop", "sto"], ["stop"]),
        (["exec", "a"], ["app/"]),
        (["exec", "app", "--", ""], []),
        (["exec", "app", "--", "stop", ""], []),
        (["run", ""], ["app/", "src/"]),
        (["run", "--path", ""], ["app/", "src/"]),
        (["list", "--format", ""], ["json", "names", "table"]),
        (["list", "--format", "j"], ["json"]),
        (["volume", "list", "--format", "n"], ["names"]),
        (["volume", "backup", "--format", ""], ["json", "table"]),
        (["volume", "clone", "devenv-cache", "--to", ""], []),
        (["volume", "rm", "devenv-cache", "--backup", "a"], ["app/"]),
        (["check", "--junit", "a"], ["app/"]),
        (["help", "vo"], ["volume"]),
        (["help", "volume", ""], VOLUME_TASKS),
        (["--ver"], ["--version"]),
        (["nonsense", ""], []),
    ],
)
def test_the_tab_key_offers_what_fits(words: list[str], expected: list[str]) -> None:
    assert offered(*words) == expected


def test_an_empty_line_offers_every_command() -> None:
    first = {name.partition(".")[0] for name in COMMANDS}
    assert first <= set(offered(""))
    assert offered() == offered("")


@given(st.lists(st.one_of(st.sampled_from(["stop", "volume", "rm", "--", "-f", ""]), st.text())))
def test_it_never_fails_and_offers_only_what_begins_alike(words: list[str]) -> None:
    assert all(word.startswith(words[-1] if words else "") for word in offered(*words))
