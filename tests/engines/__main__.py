"""Start, end and use throw-away engines: ``python -m tests.engines start|stop|run NAMES``."""

from __future__ import annotations

import argparse
import os
import signal
import sys

from tests.conftest import IMAGE
from tests.engines import machinery
from tests.engines.catalogue import ThrowAway, chosen
from tests.engines.session import Session


def say(line: str) -> None:
    """Tell how far it is; what `inv dev.engines` is asked for is on stdout."""
    sys.stderr.write(f"{line}\n")


def start(session: Session, engines: tuple[ThrowAway, ...]) -> int:
    """Start engines, and print their addresses."""
    statuses = session.start(engines)
    for engine, status in zip(engines, statuses, strict=True):
        if status == 0:
            sys.stdout.write(f"{engine.name:20}DOCKER_HOST={engine.url}\n")
    return max(statuses)


def stop(engines: tuple[ThrowAway, ...]) -> int:
    """End engines."""
    for engine in engines:
        outcome = "ended" if machinery.stop(engine) else "did not run"
        sys.stdout.write(f"{engine.name:20}{outcome}\n")
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
    # What a run has started is ended with it, also when somebody ends the run.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda sent, _: sys.exit(128 + sent))
    session = Session(machinery, IMAGE, say)
    if given.action == "run":
        return session.run(engines, given.words)
    return start(session, engines) if given.action == "start" else stop(engines)


sys.exit(main())
