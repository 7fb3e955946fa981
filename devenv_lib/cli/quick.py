"""The quick way of ``devenv exec PATH|NAME -- COMMAND…`` into an environment that runs.

It does what the task does and imports next to nothing for it: no Invoke, no docker-py, one call
to the engine. It is taken only where the answer is certain without reading any settings, and
leaves everything else, errors too, to the task.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from devenv_lib.cache import recall
from devenv_lib.engine.endpoint import Endpoint, resolve
from devenv_lib.engine.glance import Seen, glance
from devenv_lib.engine.session import LOST, MARK, Tell, attend, exec_words, new_mark
from devenv_lib.errors import DevenvError
from devenv_lib.names import DEFAULT_PREFIX, LABEL_PATH, NAME, check_prefix, container_stage, ours
from devenv_lib.terminal import FALLBACK, on_terminal, terminal

_SUFFIXES = ("yaml", "yml", "json", "py")
_SETTINGS = ("DEVENV_", "INVOKE_")
_PREFIX = "DEVENV_PREFIX"


def quick(argv: Sequence[str], environ: Mapping[str, str]) -> int | None:
    """Return the exit status of the command, or ``None`` where the task has to do it.

    What is wrong, with a path or the engine or anything, is for the task to say.
    """
    if len(argv) < 4 or argv[0] != "exec" or argv[2] != "--" or argv[1][:1] in ("", "-"):
        return None
    try:
        found = _look(argv[1], environ)
    except (DevenvError, OSError, RuntimeError, ValueError):
        return None
    return _execute(*found, argv[3:]) if found else None


def _look(
    where: str, environ: Mapping[str, str]
) -> tuple[Endpoint, Seen, Mapping[str, str]] | None:
    """Return the engine, the running environment, and what a command in it is told."""
    path = os.path.realpath(Path(where).expanduser())
    if not os.path.isdir(path):
        path = ""
    home = os.path.realpath(Path.home())
    if configured(path, environ) or not (path or NAME.fullmatch(where)) or _holds(path, home):
        return None
    endpoint = resolve(environ)
    prefix = check_prefix(environ.get(_PREFIX, DEFAULT_PREFIX))
    seen = _running(endpoint, prefix, path, where)
    variables = _variables(seen, environ) if seen else None
    return None if seen is None or variables is None else (endpoint, seen, variables)


def _holds(path: str, home: str) -> bool:
    """Whether a path is the home or above it, where no project can be."""
    return bool(path) and f"{home}/".startswith(f"{path.rstrip('/')}/")


def configured(project: str, environ: Mapping[str, str]) -> bool:
    """Whether there is any setting but the prefix, which then has to be read and checked."""
    if any(name.startswith(_SETTINGS) and name != _PREFIX for name in environ):
        return True
    places = ["/etc/invoke.", str(Path("~/.invoke.").expanduser())]
    places += [f"{project}/invoke."] if project else []
    return any(os.path.lexists(place + suffix) for place in places for suffix in _SUFFIXES)


def _running(endpoint: Endpoint, prefix: str, path: str, name: str) -> Seen | None:
    """Return the one running environment of a path, or else of a name."""
    # The engine takes a name for a pattern; what counts is compared here.
    wanted = {"label": [f"{LABEL_PATH}={path}"]} if path else {"name": [name]}
    found = glance(endpoint, wanted) or ()
    fitting = [s for s in found if (path or s.name == name) and _is_environment(s, prefix, path)]
    return fitting[0] if len(fitting) == 1 else None


def _is_environment(seen: Seen, prefix: str, path: str) -> bool:
    own = seen.labels.get(LABEL_PATH, "")
    return (
        seen.state == "running"
        and own.startswith("/")
        and ours(seen.labels, prefix)
        and path in ("", own)
        and container_stage(seen.name, seen.id, own, prefix) == ""
    )


def _variables(seen: Seen, environ: Mapping[str, str]) -> Mapping[str, str] | None:
    """Return what the command is told of the terminal; ``None``, if the image has to be asked."""
    known = terminal(environ)
    term = known.get("TERM")
    if not term:
        return known
    described = recall(seen.image_id).get("terminals")
    if not isinstance(described, dict) or term not in described:
        return None
    return known if described[term] else {**known, "TERM": FALLBACK}


def _execute(
    endpoint: Endpoint, seen: Seen, variables: Mapping[str, str], words: Sequence[str]
) -> int:
    mark, terminal_here = new_mark(), on_terminal()
    line = exec_words(
        endpoint, seen.id, words, variables={**variables, MARK: mark}, terminal=terminal_here
    )
    status = attend(line, _Later(seen.id, mark), terminal=terminal_here)
    return _own_status(seen) if status == LOST else status


def _own_status(seen: Seen) -> int:
    """Return the status that may be docker's for a lost connection, or say that it was lost."""
    from devenv_lib import report  # noqa: PLC0415 - see above
    from devenv_lib.containers.lost import check_answered  # noqa: PLC0415
    from devenv_lib.engine import connect  # noqa: PLC0415

    try:
        check_answered(connect, seen.id, seen.name)
    except DevenvError as error:
        report.failure(error)
        return error.exit_code
    return LOST


class _Later:
    """Tells signals to the session ``mark`` in a container; made ready only if one arrives."""

    def __init__(self, container: str, mark: str) -> None:
        self._session = container, mark
        self._tell: Tell | None = None

    def __call__(self, signal: str) -> int:
        """Send a signal's name, and return how many processes it reached."""
        if self._tell is None:
            from devenv_lib.containers.signals import teller  # noqa: PLC0415 - see above
            from devenv_lib.engine import connect  # noqa: PLC0415 - it imports docker-py

            engine, (container, mark) = connect(), self._session
            self._tell = teller(lambda: engine, container, "", mark)
        return self._tell(signal)
