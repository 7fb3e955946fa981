"""Build the default image or a project's own."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from devenv_lib.engine.program import docker_words, show
from devenv_lib.errors import ImageError, SettingsError
from devenv_lib.images.choice import (
    Choice,
    context_digest,
    default_image,
    refuse_outside,
    unreadable,
    user_ids,
)
from devenv_lib.images.context import copy_context
from devenv_lib.names import DEFAULT_PREFIX, LABEL_CONTEXT, LABEL_IMAGE
from devenv_lib.records import Image
from devenv_lib.settings import Build, Settings

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

#: The base image that `devenv_lib.setup` makes where no registry answers.
LOCAL_BASE = "devenv-base:trixie"
#: Within a line: a pattern that may go over empty lines tries all of them from each of them.
_FROM = re.compile(r"^[ \t]*FROM[ \t]+(?:--[^\s]+[ \t]+)*([^\s]+)", re.IGNORECASE | re.MULTILINE)
#: Characters of a Dockerfile that are looked at.
_LARGEST = 1 << 20


@dataclass(frozen=True)
class BuiltImage:
    """An image that is there now. ``built`` is false when nothing had to be done."""

    name: str
    id: str
    built: bool


def build(
    engine: Engine,
    choice: Choice,
    settings: Settings,
    owner: tuple[int, int],
    say: Callable[[str], None] = lambda _: None,
    *,
    fresh: bool = False,
) -> BuiltImage:
    """Build an image, with the builder's progress on stderr.

    ``fresh`` takes nothing from the builder's cache. ``say`` is told what else is built.

    Raises:
        ImageError: the build failed; the builder's own words are above.
        SettingsError: a certificate authority's file cannot be read.
    """
    if choice.kind == "project":
        _ensure_default(engine, choice, settings, owner, say)
    with _context(choice, settings) as context:
        words = build_words(engine, choice, settings, owner, context, fresh=fresh)
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
    engine: Engine,
    choice: Choice,
    settings: Settings,
    owner: tuple[int, int],
    context: Path,
    *,
    fresh: bool = False,
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
        *(["--no-cache"] if fresh else []),
        *(f"--build-arg={name}={value}" for name, value in arguments.items()),
        *(f"--label={name}={value}" for name, value in labels.items()),
        f"--tag={choice.name}",
        f"--file={context / 'Dockerfile'}",
        str(context),
    ]


def stale(image: Image, choice: Choice, settings: Settings, owner: tuple[int, int]) -> bool:
    """Whether a project's ``.devenv`` directory changed since its image was built."""
    return choice.kind == "project" and outdated(image, choice, settings, owner)


def outdated(image: Image, choice: Choice, settings: Settings, owner: tuple[int, int]) -> bool:
    """Whether an image was built from something else than now, or for another owner."""
    return image.labels.get(LABEL_CONTEXT) != digest(choice, settings, owner)


def digest(choice: Choice, settings: Settings, owner: tuple[int, int]) -> str:
    """Return the digest of what an image is built from, as in the label ``devenv.context``."""
    more: Mapping[str, bytes] = _certificates(settings) if choice.kind == "default" else {}
    return context_digest(choice.context, str(user_ids(owner)), *(m.hex() for m in more.values()))


def base_image(engine: Engine, settings: Settings) -> str:
    """Return the base to build on: the setting's, or the one that setup made in its stead."""
    wanted = settings.build.base
    if wanted == Build().base and engine.image(wanted) is None and engine.image(LOCAL_BASE):
        return LOCAL_BASE
    return wanted


def missing_default(engine: Engine, choice: Choice, settings: Settings) -> Choice | None:
    """Return the default image that a project's Dockerfile stands on, if it is not here.

    One that is here is left alone, for whomever it was built: other environments use it.
    """
    try:
        with (choice.context / "Dockerfile").open(errors="replace") as file:
            text = file.read(_LARGEST)
    except OSError as error:
        raise unreadable(choice.context / "Dockerfile", error) from None
    bases = set(_FROM.findall(text))
    for prefix in dict.fromkeys((settings.prefix, DEFAULT_PREFIX)):
        default = default_image(prefix)
        names = {default.name, default.name.removesuffix(":latest")}
        if names & bases and engine.image(default.name) is None:
            return default
    return None


def _ensure_default(
    engine: Engine,
    choice: Choice,
    settings: Settings,
    owner: tuple[int, int],
    say: Callable[[str], None],
) -> None:
    if default := missing_default(engine, choice, settings):
        say(f"Building the image {default.name} first, on which {choice.context} stands.")
        build(engine, default, settings, owner)


@contextmanager
def _context(choice: Choice, settings: Settings) -> Iterator[Path]:
    """Give a copy of the build context: a project's, or the default one with the certificates."""
    own = choice.kind == "project"
    certificates = {} if own else _certificates(settings)
    try:
        temporary = TemporaryDirectory(prefix="devenv-build-")
    except OSError as error:
        raise _no_room(error) from None
    with temporary as directory:
        context = Path(directory) / "context"
        if own:
            _copy_project(choice, context)
            yield context
            return
        try:
            shutil.copytree(choice.context, context, ignore=shutil.ignore_patterns("__pycache__"))
            for name, content in certificates.items():
                (context / "certificates" / name).write_bytes(content)
        except OSError as error:  # shutil's own errors are among these
            raise _no_room(error) from None
        yield context


def _copy_project(choice: Choice, to: Path) -> None:
    """Copy a project's context, which something inside may be changing at the moment."""
    project = choice.context.parent
    refuse_outside(choice.context / "Dockerfile", project)
    try:
        copy_context(choice.context.resolve(), project, to)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _no_room(error) from None
        raise unreadable(choice.context, error) from None


def _no_room(error: OSError) -> ImageError:
    return ImageError(
        f"The build context could not be written to a temporary directory: {error}.",
        "Make room there, or choose another place: TMPDIR=DIRECTORY inv build",
    )


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
