"""Environments: one container per project, found, brought up, entered and taken down."""

from typing import TYPE_CHECKING

from devenv_lib.lazily import lazily

if TYPE_CHECKING:
    from devenv_lib.containers.attach import attach, execute
    from devenv_lib.containers.block import Inside, environment
    from devenv_lib.containers.draft import draft
    from devenv_lib.containers.find import Sighting, find
    from devenv_lib.containers.rehearse import rehearse, rehearse_exec, rehearse_stop
    from devenv_lib.containers.sessions import sessions
    from devenv_lib.containers.stop import Stopped, StopResult, stop, stop_all
    from devenv_lib.containers.survey import EnvironmentReport, named, survey
    from devenv_lib.containers.up import Environment, up

__all__ = [
    "Environment",
    "EnvironmentReport",
    "Inside",
    "Sighting",
    "StopResult",
    "Stopped",
    "attach",
    "draft",
    "environment",
    "execute",
    "find",
    "named",
    "rehearse",
    "rehearse_exec",
    "rehearse_stop",
    "sessions",
    "stop",
    "stop_all",
    "survey",
    "up",
]

lazily(
    __name__,
    {
        "attach": ("attach", "execute"),
        "block": ("Inside", "environment"),
        "draft": ("draft",),
        "find": ("Sighting", "find"),
        "rehearse": ("rehearse", "rehearse_exec", "rehearse_stop"),
        "sessions": ("sessions",),
        "stop": ("Stopped", "StopResult", "stop", "stop_all"),
        "survey": ("EnvironmentReport", "named", "survey"),
        "up": ("Environment", "up"),
    },
)
