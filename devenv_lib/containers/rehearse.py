"""What bringing an environment up would do, as the docker commands that do the same by hand."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from devenv_lib import images
from devenv_lib.containers.draft import draft
from devenv_lib.containers.find import find
from devenv_lib.containers.nesting import check_points
from devenv_lib.containers.sources import check_seen, vanished
from devenv_lib.names import LABEL_USER, REPLACED, base_name
from devenv_lib.plans import login_words
from devenv_lib.plans.commands import provisioning_lines, start_lines
from devenv_lib.project import Project
from devenv_lib.records import Container, Host, Identity
from devenv_lib.settings import Settings

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def rehearse(
    engine: Engine, project: Project, settings: Settings, host: Host, *, recreate: bool = False
) -> Iterator[str]:
    """Yield the commands and comments that stand for what `up` would do now.

    Nothing is touched, and no image is read: its user is the one it is expected to have.

    Raises:
        DevenvError: what `up` would refuse before it began.
    """
    seen = find(engine, project)
    old = seen.present
    seen.refuse_paused()
    if seen.ready and seen.ready.running and not recreate:
        yield f"# {seen.ready.name} is running"
        return
    plan = draft(engine, project, settings, host, probe=False)
    if old and not recreate:
        check_seen(old)
    if old and not recreate and not vanished(old):
        yield _docker("start", old.name)
        yield from provisioning_lines(plan)
        return
    check_points(plan.mounts)
    yield from images.rehearse(engine, images.choose(project, settings), settings, host.owner)
    if old:
        yield from _set_aside(old)
    if seen.starting:
        yield f"# {seen.starting.name} is carried on where it fits, else removed"
    yield from start_lines(plan, seen.name)
    if aside := (old or seen.replaced):
        yield _docker("rm", base_name(aside.name) + REPLACED)


def rehearse_stop(engine: Engine, project: Project, *, keep: bool = False) -> Iterator[str]:
    """Yield the commands that stand for what `stop` would do now."""
    seen = find(engine, project)
    for container in seen.everything:
        yield _docker("stop", container.name)
        if not keep or container is not seen.used:
            yield _docker("rm", container.name)
        elif container.name != base_name(container.name):
            yield _docker("rename", container.name, base_name(container.name))


def rehearse_exec(
    engine: Engine,
    where: Container | str,
    words: Sequence[str],
    *,
    variables: Mapping[str, str],
    user: str,
    login: bool,
) -> Iterator[str]:
    """Yield the command that stands for what `execute` would do in a container, or a new one.

    The values of variables are not shown: they can be secrets. Docker takes them from where
    the command is run.
    """
    flags = [f"--user={user}"] if user else []
    if user or login:
        who = _expected(engine, where, user)
        flags.append(f"--env=HOME={who.home}")
        words = login_words(who.shell, words) if login else words
    if variables:
        yield f"# with {', '.join(variables)} set before it: the values are not shown"
    flags += [f"--env={name}" for name in variables]
    name = where if isinstance(where, str) else where.name
    yield _docker("exec", "--interactive", *flags, name, *words)


def _expected(engine: Engine, where: Container | str, user: str) -> Identity:
    """Return who a user is, as far as that is known without reading the image."""
    if isinstance(where, str):
        return images.expected_identity(None, where, (0, 0), user)
    name = user.partition(":")[0] or where.labels.get(LABEL_USER, "")
    return images.expected_identity(engine.image(where.image_id), where.image, (0, 0), name)


def _set_aside(old: Container) -> Iterator[str]:
    yield _docker("stop", old.name)
    yield _docker("rename", old.name, base_name(old.name) + REPLACED)


def _docker(*words: str) -> str:
    return shlex.join(["docker", *words])
