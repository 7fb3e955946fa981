"""Invoke's configuration as the ``devenv`` command reads it: a project decides little.

``inv`` runs a project's task file anyway. ``devenv`` is meant for projects that nobody has
looked at: of theirs it reads yaml and json and never Python, and in these the key ``devenv``
only, since others choose which code Invoke runs.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from invoke import Config, UnknownFileType
from invoke.env import Environment
from invoke.exceptions import AmbiguousEnvVar, UncastableEnvVar
from invoke.util import yaml

from devenv_lib.errors import UsageError

_KEY = "devenv"
#: The keys of Invoke's own settings.
_INVOKES = tuple(Config.global_defaults())
_PASSIVE = ("yaml", "yml", "json")
#: Bytes and values that a settings file may have, how deep they lie, and a number's bits.
_LARGEST, _MOST, _DEEPEST, _MOST_BITS = 1 << 16, 10_000, 20, 64


class ProjectConfig(Config):
    """A configuration whose project is the one that a task is about."""

    #: Why files could not be read, by their level: whoever wants settings raises it, so that what
    #: needs none (a help, an examination) goes on.
    _broken: Mapping[str, UsageError] = MappingProxyType({})

    @property
    def broken(self) -> tuple[UsageError, ...]:
        """Why settings files could not be read."""
        return tuple(self._broken.values())

    def clone(self, into: type[Config] | None = None) -> Config:
        """Return a copy, which knows of broken files too."""
        copy = super().clone(into)
        if isinstance(copy, ProjectConfig):
            copy._set(_broken=self._broken)  # noqa: SLF001 - of this class
        return copy

    def load_project_at(self, directory: str) -> None:
        """Read the settings file of a project's ``directory``, or none if that is empty."""
        try:
            real = os.path.realpath(Path(directory).expanduser()) if directory else None
        except (OSError, RuntimeError, ValueError):
            real = None  # what is wrong with the directory is for the task to say
        self.set_project_location(real)
        self.load_project()

    def load_project(self, merge: bool = True) -> None:
        """Load a project's ``invoke.yaml``, ``invoke.yml`` or ``invoke.json``."""
        self._set(_broken={k: v for k, v in self._broken.items() if k != "project"})
        usual = self._file_suffixes
        self._set(_file_suffixes=_PASSIVE, _load_yaml=_load_plain, _load_yml=_load_plain)
        try:
            super().load_project(merge=False)
        finally:
            self._set(_file_suffixes=usual, _load_yaml=self._load_own, _load_yml=self._load_own)
        project = self._project
        self._set(_project={_KEY: project[_KEY]} if _KEY in project else {})
        if merge:
            self.merge()

    def load_shell_env(self) -> None:
        """Read Invoke's own variables, ``INVOKE_RUN_DRY`` above all, as ``inv`` does.

        ``INVOKE_DEVENV_*`` is left to devenv: Invoke fails on those that are lists. What else is in
        the files is somebody else's: Invoke takes no keys there but texts.
        """
        self.merge()
        known: Any = {key: self._config[key] for key in _INVOKES if key in self._config}
        try:
            self._set(_env=Environment(config=known, prefix=self._env_prefix).load())
        except (UncastableEnvVar, AmbiguousEnvVar, TypeError, ValueError) as error:
            raise UsageError(
                f"Invoke's own settings and the variables INVOKE_* do not go together: {error}.",
                "See which there are: env | grep INVOKE_",
            ) from None
        self.merge()

    def _load_own(self, path: PathLike[Any]) -> Any:
        return _mapping(yaml.safe_load, path)

    _load_yaml = _load_yml = _load_own

    def _load_json(self, path: PathLike[Any]) -> Any:
        return _mapping(json.loads, path)

    def _load_file(self, prefix: str, absolute: bool = False, merge: bool = True) -> None:
        try:
            super()._load_file(prefix, absolute=absolute, merge=merge)
        except UnknownFileType as error:
            wrong = UsageError(f"{error}.", "Write settings as yaml: -f FILE.yaml")
            self._set(_broken={**self._broken, prefix: wrong})
        except UsageError as error:
            self._set(_broken={**self._broken, prefix: error})


class _PlainLoader(yaml.SafeLoader):
    """Yaml without merge keys, by which a short file takes for ever to load."""

    def flatten_mapping(self, node: Any) -> None:
        """Refuse ``<<``."""
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise ValueError("merge keys (<<) are not read")


def _load_plain(path: PathLike[Any]) -> Any:
    loader: Any = _PlainLoader  # yaml has no types
    return _mapping(lambda text: loader(text).get_single_data(), path)


def _mapping(load: Callable[[str], Any], path: PathLike[Any]) -> dict[str, Any]:
    """Return what a settings file holds; one that is not there is left for Invoke to pass by."""
    try:
        data = load(_text(path))
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(errno.ENOENT, "no settings there") from None
    except UsageError:
        raise
    except RecursionError:
        raise _too_much(path) from None
    except Exception as error:  # noqa: BLE001 - yaml's own constructors raise what they meet
        raise _unreadable(path, error) from None
    if _is_large(data):
        raise _too_much(path)
    if data is not None and not isinstance(data, dict):
        raise UsageError(f"{path} is not a mapping of settings.", "Mend it, or remove it.")
    # "devenv:" with nothing below it is no mapping, and `on:` is no text: Invoke fails on both.
    texts = {key: value for key, value in (data or {}).items() if isinstance(key, str)}
    return {key: value for key, value in texts.items() if (key, value) != (_KEY, None)}


def _unreadable(path: PathLike[Any], error: Exception) -> UsageError:
    """Return the error of a file that cannot be read; what is in it may be secret."""
    # What yaml says has the line in it, as a picture of where it stands.
    what = getattr(error, "problem", None) or error
    why = " ".join(str(what).split())
    line = (
        getattr(error, "lineno", None)
        or getattr(getattr(error, "problem_mark", None), "line", -1) + 1
    )
    where = f" (line {line})" if line else ""
    wrong = UsageError(f"{path} cannot be read: {why}{where}.", "Mend it, or remove it.")
    what = error.strerror if isinstance(error, OSError) else "it is not well-formed"
    wrong.discreet = f"{path} cannot be read: {what}{where}."
    return wrong


def _text(path: PathLike[Any]) -> str:
    """Return what is in a file, and refuse what can take for ever to read, or has no end.

    A project may put anything there. Of a file of the kernel's own, the size says nothing.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UsageError(f"{path} is not a file of settings.", "Mend it, or remove it.")
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise _too_much(path)
    return content.decode()


def _is_large(data: object) -> bool:
    """Whether there is more than settings have: yaml can name one value many times over."""
    waiting, seen = [(data, 0)], 0
    while waiting:
        one, depth = waiting.pop()
        seen += 1
        number = isinstance(one, int) and one.bit_length() > _MOST_BITS
        if seen > _MOST or depth > _DEEPEST or number:
            return True
        if isinstance(one, dict):
            one = list(one.values())
        if isinstance(one, list | tuple):
            waiting.extend((value, depth + 1) for value in one)
    return False


def _too_much(path: PathLike[Any]) -> UsageError:
    return UsageError(f"{path} holds more than settings do.", "Mend it, or remove it.")
