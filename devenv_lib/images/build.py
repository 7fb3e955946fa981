"""Build the default image or a project's own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from devenv_lib.engine.program import docker_words, show
from devenv_lib.errors import ImageError, SettingsError
from devenv_lib.images.choice import Choice, context_digest, default_image, user_ids
from devenv_lib.records import LABEL_CONTEXT, LABEL_IMAGE, Image
from devenv_lib.settings import Settings

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

#: The base image that `devenv_lib.setup` makes where no registry answers.
LOCAL_BASE = "devenv-base:trixie"
_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class BuiltImage:
    """An image that is there now. ``built`` is false when nothing had to be done."""

    name: str
    id: str
    built: bool


def build(engine: Engine, choice: Choice, settings: Settings, owner: tuple[int, int]) -> BuiltImage:
    """Build an image, with the builder's progress on stderr.

    Raises:
        ImageError: the build failed; the builder's own words are above.
        SettingsError: a certificate authority's file cannot be read.
    """
    if choice.kind == "project":
        _ensure_default(engine, choice, settings, owner)
    with _context(choice, settings) as context:
        words = build_words(engine, choice, settings, owner, context)
        status = show([*docker_words(engine.endpoint), *words])
    image = engine.image(choice.name)
    if status or image is None:
        raise ImageError(
            f"The image {choice.name} did not build (docker build exited {status}); "
            "the builder's last lines above say why.",
            "Mend that, then: inv build   (no space left? see: docker system df)",
        )
    return BuiltImage(choice.name, image.id, built=True)


def build_words(
    engine: Engine, choice: Choice, settings: Settings, owner: tuple[int, int], context: Path
) -> list[str]:
    """Return the words of the docker program that build an image from ``context``."""
    uid, gid = user_ids(owner)
    arguments = {"USER_UID": str(uid), "USER_GID": str(gid)}
    if choice.kind == "default":
        arguments = {"BASE": base_image(engine, settings), **arguments}
    labels = {LABEL_IMAGE: "true", LABEL_CONTEXT: digest(choice, settings, owner)}
    return [
        "build",
        "--force-rm",  # the classic builder else leaves the container of a step that failed
        *(f"--build-arg={name}={value}" for name, value in arguments.items()),
        *(f"--label={name}={value}" for name, value in labels.items()),
        f"--tag={choice.name}",
        f"--file={context / 'Dockerfile'}",
        str(context),
    ]


def stale(image: Image, choice: Choice, settings: Settings, owner: tuple[int, int]) -> bool:
    """Whether a project's ``.devenv`` directory changed since its image was built."""
    return choice.kind == "project" and image.labels.get(LABEL_CONTEXT) != digest(
        choice, settings, owner
    )


def digest(choice: Choice, settings: Settings, owner: tuple[int, int]) -> str:
    """Return the digest of what an image is built from, as in the label ``devenv.context``."""
    more: Mapping[str, bytes] = _certificates(settings) if choice.kind == "default" else {}
    return context_digest(choice.context, str(user_ids(owner)), *(m.hex() for m in more.values()))


def base_image(engine: Engine, settings: Settings) -> str:
    """Return the base to build on: the setting's, or the one that setup made in its stead."""
    wanted = settings.build.base
    if engine.image(wanted) is None and engine.image(LOCAL_BASE) is not None:
        return LOCAL_BASE
    return wanted


def _ensure_default(
    engine: Engine, choice: Choice, settings: Settings, owner: tuple[int, int]
) -> None:
    """Build the default image first when a project's Dockerfile stands on it.

    Also when the one that is there was built for another owner or from something else: the
    project's image inherits its user.
    """
    bases = _FROM.findall((choice.context / "Dockerfile").read_text(errors="replace"))
    for prefix in dict.fromkeys((settings.prefix, "devenv")):
        default = default_image(prefix)
        wanted = {default.name, default.name.removesuffix(":latest")} & set(bases)
        image = engine.image(default.name)
        now = digest(default, settings, owner)
        if wanted and (image is None or image.labels.get(LABEL_CONTEXT) != now):
            build(engine, default, settings, owner)


@contextmanager
def _context(choice: Choice, settings: Settings) -> Iterator[Path]:
    """Give the build context: a project's as it is, the default one with the certificates."""
    if choice.kind == "project":
        yield choice.context
        return
    certificates = _certificates(settings)
    with TemporaryDirectory(prefix="devenv-build-") as directory:
        context = Path(directory) / "context"
        shutil.copytree(choice.context, context, ignore=shutil.ignore_patterns("__pycache__"))
        for name, content in certificates.items():
            (context / "certificates" / name).write_bytes(content)
        yield context


def _certificates(settings: Settings) -> dict[str, bytes]:
    """Return the certificate authorities to copy: a numbered name for each, and its content."""
    found: dict[str, bytes] = {}
    for number, path in enumerate(settings.build.ca_certificates):
        try:
            content = Path(path).expanduser().read_bytes()
        except (OSError, RuntimeError) as error:
            raise SettingsError(
                f"'devenv.build.ca_certificates' names {path}, which cannot be read: {error}.",
                "Name PEM files that exist.",
            ) from None
        if b"-----BEGIN CERTIFICATE-----" not in content:
            raise SettingsError(
                f"'devenv.build.ca_certificates' names {path}, which is no PEM certificate.",
                "Convert it: openssl x509 -inform der -in FILE -out FILE.pem",
            )
        found[f"{number:02}.crt"] = content
    return found
