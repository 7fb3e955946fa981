"""The pytest plugin on a real engine: what it makes is gone after the test, whatever happens."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator

import pytest

from devenv_lib import pytest_plugin
from devenv_lib.engine import Engine
from tests.conftest import DEVENV, docker, remove_image
from tests.engine.test_examples import block
from tests.test_documents import section
from tests.test_plugin import FIXTURES, run

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.engine

#: So that the outer test knows what to look for, and can remove what a defect leaves.
CONFTEST = """
import pytest

@pytest.fixture(autouse=True)
def _noted(_devenv_temporaries):
    with open("PLACE/prefixes", "a") as file:
        print(_devenv_temporaries.prefix, file=file)
"""


class Suite:
    """A suite of somebody's, in a process of its own, and the prefixes of its tests."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self._file = pytester.path / "prefixes"
        pytester.makeconftest(CONFTEST.replace("PLACE", str(pytester.path)))

    @property
    def prefixes(self) -> list[str]:
        return self._file.read_text().split() if self._file.exists() else []

    def run(self, code: str, *words: str) -> pytest.RunResult:
        self.pytester.makepyfile(code)
        return run(self.pytester, *words)

    def left(self) -> list[str]:
        """Return what is on the engine under the prefixes of the tests."""
        every = docker("ps", "-a", "--format={{.Names}}").stdout.split()
        every += docker("volume", "ls", "--quiet").stdout.split()
        return sorted(name for name in every if name.startswith(tuple(self.prefixes or ["?"])))

    def clean(self) -> None:
        """Remove what a test meant to leave, or a defect left."""
        for name in self.left():
            docker("rm", "--force", name, check=False)
        for name in self.left():
            docker("volume", "rm", name)


@pytest.fixture
def suite(
    engine: Engine, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Suite]:
    """A suite, on this engine."""
    monkeypatch.setenv("DOCKER_HOST", engine.endpoint.url)
    monkeypatch.setenv("XDG_CACHE_HOME", str(pytester.path / "cache"))
    made = Suite(pytester)
    yield made
    made.clean()


@pytest.mark.parametrize("fixture", FIXTURES)
def test_the_example_of_a_fixture_runs_as_it_stands(suite: Suite, fixture: str) -> None:
    example = block(getattr(pytest_plugin, fixture).__doc__, "Example::")
    assert f"{fixture}" in example
    suite.run(example).assert_outcomes(passed=1)
    assert suite.left() == []


def test_the_readmes_example_runs_as_it_stands(suite: Suite) -> None:
    example = section("### In your own tests").partition("```python\n")[2].partition("```")[0]
    suite.run(example).assert_outcomes(passed=2)
    assert suite.left() == []


@pytest.mark.parametrize(
    "end", ["assert False", "raise SystemExit", "import pytest; pytest.exit('x')"]
)
def test_a_test_that_fails_leaves_nothing(suite: Suite, end: str) -> None:
    """Though all of it was there."""
    done = suite.run(f"""
        def test_it(devenv_engine, devenv_volume, devenv_environment):
            volume = devenv_volume()
            names = {{devenv_environment().name, devenv_environment().name}}
            assert names <= {{one.name for one in devenv_engine.containers()}}
            assert devenv_engine.volume(volume.name)
            {end}
        """)
    assert done.ret in (1, 2)
    assert len(suite.prefixes) == 1
    assert suite.left() == []


def test_what_is_made_differs_within_a_test_and_between_tests(suite: Suite) -> None:
    """Two environments of one test share their volumes, and with no one else."""
    done = suite.run("""
        seen = set()

        def make(devenv_volume, devenv_environment):
            first, second = devenv_environment(), devenv_environment()
            volumes = {m.source for m in first.environment.plan.mounts.volumes}
            assert volumes == {m.source for m in second.environment.plan.mounts.volumes}
            names = [first.name, second.name, first.directory, second.directory, *volumes]
            names += [devenv_volume().name, devenv_volume().name]
            assert len(set(names)) == 9
            assert not seen & set(names)
            seen.update(names)

        def test_one(devenv_volume, devenv_environment):
            make(devenv_volume, devenv_environment)

        def test_two(devenv_volume, devenv_environment):
            make(devenv_volume, devenv_environment)
        """)
    done.assert_outcomes(passed=2)
    assert len(set(suite.prefixes)) == 2
    assert suite.left() == []


@pytest.mark.parametrize(
    "how",
    [
        "devenv.stop(engine, project)",
        "devenv.stop(engine, project, keep=True)",
        "devenv.up(engine, project, settings, host, recreate=True)",
        "engine.pause(inside.name)",
        "engine.rename(inside.name, inside.name + '.starting')",
        "engine.remove(inside.name, force=True); engine.remove_volume(volume.name)",
    ],
)
def test_however_a_test_leaves_its_environment_it_is_removed(suite: Suite, how: str) -> None:
    done = suite.run(f"""
        import devenv_lib as devenv

        def test_it(devenv_engine, devenv_environment, devenv_volume, devenv_image):
            engine, inside, volume = devenv_engine, devenv_environment(), devenv_volume()
            project = inside.environment.plan.project
            settings = devenv.Settings(prefix=project.prefix, image=devenv_image)
            host = devenv.look(project, settings, {{}})
            {how}
        """)
    done.assert_outcomes(passed=1)
    assert suite.left() == []


def test_nothing_of_the_users_own_is_mounted(suite: Suite) -> None:
    """The home is a temporary one, and no agent is there."""
    (suite.pytester.path / ".bashrc").write_text("echo mine")
    done = suite.run("""
        import os, pathlib

        def test_it(devenv_environment):
            assert (pathlib.Path.home() / ".bashrc").read_text() == "echo mine"
            mounts = devenv_environment().environment.plan.mounts
            assert [m.target.name for m in mounts.mounts if m.kind == "bind"] == ["app1"]
            assert mounts.agent is None
        """)
    done.assert_outcomes(passed=1)


def test_settings_count_but_for_the_prefix(suite: Suite) -> None:
    """And a volume of the test's own can be mounted."""
    done = suite.run("""
        import devenv_lib as devenv
        from devenv_lib.volume_settings import Volumes

        def test_it(devenv_environment, devenv_volume):
            volume = devenv_volume()
            own = Volumes(extra={volume.name: "~/go"}, scope={volume.name: "shared"})
            settings = devenv.Settings(prefix="devenv", memory=1 << 30, volumes=own)
            inside = devenv_environment(settings)
            plan = inside.environment.plan
            assert plan.memory == 1 << 30 or "memory" in plan.unlimited
            assert inside.environment.plan.project.prefix == volume.labels["devenv.prefix"]
            assert inside.output(["touch", "/home/devuser/go/made"]).status == 0

        def test_scope(devenv_environment, devenv_engine, devenv_volume):
            prefix = devenv_volume().labels["devenv.prefix"]
            own = Volumes(scope={prefix + "-cache": "project"})
            inside = devenv_environment(devenv.Settings(volumes=own))
            names = [m.source for m in inside.environment.plan.mounts.volumes]
            assert any(name.startswith(prefix + "-cache-app1-") for name in names)

        def test_scope_of_the_settings_own_prefix(devenv_environment):
            own = Volumes(scope={"mine-cache": "project", "mine-state": "shared"})
            inside = devenv_environment(devenv.Settings(prefix="mine", volumes=own))
            prefix = inside.environment.plan.project.prefix
            names = [m.source for m in inside.environment.plan.mounts.volumes]
            assert any(name.startswith(prefix + "-cache-app1-") for name in names)
            assert prefix + "-state" in names
        """)
    done.assert_outcomes(passed=3)
    assert suite.left() == []


def test_nobody_elses_volume_is_mounted(suite: Suite) -> None:
    """It is refused before anything is made."""
    done = suite.run("""
        import pytest
        import devenv_lib as devenv
        from devenv_lib.volume_settings import Volumes

        def test_it(devenv_environment, devenv_engine):
            settings = devenv.Settings(volumes=Volumes(extra={"devenv-go": "~/go"}))
            with pytest.raises(devenv.DevenvError, match="devenv-go") as caught:
                devenv_environment(settings)
            assert "devenv_volume()" in caught.value.__notes__[0]
            assert devenv_engine.volume("devenv-go") is None
        """)
    done.assert_outcomes(passed=1)


def test_what_is_kept_is_named_with_what_removes_it(suite: Suite) -> None:
    """The command works as it stands, but that it asks."""
    done = suite.run(
        """
        def test_it(devenv_volume, devenv_environment):
            devenv_volume()
            devenv_environment()
            assert False

        def test_nothing(devenv_volume, devenv_environment):
            pass
        """,
        "--devenv-keep",
    )
    kept, said = suite.left(), done.stdout.str()
    assert len(kept) == 5
    after = said.partition("devenv: still on the engine")[2].splitlines()
    assert sorted(after[1].partition("::test_it: ")[2].split(", ")) == kept
    assert after[3].startswith("=")
    path = f"{DEVENV.parent}:{os.environ['PATH']}"
    subprocess.run(
        ["sh", "-ec", f"{after[2]} --force"], env={**os.environ, "PATH": path}, check=True
    )
    assert suite.left() == []


def test_workers_of_xdist_have_names_of_their_own_and_say_what_they_keep(suite: Suite) -> None:
    code = """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(devenv_volume, number, worker_id):
            print(devenv_volume().name, worker_id)
        """
    suite.run(code, "-n2").assert_outcomes(passed=4)
    assert suite.left() == []
    done = suite.run(code, "-n2", "--devenv-keep", "-rP")
    assert len(set(re.findall(r"^devenv-t\w+-1 (gw\d)$", done.stdout.str(), re.MULTILINE))) == 2
    assert len(suite.left()) == 4
    said = done.stdout.str().partition("devenv: still on the engine")[2]
    assert [name for name in suite.left() if name not in said] == []


def test_ctrl_c_loses_no_workers_word_on_what_stays(suite: Suite) -> None:
    """Xdist does not ask its workers for their reports then."""
    done = suite.run(
        """
        import os, signal, time

        def test_it(devenv_volume, request):
            devenv_volume()
            time.sleep(1)
            os.kill(os.getppid(), signal.SIGINT)
            time.sleep(120)  # it is interrupted after five seconds, and its clean-up is not
        """,
        "-n2",
        "--devenv-keep",
    )
    assert len(suite.left()) == 1
    said = done.stdout.str().partition("devenv: still on the engine")[2]
    assert suite.left()[0] in said


def test_what_cannot_be_removed_is_reported_and_the_rest_is_gone(suite: Suite) -> None:
    """A container of the test's own uses one volume; another was replaced by somebody's."""
    done = suite.run("""
        import subprocess

        def test_it(devenv_engine, devenv_volume, devenv_image):
            used, free, other = devenv_volume().name, devenv_volume().name, devenv_volume().name
            words = ["docker", "create", f"--name={used}-own", f"--volume={used}:/v", devenv_image]
            subprocess.run(words, check=True)
            devenv_engine.remove_volume(other)
            devenv_engine.create_volume(other, {})
        """)
    done.assert_outcomes(passed=1, errors=1)
    prefix = suite.prefixes[0]
    assert suite.left() == [f"{prefix}-1", f"{prefix}-1-own", f"{prefix}-3"]
    said = done.stdout.str()
    assert f"{prefix}-1 was not removed: the stopped container {prefix}-1-own still" in said
    assert f"{prefix}-3 was not removed: it does not carry the label devenv=true" in said
    assert "testing/" not in said


def test_what_the_test_itself_made_is_reported_and_stays(suite: Suite) -> None:
    """Exactly what the fixtures made is removed."""
    done = suite.run("""
        import devenv_lib as devenv

        def test_it(devenv_engine, devenv_volume):
            volume = devenv_volume()
            devenv_engine.create_volume(volume.name + "-mine", volume.labels)
        """)
    done.assert_outcomes(passed=1, errors=1)
    assert suite.left() == [f"{suite.prefixes[0]}-1-mine"]
    assert f"The test left {suite.left()[0]}, which no fixture made." in done.stdout.str()


@pytest.mark.parametrize("capture", ["fd", "sys", "no"])
def test_an_image_that_does_not_exist_is_an_error_in_a_line(suite: Suite, capture: str) -> None:
    """Whatever pytest does with the streams."""
    words = ("--devenv-image=devenv-nobody.invalid/x", f"--capture={capture}")
    done = suite.run("def test_it(devenv_environment): devenv_environment()", *words)
    done.assert_outcomes(errors=1)
    assert "The image devenv-nobody.invalid/x is not on" in done.stdout.str()
    assert "Traceback" not in done.stdout.str() + done.stderr.str()
    assert "devenv_lib/" not in done.stdout.str()
    assert suite.left() == []


@pytest.fixture
def bare_image(suite: Suite, request: pytest.FixtureRequest) -> Iterator[str]:
    """An image that has an ``/etc/passwd``, or nothing, and no program at all."""
    name = f"devenv-t-bare-{os.getpid()}-{time.time_ns()}:latest"
    file = suite.pytester.path / "image.tar"
    with tarfile.open(file, "w") as tar:
        entry = tarfile.TarInfo("etc/passwd" if request.param else "nothing")
        content = b"devuser:x:1000:1000::/home/devuser:/bin/sh\n"
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    docker("import", str(file), name)
    yield name
    remove_image(name)


@pytest.mark.parametrize(
    ("bare_image", "why"),
    [(True, "has no /bin/sh|may lack the program"), (False, "has no /etc/passwd")],
    indirect=["bare_image"],
)
def test_an_image_without_a_shell_is_an_error_at_the_tests_own_line(
    suite: Suite, bare_image: str, why: str
) -> None:
    """The frames of the library are not shown, and nothing of the attempt stays."""
    code = "def test_it(devenv_environment):\n    devenv_environment()\n"
    done = suite.run(code, f"--devenv-image={bare_image}")
    done.assert_outcomes(failed=1)
    said = done.stdout.str()
    assert re.search(why, said)  # which of the two is a race in the engine
    assert re.search(r"^> +devenv_environment\(\)$", said, re.MULTILINE)
    assert "up.py" not in said
    assert len([line for line in done.outlines if line.startswith("E  ")]) <= 3
    assert len(suite.prefixes) == 1
    assert suite.left() == []


def begun(suite: Suite, code: str) -> subprocess.Popen[str]:
    """Begin a suite as a process, and return when it says that it is ready."""
    suite.pytester.makepyfile(code)
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-s"],
        cwd=suite.pytester.path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        if "ready" in line:
            return process
    raise AssertionError("it was never ready")


def test_after_ctrl_c_nothing_is_left(suite: Suite) -> None:
    process = begun(
        suite,
        """
        import time

        def test_it(devenv_volume, devenv_environment):
            devenv_volume()
            devenv_environment()
            print("ready", flush=True)
            time.sleep(60)
        """,
    )
    assert len(suite.left()) == 5
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 2
    assert suite.left() == []


def test_after_ctrl_c_in_the_middle_of_a_start_nothing_is_left(suite: Suite) -> None:
    process = begun(
        suite,
        """
        def test_it(devenv_environment):
            print("ready", flush=True)
            while True:
                devenv_environment()
        """,
    )
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 2
    assert suite.left() == []


STRUCK = """
    import os, signal
    from devenv_lib import containers

    def test_it(devenv_volume, devenv_environment, monkeypatch):
        devenv_volume()
        devenv_environment()
        stop = containers.stop

        def struck(engine, project):
            for _ in range({times}):
                os.kill(os.getpid(), signal.SIGINT)
            return stop(engine, project)

        containers.stop = struck
    """


def test_ctrl_c_during_the_removal_waits_for_its_end(suite: Suite) -> None:
    assert suite.run(STRUCK.format(times=1)).ret == 2
    assert suite.left() == []


def test_a_second_ctrl_c_ends_the_removal_and_it_is_said_how_to_carry_on(suite: Suite) -> None:
    done = suite.run(STRUCK.format(times=2))
    assert done.ret == 2
    assert len(suite.left()) == 5
    line = next(one for one in done.outlines if "The removal was interrupted" in one)
    prefix = suite.prefixes[0]
    assert f"DEVENV_PREFIX={prefix} devenv stop --all" in line
    path = f"{DEVENV.parent}:{os.environ['PATH']}"
    carry_on = f"{line.partition('Carry on: ')[2]} --force"
    subprocess.run(["sh", "-ec", carry_on], env={**os.environ, "PATH": path}, check=True)
    assert suite.left() == []


def test_an_engine_that_is_gone_at_the_end_is_reported(suite: Suite) -> None:
    """With what is left, for when it is there again."""
    done = suite.run("""
        from devenv_lib.errors import EngineFailure
        import devenv_lib.engine.client as client

        def fail(*_, **__):
            raise EngineFailure("It went away.", "Start it.")

        def test_it(devenv_volume):
            devenv_volume()
            client.Engine.volumes = fail
        """)
    done.assert_outcomes(passed=1, errors=1)
    said = done.stdout.str()
    assert "Volumes were not removed: It went away. Start it. Then: DEVENV_PREFIX=" in said
    assert suite.left() == [f"{suite.prefixes[0]}-1"]
