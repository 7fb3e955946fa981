"""What the terminal and the time zone of this process are, for programs inside."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

_TERMINAL = ("TERM", "COLORTERM")
#: What a terminal is taken for that the image has no description of.
FALLBACK = "xterm-256color"


def on_terminal() -> bool:
    """Whether stdin and stdout are both a terminal; a closed one (``<&-``) is none."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def terminal(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return ``TERM``, ``COLORTERM`` and ``TZ`` as far as they are known here."""
    known = {name: environ[name] for name in _TERMINAL if environ.get(name)}
    zone = environ.get("TZ") or _zone(os.path.realpath("/etc/localtime"))
    return {**known, **({"TZ": zone} if zone else {})}


def _zone(localtime: str) -> str:
    """Return the zone that ``/etc/localtime`` links to, such as ``Europe/Zurich``."""
    return localtime.partition("/zoneinfo/")[2]
