"""Thin Invoke tasks over the library: parse, load, plan, ask, act, report.

``ns`` is the namespace, for ``add_collection``; ``graft`` adds it at another one's root. Its
tasks have flags only: an Invoke task with a required bare word swallows ``--help`` and ``--dry``
and then runs.
"""

from devenv_lib.tasks._task import settings_of
from devenv_lib.tasks.compose import TaskFileError, graft, ns

__all__ = ["TaskFileError", "graft", "ns", "settings_of"]
