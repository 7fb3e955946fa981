"""Who is in an environment, from its processes; and the words of a login shell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib.plans import login_words, read_processes, sessions

#: An environment in which nobody is: the engine's init, the sleep below it, and the look.
EMPTY = """\
1 (docker-init) S 0 1 1 0 -1
7 (sleep) S 1 7 1 0 -1
40 (sh) S 0 40 40 0 -1
41 (cat) R 40 40 40 0 -1
"""


def found(more: str) -> tuple[str, ...]:
    """Return the sessions of an environment with ``more`` processes."""
    return sessions(read_processes(EMPTY + more), 40)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", ()),
        ("50 (bash) S 0 50 50 0 -1\n", ("bash",)),
        ("50 (bash) S 0 50 50 0 -1\n51 (vim) S 50 51 50 0 -1\n", ("bash",)),
        ("50 (bash) S 0 5 5 0\n60 (sh) S 0 6 6 0\n", ("bash", "sh")),
        ("50 (sleep) S 0 50 50 0 -1\n", ("sleep",)),
        ("50 (tmux: server) S 1 50 50 0 -1\n", ("tmux: server",)),
        ("50 (odd) name) S 0 50 50 0 -1\n", ("odd) name",)),
        ("50 (bash) Z 0 50 50 0 -1\n", ()),
        ("20 (sshd) S 1 20 20 0 -1\n", ()),
        (
            "20 (sshd) S 1 2 2 0\n30 (sshd-session) S 20 3 3 0\n31 (bash) S 30 3 3\n",
            ("sshd-session",),
        ),
        ("nonsense\n\n", ()),
    ],
)
def test_sessions_are_what_was_begun_from_outside_and_what_stayed(
    more: str, expected: tuple[str, ...]
) -> None:
    assert found(more) == expected


def test_without_an_init_process_the_main_one_is_no_session() -> None:
    """An engine without one has the sleep as process 1."""
    only = "1 (sleep) S 0 1 1 0 -1\n40 (sh) S 0 40 40 0 -1\n50 (bash) S 0 50 50 0\n"
    assert sessions(read_processes(only), 40) == ("bash",)


@given(st.text())
def test_whatever_is_read_is_no_failure(text: str) -> None:
    sessions(read_processes(text), 0)


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        ("/bin/bash", ["/bin/bash", "-l", "-c", '"$@"', "bash", "a b", ""]),
        ("/usr/bin/zsh", ["/usr/bin/zsh", "-l", "-c", '"$@"', "zsh", "a b", ""]),
        (
            "/usr/bin/fish",
            ["/usr/bin/fish", "--login", "--command", "$argv", "--", "a b", ""],
        ),
    ],
)
def test_a_login_shell_takes_the_words_as_its_arguments(shell: str, expected: list[str]) -> None:
    assert login_words(shell, ["a b", ""]) == expected
