"""What every task shares: errors as exit codes, settings from Invoke, signals."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import Any, TypeVar

import invoke
from invoke import Context, Exit
from invoke.exceptions import Failure, ParseError, UnexpectedExit
from invoke.parser import Argument

from devenv_lib import report
from devenv_lib.called import is_about
from devenv_lib.errors import DEFECT, INTERRUPTED, DevenvError, UsageError
from devenv_lib.settings import Layer, Settings, load, variables
from devenv_lib.tasks._config import ProjectConfig

#: Invoke's configuration levels, the weakest first, and what an error calls them. A project's
#: file is what anything inside an environment can write.
_LEVELS = (
    ("collection", "the task file's configure()"),
    ("system", "/etc/invoke.*"),
    ("user", "~/.invoke.*"),
    ("project", "the project's invoke.*"),
    ("runtime", "the file given with -f"),
)


_ENDING = (signal.SIGTERM, signal.SIGHUP)
Body = TypeVar("Body", bound=Callable[..., Any])


class Task(invoke.Task[Any]):
    """A task whose failures end as messages and exit codes, never as a traceback."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task's body."""
        is_about("")
        try:
            return super().__call__(*args, **kwargs)
        except DevenvError as error:
            report.failure(error)
            raise Exit(code=error.exit_code) from None
        except KeyboardInterrupt:
            report.say("Interrupted.")
            raise Exit(code=INTERRUPTED) from None
        except (Exit, Failure, ParseError, UnexpectedExit):
            raise
        except Exception:  # noqa: BLE001 - the one catch-all: what is left is devenv's defect
            report.defect()
            raise Exit(code=DEFECT) from None

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return the task's flags. One that can be given several times needs a value each time.

        Invoke does not look at those: ``--name $UNSET`` would be as if nothing had been typed.
        """
        arguments = super().get_arguments(ignore_unknown_help)
        for argument in arguments:
            if argument.kind is list:
                argument.raw_value = None  # its mark of a flag that still lacks its value
        return arguments


def task(**options: Any) -> Callable[[Body], Body]:
    """As Invoke's decorator, without bare words: see the package."""
    decorate: Callable[[Body], Body] = invoke.task(klass=Task, positional=[], **options)
    return decorate


def settings_of(
    context: Context | None = None,
    flags: Mapping[str, object] | None = None,
    *,
    project: str = "",
) -> Settings:
    """Return the settings from Invoke's configuration, the variables and ``flags``.

    They are those that devenv's own tasks use. ``context`` is a task's; without one, as in a
    script, the user's and the system's file count, and no project's. A flag that was not given
    is empty and does not count. ``INVOKE_DEVENV_*`` is read here and not by Invoke, which takes
    ``"false"`` for true and fails on lists. ``project`` is the directory whose file counts under
    the ``devenv`` command; ``inv`` has found its own.

    Raises:
        SettingsError: an unknown key, a wrong type, or a key that a project may not set.
        UsageError: the file given with -f does not exist.

    Example::

        from invoke import Context, task

        @task
        def check(c):
            with devenv.environment(settings=devenv.settings_of(c)) as inside:
                assert inside.execute(["true"]) == 0

        check(Context())  # as Invoke calls it
        assert devenv.settings_of().memory > 0  # bytes
    """
    context = Context(ProjectConfig()) if context is None else context
    layers, errors = layers_of(context, flags, project=project)
    for error in errors:
        raise error
    return load(layers)


def layers_of(
    context: Context, flags: Mapping[str, object] | None = None, *, project: str = ""
) -> tuple[list[Layer], Sequence[DevenvError]]:
    """Return all settings as they were found, and why files of them could not be read.

    See `settings_of`. Under ``inv`` the second is empty: Invoke ends at such a file by itself.

    Raises:
        UsageError: the file given with -f does not exist.
    """
    config = context.config
    if isinstance(config, ProjectConfig):
        config.load_project_at(project)
    named = getattr(config, "_runtime_path", None)
    if named and not os.path.exists(named):
        raise UsageError(
            f"{named}, given with -f, does not exist.",
            "Without its settings this could act on something else: name a file that exists.",
        )
    layers = [_level(context, level, origin) for level, origin in _LEVELS]
    for prefix in ("INVOKE_DEVENV_", "DEVENV_"):
        layers += [
            Layer(f"{prefix}{key.replace('.', '_').upper()}", {key: value}, text=True)
            for key, value in variables(os.environ, prefix).items()
        ]
    given = {key: value for key, value in (flags or {}).items() if value}
    errors = config.broken if isinstance(config, ProjectConfig) else ()
    return [*layers, Layer("the command line", given)], errors


def _level(context: Context, level: str, origin: str) -> Layer:
    """Return one of Invoke's levels, which it offers merged only, as a layer."""
    values = getattr(context.config, f"_{level}", None) or {}
    path = getattr(context.config, f"_{level}_path", None)
    where = str(path) if path and values else origin
    return Layer(where, values.get("devenv"), trusted=level != "project")


def finish(status: int) -> None:
    """End the command line with an exit status; 0 lets further tasks on it go on."""
    if status:
        raise Exit(code=status)


def dry(context: Context) -> bool:
    """Whether Invoke's ``--dry`` was given, before or after the task's name."""
    return bool(context.config.run.dry)


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Have SIGTERM, and SIGHUP when a terminal is closed, end what is in the block as Ctrl-C does.

    By themselves they end the process at once, and what has to be undone stays.
    """
    kept: dict[signal.Signals, Any] = {}

    def interrupt(*_: object) -> None:
        for number in kept:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    if current_thread() is main_thread():
        heeded = (n for n in _ENDING if signal.getsignal(n) is signal.SIG_DFL)
        kept = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
