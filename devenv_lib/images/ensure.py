"""Make sure that the image is there: pull somebody else's, build our own."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from devenv_lib.engine.program import docker_words, show
from devenv_lib.errors import ImageError
from devenv_lib.images.build import BuiltImage, build, build_words, missing_default, stale
from devenv_lib.images.choice import Choice
from devenv_lib.settings import Settings

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def ensure(
    engine: Engine,
    choice: Choice,
    settings: Settings,
    owner: tuple[int, int],
    say: Callable[[str], None],
) -> BuiltImage:
    """Return the image, made if it is missing or its project's ``.devenv`` changed.

    ``say`` is told what takes long before it begins.

    Raises:
        ImageError: it cannot be pulled or built.
    """
    image = engine.image(choice.name)
    if image and not stale(image, choice, settings, owner):
        return BuiltImage(choice.name, image.id, built=False)
    if choice.kind == "given":
        say(f"Pulling the image {choice.name}, which is not here yet.")
        return _pull(engine, choice.name)
    why = "whose .devenv directory changed" if image else "which is not here yet"
    say(f"Building the image {choice.name}, {why}. This takes a minute or two.")
    return build(engine, choice, settings, owner, say)


def rehearse(
    engine: Engine, choice: Choice, settings: Settings, owner: tuple[int, int]
) -> Iterator[str]:
    """Yield the commands that stand for what `ensure` would do now, and comments."""
    image = engine.image(choice.name)
    if image and not stale(image, choice, settings, owner):
        return
    if choice.kind == "given":
        yield shlex.join(["docker", "pull", choice.name])
        return
    yield from rehearse_build(engine, choice, settings, owner)


def rehearse_build(
    engine: Engine,
    choice: Choice,
    settings: Settings,
    owner: tuple[int, int],
    *,
    fresh: bool = False,
) -> Iterator[str]:
    """Yield the commands that stand for a build, and comments."""
    if choice.kind == "project" and (default := missing_default(engine, choice, settings)):
        yield from rehearse_build(engine, default, settings, owner)
    if choice.kind == "default" and settings.build.ca_certificates:
        yield f"# in a copy of {choice.context}, with in certificates/ beside what is there:"
        yield from (f"#   {path}" for path in settings.build.ca_certificates)
    words = build_words(engine, choice, settings, owner, choice.context, fresh=fresh)
    yield shlex.join(["docker", *words])


def _pull(engine: Engine, name: str) -> BuiltImage:
    status = show([*docker_words(engine.endpoint), "pull", name])
    image = engine.image(name)
    if status or image is None:
        raise ImageError(
            f"The image {name} is not on {engine.endpoint.title} and could not be pulled.",
            "Check its name (docker images), or leave it out for the default: inv run",
        )
    return BuiltImage(name, image.id, built=True)
