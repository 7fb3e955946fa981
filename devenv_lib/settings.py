"""Settings: the only place where defaults live, read from layers that are handed in.

A layer is one source of settings (a file, the environment's variables, the command line's
flags) with its origin's name, weakest first. Pure: no file and no variable is read here.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from devenv_lib.errors import SettingsError
from devenv_lib.names import CACHE, DATA, DEFAULT_PREFIX, STATE, volume_name
from devenv_lib.readers import DEFAULT_LOCKFILES, READERS, STRUCTURED, MountRequest
from devenv_lib.records import Port
from devenv_lib.texts import quoted
from devenv_lib.volume_settings import EXTRA, SCOPE, Volumes, check_extra, check_scope, entries

#: Keys that widen what an environment may reach: other projects' volumes by the prefix, what the
#: image that all share is built from, and so on. A project's own files may not set them,
#: because whatever runs in an environment can write the project.
WIDENING = frozenset(
    {
        *("prefix", "user", "memory", "memory_swap", "cpus", "limits_required"),
        *("ssh", "mounts", "lockfiles"),
        *("linked_mounts", "build.base", "build.ca_certificates", "volumes.protected"),
        # A further volume is one of other projects, at a place where tools look for programs.
        EXTRA,
    }
)
#: Keys whose mappings are merged key by key over the layers, and what they begin with.
_MERGED: Mapping[str, Mapping[str, Any]] = {"lockfiles": DEFAULT_LOCKFILES, SCOPE: {}, EXTRA: {}}
_GROUPS = frozenset(key.partition(".")[0] for key in READERS if "." in key)


@dataclass(frozen=True)
class Build:
    """How images are built: the base image, and certificate authorities to trust (paths)."""

    base: str = "debian:trixie-slim"
    ca_certificates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """All settings. ``memory`` and ``memory_swap`` are bytes; swap counts memory in.

    An empty ``image`` is the project's own or the default one; an empty ``user`` is the
    image's. ``memory_swap`` of ``None`` is one and a half times ``memory``. ``cpus`` are
    processors, capped to what the engine has; ``limits_required`` refuses an engine that cannot
    set one of the three. ``ssh`` of ``None`` is as the host has keys or
    not; with an ``ssh_port`` of 0 the engine picks one. ``linked_mounts`` is how many mounts
    symlinks in configuration may lead to. What a person writes (``8g``, ``"8080:80"``) is read
    by `devenv_lib.readers`, whose values these are; here nothing is checked.

    Example::

        small = devenv.Settings(prefix="ci", memory=2 << 30, cpus=1.5)
        assert small.swap_limit == 3 << 30
        assert small.ports == ()
    """

    prefix: str = DEFAULT_PREFIX
    image: str = ""
    user: str = ""
    memory: int = 8 << 30
    memory_swap: int | None = None
    cpus: float = 4.0
    limits_required: bool = False
    ports: tuple[Port, ...] = ()
    ssh: bool | None = None
    ssh_port: int = 0
    mounts: tuple[MountRequest, ...] = ()
    lockfiles: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: DEFAULT_LOCKFILES)
    linked_mounts: int = 32
    build: Build = field(default_factory=Build)
    volumes: Volumes = field(default_factory=Volumes)

    @property
    def swap_limit(self) -> int:
        """Memory and swap together, in bytes."""
        return self.memory * 3 // 2 if self.memory_swap is None else self.memory_swap

    @property
    def volume_names(self) -> tuple[str, ...]:
        """The names of the volumes that environments may have, if all are shared."""
        suffixes = (DATA[0], CACHE[0], STATE[0], *(f"{name}-lock" for name in self.lockfiles))
        return (*(volume_name(self.prefix, s) for s in suffixes), *self.volumes.extra)


@dataclass(frozen=True)
class Layer:
    """One source of settings.

    ``trusted`` is false for files that a project brings along; ``text`` is true where every
    value is a string (variables), in which lists and mappings are written as JSON.
    """

    origin: str
    values: object
    trusted: bool = True
    text: bool = False


def variables(environ: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the settings among ``environ``'s variables that begin with ``prefix``.

    ``DEVENV_BUILD_BASE`` is ``build.base``. Others with the same beginning are left alone:
    other tools use ``DEVENV_`` too.
    """
    names = {key: prefix + key.replace(".", "_").upper() for key in READERS}
    return {key: environ[name] for key, name in names.items() if name in environ}


def load(layers: Sequence[Layer]) -> Settings:
    """Merge ``layers``, the weakest first, over the defaults.

    Raises:
        SettingsError: an unknown key, a wrong type, or a key that a project may not set; it
            names the key, where it was set, and what is accepted.
    """
    read: dict[str, Any] = {}
    prefixes, origins = {DEFAULT_PREFIX}, {}
    for layer in layers:
        for key, value in flatten(layer):
            now = read_value(layer, key, value)
            if key in _MERGED:
                origins.update({(key, name): layer.origin for name in now})
                now = {**read.get(key, _MERGED[key]), **now}
            elif key == "prefix":
                prefixes.add(now)
            read[key] = now
    settings = Settings(
        **{key: value for key, value in read.items() if "." not in key},
        build=Build(**_group(read, "build")),
        volumes=Volumes(**_group(read, "volumes")),
    )
    settings = _with_own_volumes(settings, prefixes, origins)
    if settings.swap_limit < settings.memory:
        raise SettingsError(
            f"'devenv.memory_swap' ({settings.swap_limit} bytes) is below 'devenv.memory' "
            f"({settings.memory} bytes), which it includes.",
            "Raise memory_swap, or leave it out: it is then half as much again as memory.",
        )
    return settings


def _with_own_volumes(
    settings: Settings, prefixes: Collection[str], origins: Mapping[tuple[str, str], str]
) -> Settings:
    """Return settings with what is said about the volumes of their own prefix, once checked."""
    said, names = settings.volumes, replace(settings, volumes=Volumes()).volume_names
    extra = entries(EXTRA, said.extra, origins, settings.prefix, prefixes)
    scope = entries(SCOPE, said.scope, origins, settings.prefix, prefixes)
    check_extra(extra, names)
    check_scope(scope, (*names, *extra))
    volumes = replace(
        said,
        scope={name: entry.value for name, entry in scope.items()},
        extra={name: entry.value for name, entry in extra.items()},
    )
    return replace(settings, volumes=volumes)


def _group(read: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what was read of the keys below ``name``."""
    return {k.removeprefix(f"{name}."): v for k, v in read.items() if k.startswith(f"{name}.")}


def flatten(layer: Layer) -> Iterator[tuple[str, object]]:
    """Yield a layer's dotted keys and values.

    Raises:
        SettingsError: it is no mapping of settings.
    """
    if layer.values is None:
        return
    if not isinstance(layer.values, Mapping):
        raise SettingsError(
            f"'devenv' in {layer.origin} is not a mapping of settings.",
            f"Accepted keys: {', '.join(READERS)}.",
        )
    for key, value in layer.values.items():
        if key in _GROUPS:
            yield from ((f"{key}.{name}", inner) for name, inner in _inside(layer, key, value))
        else:
            yield str(key), value


def _inside(layer: Layer, group: str, value: object) -> list[tuple[object, object]]:
    """Return the items of a group of keys, which may be empty."""
    if value is not None and not isinstance(value, Mapping):
        keys = ", ".join(k.partition(".")[2] for k in READERS if k.startswith(f"{group}."))
        raise SettingsError(
            f"'devenv.{group}' in {layer.origin} is {quoted(value)}.",
            f"It takes a mapping of {keys}.",
            f"'devenv.{group}' in {layer.origin} is no mapping.",
        )
    return list(value.items()) if value else []


def read_value(layer: Layer, key: str, value: object) -> Any:
    """Return what a value of a layer's stands for.

    Raises:
        SettingsError: it is no setting, not what that takes, or not the layer's to set.
    """
    if key not in READERS:
        raise _unknown(layer, key)
    if not layer.trusted and (key in WIDENING or _shares(key, value)):
        what = "shares a volume" if key == SCOPE else "is set"
        raise SettingsError(
            f"'devenv.{key}' {what} in {layer.origin}, a file of the project; it widens what "
            "an environment may reach, and whatever runs in one can write the project.",
            f"Move it to ~/.invoke.yaml, or set DEVENV_{key.replace('.', '_').upper()}.",
        )
    try:
        return READERS[key](_decoded(value) if layer.text and key in STRUCTURED else value)
    except ValueError as error:
        raise SettingsError(
            f"'devenv.{key}' in {layer.origin} is {quoted(value)}.",
            f"It takes {error}{' (as JSON)' if layer.text and key in STRUCTURED else ''}.",
            f"'devenv.{key}' in {layer.origin} is not what it takes.",
        ) from None


def _shares(key: str, value: object) -> bool:
    """Whether a scope makes a volume everybody's.

    One of its own is the project's to ask for: the name follows from its path, so it chooses
    nobody else's. That all have one again, where the user wanted them apart, is not.
    """
    return key == SCOPE and isinstance(value, Mapping) and "shared" in value.values()


def _decoded(value: object) -> object:
    try:
        return json.loads(str(value))
    except (ValueError, RecursionError):  # the latter of more brackets than Python calls itself
        return value


def _unknown(layer: Layer, key: str) -> SettingsError:
    near = difflib.get_close_matches(key, READERS, n=1)
    return SettingsError(
        f"'devenv.{key}' in {layer.origin} is not a setting.",
        f"Did you mean '{near[0]}'?" if near else f"Settings: {', '.join(READERS)}.",
    )
