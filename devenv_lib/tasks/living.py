"""The tasks about environments that are there: list, exec, stop."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypedDict

from invoke import Context

from devenv_lib import containers, host, report, texts
from devenv_lib.engine import connect
from devenv_lib.errors import UsageError
from devenv_lib.tasks._flags import check_format, words_after
from devenv_lib.tasks._listing import prefix_line, show
from devenv_lib.tasks._look import PATH, entered, find_project, look
from devenv_lib.tasks._task import dry, finish, settings_of, task
from devenv_lib.terminal import terminal

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.project import Project


class ExecOptions(TypedDict):
    """How a command is run; see `devenv_lib.containers.execute`."""

    variables: Mapping[str, str]
    user: str
    login: bool


_HEADERS = ("NAME", "PROJECT", "STATUS", "SINCE", "IMAGE", "SSH")
_USER = re.compile(r"\w[\w.-]*(:\w[\w.-]*)?", re.ASCII)
_VARIABLE = re.compile(r"[a-zA-Z_]\w*", re.ASCII)


@task(
    name="list",
    help={"all": "also those that are stopped", "format": "table (the default), json or names"},
)
def list_(c: Context, all: bool = False, format: str = "table") -> None:  # noqa: A002
    """List the environments: project, status, since when, image, ssh address."""
    check_format(format)
    began = time.monotonic()
    settings = settings_of(c)
    engine = connect()
    if dry(c):
        report.out(prefix_line("ps", *(["--all"] if all else []), prefix=settings.prefix))
        return
    found = containers.survey(engine, settings.prefix, stopped=all)
    what = f"environment of {settings.prefix}"
    if not show(found, _HEADERS, _row, format=format, what=what, engine=engine, began=began):
        kind, where = "environments" if all else "running environments", engine.endpoint.title
        report.say(f"There are no {kind} of the prefix {settings.prefix} on {where}.")
        if not all and (stopped := len(containers.survey(engine, settings.prefix))):
            report.reason(f"{stopped} that do not run: inv list --all")


def _row(one: containers.EnvironmentReport) -> dict[str, str]:
    return {
        "name": one.name,
        "path": one.path,
        "status": one.status,
        "since": one.since or "-",
        "image": one.image,
        "ssh": one.ssh or "-",
    }


@task(
    name="exec",
    iterable=["env"],
    help={
        "path": PATH,
        "name": "the environment's name, instead of a path",
        "user": "another user of the image, by name or uid[:gid]",
        "env": "NAME=VALUE for the command; may be given several times",
        "login": "let the user's login shell run the command",
    },
)
def exec_(
    c: Context,
    env: list[str] | None = None,
    path: str | None = None,
    name: str | None = None,
    user: str | None = None,
    login: bool = False,
) -> None:
    """Run the command behind -- in the environment; its exit status is this one's."""
    words, variables = words_after(c), _variables(env or ())
    if user is not None and not _USER.fullmatch(user):
        raise UsageError(f"{user!r} is not a user.", "inv exec --user NAME -- COMMAND…")
    if path is not None and name is not None:
        raise UsageError("Both --path and --name were given.", "inv exec --name NAME -- COMMAND…")
    how: ExecOptions = {"variables": variables, "user": user or "", "login": login}
    if dry(c):
        report.lines(_rehearse_exec(c, path, name, words, how))
        return
    engine, container = entered(c, path, name)
    finish(containers.execute(engine, container, words, terminal(), **how))


def _variables(texts: Iterable[str]) -> Mapping[str, str]:
    """Return the variables that ``--env`` sets; the last one of a name counts."""
    pairs = [text.partition("=") for text in texts]
    for name, equals, _ in pairs:
        if not equals or not _VARIABLE.fullmatch(name):
            raise UsageError(
                f"{name!r} is not NAME=VALUE.", "inv exec --env NAME=VALUE -- COMMAND…"
            )
    return {name: value for name, _, value in pairs}


def _rehearse_exec(
    c: Context, path: str | None, name: str | None, words: Sequence[str], how: ExecOptions
) -> Iterable[str]:
    """Yield what would be done first, and the command."""
    engine, project = find_project(c, path, name)
    seen = containers.find(engine, project)
    if not seen.enterable:
        yield from containers.rehearse(*look(c, str(project.path)))
    yield from containers.rehearse_exec(engine, seen.present or seen.name, words, **how)


@task(
    iterable=["path", "name"],
    help={
        "path": f"{PATH}; may be given several times",
        "name": "an environment's name; may be given several times",
        "all": "every environment of the prefix, also those that are stopped",
        "keep": "stop the containers and keep them",
    },
)
def stop(
    c: Context,
    path: list[str] | None = None,
    name: list[str] | None = None,
    all: bool = False,  # noqa: A002
    keep: bool = False,
) -> None:
    """Stop and remove environments' containers. Volumes and projects stay."""
    if all and (path or name):
        raise UsageError("It takes either --all, or --path and --name.", "inv list --all")
    began = time.monotonic()
    engine, projects = _chosen(c, path or ([] if name or all else ["."]), name or (), every=all)
    if dry(c):
        for project in projects:
            lines = list(containers.rehearse_stop(engine, project, keep=keep))
            report.lines(lines or [f"# there is no environment of {project.path}"])
        return
    results = containers.stop_all(engine, projects, keep=keep)
    for result in results:
        _tell(result)
    counts = {
        "stopped": sum(len(result.stopped) for result in results),
        "failed": sum(1 for result in results if result.failure),
    }
    report.summary(counts, engine.endpoint.title, time.monotonic() - began)
    finish(1 if counts["failed"] else 0)


def _chosen(
    c: Context, paths: Sequence[str], names: Sequence[str], *, every: bool
) -> tuple[Engine, tuple[Project, ...]]:
    """Return the projects to stop, each once; nothing is stopped unless all of them are known."""
    settings = settings_of(c)
    located = [host.locate(path, settings.prefix, must_exist=False) for path in paths]
    engine = connect()
    pairs = zip(located, paths, strict=True)
    placed = [_remembered(engine, project, path) for project, path in pairs]
    found = containers.named(engine, settings.prefix, None if every else names)
    distinct = {str(project.path): project for project in (*placed, *found)}
    return engine, tuple(distinct.values())


def _remembered(engine: Engine, project: Project, path: str) -> Project:
    """Return the project at a path; where a symlink is now, the one that was there before.

    Its environment has that path, and people and messages name it so.
    """
    literal = PurePosixPath(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 - resolves none
    if ".." in Path(path).parts:  # what it leads to depends on the symlinks before it
        return project
    if literal == project.path or containers.find(engine, project).everything:
        return project
    environments = containers.named(engine, project.prefix, None)
    return next((one for one in environments if one.path == literal), project)


def _tell(result: containers.StopResult) -> None:
    for one in result.stopped:
        report.outcome(one.name, "STOPPED" if one.kept else "REMOVED")
    if result.failure:
        report.outcome(result.project.names[0], "FAILED", str(result.failure))
        report.reason(result.failure.hint)
    elif not result.stopped:
        report.say(f"There is no environment of {texts.printable(str(result.project.path))}.")


TASKS = (list_, exec_, stop)
