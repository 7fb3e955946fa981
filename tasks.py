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


@task(
    positional=[],
    help={"k": "only commands whose names match", "fault": "only faults of this kind, as TORN"},
)
def faults(c: Context, k: str = "", fault: str = "") -> None:
    """Fail every command at each of its requests, in every way; takes hours."""
    words = ["tests/faults", "--every-fault", "--log-cli-level=info"]
    words += [*(["-k", k] if k else []), *([f"--fault={fault}"] if fault else [])]
    c.run(shlex.join([PYTHON, "-m", "pytest", *words]), pty=sys.stdout.isatty())


@task(
    positional=[],
    help={
        "runs": "how often each command is timed",
        "load": "300 volumes, 200 containers, 50 environments, 20 commands at once",
    },
)
def bench(c: Context, runs: int = 11, load: bool = False) -> None:
    """Time the tasks against the bare docker commands; with --load, the lists of very much."""
    c.run(f"{PYTHON} -m tests.load" if load else f"{PYTHON} -m tests.bench --runs {runs}")


@task(positional=[], help={"steps": "how many, in sequences of fifty"})
def model(c: Context, steps: int = 1000) -> None:
    """Compare devenv with the model, through other random sequences each time."""
    c.run(shlex.join([PYTHON, "-m", "tests.engine.model_run", "--steps", str(steps)]))


@task
def picture(c: Context) -> None:
    """Draw the README's picture of the mounts anew."""
    c.run(f"{PYTHON} specs/pictures/mounts.py")


_own = (run_tests, engines, faults, model, lint, bench, picture)
ns = devenv.graft(Collection(Collection("dev", *_own)))
