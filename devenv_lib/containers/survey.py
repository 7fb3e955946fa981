"""All environments of a prefix, in one call to the engine."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from devenv_lib.errors import Refused
from devenv_lib.names import DEFAULT_PREFIX, LABEL, base_name, label_words
from devenv_lib.plans.ssh import ssh_address
from devenv_lib.project import Project, check_name, environment_of
from devenv_lib.records import Container

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

#: The engine's words for how long a container has been what it is.
_SINCE = re.compile(r"(?:Up|Exited \(-?\d+\)) (?P<since>[^()]+?)(?: \(.*\))?")
_STOPPED = frozenset({"exited", "created"})


@dataclass(frozen=True)
class EnvironmentReport:
    """One environment, as `inv list` shows it.

    ``status`` is the stage of a start that is under way (``starting``, ``restarting``,
    ``replaced``), else ``stopped``, or the engine's word for one that is not (``running``,
    ``paused``). ``since`` is in the engine's words (``2 hours``, ``3 days ago``) or ``None``,
    ``created`` ISO 8601. ``ssh`` is an address and a port, or ``None``; ``engine`` is the context's
    name or the engine's address.
    """

    name: str
    path: str
    status: str
    since: str | None
    created: str
    image: str
    ssh: str | None
    engine: str


def survey(engine: Engine, prefix: str, *, stopped: bool = True) -> tuple[EnvironmentReport, ...]:
    """Return the environments of ``prefix`` by name; without ``stopped``, those that run."""
    return tuple(
        _report(project, container, engine.endpoint.name)
        for project, container in environments_of(engine, prefix)
        if (stopped or container.running) and container.state != "dead"
    )


def named(engine: Engine, prefix: str, names: Iterable[str] | None = None) -> tuple[Project, ...]:
    """Return the projects of the environments with these names, or of all of ``prefix``.

    Raises:
        UsageError: a name that no container can have.
        Refused: there is no such environment.
    """
    there = {}
    for project, container in environments_of(engine, prefix):
        there[container.name] = there[base_name(container.name)] = project
    found = there if names is None else [_known(check_name(n, "container"), there) for n in names]
    return tuple(dict.fromkeys(there[name] for name in found))


def environments_of(engine: Engine, prefix: str) -> Iterator[tuple[Project, Container]]:
    """Yield the environments of ``prefix``, in whatever stage, by their containers' names."""
    # One without the label of a prefix is the default one's, too.
    labels = [f"{LABEL}=true"] if prefix == DEFAULT_PREFIX else label_words(prefix)
    for container in sorted(engine.containers(labels), key=lambda one: one.name):
        project = environment_of(container)
        if project and project.prefix == prefix:
            yield project, container


def _known(name: str, there: Collection[str]) -> str:
    if name in there:
        return name
    near = difflib.get_close_matches(name, there, n=1)
    raise Refused(
        f"There is no environment {name}.",
        f"Did you mean {near[0]}? See: inv list --all" if near else "See: inv list --all",
    )


def _report(project: Project, container: Container, engine: str) -> EnvironmentReport:
    since = _SINCE.fullmatch(container.status)
    stage = (project.stage(container) or "").removeprefix(".")
    return EnvironmentReport(
        name=container.name,
        path=str(project.path),
        status=stage or ("stopped" if container.state in _STOPPED else container.state),
        since=since["since"] if since else None,
        created=datetime.fromtimestamp(container.created, UTC).isoformat().replace("+00:00", "Z"),
        image=container.image,
        ssh=ssh_address(container) or None,
        engine=engine,
    )
