"""This repository's tasks: devenv's own and, under ``dev``, the contributors'."""

import shlex
import sys

from invoke import Collection, Context, task

import devenv_lib as devenv

PYTHON = sys.executable


@task(
    name="test",
    positional=[],
    help={
        "k": "only tests whose names match",
        "unit": "without an engine",
        "engine": "the engine tests on a throw-away engine: its name, or all",
        "path": "only tests below it; several times",
    },
    iterable=["path"],
)
def run_tests(
    c: Context, path: list[str], k: str = "", unit: bool = False, engine: str = ""
) -> None:
    """Run the tests; those on the engine are an error without one when CI is set."""
    marked = "not engine" if unit else "engine and not internet" if engine else ""
    words = [*(["-k", k] if k else []), *(["-m", marked] if marked else []), *path]
    there = [PYTHON, "-m", "tests.engines", "run", engine] if engine else []
    c.run(shlex.join([*there, PYTHON, "-m", "pytest", *words]), pty=sys.stdout.isatty())


@task(
    positional=[],
    help={"names": "which, with commas between them", "stop": "end what this has started"},
)
def engines(c: Context, names: str = "all", stop: bool = False) -> None:
    """Start throw-away engines on sockets of their own: Docker 20.10, 26.1, 28.5, Podman 5.4."""
    action = "stop" if stop else "start"
    c.run(shlex.join([PYTHON, "-m", "tests.engines", action, names]))


@task
def lint(c: Context) -> None:
    """Check style, types and the architecture."""
    c.run(f"{PYTHON} -m ruff check .")
    c.run(f"{PYTHON} -m ruff format --check .")
    c.run(f"{PYTHON} -m mypy")
    c.run(f"{PYTHON} -m pytest -q tests/test_architecture.py")


@task(positional=[], help={"runs": "how often each command is timed"})
def bench(c: Context, runs: int = 11) -> None:
    """Time the tasks against the bare docker commands, as ratios of medians."""
    c.run(f"{PYTHON} -m tests.bench --runs {runs}")


@task
def picture(c: Context) -> None:
    """Draw the README's picture of the mounts anew."""
    c.run(f"{PYTHON} specs/pictures/mounts.py")


ns = devenv.graft(Collection(Collection("dev", run_tests, lint, engines, bench, picture)))
