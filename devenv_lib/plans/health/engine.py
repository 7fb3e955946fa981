"""Findings about the engine, its disk, and the docker program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devenv_lib.plans.health.finding import Finding
from devenv_lib.plans.prune import prune_note
from devenv_lib.records import EngineInfo

GIB = 1 << 30
#: Bytes below which an image may not build any more, and below which next to nothing can be
#: written; and the share of a file system's inodes that is as good as none.
LOW, NONE_LEFT, FEW_INODES = 5 * GIB, GIB // 2, 0.02


@dataclass(frozen=True)
class Chosen:
    """An engine that was named: ``by`` what, ``url`` its address, ``name`` the context's."""

    by: str
    url: str
    name: str


@dataclass(frozen=True)
class Disk:
    """What is left on the file system that an engine keeps its data on: bytes and inodes.

    ``inodes`` of 0 is a file system that has no fixed number of them.
    """

    path: str
    free: int
    total: int
    free_inodes: int = 0
    inodes: int = 0


@dataclass(frozen=True)
class Program:
    """What the docker program said of itself and of the engine that it takes without flags.

    ``engine`` is that engine's id, or empty; ``said`` why it reached none.
    """

    version: str
    engine: str
    said: str = ""


def engine_finding(info: EngineInfo, title: str, chosen: str) -> Finding:
    """Return which engine it is, and how it was chosen."""
    how = "rootless" if info.rootless else f"in {info.machine}" if info.machine else "as root"
    by = chosen if chosen.startswith("the ") else f"chosen by {chosen}"
    return Finding("engine", "OK", f"{title}, {by}: {info.version}, API {info.api}, {how}")


def disk_finding(disk: Disk | None) -> Finding:
    """Return how much room the engine has."""
    if disk is None:
        return Finding("disk", "OK", "the engine's disk is not this machine's: not looked at")
    text = f"{disk.free / GIB:.1f} of {disk.total / GIB:.1f} GiB are left at {disk.path}"
    if disk.inodes:
        text += f", and {disk.free_inodes / disk.inodes:.0%} of its inodes"
    starved = disk.inodes > 0 and disk.free_inodes < disk.inodes * FEW_INODES
    if disk.free >= LOW and not starved:
        return Finding("disk", "OK", text)
    full = disk.free < NONE_LEFT or (disk.inodes > 0 and disk.free_inodes == 0)
    remedy = "See what takes it: docker system df -v; inv volume.list"
    return Finding("disk", "FAIL" if full else "WARN", text, remedy)


def prune_finding(api: str, filters: Sequence[str], file: str) -> Finding:
    """Return whether Docker's own prunes spare the volumes."""
    note = prune_note(api, filters, file)
    if not note:
        return Finding("prune", "OK", f"Docker's prunes spare devenv's volumes ({file})")
    return Finding("prune", "WARN", note[0].removesuffix("."), note[1])


def choice_findings(named: Sequence[Chosen]) -> Iterator[Finding]:
    """Yield that what counts overrules something that names another engine.

    ``named`` are all that name one, the one that counts first.
    """
    for other in named[1:]:
        if other.url == named[0].url:
            continue
        by = named[0].by  # a variable: the current context overrules nothing
        yield Finding(
            "docker program",
            "WARN",
            f"{by} names the engine {named[0].name}, and {other.by} another one, {other.name}: "
            f"{by} counts, for devenv and for docker",
            f"If {other.name} is meant: unset {by}",
        )


def program_finding(program: Program, info: EngineInfo, title: str, words: str) -> Finding:
    """Return whether the docker program takes the same engine, when nobody tells it one.

    ``words`` are the flags by which devenv tells it.
    """
    if program.said:
        why = f"docker {program.version or '(of unknown version)'} does not answer: {program.said}"
        return Finding("docker program", "FAIL", why, "See what it says: docker info")
    if info.id and program.engine != info.id:
        why = f"docker alone takes another engine than devenv, which takes {title}"
        remedy = (
            f"See which: docker info; which program it is: type -a docker; devenv's own: {words}"
        )
        return Finding("docker program", "WARN", why, remedy)
    why = f"{program.version}, and it takes the same engine"
    return Finding("docker program", "OK", why)
