"""The pytest plugin without an engine: what it says then, and that it costs nothing when unused."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

import devenv_lib
from devenv_lib import testing

pytest_plugins = ["pytester"]

FIXTURES = ("devenv_engine", "devenv_image", "devenv_volume", "devenv_environment")
USING = "def test_it({0}): {0}"


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite of somebody's, on a machine whose engine does not answer."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{pytester.path}/nobody.sock")
    monkeypatch.delenv("CI", raising=False)
    return pytester


def run(suite: pytest.Pytester, *words: str) -> pytest.RunResult:
    """Run pytest as a process of its own, with the plugins that are installed."""
    return suite.runpytest_subprocess("-p", "no:cacheprovider", *words)


@pytest.mark.parametrize("fixture", FIXTURES)
def test_without_an_engine_a_test_is_skipped_with_the_reason(
    suite: pytest.Pytester, fixture: str
) -> None:
    suite.makepyfile(USING.format(fixture))
    done = run(suite, "-rs")
    done.assert_outcomes(skipped=1)
    done.stdout.fnmatch_lines(["SKIPPED*no engine: No engine answers at *nobody.sock*Start that*"])
    assert done.ret == 0


@pytest.mark.parametrize(
    ("words", "variable", "who"),
    [
        (["--devenv-require"], "", "--devenv-require"),
        (["--devenv-require"], "false", "--devenv-require"),
        ([], "true", "the variable CI"),
        ([], "1", "the variable CI"),
    ],
)
def test_where_an_engine_is_required_it_fails_and_says_who_asks(
    suite: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    variable: str,
    who: str,
) -> None:
    """In a line, without a traceback of the plugin's own."""
    monkeypatch.setenv("CI", variable)
    suite.makepyfile(USING.format("devenv_volume"))
    done = run(suite, *words)
    done.assert_outcomes(errors=1)
    assert f"no engine, which {who} asks for: No engine answers" in done.stdout.str()
    assert "pytest_plugin.py" not in done.stdout.str()
    assert done.ret == 1


@pytest.mark.parametrize("variable", ["", "0", "false", "False"])
def test_a_variable_that_says_that_this_is_no_ci_requires_nothing(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("CI", variable)
    suite.makepyfile(USING.format("devenv_engine"))
    run(suite).assert_outcomes(skipped=1)


def test_a_context_that_does_not_exist_is_no_engine(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never another one instead."""
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("DOCKER_CONTEXT", "nonsense")
    suite.makepyfile(USING.format("devenv_engine"))
    done = run(suite, "-rs")
    done.stdout.fnmatch_lines(["SKIPPED*no engine: The Docker context 'nonsense'*"])


def test_an_engine_that_one_may_not_use_is_none(closed: Path) -> None:
    """The reason says how to be permitted."""
    environ = {"DOCKER_HOST": f"unix://{closed}/docker.sock"}
    with pytest.raises(pytest.skip.Exception, match=r"no engine: No permission .* usermod"):
        testing.engine(environ, required=False)
    with pytest.raises(pytest.fail.Exception, match="No permission"):
        testing.engine(environ, required=True)


LOADED = """
import sys

def pytest_unconfigure(config):
    assert config.pluginmanager.has_plugin("devenv")
    print("loaded:", sorted(m for m in sys.modules if m.startswith(NAMES)))

NAMES = ("devenv", "docker", "invoke", "requests", "urllib3", "tabulate")
"""


def test_a_suite_that_does_not_use_it_imports_nothing(suite: pytest.Pytester) -> None:
    """Neither docker nor a room of devenv's: only the plugin itself."""
    suite.makeconftest(LOADED)
    suite.makepyfile("def test_it(): pass")
    done = run(suite, "-s", "-W", "error")
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["loaded: ['devenv_lib', 'devenv_lib.pytest_plugin']"])


def test_a_suite_that_does_use_it_imports_docker(suite: pytest.Pytester) -> None:
    """The look above finds what it looks for."""
    suite.makeconftest(LOADED)
    suite.makepyfile(USING.format("devenv_engine"))
    done = run(suite, "-s")
    assert "'devenv_lib.testing'" in done.stdout.str()
    assert "'docker'" in done.stdout.str()


def test_a_program_may_import_the_library_before_it_runs_pytest(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is installed as a wheel, pytest reads in the metadata that its modules are there."""
    site, root = suite.path / "site", Path(devenv_lib.__file__).parent
    shutil.copytree(root, site / "devenv_lib", ignore=shutil.ignore_patterns("__pycache__"))
    metadata = site / "devenv_lib-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: devenv-lib\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\ndevenv = devenv_lib.pytest_plugin\n")
    (metadata / "RECORD").write_text("devenv_lib/__init__.py,,\ndevenv_lib/pytest_plugin.py,,\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    suite.makepyfile("def test_it(): pass")
    done = suite.run(
        sys.executable, "-c", "import devenv_lib, pytest; pytest.main(['--ignore=site'])"
    )
    done.assert_outcomes(passed=1)
    assert "arning" not in done.stdout.str()
    done.stdout.fnmatch_lines(["plugins: *devenv-lib*"])


def test_pytest_works_without_it(suite: pytest.Pytester) -> None:
    suite.makepyfile("def test_it(): pass\n\n" + USING.format("devenv_engine"))
    suite.makepyfile(test_other="def test_it(devenv_engine): pass")
    done = run(suite, "-p", "no:devenv")
    done.assert_outcomes(errors=2)
    done.stdout.fnmatch_lines(["*fixture 'devenv_engine' not found"])
    assert run(suite, "-p", "no:devenv", "--devenv-keep").ret == 4


def test_its_options_and_fixtures_are_shown(suite: pytest.Pytester) -> None:
    """Each fixture with an example."""
    helped = run(suite, "--help").stdout.str()
    assert re.findall(r"^  (--devenv-\w+)", helped, re.MULTILINE) == [
        *("--devenv-image", "--devenv-keep", "--devenv-require"),
    ]
    shown = run(suite, "--fixtures", "-v").stdout.str()
    assert shown.count("Example::") >= len(FIXTURES)
    assert [name for name in FIXTURES if f"\n{name} " not in shown] == []


def test_coverage_is_measured_without_complaints(suite: pytest.Pytester) -> None:
    """Though the plugin is there before pytest-cov begins to measure."""
    suite.makepyfile(USING.format("devenv_engine"))
    quiet = ("-W", "error", "-W", "ignore:unclosed <socket:ResourceWarning")
    done = run(suite, "--cov=devenv_lib", *quiet)
    done.assert_outcomes(skipped=1)
    assert "arning" not in done.stdout.str() + done.stderr.str()
    measured = re.search(r"testing/needs.py +\d+ +\d+ +(\d+)%", done.stdout.str())
    assert measured, f"{sys.executable}: {done.stdout.str()}"
    assert int(measured[1]) > 50
