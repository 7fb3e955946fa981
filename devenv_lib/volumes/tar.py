"""How helpers write and read archives: GNU tar, with everything that it can keep."""

from __future__ import annotations

import re
from typing import IO

from devenv_lib.plans.archive import LONGEST_PATH, RESERVED

#: Names come in byte order, and but for the names of files with holes, nothing of the process gets
#: into the stream: the same tree without those is the same archive. Times keep their nanoseconds.
#: Records are of the 32 KiB that an engine passes on at once: of tar's usual 10 KiB, many small
#: files take half as long again.
CREATE = (
    *("tar", "--create", "--file=-", "--format=pax", "--sort=name", "--numeric-owner"),
    "--blocking-factor=64",
    *("--acls", "--xattrs", "--xattrs-include=*", "--warning=no-file-ignored"),
    "--pax-option=delete=atime,delete=ctime,exthdr.name=%d/PaxHeaders/%f",
)
#: Directories get their modes and times last.
EXTRACT = (
    *("tar", "--extract", "--file=-", "--numeric-owner", "--same-owner", "--same-permissions"),
    *("--acls", "--xattrs", "--xattrs-include=*", "--delay-directory-restore"),
)
#: tar's status when a file changed while it was read, or went: the rest is as it should be.
CHANGED = 1
#: Bytes of zeros at the end of every archive.
END = 1024
#: Counts what goes into an archive, the sockets, which do not, and what a restore would refuse:
#: some names at the top, and paths longer than a system call takes, which are deep ones.
COUNT = (
    'cd "$1"; find . ! -type s -printf . | wc -c; find . -type s -printf . | wc -c; '
    f"find . -mindepth 1 -maxdepth 1 -name '{RESERVED}*' -printf . | wc -c; "
    f"find . -mindepth 16 -printf '%P\\0' | cut -z -b{LONGEST_PATH + 1}- | LC_ALL=C grep -zc .; :"
)
_TOTAL = re.compile(r"Total bytes written: (\d+).*")


class Counted:
    """A stream of which it is counted how much was read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.count = 0

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, or fewer at the end."""
        data = self._source.read(size)
        while len(data) < size and (more := self._source.read(size - len(data))):
            data += more
        self.count += len(data)
        return data


def warned(said: str) -> str:
    """Return what tar said besides its total; others' words, as docker's own, are none of it."""
    return _TOTAL.sub("", said[said.find("tar: ") :] if "tar: " in said else "").strip()


def total(said: str) -> int | None:
    """Return how many bytes ``tar --totals`` says that it wrote, if it came to say it."""
    found = _TOTAL.search(said)
    return int(found[1]) if found else None
