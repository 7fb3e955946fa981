"""Facts about images, remembered between commands.

An image's id is a digest of its content, so what was once read of it stays true. A cache that
cannot be read or written is no failure: the fact is then read from the engine each time.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any


def recall(image_id: str) -> dict[str, Any]:
    """Return what is remembered of an image; nothing, where that cannot be read."""
    try:
        data = json.loads(_file(image_id).read_bytes())
    except (OSError, ValueError, RuntimeError):
        return {}
    return data if isinstance(data, dict) else {}


def remember(image_id: str, **facts: Any) -> None:
    """Add facts to what is remembered of an image, atomically."""
    from tempfile import NamedTemporaryFile  # noqa: PLC0415 - 6 ms, and it is seldom needed

    with suppress(OSError, RuntimeError):
        file = _file(image_id)
        root = file.parents[2]
        root.mkdir(exist_ok=True)  # and not what is above: a home that is not there stays so
        file.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=file.parent, delete=False) as temporary:
            try:
                json.dump({**recall(image_id), **facts}, temporary)
                temporary.flush()
                Path(temporary.name).replace(file)
            except BaseException:
                Path(temporary.name).unlink()
                raise


def _file(image_id: str) -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not root.is_absolute():  # the specification: a relative one is to be ignored
        root = Path("~/.cache").expanduser()
    return root / "devenv" / "images" / re.sub("[^a-zA-Z0-9]", "-", image_id)
