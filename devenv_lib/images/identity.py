"""Who an image's user is: name, uid, gid, home and shell, from the image's own passwd."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from devenv_lib.cache import recall, remember
from devenv_lib.errors import ImageError
from devenv_lib.images.choice import user_ids
from devenv_lib.records import Identity, Image

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

#: The user of the default image, and of images built on it that end as another one.
DEFAULT_USER = "devuser"
_HIGHEST_ID = (1 << 31) - 1
_ID = re.compile(r"[0-9]{1,10}")
_PASSWD = "/etc/passwd"  # noqa: S105 - a path, no password


def identity(
    engine: Engine, image: Image, name: str, prefix: str, wanted: str, *, keep: bool = True
) -> Identity:
    """Return who an environment of ``image`` runs as: the user ``wanted``, or the image's.

    ``prefix`` is for the container that the image may have to be read through. Without ``keep``
    nothing is remembered for the next time.

    Raises:
        ImageError: the image has no such user, no passwd, no home, or would run as root
            though nobody asked for that.
    """
    passwd = recall(image.id).get("passwd")
    if not isinstance(passwd, str):
        content = engine.read_file(image.id, _PASSWD, prefix)
        passwd = (content or b"").decode(errors="replace")
        if passwd and keep:
            remember(image.id, passwd=passwd)
    return parse_identity(passwd, wanted or image.user, name, chosen=bool(wanted))


def expected_identity(
    image: Image | None, name: str, owner: tuple[int, int], wanted: str
) -> Identity:
    """Return who it would be, for a dry run that may not read the image."""
    passwd = recall(image.id).get("passwd") if image else None
    if image and isinstance(passwd, str):
        return parse_identity(passwd, wanted or image.user, name, chosen=bool(wanted))
    user, _, group = (wanted or (image.user if image else "") or DEFAULT_USER).partition(":")
    if user in ("root", "0"):
        return Identity("root", 0, 0, PurePosixPath("/root"), "/bin/bash")
    uid, gid = user_ids(owner)
    uid = int(user) if _ID.fullmatch(user) else uid
    gid = int(group) if _ID.fullmatch(group) else gid
    return Identity(user, uid, gid, PurePosixPath(f"/home/{user}"), "/bin/bash")


def parse_identity(passwd: str, user: str, image: str, *, chosen: bool = False) -> Identity:
    """Return the passwd line of ``user``, which is a name or a uid, with or without a group.

    ``chosen`` says that a setting names the user; only then may it be root, by that name or 0.
    """
    if not passwd.strip():
        raise ImageError(
            f"The image {image} has no /etc/passwd, so there is no user to run as.",
            "Use an image of a whole system: inv run --image IMAGE",
        )
    users = [line.split(":") for line in passwd.splitlines() if line.count(":") == 6]
    name = user.partition(":")[0]
    if name in ("", "0", "root") and not chosen:
        name = DEFAULT_USER
    found = next((line for line in users if name in (line[0], line[2])), None)
    if found is None:
        raise ImageError(
            f"The image {image} has no user {name!r} in its /etc/passwd"
            f"{', and would run as root' if name == DEFAULT_USER else ''}.",
            "Add USER to its Dockerfile, or name one of its users: DEVENV_USER=NAME inv run",
        )
    who = _identity(found, image)
    # A person who has chosen another one has not chosen root, whatever the image calls so; and
    # the name that it is called by is what an environment remembers.
    if who.uid == 0 and not (chosen and name in ("0", "root") and who.name == "root"):
        raise ImageError(
            f"The user {who.name!r} of the image {image} is root by another name.",
            "Add USER to its Dockerfile, or choose root yourself: DEVENV_USER=root inv run",
        )
    return who


def _identity(line: list[str], image: str) -> Identity:
    name, _, uid, gid, _, home, shell = line
    numbers = [int(text) for text in (uid, gid) if _ID.fullmatch(text)]
    if len(numbers) < 2 or max(numbers) > _HIGHEST_ID:
        raise ImageError(
            f"The user {name!r} of the image {image} has no uid and gid that an engine takes "
            f"({uid}:{gid}).",
            "Name another of its users: DEVENV_USER=NAME inv run",
        )
    parts = set(home.split("/"))
    if not home.startswith("/") or ".." in parts or not parts - {"", "."}:
        raise ImageError(
            f"The user {name!r} of the image {image} has no home directory of its own ({home!r}).",
            "Name another of its users: DEVENV_USER=NAME inv run",
        )
    place = PurePosixPath(f"/{home.strip('/')}")  # two slashes at the beginning are one here
    return Identity(name, numbers[0], numbers[1], place, shell or "/bin/sh")
