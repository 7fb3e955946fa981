"""Whether an image knows a terminal, so that programs in it can draw on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devenv_lib.cache import recall, remember

if TYPE_CHECKING:
    from devenv_lib.engine import Engine

#: Whether any of its words is a path that exists.
_ANY = 'for place; do [ -e "$place" ] && exit 0; done; exit 1'
_DIRECTORIES = ("/usr/share/terminfo", "/lib/terminfo", "/etc/terminfo", "/usr/lib/terminfo")


def describes(engine: Engine, container: str, image_id: str, term: str) -> bool:
    """Whether the image has a description of the terminal ``term``.

    Asked of a running container once for each image and terminal, then remembered. Entries
    are below their first letter, or its number in hex where file systems fold case.
    """
    if not term or "/" in term or term.startswith("."):
        return False
    known = recall(image_id).get("terminals")
    known = known if isinstance(known, dict) else {}
    if term not in known:
        heads = (term[0], f"{ord(term[0]):x}")
        places = (f"{root}/{head}/{term}" for root in _DIRECTORIES for head in heads)
        command = ["/bin/sh", "-c", _ANY, "devenv", *places]
        known[term] = engine.run(container, command)[0] == 0
        remember(image_id, terminals=known)
    return bool(known[term])
