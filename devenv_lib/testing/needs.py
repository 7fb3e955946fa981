"""What tests on an engine need: the engine, or a skip or failure that says why; an image."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from devenv_lib import images
from devenv_lib.engine import connect
from devenv_lib.errors import DevenvError, EngineUnavailable
from devenv_lib.images import Choice
from devenv_lib.names import DEFAULT_PREFIX
from devenv_lib.settings import Settings

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

#: Values of the variable ``CI`` that say that this is none.
_NO = ("", "0", "false")


def engine(environ: Mapping[str, str] = os.environ, *, required: bool) -> Engine:
    """Return the engine that ``environ`` names, or skip the test.

    When one is ``required``, or ``environ`` has ``CI``, the test fails instead. Either says why
    there is none, and what to do.
    """
    try:
        return connect(environ)
    except EngineUnavailable as error:
        why = said(error)
    if required or environ.get("CI", "").lower() not in _NO:
        by = "--devenv-require" if required else "the variable CI"
        pytest.fail(f"no engine, which {by} asks for: {why}", pytrace=False)
    pytest.skip(f"no engine: {why}")


def image(found: Engine, name: str) -> str:
    """Return the name of the image ``name``, or of the default one, which is made if missing.

    The test fails, in a line or two, if that cannot be done.
    """
    default = images.default_image(DEFAULT_PREFIX)
    choice = Choice(name, "given") if name not in ("", default.name) else default
    try:
        owner = (os.getuid(), os.getgid())
        return images.ensure(found, choice, Settings(), owner, lambda _: None).name
    except DevenvError as error:
        why = said(error)
    pytest.fail(why, pytrace=False)


def said(error: DevenvError) -> str:
    """Return what an error says: what happened, and the command that comes next."""
    return f"{error} {error.hint}".strip()
