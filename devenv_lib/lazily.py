"""Packages whose public names bring what they need when they are first asked for.

Every command starts Python anew, and a third of what that takes would be modules of verbs that
were not asked for. Python knows this as PEP 562; a class does what its ``__getattr__`` cannot.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType


class _Package(ModuleType):
    """A package that knows in which of its modules each public name lives."""

    homes: Mapping[str, str]

    def __getattr__(self, name: str) -> object:
        """Import a public name from its home, and keep it."""
        home = self.__dict__.get("homes", {}).get(name)
        if home is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f"{self.__name__}.{home}"), name)
        self.__dict__[name] = found
        return found

    def __setattr__(self, name: str, value: object) -> None:
        """Leave a public name what it is when the import system offers its module's instead.

        ``volumes.adopt`` is the verb, and would be the module as soon as somebody imports that.
        """
        if not (isinstance(value, ModuleType) and name in self.homes):
            super().__setattr__(name, value)


def lazily(package: str, homes: Mapping[str, Sequence[str]]) -> None:
    """Give ``package`` its public names. ``homes`` has them by the module below it they live in.

    For type checkers the package imports them as well, and ``__all__`` lists them: that the three
    are the same is tested.
    """
    module = sys.modules[package]
    module.__dict__["homes"] = {name: home for home, names in homes.items() for name in names}
    module.__class__ = _Package
