"""What a fresh machine needs: an engine, the base image, the default image.

Every step can be repeated, and is quick when there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from compileall import compile_dir
from importlib.resources import files
from pathlib import Path

from devenv_lib import images
from devenv_lib.engine import connect
from devenv_lib.settings import Settings
from devenv_lib.setup.base import ensure_base
from devenv_lib.setup.machine import Done, ensure_engine

__all__ = ["Done", "make_ready"]


def make_ready(
    settings: Settings, environ: Mapping[str, str], say: Callable[[str], None], *, dry: bool = False
) -> Iterator[Done]:
    """Take each step that is needed and yield what became of it.

    ``say`` is told what takes long before it begins. With ``dry`` nothing is done, and what
    would be is yielded with the outcome ``WOULD``. A step is taken when it is asked for: go
    through all of them.

    Raises:
        SetupError: a step is not possible here; the hint has exact instructions.
        EngineUnavailable: an engine is meant to be there and does not answer.
        ImageError: the image does not build.

    Example::

        import os

        for step in devenv.make_ready(settings, os.environ, print, dry=True):
            assert step.outcome in ("OK", "WOULD")
    """
    if not dry:
        # Invoke keeps Python from writing bytecode, and an editable install has none: without
        # this every command compiles anew what it imports (60 ms).
        compile_dir(str(files("devenv_lib")), quiet=2)
    done = ensure_engine(environ, say, dry=dry)
    yield done
    if dry and done.outcome == "WOULD":
        yield Done("base image", "WOULD", f"pull {settings.build.base}, or make it with mmdebstrap")
        yield Done("image", "WOULD", f"build {settings.prefix}:latest")
        return
    engine = connect(environ)
    yield ensure_base(engine, settings, say, dry=dry)
    choice = images.default_image(settings.prefix)
    image = engine.image(choice.name)
    if dry and image is None:
        yield Done("image", "WOULD", f"build {choice.name}")
        return
    here = Path().stat()  # also where the current directory was deleted
    owner = (here.st_uid, here.st_gid)
    built = images.ensure(engine, choice, settings, owner, say)
    detail, remedy = choice.name, ""
    if image and images.outdated(image, choice, settings, owner):
        detail += ", built for another owner or from something else than now"
        remedy = f"To build it anew: {choice.bringing}"
    outcome = "BUILT" if built.built else "OK"
    yield Done("image", outcome, detail, engine.endpoint.title, remedy)
