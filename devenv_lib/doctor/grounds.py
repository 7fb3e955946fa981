"""What an examination stands on, and mends after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devenv_lib import images
from devenv_lib.project import Project
from devenv_lib.records import Host, Identity
from devenv_lib.settings import Settings

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


@dataclass(frozen=True)
class Grounds:
    """What was found before the rest. Each may be missing, but for the settings.

    ``choice`` is the image of the project's environment, ``who`` that image's user.
    """

    settings: Settings
    engine: Engine | None = None
    project: Project | None = None
    host: Host | None = None
    choice: images.Choice | None = None
    who: Identity | None = None

    @property
    def helpers(self) -> str | None:
        """The image for helpers, of those that are here: the given or default one, the project's.

        ``None``: none is, and none is made for an examination.
        """
        default = images.default_image(self.settings.prefix).name
        names = (self.settings.image or default, self.choice.name if self.choice else default)
        engine = self.engine
        return next((name for name in names if engine and engine.image(name)), None)
