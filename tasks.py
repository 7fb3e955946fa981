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
        "engine": "the engine tests on throw-away engines: names with commas, or all",
        "sample": "only those that show the core promises, as CI does on several engines",
        "path": "only tests below it; several times",
        "jobs": "how many processes share the tests out among them",
    },
    iterable=["path"],
)
def run_tests(
    c: Context,
    path: list[str],
    k: str = "",
    unit: bool = False,
    engine: str = "",
    sample: bool = False,
    jobs: int = 1,
) -> None:
    """Run the tests; those on the engine are an error without one when CI is set."""
    kinds = ["not engine"] if unit else ["engine", "not internet"] if engine else []
    marked = " and ".join([*kinds, *(["every_engine"] if sample else [])])
    words = [*(["-k", k] if k else []), *(["-m", marked] if marked else []), *path]
    words += ["-n", str(jobs), "--dist", "worksteal"] if jobs > 1 else []
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
    help={
        "k": "only commands whose names match",
        "fault": "only faults of this kind, as TORN or FULL",
        "engine": "end this throw-away engine and start it again, and fill disks up, instead",
        "limit": "with --engine: at how many requests of a command; 0, the default, is all",
    },
)
def faults(c: Context, k: str = "", fault: str = "", engine: str = "", limit: int = 0) -> None:
    """Fail every command at each of its requests, in every way; takes hours."""
    words = [PYTHON, "-m", "pytest", "tests/faults", "--log-cli-level=info"]
    words += [*(["-k", k] if k else []), *([f"--fault={fault}"] if fault else [])]
    if engine:
        # The small disk of the host's ends with this process, however that is.
        private = ["unshare", "--mount", "--propagation", "private", *words]
        there = [PYTHON, "-m", "tests.engines", "run", f"{engine}-faults"]
        words = [*there, *private, "--breakdowns", f"--limit={limit}"]
    else:
        words += ["--every-fault"]
    c.run(shlex.join(words), pty=sys.stdout.isatty())


@task(
    positional=[],
    help={
        "runs": "how often each command is timed",
        "only": "commands whose names have this in them",
        "save": "write the figures down, for the picture",
        "load": "the lists, with 300 volumes, 250 containers, 20 commands at once",
    },
)
def bench(
    c: Context, runs: int = 11, only: str = "", save: bool = False, load: bool = False
) -> None:
    """Time the tasks against the bare docker commands; with --load, the lists of very much."""
    if load:
        c.run(f"{PYTHON} -m tests.load")
        return
    words = ["--runs", str(runs), *(["--only", only] if only else []), *(["--save"] * save)]
    c.run(shlex.join([PYTHON, "-m", "tests.bench", *words]))


@task(positional=[], help={"steps": "how many, in sequences of fifty"})
def model(c: Context, steps: int = 1000) -> None:
    """Compare devenv with the model, through other random sequences each time."""
    c.run(shlex.join([PYTHON, "-m", "tests.engine.model_run", "--steps", str(steps)]))


@task
def picture(c: Context) -> None:
    """Draw the README's pictures anew, of the mounts and of the speed."""
    c.run(f"{PYTHON} specs/pictures/mounts.py")
    c.run(f"{PYTHON} specs/pictures/speed.py")


_own = (run_tests, engines, faults, model, lint, bench, picture)
ns = devenv.graft(Collection(Collection("dev", *_own)))
