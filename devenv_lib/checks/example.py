"""A first check of a project's own."""

from __future__ import annotations

import os
from pathlib import PurePosixPath

from devenv_lib.below import NEW_FILE, into
from devenv_lib.checks.content import PLACE, Content, Entry
from devenv_lib.errors import DevenvError

EXAMPLE = "test_example.py"
TEXT = '''\
"""Checks of this project's environment. `inv check` runs them, on this machine.

`host` is testinfra's (https://testinfra.readthedocs.io), connected to the environment as its
user. `environment` is devenv's: name, path, project, mounts, and exec.
After every change they have to be trusted again: inv check --trust
"""


def test_git_is_there(host):
    assert host.exists("git")


def test_the_project_is_mounted(host, environment):
    assert host.file(str(environment.path)).is_directory


def test_commands_run_in_the_project(environment):
    done = environment.exec(["pwd"])
    assert done.status == 0, done.stderr
    assert done.stdout.strip() == str(environment.path)
'''
_MODE = 0o644


def write_example(project: PurePosixPath) -> Content:
    """Write the example into a project's ``.devenv/checks``, and return just what was written.

    No symlink is followed and no file replaced: an environment can write the project, and could
    lead this anywhere.

    Raises:
        DevenvError: it cannot be written, or there is something of its name.
    """
    descriptor = os.open(project, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in PLACE.parts:
            descriptor = into(descriptor, part)
        _create(descriptor)
    except OSError as error:
        raise DevenvError(
            f"{project / PLACE / EXAMPLE} could not be written: {error.strerror}.",
            "The project has to be yours to write, and .devenv/checks a directory in it.",
        ) from None
    finally:
        os.close(descriptor)
    return Content({EXAMPLE: Entry("file", _MODE, TEXT.encode())})


def _create(directory: int) -> None:
    with os.fdopen(
        os.open(EXAMPLE, NEW_FILE, _MODE, dir_fd=directory), "w", encoding="utf-8"
    ) as file:
        os.fchmod(file.fileno(), _MODE)
        file.write(TEXT)
