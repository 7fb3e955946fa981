"""What an examination stands on, and mends after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devenv_lib import images
from devenv_lib.containers.draft import check_reach, draft
from devenv_lib.containers.nesting import check_points
from devenv_lib.errors import DevenvError
from devenv_lib.mounts import MountPlan, build_mounts
from devenv_lib.plans import EnvironmentPlan
from devenv_lib.plans.health.image import ImageFacts
from devenv_lib.project import Project
from devenv_lib.records import Host, Identity
from devenv_lib.settings import Settings

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


@dataclass(frozen=True)
class Grounds:
    """What was found before the rest. Each may be missing, but for the settings.

    ``choice`` is the image of the project's environment, ``who`` that image's user; ``missing``
    says that the engine has not got it. ``mounts`` are what the environment would have, and
    ``plan`` is how it would be made, where it could run.
    """

    settings: Settings
    engine: Engine | None = None
    project: Project | None = None
    host: Host | None = None
    choice: images.Choice | None = None
    who: Identity | None = None
    missing: bool = False
    mounts: MountPlan | None = None
    plan: EnvironmentPlan | None = None

    @property
    def helpers(self) -> str | None:
        """The image for helpers, of those that are here: the given or default one, the project's.

        ``None``: none is, and none is made for an examination.
        """
        default = images.default_image(self.settings.prefix).name
        names = (self.settings.image or default, self.choice.name if self.choice else default)
        engine = self.engine
        return next((name for name in names if engine and engine.image(name)), None)


def image_facts(
    engine: Engine, choice: images.Choice, settings: Settings, host: Host
) -> ImageFacts:
    """Return what there is of an image, and whether what it is built from has changed since."""
    image = engine.image(choice.name)
    outdated = (
        image is not None
        and choice.kind != "given"
        and images.outdated(image, choice, settings, host.owner)
    )
    return ImageFacts(choice.name, choice.kind, image, str(choice.context), outdated)


def planned(at: Grounds) -> EnvironmentPlan | None:
    """Return the plan of the environment, or ``None`` where none could run.

    Raises:
        DevenvError: what it would be made from does not go together.
    """
    if not (at.engine and at.project and at.host and (at.who or at.missing)):
        return None
    try:
        check_reach(at.engine, at.engine.info())
    except DevenvError:  # which is a finding of the engine's
        return None
    plan = draft(at.engine, at.project, at.settings, at.host, keep=False)
    check_points(plan.mounts)
    return plan


def mounts_alone(
    project: Project, settings: Settings, host: Host, choice: images.Choice
) -> MountPlan:
    """Return the mounts without an engine, for the user that the image is expected to have."""
    who = images.expected_identity(None, choice.name, host.owner, settings.user)
    return build_mounts(project, settings, host, who)
