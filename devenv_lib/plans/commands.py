"""Plans as the docker command lines that do the same by hand, for ``--dry``."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Iterator, Mapping

from devenv_lib.mounts import Mount
from devenv_lib.plans.creation import EnvironmentPlan
from devenv_lib.plans.provisioning import provisioning
from devenv_lib.plans.ssh import HOST_KEY, SSH_PORT
from devenv_lib.records import LOOPBACK

#: A container's main process only sleeps; everything else is an exec. It replaces the image's
#: entrypoint, which could wrap or refuse it.
ENTRYPOINT, COMMAND = "sleep", "infinity"
SECURITY = ("no-new-privileges", "label=disable")


def start_lines(plan: EnvironmentPlan, name: str) -> Iterator[str]:
    """Yield the commands and comments that stand for a start of a new environment ``name``."""
    for mount in plan.mounts.volumes:
        yield volume_line(mount.source, mount.labels, plan.volume_options)
    for lock in plan.mounts.locks:
        yield shlex.join(["mkdir", "-p", str(lock.source)])
        for link, target in lock.links.items():
            yield shlex.join(["ln", "-sfn", "--", str(target), str(lock.source / link)])
    if plan.unlimited:
        yield _comment(
            f"without a limit, which this engine cannot set: {', '.join(plan.unlimited)}"
        )
    options = [f"--name={name}", *run_options(plan)]
    yield shlex.join(["docker", "run", "--detach", *options, plan.image, COMMAND])
    yield from provisioning_lines(plan)


def volume_line(name: str, labels: Mapping[str, str], options: Mapping[str, str]) -> str:
    """Return the command that makes a volume; ``options`` are `EngineInfo.volume_options`."""
    words = [f"--label={key}={value}" for key, value in labels.items()]
    words += [f"--opt={key}={value}" for key, value in options.items()]
    return shlex.join(["docker", "volume", "create", *words, name])


def provisioning_lines(plan: EnvironmentPlan) -> Iterator[str]:
    """Yield as comments what is done between a start and the first who gets in."""
    for step in provisioning(plan):
        yield _comment(f"then, before anyone gets in: {step.verb} {shlex.join(step.words)}")
    if plan.ssh:
        key = plan.identity.home / HOST_KEY
        yield _comment(f"then, as the user: sshd on port {SSH_PORT}, with the host key {key}")


def _comment(text: str) -> str:
    """Return a comment of one line: what is below a newline would be a command."""
    return "# " + text.replace("\n", "\\n")


def run_options(plan: EnvironmentPlan) -> list[str]:
    """Return the options of ``docker run`` that make the planned container."""
    return [
        "--init",
        f"--entrypoint={ENTRYPOINT}",
        *(f"--security-opt={option}" for option in SECURITY),
        f"--hostname={plan.project.hostname}",
        f"--user={plan.identity.user}",
        f"--workdir={plan.workdir}",
        *([f"--memory={plan.memory}"] if plan.memory else []),
        *([f"--memory-swap={plan.swap}"] if plan.swap else []),
        *([f"--cpus={plan.cpus:.9f}".rstrip("0").rstrip(".")] if plan.cpus else []),
        *(f"--publish={LOOPBACK}:{port.host or ''}:{port.container}" for port in plan.ports),
        *(f"--label={key}={value}" for key, value in plan.labels.items()),
        *(f"--env={key}={value}" for key, value in plan.environment.items()),
        *(f"--mount={mount_value(mount, plan)}" for mount in plan.mounts.mounts),
    ]


def mount_value(mount: Mount, plan: EnvironmentPlan) -> str:
    """Return the value of ``--mount``, which docker reads as one line of CSV."""
    fields = [f"type={mount.kind}", f"source={mount.source}", f"target={mount.target}"]
    if mount.read_only:
        fields.extend(["readonly", *(["bind-nonrecursive"] if plan.shallow else [])])
    if mount.kind == "volume":
        fields.extend(f"volume-label={key}={value}" for key, value in mount.labels.items())
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(fields)  # without one, no newline is quoted
    return line.getvalue().removesuffix("\n")
