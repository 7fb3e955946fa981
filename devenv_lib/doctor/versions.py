"""The versions of what devenv stands on, and what of this machine a report does not tell."""

from __future__ import annotations

import os
import platform
import pwd
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from devenv_lib.plans.health.engine import Program
from devenv_lib.plans.health.private import Private

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

_PACKAGES = {"devenv": "devenv-lib", "Invoke": "invoke", "docker-py": "docker"}


def versions(engine: Engine | None, program: Program | None) -> Mapping[str, str]:
    """Return the versions of devenv, of what it runs on, and of the engine."""
    found = {name: _version(package) for name, package in _PACKAGES.items()}
    found["Python"] = platform.python_version()
    found["docker"] = program.version if program else ""
    if engine:
        info = engine.info()
        found |= {"engine": info.version, "API": info.api}
    found[platform.system()] = f"{platform.release()} ({platform.machine()})"
    with suppress(OSError):
        found["on"] = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    return found


def private(environ: Mapping[str, str]) -> Private:
    """Return what is not told: this user's home, by all its paths, and name."""
    homes = [environ.get("HOME", "")]
    user = environ.get("USER", "")
    with suppress(KeyError):
        entry = pwd.getpwuid(os.getuid())
        homes.append(entry.pw_dir)
        user = entry.pw_name
    real = [os.path.realpath(home) for home in homes if home]
    return Private(tuple(dict.fromkeys(filter(None, (*homes, *real)))), user)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
