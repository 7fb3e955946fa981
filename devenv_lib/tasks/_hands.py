"""What the tasks that look into volumes need: an engine, and an image to make helpers from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from invoke import Context

from devenv_lib import images, report
from devenv_lib.engine import connect
from devenv_lib.errors import ImageError, Refused
from devenv_lib.tasks._task import dry, settings_of

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.images import Choice
    from devenv_lib.records import Identity
    from devenv_lib.settings import Settings


class Hands(NamedTuple):
    """An engine, the settings, and the image of helpers: the setting's, or the default one."""

    engine: Engine
    settings: Settings
    choice: Choice

    @property
    def prefix(self) -> str:
        """The prefix whose volumes these are."""
        return self.settings.prefix

    def made_image(self) -> str:
        """Make or pull the image for helpers if it is missing, and return its name."""
        owner = (os.getuid(), os.getgid())
        return images.ensure(self.engine, self.choice, self.settings, owner, report.say).name

    def image_here(self) -> str:
        """Return the name of that image for a dry run, which makes and pulls none.

        Raises:
            Refused: it is not here.
        """
        if self.engine.image(self.choice.name) is None:
            raise Refused(
                f"The image {self.choice.name}, which volumes are looked into with, is not here "
                "yet.",
                f"{self.choice.bringing}; or leave out --dry",
            )
        return self.made_image()

    def user_of(self, image: str) -> Identity:
        """Return who the user of the helpers' image is.

        Raises:
            ImageError: it is gone, or has no usable user.
        """
        found = self.engine.image(image)
        if found is None:
            why = f"The image {image} has just been removed."
            raise ImageError(why, "Run the same command again.")
        return images.identity(self.engine, found, image, self.prefix, self.settings.user)


def hands(c: Context) -> Hands:
    """Load what a task about volumes' contents needs. No project's file counts for it.

    What killed commands left, never started, would keep volumes from being removed or filled.
    """
    settings = settings_of(c)
    engine = connect()
    if not dry(c):
        engine.remove_leftovers(settings.prefix)
    return Hands(engine, settings, images.shared_image(settings))
