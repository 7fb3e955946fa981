"""A command line on a pseudo-terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pexpect

from tests.conftest import INVOKE, PATIENCE, Workspace


@contextmanager
def terminal(
    workspace: Workspace,
    *words: str,
    variables: Mapping[str, str] | None = None,
    program: Sequence[str] = INVOKE,
    columns: int = 80,
) -> Iterator[Any]:
    """Run a program on a terminal of 24 lines, and end it whatever happens."""
    environ = workspace.process_environ({"TERM": "xterm", **(variables or {})})
    child = pexpect.spawn(
        program[0],
        [*program[1:], *words],
        cwd=str(workspace.path),
        env=environ,
        encoding="utf-8",
        timeout=PATIENCE,
        dimensions=(24, columns),
    )
    try:
        yield child
    finally:
        child.close(force=True)


def ends(child: Any) -> int:
    """Wait for the end of a child and return its exit status, a signal's as a shell shows it."""
    child.expect(pexpect.EOF)
    child.wait()
    return int(128 + child.signalstatus if child.exitstatus is None else child.exitstatus)
