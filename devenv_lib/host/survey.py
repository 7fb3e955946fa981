"""Which symlinks in directories of configuration lead out of them, and where to."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path, PurePosixPath

from devenv_lib.host.finding import find, link_text
from devenv_lib.mounts import SECRETS
from devenv_lib.records import Link, Survey

#: Entries that are looked at: in each directory of configuration, and in all together that links
#: in them lead to. A look at so many takes about ten milliseconds.
_MOST = 10_000
#: Links of one directory that are followed. A link costs as much time as a hundred other entries.
_MOST_LINKS = 1000


def surveys(
    directories: Iterable[PurePosixPath], home: PurePosixPath
) -> Mapping[PurePosixPath, Survey]:
    """Survey real directories, and those of their own trees that links in them lead to."""
    found = {real: survey(real, home, _MOST)[0] for real in directories}
    waiting, left = deque(found.values()), _MOST
    while waiting:
        for real in _led_to(waiting.popleft()):
            if real not in found:
                found[real], seen = survey(real, home, left)
                left -= seen
                waiting.append(found[real])
    return found


def survey(real: PurePosixPath, home: PurePosixPath, most: int) -> tuple[Survey, int]:
    """Return the survey of a real directory, and at how many entries (``most``) it looked."""
    entries = list(islice(_below(real), most + 1))
    links = list(islice(_leaving(entries[:most], real), _MOST_LINKS + 1))
    secret = next((entry.path for entry in entries if entry.name in SECRETS), None)
    return Survey(
        _tree(real, home),
        tuple(sorted(links[:_MOST_LINKS], key=lambda link: link.path)),
        PurePosixPath(secret).relative_to(real) if secret else None,
        whole=len(entries) <= most and len(links) <= _MOST_LINKS,
    ), min(len(entries), most)


def secrets(home: PurePosixPath) -> tuple[PurePosixPath, ...]:
    """Return where secrets are kept: also where symlinks lead to, as people link dotfiles."""
    places = [home / name for name in SECRETS]
    real = [PurePosixPath(os.path.realpath(place)) for place in places]
    led = (link.found.real for place in real for link in survey(place, home, _MOST)[0].links)
    return tuple(dict.fromkeys((*places, *real, *led)))


def _led_to(surveyed: Survey) -> Iterator[PurePosixPath]:
    """Yield the real directories that links lead to in their own tree."""
    for found in (link.found for link in surveyed.links):
        if found.kind == "directory" and found.real.is_relative_to(surveyed.tree):
            yield found.real


def _below(root: PurePosixPath) -> Iterator[os.DirEntry[str]]:
    """Yield what is below a directory, in no order; what is in ``.git`` is git's alone."""
    waiting = [str(root)]
    while waiting:
        # What is not readable for us is not for the environment's user either.
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                yield entry
                if entry.name != ".git" and entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def _leaving(entries: Iterable[os.DirEntry[str]], root: PurePosixPath) -> Iterator[Link]:
    """Yield the symlinks whose text leads out of ``root``.

    Where a text leads to another link in the same directory, that one is followed inside as it
    is here, and has its own turn.
    """
    top = len(str(root)) + 1
    for path in [entry.path for entry in entries if entry.is_symlink()]:
        with suppress(OSError):  # gone since
            text = link_text(path)
            if _leaves(text, path.count("/", top)):
                found = find(PurePosixPath(path))
                yield Link(PurePosixPath(path[top:]), PurePosixPath(text), found)


def _leaves(text: str, depth: int) -> bool:
    """Whether a link so many directories deep leads out by its text.

    One that comes back by the directory's name leads out too: that may be another one inside.
    """
    for part in text.split("/"):
        depth += (part not in ("", ".")) - 2 * (part == "..")
        if depth < 0:
            return True
    return text.startswith("/")


def _tree(real: PurePosixPath, home: PurePosixPath) -> PurePosixPath:
    """Return the repository that a real directory is in, else the tree of directories.

    That is what lies directly below the home, or elsewhere the directory alone. It is never the
    home or above it, whatever repository that is: everything would be one tree.
    """
    near = [path for path in (real, *real.parents) if not home.is_relative_to(path)]
    for path in near:
        if os.path.lexists(Path(path) / ".git"):
            return path
    return near[-1] if near and real.is_relative_to(home) else real
