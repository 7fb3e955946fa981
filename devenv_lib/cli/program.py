"""Invoke's program under the name ``devenv``: the same tasks, and the short grammar."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from invoke import Argument, Program, Task
from invoke.exceptions import ParseError

from devenv_lib import report
from devenv_lib.called import call_it
from devenv_lib.cli.grammar import VALUED, Command, translate
from devenv_lib.errors import UsageError
from devenv_lib.tasks import ns
from devenv_lib.tasks._config import ProjectConfig

_USAGE = """\
Usage: devenv PATH                             start the project's environment and open a shell
       devenv --port 3333 PATH                 the same, with flags of run
       devenv list                             the running environments
       devenv exec PATH|NAME -- COMMAND…       run a command in one
       devenv check [PATH] [-- FLAGS…]         check one with pytest, which gets the flags
       devenv stop PATH|NAME…                  stop and remove some; --all: all of them
       devenv volume list                      the volumes
       devenv volume rm NAME…                  remove some; --all: all of them
       devenv volume backup NAME… --to DIR     save some to archives; --all: all of them
       devenv volume restore FILE              restore one, all of it or nothing
       devenv volume clone NAME --to NEW       copy one to a new one
       devenv volume cp NAME --file F --to .   copy a file out; --from PATH: one into it
       devenv volume usage NAME                what takes the room in one
       devenv volume adopt NAME…               give some devenv's labels
       devenv volume repair NAME…              mend what a wrong start left; --all: in all of them
       devenv build [PATH]                     build an image
       devenv mounts [PATH]                    what would be mounted, what not, and why
       devenv ssh-config [--path PATH]         lines for ~/.ssh/config
       devenv setup                            an engine and the default image, where they lack
       devenv doctor [PATH]                    examine everything; --fix: mend what is safe
       devenv help [COMMAND]                   this, or the flags of a command
       devenv --version

The current directory is devenv . and every task can be given by its own name, with its flags.
With --dry, before or behind the command, it only says what it would do. -f FILE, before it,
names a file of settings.
"""


def commands() -> Mapping[str, Command]:
    """Return every task with its flags, as the grammar wants them."""
    found = {}
    for name in ns.task_names:
        arguments = _arguments(ns[name])
        flags = {flag for argument in arguments for flag in _flags(argument)}
        valued = {flag for a in arguments if a.takes_value for flag in _flags(a)}
        found[name] = Command(name, frozenset(flags), frozenset(valued | (VALUED - flags)))
    return found


def _arguments(task: Task[Any]) -> list[Argument]:
    """Return a task's arguments; Invoke takes the help texts out of a task that is asked once."""
    texts = dict(task.help)
    arguments = task.get_arguments()
    task.help = texts
    return arguments


def _flags(argument: Argument) -> list[str]:
    """Return an argument's flags: ``--no-size`` too, where it can be turned off."""
    names = [name.replace("_", "-") for name in argument.names]
    flags = [f"-{name}" if len(name) == 1 else f"--{name}" for name in names]
    if argument.kind is bool and argument.default is True:
        flags += [flag.replace("--", "--no-", 1) for flag in flags if flag.startswith("--")]
    return flags


class Devenv(Program):
    """The ``devenv`` command. Wrong usage exits 4, where Invoke exits 1."""

    def __init__(self) -> None:
        super().__init__(
            name="devenv",
            binary="devenv",
            binary_names=["devenv"],
            namespace=ns,
            version=version("devenv-lib"),
            config_class=ProjectConfig,
        )

    def normalize_argv(self, argv: list[str] | None) -> None:
        """Read the short grammar before Invoke reads anything."""
        super().normalize_argv(argv)
        words = translate(self.argv[1:], commands(), os.path.isdir)
        self.argv = [self.argv[0], *words]

    def run(self, argv: list[str] | None = None, exit: bool = True) -> None:  # noqa: A002
        """Run a command line and exit."""
        call_it("devenv")
        try:
            super().run(argv, exit=exit)
        except SystemExit as end:
            if isinstance(end.__context__, KeyboardInterrupt):  # Invoke makes a silent 1 of it
                raise end.__context__ from None
            raise

    def parse_core_args(self) -> None:
        """Parse Invoke's own flags."""
        with _usage():
            super().parse_core_args()

    def parse_tasks(self) -> None:
        """Parse the tasks with their flags."""
        with _usage():
            super().parse_tasks()

    def parse_cleanup(self) -> None:
        """Print what was asked for instead of running tasks."""
        with _usage():
            super().parse_cleanup()

    def print_help(self) -> None:
        """Print the short grammar, then the tasks."""
        report.out(_USAGE)
        self.list_tasks()

    def display_with_columns(
        self, pairs: Sequence[tuple[str, str | None]], extra: str = ""
    ) -> None:
        """List the tasks of a group as they are typed: Invoke calls them by a dot and a name."""
        group = f"{self.list_root} " if self.list_root else ""
        named = [(f"{group}{name.removeprefix('.')}", text) for name, text in pairs]
        super().display_with_columns(named, extra)

    def print_version(self) -> None:
        """Print the version in one line."""
        report.out(f"devenv {self.version}")


@contextmanager
def _usage() -> Iterator[None]:
    """Turn what Invoke says of a wrong command line into this project's error."""
    try:
        yield
    except (ParseError, ValueError) as error:  # of a flag that takes a number
        said = re.sub(r"<Argument: (\S+)[^>]*>", r"--\1", str(error))
        raise UsageError(f"{said.rstrip('!')}.", "devenv help") from None
