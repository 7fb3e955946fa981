"""The pytest plugin: environments and volumes for a test, which are gone after it.

pytest loads it into every suite of an interpreter that has devenv. So nothing of devenv's is
imported here until a fixture is used; what the fixtures do is in `devenv_lib.testing`. Their
contract is ``specs/testing.md``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.testing import EnvironmentFactory, Temporaries, VolumeFactory

#: What is still on the engine, and how to remove it: lines for the end of the run.
_LEFT = pytest.StashKey[list[str]]()
#: The file in which workers of pytest-xdist's hand such lines on: Ctrl-C ends them without a word.
_FILE = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("devenv", "development containers (devenv)")
    group.addoption(
        "--devenv-image",
        metavar="IMAGE",
        default="",
        help="the image of the environments; else devenv:latest, which is built if it is missing",
    )
    group.addoption(
        "--devenv-keep",
        action="store_true",
        help="keep the environments and volumes of the tests, and say how to remove them",
    )
    group.addoption(
        "--devenv-require",
        action="store_true",
        help="without an engine, fail instead of skipping; the variable CI does the same",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing left."""
    config.stash[_LEFT] = []
    if file := getattr(config, "workerinput", {}).get("devenv_left"):
        config.stash[_FILE] = file


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist's where to hand lines on."""
    import tempfile  # noqa: PLC0415 - for this alone

    if _FILE not in node.config.stash:
        descriptor, node.config.stash[_FILE] = tempfile.mkstemp(prefix="devenv-left-")
        os.close(descriptor)
    node.workerinput["devenv_left"] = node.config.stash[_FILE]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what workers handed lines on in."""
    if _FILE in config.stash and not hasattr(config, "workerinput"):
        with suppress(FileNotFoundError):
            os.unlink(config.stash[_FILE])  # noqa: PTH108 - pathlib is not imported here


def _note(config: pytest.Config, lines: list[str]) -> None:
    """Keep lines for the end of the run, or hand them on as a worker of pytest-xdist's."""
    if not hasattr(config, "workerinput"):
        config.stash[_LEFT] += lines
    elif lines:
        with open(config.stash[_FILE], "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write("".join(f"{line}\n" for line in lines))


def _handed_on(config: pytest.Config) -> list[str]:
    """Return the lines of pytest-xdist's workers."""
    if _FILE not in config.stash:
        return []
    with open(config.stash[_FILE], encoding="utf-8") as file:  # noqa: PTH123
        return file.read().splitlines()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what is still on the engine, and how to remove it."""
    if lines := config.stash[_LEFT] + _handed_on(config):
        terminalreporter.section("devenv: still on the engine")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def devenv_engine(pytestconfig: pytest.Config) -> Engine:
    """Return the engine, a ``devenv_lib.Engine``; without one, the test is skipped.

    With ``--devenv-require``, or where the variable ``CI`` is set, it fails instead.

    Example::

        def test_it_is_new_enough(devenv_engine):
            assert devenv_engine.info().api >= "1.41"
    """
    from devenv_lib import testing  # noqa: PLC0415 - see above

    return testing.engine(required=bool(pytestconfig.getoption("devenv_require")))


@pytest.fixture(scope="session")
def devenv_image(devenv_engine: Engine, pytestconfig: pytest.Config) -> str:
    """Return the name of the image that environments are made from, which is there.

    It is the one of ``--devenv-image``, pulled if it is missing; else devenv's default one,
    built if it is missing.

    Example::

        def test_the_image_has_a_user(devenv_engine, devenv_image):
            assert devenv_engine.image(devenv_image).user
    """
    from devenv_lib import testing  # noqa: PLC0415 - see above

    return testing.image(devenv_engine, pytestconfig.getoption("devenv_image"))


@pytest.fixture
def devenv_volume(_devenv_temporaries: Temporaries) -> VolumeFactory:
    """Make volumes: each call a new one, empty and with devenv's labels, removed after the test.

    A call returns the volume's record, with ``name`` and ``labels``.

    Example::

        def test_two_volumes(devenv_engine, devenv_volume):
            first, second = devenv_volume(), devenv_volume()
            assert first.name != second.name
            assert devenv_engine.volume(first.name).labels["devenv"] == "true"
    """
    from devenv_lib import testing  # noqa: PLC0415 - see above

    return testing.volume_factory(_devenv_temporaries)


@pytest.fixture
def devenv_environment(
    devenv_image: str,
    _devenv_temporaries: Temporaries,
    tmp_path_factory: pytest.TempPathFactory,
) -> EnvironmentFactory:
    """Make environments: each call that of a new, empty project; all are removed after the test.

    A call returns a running environment, a ``devenv_lib.Inside``, with ``output``, ``execute``
    and, for the project on this machine, ``directory``. It takes ``settings``, a
    ``devenv_lib.Settings``. The home directory is a temporary one too: nothing of the user's
    own is mounted. The environments of one test share their volumes, and with no one else.

    Example::

        def test_what_is_made_inside(devenv_environment):
            inside = devenv_environment()
            assert inside.output(["touch", "made"]).status == 0
            assert (inside.directory / "made").exists()
    """
    from devenv_lib import testing  # noqa: PLC0415 - see above

    home = tmp_path_factory.mktemp("devenv-home")
    return testing.environment_factory(_devenv_temporaries, devenv_image, home)


@pytest.fixture
def _devenv_temporaries(
    devenv_engine: Engine, request: pytest.FixtureRequest
) -> Iterator[Temporaries]:
    """What one test makes, under a prefix of its own."""
    from devenv_lib import testing  # noqa: PLC0415 - see above

    made = testing.Temporaries(devenv_engine)
    yield made
    left: list[str] = []
    try:
        if request.config.getoption("devenv_keep"):
            left += made.kept(request.node.nodeid)
        else:
            testing.remove(made, left)
    finally:
        _note(request.config, left)
