"""The task ``ssh-config``."""

from __future__ import annotations

from invoke import Context

from devenv_lib import host, report
from devenv_lib.called import as_called
from devenv_lib.engine import connect
from devenv_lib.names import LABEL_PATH, LABEL_SSH, label_words
from devenv_lib.plans.ssh import SSH_PORT
from devenv_lib.plans.ssh_config import config_lines
from devenv_lib.tasks._listing import filter_line
from devenv_lib.tasks._task import dry, settings_of, task

_HEADER = """\
# Running environments of devenv (prefix {prefix}), as inv ssh-config wrote them. To use them:
#   inv ssh-config > ~/.ssh/devenv.conf
# and as the first line of ~/.ssh/config: Include devenv.conf
# A port that the engine picked changes with every start of the container: write it again then."""


@task(
    name="ssh-config",
    help={"path": "a project directory: its environment alone (default: all of the prefix)"},
)
def ssh_config(c: Context, path: str | None = None) -> None:
    """Print a Host block for each running environment with ssh, for ~/.ssh/config to include."""
    settings = settings_of(c)
    project = host.locate(path, settings.prefix, must_exist=False) if path is not None else None
    labels = label_words(settings.prefix)
    labels += [f"{LABEL_PATH}={project.path}"] if project else []
    engine = connect()
    if dry(c):
        report.out(filter_line("ps", labels=[*labels, f"{LABEL_SSH}={SSH_PORT}"]))
        return
    blocks = list(config_lines(engine.containers(labels), settings.prefix))
    if not blocks:
        whose = f" of {project.path}" if project else ""
        report.say(f"No environment{whose} with ssh is running on {engine.endpoint.title}.")
    header = as_called(_HEADER.format(prefix=settings.prefix))
    report.lines([*header.split("\n"), *blocks])


TASKS = (ssh_config,)
