"""Findings about the image of a project's environment, and about its user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from devenv_lib.plans.health.finding import Finding, Mend, at_path
from devenv_lib.plans.ownership import another_user, roots_project
from devenv_lib.project import Project
from devenv_lib.records import Identity, Image


@dataclass(frozen=True)
class ImageFacts:
    """The image that a project's environment is made from, as the engine has it.

    ``outdated`` says that what it is built from changed since, be it its directory ``context``
    or the owner that it was built for.
    """

    name: str
    kind: Literal["given", "default", "project"]
    image: Image | None
    context: str = ""
    outdated: bool = False


def image_finding(facts: ImageFacts, project: Project) -> Finding:
    """Return whether the image is there, and as old as what it is built from."""
    given = facts.kind == "given"
    build = at_path("inv build", project.path)
    if facts.image is None:
        remedy = f"docker pull {facts.name}" if given else build
        why = f"{facts.name} is not here yet; the next start {'pulls' if given else 'builds'} it"
        return Finding("image", "WARN", why, remedy, Mend("image", facts.name))
    told = f"{facts.name}, made {facts.image.created[:19] or 'at an unknown time'}"
    if facts.outdated:
        why = f"{told}, is older than what it is built from, {facts.context}"
        if facts.kind == "default":
            why += ", or was built for another owner"
        return Finding("image", "WARN", why, build)
    return Finding("image", "OK", told + ("" if given else ", from what it is built from now"))


def user_finding(who: Identity, owner: int, project: Project, kind: str) -> Finding:
    """Return whether the image's user can write the project of ``owner``, a uid."""
    at = at_path("", project.path)
    if problem := roots_project(who, owner, project):
        return Finding("user", "WARN", *problem)
    if problem := another_user(who, owner, project, kind, at):
        return Finding("user", "WARN", *problem)
    same = "the project's owner too" if owner == who.uid else f"the project's owner is {owner}"
    return Finding("user", "OK", f"{who.name} is uid {who.uid}, {same}")
