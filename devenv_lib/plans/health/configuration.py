"""Findings about the host's configuration: symlinks that do not work inside, and the agent."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import NamedTuple

from devenv_lib import texts
from devenv_lib.mounts import AGENT, LeftOut, MountPlan
from devenv_lib.plans.health.finding import Finding


class Agent(NamedTuple):
    """What the socket in ``SSH_AUTH_SOCK`` said: the number of its keys, or why not."""

    path: str
    keys: int = 0
    problem: str = ""


def agent_finding(agent: Agent | None) -> Finding:
    """Return whether the ssh agent answers; ``None``: the variable is not set."""
    if agent is None:
        return Finding("ssh agent", "OK", "SSH_AUTH_SOCK is not set: environments have no agent")
    if agent.problem:
        why = f"SSH_AUTH_SOCK names {agent.path}, and {agent.problem}"
        remedy = 'Start one: eval "$(ssh-agent)" && ssh-add; or: unset SSH_AUTH_SOCK'
        return Finding("ssh agent", "WARN", why, remedy)
    keys = texts.counted(agent.keys, "key")
    return Finding("ssh agent", "OK", f"answers at {agent.path}, with {keys}")


def configuration_findings(plan: MountPlan) -> Iterator[Finding]:
    """Yield how much is mounted, and what of the configuration is there and is not mounted."""
    binds = sum(1 for mount in plan.mounts if mount.kind == "bind")
    places = texts.counted(binds, "place of this machine is", "places of this machine are")
    yield Finding("configuration", "OK", f"{places} mounted")
    for left in plan.left_out:
        if left.cause != "missing" and left.target != AGENT:  # nobody misses what is not there
            yield Finding("configuration", "WARN", f"{left.source}: {left.why}", _remedy(left))


def _remedy(left: LeftOut) -> str:
    source = shlex.quote(left.source)
    if left.cause == "dangling":
        return f"Make it lead to something, or remove it: ls -l {source}"
    if left.cause == "limit":
        return "Raise the limit: DEVENV_LINKED_MOUNTS=NUMBER inv run"
    return f"See where it leads: realpath {source}; and what is mounted: inv mounts"
