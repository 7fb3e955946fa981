"""The settings about volumes: which are protected, which are a project's own, and further ones.

Names in them are whole, so they begin with some prefix. Which one is in force is known only when
all layers are read: then the names are checked, here. Pure, as `devenv_lib.settings`.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from devenv_lib.errors import SettingsError
from devenv_lib.names import is_reserved
from devenv_lib.readers import Scope

SCOPE, EXTRA = "volumes.scope", "volumes.extra"
Value = TypeVar("Value")


@dataclass(frozen=True)
class Volumes:
    """What is set about volumes.

    ``protected`` are names, or patterns as a shell's (`fnmatch`). ``scope`` says of a volume
    whose it is, ``extra`` maps further volumes to their places inside, which may begin with
    ``~/``; names in both are those that the volumes have when they are shared.
    """

    protected: tuple[str, ...] = ()
    scope: Mapping[str, Scope] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry(Generic[Value]):
    """What was said about a volume: as what it was ``written``, and where."""

    value: Value
    written: str
    origin: str


def entries(
    key: str,
    read: Mapping[str, Value],
    origins: Mapping[tuple[str, str], str],
    prefix: str,
    known: Collection[str],
) -> dict[str, Entry[Value]]:
    """Return the entries of ``key`` by the volumes' names under ``prefix``.

    A file names the volumes of the prefix that it sets, or of the default one; ``known`` are
    these prefixes. When somebody chooses another one, by a variable say, the same counts there:
    ``devenv-go`` is ``client-go`` then, unless that has an entry of its own.

    Raises:
        SettingsError: a name begins with no known prefix.
    """
    own: dict[str, Entry[Value]] = {}
    others: dict[str, Entry[Value]] = {}
    for name, value in read.items():
        entry = Entry(value, name, origins[key, name])
        heads = [one for one in known if name.startswith(f"{one}-")]
        if not heads:
            raise SettingsError(
                f"'devenv.{key}' in {entry.origin} names {name}, which does not begin with the "
                f"prefix, {prefix}-.",
                f"Call it {prefix}-NAME.",
            )
        head = max(heads, key=len)
        (own if head == prefix else others)[prefix + name.removeprefix(head)] = entry
    return {**others, **own}


def check_extra(extra: Mapping[str, Entry[str]], names: Collection[str]) -> None:
    """Refuse further volumes that are called like those that are there anyway, or for a while.

    Raises:
        SettingsError: with the place where it was set.
    """
    for name, entry in extra.items():
        if name in names:
            raise SettingsError(
                f"'devenv.{EXTRA}' in {entry.origin} names {entry.written}, which environments "
                "have already.",
                f"Choose another name; these are taken: {', '.join(names)}.",
            )
        if is_reserved(name):
            raise SettingsError(
                f"'devenv.{EXTRA}' in {entry.origin} names {entry.written}, which ends as the "
                "volumes do that devenv makes beside others for a while.",
                "Choose another name.",
            )


def check_scope(scope: Mapping[str, Entry[Scope]], names: Collection[str]) -> None:
    """Refuse a scope for what is no volume of an environment.

    Raises:
        SettingsError: with the place where it was set, and the volumes that there are.
    """
    for name, entry in scope.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            raise SettingsError(
                f"'devenv.{SCOPE}' in {entry.origin} names {entry.written}, which is no volume "
                "of an environment.",
                f"{f'Did you mean {near[0]}? ' if near else ''}Volumes: {', '.join(names)}.",
            )
