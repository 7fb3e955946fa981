"""The ``devenv`` command: every task, and a short grammar over them.

Each import here is made where it is needed: a command in an environment that runs should cost
little more than docker's own.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType


def main() -> None:
    """Run the command line of this process and exit.

    Nothing that a user can cause is a traceback.
    """
    from devenv_lib.errors import INTERRUPTED, DevenvError  # noqa: PLC0415 - see above

    try:
        _run(sys.argv[1:])
    except DevenvError as error:
        _report().failure(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _report().say("Interrupted.")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # a reader that has gone ends the output silently
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report() -> ModuleType:
    from devenv_lib import report  # noqa: PLC0415 - see above

    return report


def _run(argv: list[str]) -> None:
    """Run a command line the quick way or through Invoke, or answer a shell that completes one."""
    from devenv_lib.cli.quick import quick  # noqa: PLC0415 - see above

    status = quick(argv, os.environ)
    if status is not None:
        sys.exit(status)
    from devenv_lib.cli import program, shells  # noqa: PLC0415 - see above

    if argv[:2] == ["--complete", "--"]:
        shells.print_completions(argv[2:])
    elif argv and argv[0].partition("=")[0] == "--print-completion-script":
        shells.print_script(argv[0].partition("=")[2] or "".join(argv[1:2]))
    else:
        program.Devenv().run()
