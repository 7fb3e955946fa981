"""How a program in a helper ended, as far as it was told.

A stream is not believed to be whole because docker says so. When its connection breaks, docker may
take that for the program's end and exit 0, and for failures of its own it exits 1, as tar does for
another reason. So what runs inside says itself that it ended, and how (`TELLING`).

Pure: bytes in, records and errors out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from devenv_lib.engine.failures import broken_off, explained, failed
from devenv_lib.errors import EngineFailure

#: Characters of a program's last words that a message quotes.
_QUOTED = 400
#: Runs words, and says their last words and their status at the end of stderr, and in files: the
#: place that is its first word, and that with ``.said``.
TELLING = """\
exec 3>&1
{ "$@" 2>&1 >&3 3>&-; echo $? >"$0"; } | tail -c 2000 >"$0.said"
cat "$0.said" >&2
printf "\\0%d\\0" "$(cat "$0")" >&2
"""
_TOLD = re.compile(rb"\0(\d+)\0\Z")


@dataclass(frozen=True)
class Ending:
    """A program's status, ``None`` where it is not known, and its last words with docker's.

    ``came`` says that the stream brought them, and with them all that came before.
    """

    status: int | None
    said: str
    came: bool

    def doubted(self, failure: EngineFailure) -> EngineFailure:
        """Return why what came is not all, with docker's words where the connection broke."""
        return failure if self.came or not self.said else explained(failure, self.said)

    def checked(self, program: str, tolerated: Sequence[int], *, streams: bool) -> int:
        """Return a status that is 0 or tolerated. ``streams`` says that what it wrote counts.

        Raises:
            EngineFailure: it failed, or what it wrote may not have come as a whole.
        """
        fine = (0, *tolerated)
        # A refusal is one, whatever came of it. A success counts only where all came with it: what
        # the program wrote, or read as the end of what it was to read, may be less than all.
        sure = self.came or (self.status in tolerated and not streams)
        if self.status is None or (self.status in fine and not sure):
            raise broken_off(program, self.said)
        if self.status not in fine:
            raise failed(program, self.status, self.said)
        return self.status


def ending(wrote: bytes) -> Ending:
    """Read the stderr of the docker program, behind whose end docker's own words may come."""
    told = _TOLD.search(wrote)
    said = last_words(b" ".join(wrote.split(b"\0")[::2]))
    return Ending(int(told[1]) if told else None, said, came=bool(told))


def kept(broken: Ending, answer: bytes) -> Ending:
    """Read what `TELLING` left in its files, for a stream that broke off before it came.

    Raises:
        ValueError: the program had not ended.
    """
    status, _, said = answer.partition(b"\n")
    return Ending(int(status), last_words(said + b" " + os.fsencode(broken.said)), came=False)


def last_words(said: bytes) -> str:
    """Return the end of what a program wrote, in one line."""
    return " ".join(said[-_QUOTED:].decode(errors="replace").split())
