"""Files of this machine's that have no name and go with their block."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryFile
from typing import IO

from devenv_lib.errors import DevenvError


@contextmanager
def scratch(content: bytes = b"") -> Iterator[IO[bytes]]:
    """Give a temporary file with ``content``, at its beginning.

    Raises:
        DevenvError: it could not be made, or has no room.
    """
    with ExitStack() as kept:
        try:
            file = kept.enter_context(TemporaryFile())
            file.write(content)
            file.seek(0)
        except OSError as error:
            where = os.environ.get("TMPDIR") or "the directory for temporary files"
            raise DevenvError(
                f"A temporary file could not be made in {where}: {error.strerror}.",
                "Make room there (df -h), or name another directory: TMPDIR=DIRECTORY inv …",
            ) from None
        yield file
