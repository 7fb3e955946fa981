"""The base image: there, pulled, or made from Debian's archive where no registry answers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from devenv_lib.engine.program import docker_words, show
from devenv_lib.errors import SetupError
from devenv_lib.images import LOCAL_BASE, base_image
from devenv_lib.names import LABEL_IMAGE
from devenv_lib.settings import Build, Settings
from devenv_lib.setup.machine import Done, as_root, install, system_id

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

_SUITE = "trixie"
#: An archive of files has no configuration: this is what an image needs of it.
_CHANGES = (
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    'CMD ["bash"]',
    f"LABEL {LABEL_IMAGE}=true",
)


def ensure_base(
    engine: Engine, settings: Settings, say: Callable[[str], None], *, dry: bool
) -> Done:
    """Return what became of the base image.

    One that is made here is named ``devenv-base:trixie``, never like the official image: that
    name says who made it.
    """
    base = base_image(engine, settings)
    if engine.image(base) is not None:
        return Done("base image", "OK", base)
    if dry:
        return Done("base image", "WOULD", f"pull {base}, or make {LOCAL_BASE} with mmdebstrap")
    say(f"Pulling the base image {base}.")
    if show([*docker_words(engine.endpoint), "pull", base]) == 0:
        return Done("base image", "OK", f"{base}, pulled")
    if base != Build().base:
        raise SetupError(
            f"The base image {base} could not be pulled; the lines above say why.",
            "Name another: DEVENV_BUILD_BASE=IMAGE inv setup",
        )
    say(f"No registry has it: making {LOCAL_BASE} from Debian's archive instead.")
    _make(engine)
    return Done("base image", "MADE", LOCAL_BASE)


def _make(engine: Engine) -> None:
    if system_id() != "debian":
        raise SetupError(
            "The base image cannot be pulled, and making one takes Debian's mmdebstrap.",
            "Let the engine reach a registry, or load an image: docker load --input FILE",
        )
    if shutil.which("mmdebstrap") is None:
        install(["mmdebstrap", "debian-archive-keyring"])
    with TemporaryDirectory(prefix="devenv-base-") as directory:
        archive = Path(directory) / "base.tar"
        make = ["mmdebstrap", "--variant=minbase", "--quiet", _SUITE, str(archive)]
        if show([*as_root(" ".join(make)), *make]):
            raise SetupError(
                "mmdebstrap could not make the base image; its lines above say why.",
                "Mend that (does this machine reach Debian's archive?), then: inv setup",
            )
        flags = [f"--change={change}" for change in _CHANGES]
        words = [*docker_words(engine.endpoint), "import", *flags, str(archive), LOCAL_BASE]
        if show(words):
            raise SetupError(f"{LOCAL_BASE} could not be imported.", "docker system df; inv setup")
