"""Enter a running environment: a shell on this terminal, or one command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from devenv_lib import images
from devenv_lib.containers.lost import check_answered
from devenv_lib.containers.signals import teller
from devenv_lib.engine.session import LOST, MARK, attend, exec_words, new_mark
from devenv_lib.errors import EngineFailure, ImageError, UsageError
from devenv_lib.names import LABEL_USER, prefix_of
from devenv_lib.plans import login_words
from devenv_lib.records import Container, Identity
from devenv_lib.terminal import FALLBACK, on_terminal

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

_NONE: Mapping[str, str] = MappingProxyType({})


def attach(engine: Engine, container: Container, terminal: Mapping[str, str]) -> int:
    """Run the user's shell on this terminal and return its exit status.

    ``terminal`` holds ``TERM``, ``COLORTERM`` and ``TZ`` of this machine. The shell is the one
    in the image's passwd and no login shell: that would replace the image's ``PATH``. When the
    terminal goes away, what has a session of its own inside, as a ``tmux``, stays.

    Raises:
        ProgramMissing: there is no docker program, which attaches.

    Example::

        environment = devenv.up(engine, project, settings, host)
        status = devenv.attach(engine, environment.container, host.terminal)
        assert status == 0  # of the last command in it, or of its `exit`
    """
    return _run(engine, container, [who(engine, container).shell], terminal, spare=True)


def execute(
    engine: Engine,
    container: Container,
    words: Sequence[str],
    terminal: Mapping[str, str] = _NONE,
    *,
    variables: Mapping[str, str] = _NONE,
    user: str = "",
    login: bool = False,
    passed: Callable[[int], object] = lambda _: None,
) -> int:
    """Run ``words`` inside, exactly as given, and return their exit status.

    stdin, stdout and stderr are this process's own; inside is a terminal where stdin and
    stdout both are one here. ``terminal`` is as of `attach`, ``variables`` is what else the
    command finds in its environment. It runs in the project, as the environment's user, or as
    ``user``, by name or ``uid[:gid]``; with ``login`` that user's login shell runs it. A program
    that is not there is status 126 or 127. A signal that arrives goes to the command, of which
    nothing stays inside then, and ``passed`` is told of it at the end; in another thread than the
    main one none arrives. See `devenv_lib.engine.session`.

    Raises:
        UsageError: there are no words, or one text instead.
        ImageError: the image has no such user.
        EngineFailure: the engine refused or stopped answering.
        ProgramMissing: there is no docker program, which runs them.

    Example::

        environment = devenv.up(engine, project, settings, host)
        words = ["sh", "-c", "exit 3"]
        assert devenv.execute(engine, environment.container, words, host.terminal) == 3
    """
    return _run(
        engine,
        container,
        checked(words),
        terminal,
        variables=variables,
        user=user,
        login=login,
        passed=passed,
    )


def checked(words: Sequence[str]) -> Sequence[str]:
    """Return ``words``; a text is a sequence of texts too, letter by letter."""
    if isinstance(words, str) or not words:
        raise UsageError(
            f"{words!r} is not a command: it takes a list of words.",
            'For a line of the shell: ["sh", "-c", LINE]',
        )
    return words


def _run(
    engine: Engine,
    container: Container,
    words: Sequence[str],
    terminal: Mapping[str, str],
    *,
    variables: Mapping[str, str] = _NONE,
    user: str = "",
    login: bool = False,
    spare: bool = False,
    passed: Callable[[int], object] = lambda _: None,
) -> int:
    """Run ``words`` inside; with ``spare`` a signal leaves what has a session of its own."""
    known = {**terminal, **_described(engine, container, terminal.get("TERM", ""))}
    if user or login:
        person = who(engine, container, user)
        # By its number, which is what was judged: an image can have two lines of one name.
        user = user and "".join((str(person.uid), *user.partition(":")[1:]))
        known["HOME"] = str(person.home)
        words = login_words(person.shell, words) if login else words
    mark = new_mark()
    line = exec_words(
        engine.endpoint,
        container.id,
        words,
        user=user,
        variables={**known, **variables, MARK: mark},
        terminal=on_terminal(),
    )
    tell = teller(lambda: engine, container.id, user, mark, spare=spare)
    status = attend(line, tell, terminal=on_terminal(), passed=passed)
    if status == LOST:
        check_answered(lambda: engine, container.id, container.name)
    return status


def who(engine: Engine, container: Container, user: str = "") -> Identity:
    """Return who a container's user, or another one of its image, is there.

    Raises:
        ImageError: the image has no such user.
    """
    image = engine.image(container.image_id)
    if image is None:
        raise EngineFailure(
            f"The image of {container.name} is gone from the engine.",
            "Make the environment anew: inv run --recreate",
        )
    name = user.partition(":")[0] or container.labels.get(LABEL_USER, "")
    try:
        return images.identity(engine, image, container.image, prefix_of(container.labels), name)
    except ImageError as error:
        if not user:
            raise
        hint = "Name a user of the image: inv exec --user NAME -- COMMAND…"
        raise ImageError(str(error), hint) from None


def _described(engine: Engine, container: Container, term: str) -> Mapping[str, str]:
    """Return what ``TERM`` has to be instead, where the image has no description of it."""
    if not term or images.describes(engine, container.id, container.image_id, term):
        return {}
    return {"TERM": FALLBACK}
