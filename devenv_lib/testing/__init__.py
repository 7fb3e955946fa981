"""What the pytest plugin's fixtures do: find the engine, make things for a test, remove them.

Imported when a fixture is used, and not before. `VolumeFactory` and `EnvironmentFactory` are for
annotations in tests.
"""

from devenv_lib.testing.factories import (
    EnvironmentFactory,
    VolumeFactory,
    environment_factory,
    remove,
    volume_factory,
)
from devenv_lib.testing.needs import engine, image
from devenv_lib.testing.temporaries import Temporaries

__all__ = [
    "EnvironmentFactory",
    "Temporaries",
    "VolumeFactory",
    "engine",
    "environment_factory",
    "image",
    "remove",
    "volume_factory",
]
