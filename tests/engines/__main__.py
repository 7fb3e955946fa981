"""Start, end and use throw-away engines: ``python -m tests.engines start|stop|run NAMES``."""

from __future__ import annotations

import argparse
import os
import sys
import time

from devenv_lib.errors import DevenvError
from tests.conftest import IMAGE
from tests.engines import machinery
from tests.engines.catalogue import ThrowAway, chosen


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def start(engine: ThrowAway) -> int:
    began = time.monotonic()
    machinery.start(engine, IMAGE, say)
    said = f"DOCKER_HOST={engine.url}"
    sys.stdout.write(f"{engine.name:14}{time.monotonic() - began:5.1f} s   {said}\n")
    sys.stdout.flush()
    return 0


def stop(engine: ThrowAway) -> int:
    outcome = "ended" if machinery.stop(engine) else "did not run"
    sys.stdout.write(f"{engine.name:14}{outcome}\n")
    return 0


def main() -> int:
    """Do one of the three with each engine; an engine that fails does not keep others from it."""
    parser = argparse.ArgumentParser(prog="python -m tests.engines", description=__doc__)
    parser.add_argument("action", choices=["start", "stop", "run"])
    parser.add_argument("names", help="all, or names with commas between them")
    parser.add_argument("words", nargs=argparse.REMAINDER, help="what to run")
    given = parser.parse_args()
    try:
        engines = chosen(given.names)
    except ValueError as error:
        parser.error(str(error))
    if os.geteuid() != 0:
        parser.error("Namespaces and mounts take root: sudo inv dev.engines")
    worst = 0
    for engine in engines:
        try:
            worst = max(worst, act(given.action, engine, given.words))
        except (machinery.EngineTrouble, DevenvError) as error:
            say(f"error: {error}")
            worst = max(worst, 1)
    return worst


def act(action: str, engine: ThrowAway, words: list[str]) -> int:
    if action == "start":
        return start(engine)
    if action == "stop":
        return stop(engine)
    start(engine)
    return machinery.test(engine, words)


sys.exit(main())
