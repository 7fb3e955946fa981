"""Invoke's configuration as the ``devenv`` command reads it: a project decides little.

``inv`` runs a project's task file anyway. ``devenv`` is meant for projects that nobody has
looked at: of theirs it reads yaml and json and never Python, and in these the key ``devenv``
only, since others choose which code Invoke runs.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

from invoke import Config, UnknownFileType
from invoke.util import yaml

from devenv_lib.errors import UsageError

_KEY = "devenv"
_PASSIVE = ("yaml", "yml", "json")
#: Bytes and values that a settings file may have.
_LARGEST, _MOST = 1 << 20, 10_000


class ProjectConfig(Config):
    """A configuration whose project is the one that a task is about."""

    def load_project_at(self, directory: str) -> None:
        """Read the settings file of a project's ``directory``, or none if that is empty.

        Raises:
            UsageError: it cannot be read.
        """
        try:
            real = os.path.realpath(Path(directory).expanduser()) if directory else None
        except (OSError, RuntimeError, ValueError):
            real = None  # what is wrong with the directory is for the task to say
        self.set_project_location(real)
        self.load_project()

    def load_project(self, merge: bool = True) -> None:
        """Load a project's ``invoke.yaml``, ``invoke.yml`` or ``invoke.json``."""
        usual = self._file_suffixes
        self._set(_file_suffixes=_PASSIVE)
        try:
            super().load_project(merge=False)
        finally:
            self._set(_file_suffixes=usual)
        project = self._project
        self._set(_project={_KEY: project[_KEY]} if _KEY in project else {})
        if merge:
            self.merge()

    def load_shell_env(self) -> None:
        """Leave ``INVOKE_DEVENV_*`` to devenv: Invoke fails on those that are lists."""

    def _load_yaml(self, path: PathLike[Any]) -> Any:
        return _mapping(super()._load_yaml, path)

    _load_yml = _load_yaml

    def _load_json(self, path: PathLike[Any]) -> Any:
        return _mapping(super()._load_json, path)

    def _load_file(self, prefix: str, absolute: bool = False, merge: bool = True) -> None:
        try:
            super()._load_file(prefix, absolute=absolute, merge=merge)
        except UnknownFileType as error:
            raise UsageError(f"{error}.", "Write settings as yaml: -f FILE.yaml") from None


def _mapping(load: Callable[[PathLike[Any]], Any], path: PathLike[Any]) -> dict[str, Any]:
    """Return what a settings file holds; one that is not there is left for Invoke to pass by."""
    _check_file(path)
    try:
        data = load(path)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(errno.ENOENT, "no settings there") from None
    except RecursionError:
        raise _too_much(path) from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise UsageError(f"{path} cannot be read: {why}.", "Mend it, or remove it.") from None
    if _is_large(data):
        raise _too_much(path)
    if data is not None and not isinstance(data, dict):
        raise UsageError(f"{path} is not a mapping of settings.", "Mend it, or remove it.")
    # "devenv:" with nothing below it is no mapping, on which Invoke fails.
    return {key: value for key, value in (data or {}).items() if (key, value) != (_KEY, None)}


def _check_file(path: PathLike[Any]) -> None:
    """Refuse what can take for ever to read: a project may put anything there."""
    if not os.path.exists(path):
        return
    if not os.path.isfile(path):
        raise UsageError(f"{path} is not a file of settings.", "Mend it, or remove it.")
    if Path(path).stat().st_size > _LARGEST:
        raise _too_much(path)


def _is_large(data: object) -> bool:
    """Whether there are more values than settings have: yaml can name one many times over."""
    waiting, seen = [data], 0
    while waiting:
        one = waiting.pop()
        seen += 1
        if seen > _MOST:
            return True
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list | tuple):
            waiting.extend(one)
    return False


def _too_much(path: PathLike[Any]) -> UsageError:
    return UsageError(f"{path} holds more than settings do.", "Mend it, or remove it.")
