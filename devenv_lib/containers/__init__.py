"""Environments: one container per project, found, brought up, entered and taken down."""

from devenv_lib.containers.attach import attach, execute, on_terminal
from devenv_lib.containers.block import Inside, environment
from devenv_lib.containers.draft import draft
from devenv_lib.containers.find import Sighting, find
from devenv_lib.containers.rehearse import rehearse, rehearse_stop
from devenv_lib.containers.stop import Stopped, stop
from devenv_lib.containers.up import Environment, up

__all__ = [
    "Environment",
    "Inside",
    "Sighting",
    "Stopped",
    "attach",
    "draft",
    "environment",
    "execute",
    "find",
    "on_terminal",
    "rehearse",
    "rehearse_stop",
    "stop",
    "up",
]
