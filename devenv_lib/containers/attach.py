"""Enter a running environment: a shell on this terminal, or one command."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from devenv_lib.containers.up import Environment
from devenv_lib.engine.program import exec_words, pass_through
from devenv_lib.images import describes
from devenv_lib.images.terminal import FALLBACK

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def on_terminal() -> bool:
    """Whether stdin and stdout are both a terminal; a closed one (``<&-``) is none."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def attach(engine: Engine, environment: Environment, terminal: Mapping[str, str]) -> int:
    """Run the user's shell on this terminal and return its exit status.

    ``terminal`` holds ``TERM``, ``COLORTERM`` and ``TZ`` of this machine. The shell is the one
    in the image's passwd and no login shell: that would replace the image's ``PATH``.

    Raises:
        ProgramMissing: there is no docker program, which attaches.

    Example::

        environment = devenv.up(engine, project, settings, host)
        status = devenv.attach(engine, environment, host.terminal)
        assert status == 0  # of the last command in it, or of its `exit`
    """
    return execute(engine, environment, [environment.identity.shell], terminal)


def execute(
    engine: Engine, environment: Environment, words: Sequence[str], terminal: Mapping[str, str]
) -> int:
    """Run ``words`` inside, exactly as given, and return their exit status.

    stdin, stdout and stderr are this process's own; inside is a terminal where stdin and
    stdout both are one here. ``terminal`` is as of `attach`. Commands run as the environment's
    user, in the project. A program that is not there is status 126 or 127.

    Raises:
        ProgramMissing: there is no docker program, which runs them.

    Example::

        environment = devenv.up(engine, project, settings, host)
        assert devenv.execute(engine, environment, ["sh", "-c", "exit 3"], host.terminal) == 3
    """
    container, user = environment.container, environment.identity.user
    workdir = environment.plan.project.target(environment.identity.home)
    variables = dict(terminal)
    term = variables.get("TERM", "")
    if term and not describes(engine, container.id, user, container.image_id, term):
        variables["TERM"] = FALLBACK
    line = exec_words(
        engine.endpoint,
        container.id,
        words,
        user=user,
        workdir=str(workdir),
        variables=variables,
        terminal=on_terminal(),
    )
    return pass_through(line)
