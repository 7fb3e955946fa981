"""What each settings key takes: a reader turns one given value into the typed one.

A reader raises ``ValueError`` with the accepted form as its text; `devenv_lib.settings` adds
which key it was and where it was set.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Literal

from devenv_lib.names import LONGEST_VOLUME, NAME, check_prefix
from devenv_lib.records import Port

#: Whose a volume is: this project's alone, or all environments'.
Scope = Literal["project", "shared"]
#: The directories below ``~/.config`` whose lockfiles are writable unless settings add more.
DEFAULT_LOCKFILES: Mapping[str, tuple[str, ...]] = MappingProxyType({"tvim": ("lazy-lock.json",)})
#: Docker's own minimum, and what fits into the engine's numbers.
_LEAST_MEMORY, _MOST_MEMORY = 6 << 20, 1 << 62
#: An engine takes about as many mounts as a kernel lets a container have at all.
_MOST_LINKED = 1000
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
#: What no path on an engine has.
_NO_TEXT = r"[\0\ud800-\udfff]"
#: A pattern for names; a bracket that is not closed would stand for itself, which no name has.
_PATTERN = re.compile(r"(?:[\w.*?-]|\[!?[\w.-]+\])+", re.ASCII)
#: Docker's reference grammar, loosely: no word can be taken for a flag or another object.
_IMAGE = re.compile(
    r"[a-z0-9][a-z0-9._-]*(?::\d+(?=/))?(?:/[a-z0-9][a-z0-9._-]*)*"
    r"(?::\w[\w.-]*)?(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)


@dataclass(frozen=True)
class MountRequest:
    """One entry of ``mounts:``. ``source`` and ``target`` may begin with ``~``."""

    source: str
    target: str
    mode: Literal["ro", "rw"] = "ro"
    required: bool = False


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("text")
    return value


def _user(value: object) -> str:
    """A name, or a uid, which yaml takes for a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _string(value)


def _image(value: object) -> str:
    if value == "":
        return ""
    return _base(value)


def _base(value: object) -> str:
    if not isinstance(value, str) or not _IMAGE.fullmatch(value) or ".." in value:
        raise ValueError("an image reference such as debian:trixie-slim")
    return value


def _bytes(value: object) -> int:
    match = re.fullmatch(r"(\d+)([bkmg]?)", str(value).lower())
    number = int(match[1]) * _UNITS[match[2]] if match and not isinstance(value, bool) else 0
    if not _LEAST_MEMORY <= number < _MOST_MEMORY:
        raise ValueError("a size from 6m on, such as 512m or 8g")
    return number


def _cpus(value: object) -> float:
    try:
        number = float(value) if isinstance(value, int | float | str) else 0.0
    except (ValueError, OverflowError):
        number = 0.0
    if isinstance(value, bool) or not 0.01 <= number < float("inf"):
        raise ValueError("a number from 0.01 on")
    return number


def _flag(value: object) -> bool:
    text = str(value).lower()
    if text not in ("true", "false"):
        raise ValueError("true or false")
    return text == "true"


def _list(value: object, accepted: str) -> list[object]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"a list of {accepted}")
    return list(value)


def _ports(value: object) -> tuple[Port, ...]:
    ports = tuple(_port(item) for item in _list(value, "ports such as 8080 or '3000:80'"))
    if len({port.host for port in ports}) < len(ports):
        raise ValueError("a list of ports of which each is published once on this machine")
    return ports


def _port(value: object) -> Port:
    parts = [] if isinstance(value, bool) else str(value).split(":")
    numbers = [int(part) for part in parts if re.fullmatch(r"[0-9]{1,5}", part)]
    inside = [number for number in numbers if 0 < number < 65536]
    if not 0 < len(parts) < 3 or len(inside) != len(parts):
        raise ValueError("a list of ports from 1 to 65535, such as 8080 or '3000:80'")
    return Port(inside[0], inside[-1])


def _ssh(value: object) -> bool | None:
    known = {"auto": None, "true": True, "false": False}
    word = str(value).lower() if isinstance(value, bool | str) else ""
    if word not in known:
        raise ValueError("auto, true or false")
    return known[word]


def _ssh_port(value: object) -> int:
    text = "" if isinstance(value, bool) else str(value)
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise ValueError("a port from 1 to 65535, or 0 for one that the engine picks")
    return int(text)


def _mounts(value: object) -> tuple[MountRequest, ...]:
    return tuple(_mount(item) for item in _list(value, "mounts"))


def _mount(value: object) -> MountRequest:
    accepted = "entries of source, target, and optionally mode (ro, rw) and required"
    known = {"source", "target", "mode", "required"}
    if not isinstance(value, Mapping) or not {"source", "target"} <= set(value) <= known:
        raise ValueError(accepted)
    request = MountRequest(**value)
    if not (isinstance(request.source, str) and isinstance(request.target, str)):
        raise ValueError(accepted)
    if request.mode not in ("ro", "rw") or not isinstance(request.required, bool):
        raise ValueError(accepted)
    if not all(re.match(r"~/|/", place) for place in (request.source, request.target)):
        raise ValueError("sources and targets that begin with / or ~/")
    target = PurePosixPath(request.target)
    if ".." in target.parts or str(target) == "/" or str(target).startswith("//"):
        raise ValueError("targets below / and without '..'")
    if re.search(_NO_TEXT, request.source + request.target):
        raise ValueError("paths that are UTF-8 text without a zero byte")
    return request


def _lockfiles(value: object) -> Mapping[str, tuple[str, ...]]:
    accepted = "directories below ~/.config, each with a list of its files"
    if not isinstance(value, Mapping):
        raise ValueError(accepted)
    read: dict[Any, tuple[Any, ...]] = {
        name: tuple(_list(files, "file names")) for name, files in value.items()
    }
    for name, files in read.items():
        if not (isinstance(name, str) and NAME.fullmatch(name) and all(map(_is_name, files))):
            raise ValueError(accepted)
    return MappingProxyType(read)


def _is_name(value: object) -> bool:
    """Whether a value is a file's name."""
    if not isinstance(value, str) or value in ("", ".", ".."):
        return False
    return not re.search(_NO_TEXT + "|/", value)


def _linked_mounts(value: object) -> int:
    text = str(value)
    if not re.fullmatch(r"[0-9]{1,4}", text) or int(text) > _MOST_LINKED:
        raise ValueError(f"a whole number from 0 to {_MOST_LINKED}")
    return int(text)


def _paths(value: object) -> tuple[str, ...]:
    return tuple(_string(item) for item in _list(value, "paths"))


def _patterns(value: object) -> tuple[str, ...]:
    accepted = "volumes' names, in which *, ? and [...] stand for others"
    patterns = tuple(_string(item) for item in _list(value, accepted))
    if not all(_PATTERN.fullmatch(pattern) for pattern in patterns):
        raise ValueError(f"a list of {accepted}")
    return patterns


def _by_volume(value: object, accepted: str) -> Mapping[Any, Any]:
    """Return a mapping whose keys are volumes' names."""
    form = f"a mapping of volumes' names (at most {LONGEST_VOLUME} characters) to {accepted}"
    if not isinstance(value, Mapping):
        raise ValueError(form)
    for name in value:
        if not (isinstance(name, str) and NAME.fullmatch(name) and len(name) <= LONGEST_VOLUME):
            raise ValueError(form)
    return MappingProxyType(dict(value))


def _scope(value: object) -> Mapping[str, Scope]:
    accepted = "project or shared"
    read = _by_volume(value, accepted)
    if not all(scope in ("project", "shared") for scope in read.values()):
        raise ValueError(f"{accepted} for each volume")
    return read


def _extra(value: object) -> Mapping[str, str]:
    accepted = "places inside, which begin with / or ~/ and have no '..'"
    read = _by_volume(value, accepted)
    for place in read.values():
        if not isinstance(place, str) or not re.match(r"~/+[^/]|/[^/]", place):
            raise ValueError(f"{accepted}, one for each volume")
        if ".." in PurePosixPath(place).parts or re.search(_NO_TEXT, place):
            raise ValueError("places that are UTF-8 text without a zero byte and without '..'")
    return read


#: Each key, dotted, and its reader.
READERS: Mapping[str, Callable[[object], Any]] = {
    "prefix": lambda value: check_prefix(_string(value)),
    "image": _image,
    "user": _user,
    "memory": _bytes,
    "memory_swap": _bytes,
    "cpus": _cpus,
    "limits_required": _flag,
    "ports": _ports,
    "ssh": _ssh,
    "ssh_port": _ssh_port,
    "mounts": _mounts,
    "lockfiles": _lockfiles,
    "linked_mounts": _linked_mounts,
    "build.base": _base,
    "build.ca_certificates": _paths,
    "volumes.protected": _patterns,
    "volumes.scope": _scope,
    "volumes.extra": _extra,
}
#: Keys whose values are lists or mappings.
STRUCTURED = frozenset(
    {
        *("ports", "mounts", "lockfiles", "build.ca_certificates"),
        *("volumes.protected", "volumes.scope", "volumes.extra"),
    }
)
