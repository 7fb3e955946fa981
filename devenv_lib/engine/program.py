"""The docker program, for builds and pulls: docker-py has no BuildKit and shows no progress."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from devenv_lib.engine.endpoint import Endpoint
from devenv_lib.engine.session import no_docker_program


def engine_program() -> str | None:
    """Return the engine's own program, which users other than root seldom have in ``PATH``."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    return shutil.which("dockerd", path=path)


def docker_words(endpoint: Endpoint) -> list[str]:
    """Return the beginning of a docker command line for the engine at ``endpoint``.

    Raises:
        ProgramMissing: there is no docker program.
    """
    program = shutil.which("docker")
    if program is None:
        raise no_docker_program()
    return [program, *endpoint.words]


def show(words: Sequence[str]) -> int:
    """Run a program whose output is progress: all of it goes to stderr, if that is open."""
    where = subprocess.DEVNULL
    if sys.stderr is not None:
        sys.stderr.flush()
        where = sys.stderr.fileno()
    return subprocess.run(list(words), stdout=where, stderr=where, check=False).returncode
