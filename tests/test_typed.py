"""Typed: as installed, the library is one that strict type checkers accept and check by."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import devenv_lib

ROOT = Path(devenv_lib.__file__).parent
USER = '''
"""What a person may write."""
from invoke.collection import Collection  # invoke itself re-exports them to no type checker
from invoke.context import Context
from invoke.tasks import task
import devenv_lib as devenv
from devenv_lib.testing import EnvironmentFactory, VolumeFactory

@task
def check(c: Context) -> None:
    """Run the tests."""
    settings: devenv.Settings = devenv.settings_of(c)
    with devenv.environment(".", settings, keep=False) as inside:
        status: int = inside.execute(["make", "test"])
        text: str = inside.output(["git", "branch"]).stdout
        described: str = describe(inside, inside.environment)

def describe(inside: devenv.Inside, environment: devenv.Environment) -> str:
    return f"{inside.name} {environment.outcome}"

def verbs(settings: devenv.Settings) -> int:
    engine: devenv.Engine = devenv.connect()
    project = devenv.locate(".", settings.prefix)
    host = devenv.look(project, settings)
    try:
        environment = devenv.up(engine, project, settings, host, recreate=True)
    except devenv.DevenvError as error:
        print(error, error.hint)
        return error.exit_code
    sizes: list[int | None] = [v.size for v in devenv.examine(engine, settings.prefix)]
    plan = devenv.plan_removal(engine, settings.prefix, None)
    gone = [r.name for r in devenv.remove(engine, settings.prefix, plan) if not r.failure]
    status = devenv.execute(engine, environment.container, ["true"], host.terminal)
    return status + len(sizes) + len(gone) + len(devenv.stop(engine, project))

def test_it(devenv_volume: VolumeFactory, devenv_environment: EnvironmentFactory) -> None:
    """With the plugin's fixtures."""
    names: list[str] = [devenv_volume().name, *devenv_volume().labels]
    inside: devenv.Inside = devenv_environment(devenv.Settings(cpus=1.0))
    (inside.directory / "made").write_text(str(inside.execute(["true"])))

ns: Collection = devenv.graft(Collection(check))
Collection().add_collection(devenv.ns)
'''


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The package as a wheel would have it: its modules and its package data, nothing else."""
    site = tmp_path / "site"
    data = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())
    patterns = data["tool"]["setuptools"]["package-data"]["devenv_lib"]
    files = [*ROOT.rglob("*.py"), *(file for pattern in patterns for file in ROOT.glob(pattern))]
    for file in files:
        target = site / file.relative_to(ROOT.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    return site


def checked(site: Path, code: str) -> str:
    """Return what mypy says in strict mode of a file elsewhere that uses what is in ``site``."""
    (site.parent / "user.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "user.py"],
        cwd=site.parent,
        env={**os.environ, "PYTHONPATH": str(site), "MYPYPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_strict_type_checker_accepts_what_people_write(installed: Path) -> None:
    """And sees types: what is wrong it finds, in the lazy names too."""
    assert checked(installed, USER) == "Success: no issues found in 1 source file\n"
    wrong = USER + 'devenv.graft("tasks")\ndevenv.nonsense\ndevenv.up(1)\n'
    said = checked(installed, wrong)
    assert 'Module has no attribute "nonsense"' in said
    assert 'Argument 1 to "graft" has incompatible type "str"' in said
    assert 'Missing positional arguments "project", "settings", "host" in call to "up"' in said
    # Without it, mypy would go on with the clone, which an editable install is a path to.
    assert (installed / "devenv_lib/py.typed").is_file()
