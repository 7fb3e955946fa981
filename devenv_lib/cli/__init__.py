"""The ``devenv`` command: every task, and a short grammar over them.

Each import here is made where it is needed: a command in an environment that runs should cost
little more than docker's own.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line of this process and exit."""
    from devenv_lib.cli.quick import quick  # noqa: PLC0415 - see above

    status = quick(sys.argv[1:], os.environ)
    if status is not None:
        sys.exit(status)
    _thorough(sys.argv[1:])


def _thorough(argv: list[str]) -> None:
    """Run a command line through Invoke, or answer a shell that completes one."""
    from devenv_lib import report  # noqa: PLC0415 - see above
    from devenv_lib.cli import program, shells  # noqa: PLC0415 - see above
    from devenv_lib.errors import DevenvError  # noqa: PLC0415 - see above

    try:
        if argv[:2] == ["--complete", "--"]:
            shells.print_completions(argv[2:])
        elif argv[:1] == ["--print-completion-script"]:
            shells.print_script(argv[1] if len(argv) > 1 else "")
        else:
            program.Devenv().run()
    except DevenvError as error:
        report.failure(error)
        sys.exit(error.exit_code)
