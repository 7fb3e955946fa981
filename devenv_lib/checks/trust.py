"""Which contents of ``.devenv/checks`` this user has trusted, out of the project's reach.

Checks run on the host, and whatever runs in an environment can write the project: what runs has
to be, byte for byte, what somebody looked at.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from devenv_lib.checks.content import PLACE, Content, changes
from devenv_lib.errors import DevenvError, Refused
from devenv_lib.mounts import MountPlan
from devenv_lib.project import Project, environment_of

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

#: Names that a refusal shows.
_SHOWN = 10


def refuse_untrusted(content: Content, project: Project, state: PurePosixPath) -> None:
    """Refuse checks that are not what was trusted before; none at all are nothing to refuse.

    ``state`` is devenv's directory on the host (`Host.state`).

    Raises:
        Refused: it says what was added, changed and removed since they were trusted.
    """
    if not content.entries:
        return
    trusted = trusted_digests(project, state)
    if trusted == content.digests:
        return
    place = project.path / PLACE
    if trusted is None:
        what = f"The checks in {place} were never trusted, and they would run on this machine"
        differing = [f"added: {name}" for name in content.files]
    else:
        what = f"The checks in {place} are not those that were trusted"
        differing = list(changes(trusted, content.digests))
    listed = "; ".join(differing[:_SHOWN])
    more = f"; and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    raise Refused(
        f"{what} ({listed}{more}). No check was run.",
        "Read them, then: inv check --trust; without them: inv check --bundled",
    )


def trusted_digests(project: Project, state: PurePosixPath) -> Mapping[str, str] | None:
    """Return the digests of what was trusted, by name, or ``None`` if nothing was.

    A file that cannot be read, or is no such record, is none: then nothing is trusted.
    """
    try:
        data = json.loads(_record(project, state).read_bytes())
    except (OSError, ValueError):
        return None
    fits = isinstance(data, dict) and data.get("path") == str(project.path)
    files = data.get("files") if fits else None
    return files if isinstance(files, dict) else None


def remember(content: Content, project: Project, state: PurePosixPath) -> tuple[str, ...]:
    """Remember a content as trusted, and return what changed against what was trusted before.

    Raises:
        DevenvError: it cannot be written.
    """
    was = trusted_digests(project, state) or {}
    data = {"path": str(project.path), "files": content.digests}
    _write(_record(project, state), data)
    return tuple(changes(was, content.digests))


def refuse_reachable(state: PurePosixPath, temporary: str, writable: Iterable[str]) -> None:
    """Refuse to remember or to run where an environment could change what is there meanwhile.

    ``temporary`` is the directory in which checks are copied and run, ``writable`` are host paths
    that environments may write; all are resolved.

    Raises:
        Refused: one of the two places lies in one of them.
    """
    memory = state / "checks"
    for path in writable:
        if memory.is_relative_to(path):
            raise Refused(
                f"What is trusted is remembered in {memory}, which an environment can write "
                f"through {path}: it could trust its own checks.",
                "Choose another place: export XDG_STATE_HOME=DIRECTORY",
            )
        if PurePosixPath(temporary).is_relative_to(path):
            raise Refused(
                f"Checks are run from a copy in {temporary}, which an environment can write "
                f"through {path}: it could change them there.",
                "Choose another place: export TMPDIR=DIRECTORY",
            )


def writable_paths(engine: Engine, mounts: MountPlan) -> tuple[str, ...]:
    """Return the host paths that a planned environment, or any that is there, may write."""
    there = (m for one in engine.containers() if environment_of(one) for m in one.mounts)
    mine = (m.source for m in mounts.mounts if m.kind == "bind" and not m.read_only)
    others = (m.source for m in there if m.kind == "bind" and not m.read_only)
    return tuple(sorted({*mine, *others}))


def _record(project: Project, state: PurePosixPath) -> Path:
    digest = hashlib.sha256(str(project.path).encode()).hexdigest()
    return Path(state) / "checks" / f"{digest[:32]}.json"


def _write(path: Path, data: object) -> None:
    """Write a file whole or not at all, for this user alone."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".partial")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(data, file, indent=1)
            Path(made).replace(path)
        except BaseException:
            Path(made).unlink()
            raise
    except OSError as error:
        raise DevenvError(
            f"{path} could not be written: {error.strerror}.",
            "Make that place writable, or choose another: export XDG_STATE_HOME=DIRECTORY",
        ) from None
