"""One disposable development container per project, with state that is not disposable.

For task files there are ``ns`` and ``graft``; for automation ``environment``, and the verbs that
it is made of. Each public name has an example that runs, after these lines::

    import devenv_lib as devenv

    settings = devenv.settings_of()  # or devenv.Settings(prefix="ci"), which reads nothing
    project = devenv.locate(".", settings.prefix)
    engine = devenv.connect()
    host = devenv.look(project, settings)

Verbs take what they work on and return frozen records. They print nothing, but for other programs'
progress on stderr: docker's builds and pulls, and the installers of `make_ready`. Whatever fails
is a `DevenvError`.

Importing this module imports neither docker nor Invoke; a name brings what it needs.
(To pytest, of which it has a plugin: PYTEST_DONT_REWRITE. It would warn where a program imports
this before it runs pytest.)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from devenv_lib.containers.attach import attach, execute
    from devenv_lib.containers.block import Inside, environment
    from devenv_lib.containers.draft import draft
    from devenv_lib.containers.find import find
    from devenv_lib.containers.stop import stop
    from devenv_lib.containers.up import Environment, up
    from devenv_lib.engine import Engine, connect
    from devenv_lib.errors import DevenvError
    from devenv_lib.host import locate, look
    from devenv_lib.settings import Settings
    from devenv_lib.setup import make_ready
    from devenv_lib.tasks import graft, ns, settings_of
    from devenv_lib.volumes.adopt import adopt
    from devenv_lib.volumes.archive import opened
    from devenv_lib.volumes.backup import backup
    from devenv_lib.volumes.clone import clone
    from devenv_lib.volumes.examine import examine
    from devenv_lib.volumes.inward import copy_in
    from devenv_lib.volumes.measuring import measure
    from devenv_lib.volumes.outward import copy_out
    from devenv_lib.volumes.remove import plan_removal, remove
    from devenv_lib.volumes.repair import plan_repair, repair
    from devenv_lib.volumes.restore import restore

_HOMES = {
    "containers": (
        *("Environment", "Inside", "attach", "draft", "environment", "execute", "find"),
        *("stop", "up"),
    ),
    "engine": ("Engine", "connect"),
    "errors": ("DevenvError",),
    "host": ("locate", "look"),
    "settings": ("Settings",),
    "setup": ("make_ready",),
    "tasks": ("graft", "ns", "settings_of"),
    "volumes": (
        *("adopt", "backup", "clone", "copy_in", "copy_out", "examine", "measure", "opened"),
        *("plan_removal", "plan_repair", "remove", "repair", "restore"),
    ),
}
# Not by `lazily`: pytest imports this into every suite that has the plugin, and nothing beside it.
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "DevenvError",
    "Engine",
    "Environment",
    "Inside",
    "Settings",
    "adopt",
    "attach",
    "backup",
    "clone",
    "connect",
    "copy_in",
    "copy_out",
    "draft",
    "environment",
    "examine",
    "execute",
    "find",
    "graft",
    "locate",
    "look",
    "make_ready",
    "measure",
    "ns",
    "opened",
    "plan_removal",
    "plan_repair",
    "remove",
    "repair",
    "restore",
    "settings_of",
    "stop",
    "up",
]


if not TYPE_CHECKING:  # where a name that is not public is a mistake, and no Any

    def __getattr__(name: str) -> Any:
        """Import a public name from where it lives, when it is first asked for."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
