"""Decide which symlinks in mounted configuration get a mount of what they lead to.

A link's text is all that the kernel inside has. So what it leads to on the host is mounted at the
place where that text leads to inside, or else the link is left alone, and the reason said.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import NamedTuple

from devenv_lib.mounts.landing import landing, misplaced, turns_back
from devenv_lib.mounts.records import CONFIG_ROOT, LeftOut, Mount, directories
from devenv_lib.mounts.tree import Places
from devenv_lib.mounts.unfit import astray, unfit, without
from devenv_lib.project import Project
from devenv_lib.records import Host, Link
from devenv_lib.settings import Settings


class _Root(NamedTuple):
    """A mounted directory whose links are followed.

    ``name`` is the host path by which people know it, ``real`` the resolved one. ``way`` are the
    real directories by whose links it was reached, the outermost first.
    """

    name: PurePosixPath
    real: PurePosixPath
    target: PurePosixPath
    way: tuple[PurePosixPath, ...] = ()


class _Wish(NamedTuple):
    """A link, the host ``path`` by which people know it, and where it leads to inside.

    They come in this order, the highest places first: where a directory and something in it are
    both linked, the one mount then serves both. ``number`` sets all apart.
    """

    depth: int
    place: PurePosixPath
    path: PurePosixPath
    number: int
    root: _Root
    link: Link


def follow(
    project: Project, settings: Settings, host: Host, inside: PurePosixPath, places: Places
) -> tuple[list[Mount], list[LeftOut]]:
    """Return the mounts that links in mounted configuration lead to, and the links left alone.

    The links of the directories that they lead to are followed too. ``inside`` is the home of the
    environment's user. ``places`` are taken already and stay as they are; the new ones are added.
    """
    following = _Following(project, settings, host, inside, places)
    following.begin()
    return following.made, following.left


class _Following:
    """Links on their way: what was ``made`` for them, and what was ``left`` alone."""

    def __init__(
        self,
        project: Project,
        settings: Settings,
        host: Host,
        inside: PurePosixPath,
        places: Places,
    ) -> None:
        self.project, self.settings, self.host = project, settings, host
        self.inside, self.places = inside, places
        self.made: list[Mount] = []
        self.left: list[LeftOut] = []
        self._wait: list[_Wish] = []
        self._numbers = itertools.count()
        self._entered: set[PurePosixPath] = set()

    def begin(self) -> None:
        """Decide about one link after the other; what is then mounted may add some."""
        for path in directories(self.host.home, self.settings):
            root = _Root(path, self.host.at(path).real, self._target(path.name))
            mount = self.places.around(root.target)
            if mount and (mount.source, mount.target) == (str(root.real), root.target):
                self._enter(root)
        while self._wait:
            self._decide(heapq.heappop(self._wait))

    def _target(self, name: str) -> PurePosixPath:
        """Return where a directory of configuration is mounted, if it is."""
        top = CONFIG_ROOT if name in self.settings.lockfiles else self.inside / ".config"
        return top / name

    def _enter(self, root: _Root) -> None:
        """Let the links of a directory that is mounted wait for their turn."""
        self._entered.add(root.target)
        survey = self.host.surveys.get(root.real)
        for link in survey.links if survey else ():
            place = landing(root.target, link)
            path, number = root.name / link.path, next(self._numbers)
            heapq.heappush(self._wait, _Wish(len(place.parts), place, path, number, root, link))
        if survey and not survey.whole:
            reason = "it has too many entries to look at each: some symlinks may not work inside"
            self.left.append(LeftOut(str(root.name), root.target, reason))

    def _decide(self, wish: _Wish) -> None:
        if wish.link.found.exists and self._works(wish):
            return
        inside, limit = wish.root.target / wish.link.path, self.settings.linked_mounts
        if reason := next(self._reasons(wish), ""):
            link = replace(wish.link.found, path=wish.path)
            self.left.append(without(link, inside, reason))
        elif len(self.made) >= limit:
            reason = f"the limit of {limit} (linked_mounts) is reached"
            self.left.append(LeftOut(str(wish.path), inside, reason, "limit"))
        else:
            self._mount(wish)

    def _works(self, wish: _Wish) -> bool:
        """Whether a link leads inside to what it leads to here, as far as that is its own doing.

        What is there may be another link of a directory that is followed, which has its own turn.
        """
        found, seen = wish.link.found, self.places.shown(wish.place)
        if seen is None or turns_back(wish.link):
            return False
        mount, path = seen
        on_the_way = any(path.is_relative_to(link) for link in found.links)
        return path == found.real or (on_the_way and mount.target in self._entered)

    def _reasons(self, wish: _Wish) -> Iterator[str]:
        """Yield why a link is left alone: what it leads to, and its place."""
        found, place = wish.link.found, wish.place
        tree = self.host.surveys[wish.root.real].tree
        if reason := unfit(found, place, self.project, self.host, self.inside):
            yield reason
        if reason := astray(found, tree, self.places.writable, self.host):
            yield reason
        if turns_back(wish.link):
            yield "its text goes up after it went down, through what may not be there inside"
        if found.real in (*wish.root.way, wish.root.real):  # each time at a place further down
            yield f"it leads back to {found.real}, where it was reached from"
        if reason := misplaced(place, self.places, (self.inside, self.host.home)):
            yield reason

    def _mount(self, wish: _Wish) -> None:
        real, name = wish.link.found.real, _short(wish.path, self.host.home)
        why = f"linked from {name}"
        mount = Mount("bind", str(real), wish.place, read_only=True, why=why)
        self.made.append(mount)
        self.places.add(mount)
        if wish.link.found.kind == "directory":
            self._enter(_Root(real, real, wish.place, (*wish.root.way, wish.root.real)))


def _short(path: PurePosixPath, home: PurePosixPath) -> PurePosixPath:
    return PurePosixPath("~") / path.relative_to(home) if path.is_relative_to(home) else path
