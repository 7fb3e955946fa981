"""What is written beside a backup: what it is of, how much, and by what it is known to be whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

#: The version of this form; a reader refuses a newer one.
VERSION = 1


@dataclass(frozen=True)
class Manifest:
    """The manifest of one volume's archive, a JSON object with these keys.

    ``archive`` is the file's name, ``sha256`` its digest and ``size`` its bytes, as it lies on the
    disk. ``files`` counts the entries of every kind in it, ``bytes`` is the length of the tar
    stream, uncompressed. ``created`` is ISO 8601 in UTC, ``engine`` the engine's title,
    ``labels`` are the volume's. ``notes`` say what a reader should know, such as that the
    volume was in use.
    """

    name: str
    archive: str
    compression: str
    engine: str
    labels: Mapping[str, str]
    created: str
    files: int
    bytes: int
    size: int
    sha256: str
    notes: tuple[str, ...] = ()
    version: int = VERSION


def write_manifest(manifest: Manifest) -> str:
    """Return a manifest as JSON."""
    return json.dumps(asdict(manifest), indent=2) + "\n"


def read_manifest(text: str) -> Manifest:
    """Read a manifest.

    Raises:
        ValueError: it is none, or of a newer version; the text says what is wrong.
    """
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict) or found.get("version") != VERSION:
        raise ValueError(f"it is no manifest of version {VERSION}")
    kinds = {each.name: each.type for each in fields(Manifest)}
    for key, kind in kinds.items():
        if key not in found or not _is_of(found[key], str(kind)):
            raise ValueError(f"its {key!r} is missing or of a wrong type")
    known = {key: found[key] for key in kinds}
    return Manifest(**{**known, "notes": tuple(map(str, found["notes"]))})


def _is_of(value: object, kind: str) -> bool:
    """Whether a value, as JSON has it, is of the type of a manifest's field."""
    if kind.startswith("Mapping"):
        return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    if kind.startswith("tuple"):
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return isinstance(value, {"str": str, "int": int}[kind]) and not isinstance(value, bool)
