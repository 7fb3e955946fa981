"""The names and labels by which devenv knows its own objects on an engine.

Plain functions over text and nothing that takes time to import: whether a container is a
project's has to be decided the same way everywhere, also where every millisecond counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LABEL = "devenv"
LABEL_PREFIX = "devenv.prefix"
LABEL_PROJECT = "devenv.project"
LABEL_PATH = "devenv.path"
LABEL_SETTINGS = "devenv.settings"
LABEL_USER = "devenv.user"
LABEL_SSH = "devenv.ssh"
LABEL_IMAGE = "devenv.image"
LABEL_CONTEXT = "devenv.context"
LABEL_TEMPORARY = "devenv.temporary"
#: On a volume: whose content it is a copy of; which one it says is complete; the original of which
#: is being removed; which is not complete.
LABEL_ADOPTING = "devenv.adopting"
LABEL_COMPLETE = "devenv.complete"
LABEL_REMOVING = "devenv.removing"
LABEL_UNFINISHED = "devenv.unfinished"
#: On a container that lives for a moment: which create made it. On a volume that was not there when
#: a helper was to have it: that helper's.
LABEL_MADE_BY = "devenv.made-by"
MARKS = (LABEL_ADOPTING, LABEL_COMPLETE, LABEL_REMOVING, LABEL_UNFINISHED)
LABEL_HOST = "devenv.host"
LABEL_MOUNT = "devenv.mount"
LABEL_PARENT = "devenv.parent"
DEFAULT_PREFIX = "devenv"

#: The volumes that every environment has, and where below the home they are mounted.
DATA = ("data", ".local/share")
CACHE = ("cache", ".cache")
STATE = ("state", ".local/state")
#: What a volume's name may have for a project's volume to be called after it: engines keep a
#: volume in a directory of its name, which takes 255 characters, 48 are the project's, and what
#: an archive of it adds to the name has to fit too.
LONGEST_VOLUME = 160
_LONGEST_PROJECT = 40

#: Docker's own rule for container and volume names, without its one-letter exception.
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
#: A prefix also heads image names, which must be lower-case with single separators.
PREFIX = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
#: How a container's name ends while it is not to be entered. ``.starting`` is a new one, in which
#: nobody has been; ``.restarting`` one that was stopped; ``.replaced`` one that is kept until the
#: one in its place is finished.
STARTING, RESTARTING, REPLACED = ".starting", ".restarting", ".replaced"
STAGES = (STARTING, RESTARTING, REPLACED)
_STAGE = re.compile(rf"({'|'.join(map(re.escape, STAGES))})(\.[0-9a-f]{{12}})?$")


def check_prefix(prefix: str) -> str:
    """Return ``prefix`` if volumes, containers and images can all begin with it.

    Raises:
        ValueError: with the accepted form.
    """
    if not 2 <= len(prefix) <= 40 or not PREFIX.fullmatch(prefix):
        raise ValueError("2 to 40 lower-case letters and digits, with single '-', '_', '.'")
    return prefix


def common_labels(prefix: str) -> dict[str, str]:
    """Return the labels that every volume and container of ``prefix`` carries."""
    return {LABEL: "true", LABEL_PREFIX: prefix}


def label_words(prefix: str) -> list[str]:
    """Return these labels as engines take them in filters, ``key=value``."""
    return [f"{key}={value}" for key, value in common_labels(prefix).items()]


def ours(labels: Mapping[str, str], prefix: str) -> bool:
    """Whether labels mark an object as devenv's, inside ``prefix``."""
    return labels.get(LABEL) == "true" and prefix_of(labels) == prefix


def prefix_of(labels: Mapping[str, str]) -> str:
    """Return the prefix that an object with devenv's label belongs to.

    One without ``devenv.prefix`` counts as the default prefix's: older tools of this family
    labelled with ``devenv=true`` alone.
    """
    return labels.get(LABEL_PREFIX) or DEFAULT_PREFIX


def adopting_name(volume: str) -> str:
    """Return the name of the copy that a volume has while it is adopted."""
    return f"{volume}-adopting"


def complete_name(volume: str) -> str:
    """Return the name of the empty volume that says that this copy is complete."""
    return f"{volume}-adopting-complete"


def removing_name(volume: str) -> str:
    """Return the name of the empty volume that says that its original may be half removed."""
    return f"{volume}-adopting-removing"


def unfinished_name(volume: str) -> str:
    """Return the name of the empty volume that says that a volume is not complete."""
    return f"{volume}-unfinished"


def is_reserved(volume: str) -> bool:
    """Whether a volume's name is one that devenv gives to its own, for a while, beside others."""
    of = (adopting_name, complete_name, removing_name, unfinished_name)
    return volume.endswith(tuple(name("") for name in of))


def helper_name(prefix: str, about: str) -> str:
    """Return the name of the helper container that works on a volume: there is one at a time."""
    import hashlib  # noqa: PLC0415 - see `path_digest`

    return f"{prefix}-work-{hashlib.sha256(about.encode()).hexdigest()[:12]}"


def is_helper(name: str, labels: Mapping[str, str], prefix: str) -> bool:
    """Whether a container is one of devenv's own that lives for a moment.

    A container has its image's labels too: only its name is certainly ours.
    """
    ours_by_name = re.fullmatch(rf"{re.escape(prefix)}-(probe|give|work)-[0-9a-f]{{12}}", name)
    temporary = labels.get(LABEL_TEMPORARY) == "true" and LABEL_PATH not in labels
    return bool(ours_by_name) and temporary and ours(labels, prefix)


def path_digest(path: str) -> str:
    """Return six hex digits of a path's SHA-256, which set namesakes apart."""
    import hashlib  # noqa: PLC0415 - 3 ms, and most names need no digest

    return hashlib.sha256(path.encode()).hexdigest()[:6]


def volume_name(prefix: str, suffix: str) -> str:
    """Return the name of a volume that environments share, such as ``devenv-data``."""
    return f"{prefix}-{suffix}"


def project_volume(volume: str, path: str) -> str:
    """Return the name of the volume that the project at ``path`` has instead of ``volume``.

    It follows from these two alone, whatever else there is: what comes behind ``volume`` is the
    same for all volumes of a project, and another one for each path, namesakes included.
    """
    cleaned = re.sub(r"[^a-zA-Z0-9_.-]+", "-", path.rpartition("/")[2])[:_LONGEST_PROJECT]
    return "-".join(part for part in (volume, cleaned.strip("-"), path_digest(path)) if part)


def container_name(path: str, prefix: str) -> str:
    """Return the name of the container of the project at ``path``, which is absolute.

    The project's namesakes take it with `path_digest` behind it.
    """
    parts = [part for part in path.split("/")[-2:] if part]
    cleaned = [re.sub(r"[^a-zA-Z0-9_.-]+", "-", part) for part in parts]
    # What ends like a provisional name would be taken for one.
    return _STAGE.sub(lambda end: end[0].replace(".", "-"), "-".join([prefix, *cleaned]))


def container_stage(name: str, identity: str, path: str, prefix: str) -> str | None:
    """Return the stage that a container's name says, or ``None`` if it is none of the project's.

    Empty is a finished one; see `STAGES` for the others. The first twelve digits of its id,
    ``identity``, behind that keep others off one that somebody gives up; it is the same stage.
    """
    short, base = container_name(path, prefix), base_name(name)
    if base != short and base != f"{short}-{path_digest(path)}":
        return None
    rest = name.removeprefix(base)
    return next((s for s in ("", *STAGES) if rest in (s, given_up(s, identity) if s else s)), None)


def given_up(name: str, identity: str) -> str:
    """Return the name by which a container that has ``name`` is kept from others."""
    return f"{name}.{identity[:12]}"


def base_name(name: str) -> str:
    """Return a container's name without the stage that it is in."""
    return _STAGE.sub("", name)
