"""Identity: who an image's user is, from the image's own passwd."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv_lib.errors import ImageError
from devenv_lib.images.identity import expected_identity, parse_identity
from devenv_lib.records import Identity
from tests.builders import P

USERS = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
devuser:x:1000:1000::/home/devuser:/bin/bash
alice:x:1001:100:Alice,,,:/home/alice:/bin/zsh
bare:x:1002:1002::/home/bare:
homeless:x:1003:1003:::/bin/sh
rooted:x:1004:1004::/:/bin/sh
relative:x:1005:1005::home:/bin/sh
slashes:x:1007:1007:://:/bin/sh
odd:x:abc:1006::/home/odd:/bin/sh
"""
DEVUSER = Identity("devuser", 1000, 1000, P("/home/devuser"), "/bin/bash")
ALICE = Identity("alice", 1001, 100, P("/home/alice"), "/bin/zsh")


def failure(user: str, passwd: str = USERS, *, chosen: bool = False) -> ImageError:
    with pytest.raises(ImageError) as caught:
        parse_identity(passwd, user, "img:1", chosen=chosen)
    return caught.value


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("", Identity("devuser", 1500, 1500, P("/home/devuser"), "/bin/bash")),
        ("alice", Identity("alice", 1500, 1500, P("/home/alice"), "/bin/bash")),
        ("root", Identity("root", 0, 0, P("/root"), "/bin/bash")),
        ("0:0", Identity("root", 0, 0, P("/root"), "/bin/bash")),
        ("1001:100", Identity("1001", 1001, 100, P("/home/1001"), "/bin/bash")),
    ],
)
def test_who_it_would_be_where_the_image_was_not_read(wanted: str, expected: Identity) -> None:
    """A dry run shows the numbers that it can know."""
    assert expected_identity(None, "img:1", (1500, 1500), wanted) == expected


@pytest.mark.parametrize("user", ["alice", "1001", "alice:staff", "1001:20", "alice:"])
def test_a_user_is_found_by_name_or_number_with_or_without_a_group(user: str) -> None:
    """All the forms of a Dockerfile's USER; the group is the passwd's."""
    assert parse_identity(USERS, user, "img:1") == ALICE


@pytest.mark.parametrize("user", ["", "root", "0", "root:root", "0:0"])
def test_an_image_that_ends_as_root_runs_as_devuser(user: str) -> None:
    """Environments never run as root because an image forgot to say otherwise."""
    assert parse_identity(USERS, user, "img:1") == DEVUSER


@pytest.mark.parametrize("user", ["root", "0"])
def test_a_setting_may_choose_root(user: str) -> None:
    """A person's own choice."""
    root = Identity("root", 0, 0, P("/root"), "/bin/bash")

    assert root == parse_identity(USERS, user, "img:1", chosen=True)


ROOTS = [
    ("toor:x:0:0::/root:/bin/sh", "toor"),
    ("toor:x:0:0::/root:/bin/sh", "toor:staff"),
    ("devuser:x:0:0::/home/devuser:/bin/sh", ""),
    ("devuser:x:0:0::/home/devuser:/bin/sh", "0"),
    ("root:x:00:0::/root:/bin/sh", "00"),
]


def test_root_that_the_image_calls_otherwise_cannot_be_chosen() -> None:
    """An environment remembers its user by name, and would not let anybody in."""
    error = failure("0", "admin:x:0:0::/root:/bin/sh", chosen=True)
    assert "'admin' of the image img:1 is root by another name" in str(error)


@pytest.mark.parametrize("user", ["alice", "1001"])
def test_who_chooses_an_ordinary_user_has_not_chosen_root(user: str) -> None:
    """Whatever an image calls by that name, or number."""
    error = failure(user, f"{user}:x:0:0::/home/alice:/bin/sh", chosen=True)
    assert "is root by another name" in str(error)


@pytest.mark.parametrize(("passwd", "user"), ROOTS)
def test_an_image_whose_user_is_root_by_another_name_is_refused(passwd: str, user: str) -> None:
    """What counts is the number, also devuser's."""
    error = failure(user, passwd)

    assert "of the image img:1 is root by another name" in str(error)
    assert "DEVENV_USER=root inv run" in error.hint


def test_an_image_that_would_run_as_root_is_refused() -> None:
    """It has no devuser: with both ways out."""
    error = failure("", "root:x:0:0::/root:/bin/bash\n")

    assert "The image img:1 has no user 'devuser'" in str(error)
    assert "would run as root" in str(error)
    assert "DEVENV_USER=NAME inv run" in error.hint


def test_a_user_that_the_image_does_not_have_is_refused() -> None:
    """Without the remark about root, which has nothing to do with it."""
    error = failure("bob")

    assert str(error) == "The image img:1 has no user 'bob' in its /etc/passwd."


def test_a_chosen_user_that_the_image_does_not_have_is_refused() -> None:
    assert "'bob'" in str(failure("bob", chosen=True))


@pytest.mark.parametrize("passwd", ["", "\n", "  \n\n"])
def test_an_image_without_passwd_is_refused(passwd: str) -> None:
    """Such as one from scratch."""
    error = failure("alice", passwd)

    assert "has no /etc/passwd" in str(error)
    assert "inv run --image" in error.hint


@pytest.mark.parametrize("user", ["homeless", "rooted", "relative", "slashes"])
def test_a_user_without_a_home_of_its_own_is_refused(user: str) -> None:
    """Volumes are mounted below it: at ``/`` they would cover the system."""
    error = failure(user)

    assert f"The user {user!r} of the image img:1 has no home directory" in str(error)


def test_a_user_whose_number_is_none_is_refused() -> None:
    """A damaged line is no defect of devenv."""
    assert "odd" in str(failure("odd"))


def test_a_user_without_a_shell_has_sh() -> None:
    """As login has it."""
    assert parse_identity(USERS, "bare", "img:1").shell == "/bin/sh"


def test_lines_that_are_none_are_passed_over() -> None:
    """Comments, blank lines, NIS's plus signs, too few and too many fields."""
    passwd = f"# comment\n\n+::::::\na:b\nalice:x:5:5:::::\n{USERS}"

    assert parse_identity(passwd, "alice", "img:1") == ALICE


def test_a_name_that_is_a_number_is_found_as_a_name_too() -> None:
    """The first line that matches counts, as for the engine."""
    passwd = "1001:x:7:7::/home/seven:/bin/sh\n" + USERS

    assert parse_identity(passwd, "1001", "img:1").uid == 7


@given(st.text(), st.text(), st.booleans())
def test_any_passwd_gives_a_user_with_a_home_or_a_refusal(
    passwd: str, user: str, chosen: bool
) -> None:
    """An image is somebody else's: whatever its files hold, there is no traceback."""
    try:
        who = parse_identity(passwd, user, "img:1", chosen=chosen)
    except ImageError:
        return

    assert who.home.is_absolute()
    assert P("/") != who.home
