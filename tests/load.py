"""Time the lists on an engine that holds much: `inv dev.bench --load`, never a test.

What is made has a prefix of its own, is created and never started, and is removed afterwards.
`tests/engine/test_load.py` counts the requests, with fewer objects.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from tabulate import tabulate

from devenv_lib.names import (
    DATA,
    LABEL_PATH,
    LABEL_PREFIX,
    common_labels,
    container_name,
    volume_name,
)
from tests.bench_pairs import bench_workspace
from tests.conftest import DEVENV, IMAGE, Workspace

COMMANDS = (
    ("list", "--all"),
    ("list", "--all", "--format", "json"),
    ("volume", "list", "--no-size"),
    ("volume", "list"),
)


@contextmanager
def populated(
    workspace: Workspace, volumes: int, containers: int, environments: int
) -> Iterator[None]:
    """Give an engine with so many more of each; an environment has the shared data volume.

    Their projects are nowhere. The data volume is made first: not every engine labels one that a
    container's create makes. Containers are of the prefix too, so that they are listed.
    """
    client, prefix = docker.APIClient(base_url=workspace.engine.endpoint.url), workspace.prefix
    labels, data = common_labels(prefix), volume_name(prefix, DATA[0])
    names = [data, *(f"{prefix}-load-{number}" for number in range(volumes))]
    bodies = {f"{prefix}-other-{number}": body(labels) for number in range(containers)}
    for number in range(environments):
        path = f"/nowhere/load/app{number}"
        own = {**labels, LABEL_PATH: path}
        bodies[container_name(path, prefix)] = body(own, data)
    try:
        each(lambda name: client.create_volume(name, labels=labels), names)
        each(lambda name: client.create_container_from_config(bodies[name], name), bodies)
        yield
    finally:
        workspace.clean()
        client.close()


def body(labels: dict[str, str], volume: str = "") -> dict[str, Any]:
    """Return the create request of a container that nobody starts."""
    mount = {"Type": "volume", "Source": volume, "Target": "/data"}
    return {
        "Image": IMAGE,
        "Cmd": ["infinity"],
        "Labels": labels,
        "HostConfig": {"Mounts": [mount] if volume else []},
    }


def each(action: Callable[[str], object], names: Iterable[str]) -> None:
    """Do something for each name, some at once, and fail if one fails."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(action, names))


def run(workspace: Workspace, words: Sequence[str], names: Iterable[str]) -> tuple[float, float]:
    """Return how many milliseconds a command took, and its peak memory in MiB.

    It has to list ``names``, all of them.
    """
    with tempfile.TemporaryFile("w+") as listed:
        began = time.perf_counter()
        child = subprocess.Popen(
            [str(DEVENV), *words],
            cwd=workspace.path,
            env=workspace.process_environ({"COLUMNS": "500"}),
            stdin=subprocess.DEVNULL,
            stdout=listed,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(child.pid, 0)
        took = (time.perf_counter() - began) * 1000
        child.returncode = os.waitstatus_to_exitcode(status)
        listed.seek(0)
        missing = set(names) - set(re.findall(r"[\w-]+", listed.read()))
    assert (child.returncode, missing) == (0, set()), words
    return took, usage.ru_maxrss / 1024


def environments(workspace: Workspace) -> list[str]:
    """Return the names of the containers that are environments."""
    found = workspace.engine.containers([f"{LABEL_PREFIX}={workspace.prefix}"])
    return [one.name for one in found if LABEL_PATH in one.labels]


def measured(workspace: Workspace, what: str, at_once: int) -> Iterator[list[str]]:
    """Yield a row for each command: the best of three alone, and the slowest of many at once."""
    for words in COMMANDS:
        names = workspace.volume_names() if words[0] == "volume" else environments(workspace)
        alone = [run(workspace, words, names) for _ in range(3)]
        with ThreadPoolExecutor(max_workers=at_once) as pool:
            begun = [pool.submit(run, workspace, words, names) for _ in range(at_once)]
        many = [one.result() for one in begun]
        yield [
            " ".join(words),
            what,
            f"{min(took for took, _ in alone):.0f}",
            f"{max(memory for _, memory in alone):.0f}",
            f"{max(took for took, _ in many):.0f}",
            f"{max(memory for _, memory in many):.0f}",
        ]


def main() -> None:
    """Measure on the engine as it is, and with much more on it, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, number in (("volumes", 300), ("containers", 200), ("environments", 50)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--at-once", type=int, default=20)
    given = parser.parse_args()
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as directory, bench_workspace(Path(directory)) as workspace:
        rows += measured(workspace, "nothing", given.at_once)
        what = f"{given.volumes} volumes, {given.containers} + {given.environments} containers"
        with populated(workspace, given.volumes, given.containers, given.environments):
            rows += measured(workspace, what, given.at_once)
    headers = ["DEVENV", "ON THE ENGINE", "MS", "MIB", f"MS, {given.at_once} AT ONCE", "MIB EACH"]
    sys.stdout.write(f"{tabulate(rows, headers=headers, tablefmt='plain')}\n")


if __name__ == "__main__":
    main()
