"""Invoke's program under the name ``devenv``: the same tasks, and the short grammar."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from inspect import getdoc
from typing import Any

from invoke import Argument, Program, Task
from invoke.exceptions import ParseError

from devenv_lib import report
from devenv_lib.called import call_it
from devenv_lib.cli.grammar import VALUED, Command, translate
from devenv_lib.cli.usage import OVERVIEW, usage
from devenv_lib.errors import UsageError
from devenv_lib.tasks import ns
from devenv_lib.tasks._config import ProjectConfig


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
        report.out(OVERVIEW)
        self.list_tasks()

    def print_task_help(self, name: str) -> None:
        """Print how a command is typed, what it does, and its flags."""
        report.out(f"Usage: {usage(commands()[name])}\n\n{getdoc(self.collection[name])}\n")
        if flags := self.parser.contexts[name].help_tuples():
            report.out("Flags:")
            self.print_columns(flags)

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
