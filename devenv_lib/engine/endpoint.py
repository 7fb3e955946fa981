"""Which engine is meant: ``DOCKER_HOST``, then ``DOCKER_CONTEXT``, then the current context.

The order is the docker program's. docker-py could resolve it too, but takes an unknown context
for the local engine, looks for contexts in the working directory when there is no
configuration file, and speaks plain HTTP to a context with an authority and no client
certificate; each of these could act on an engine that nobody named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from devenv_lib.errors import UnknownContext

_ADDRESS, _VARIABLE = "DOCKER_HOST", "DOCKER_CONTEXT"
DEFAULT_URL = "unix:///var/run/docker.sock"


#: A password in an address, or what is in its place; of ssh, the user is no secret.
_PASSWORD = re.compile(r"(?<=://)(?!/)(?:(?<=ssh://)([^/@:\s]*):|(?<!ssh://))[^\s'\"]*@")


def without_passwords(text: str) -> str:
    """Return a text whose addresses have no password: ``tcp://***@host``."""
    return _PASSWORD.sub(lambda m: f"{m[1]}:***@" if m[1] else "***@", text)


class Endpoint(NamedTuple):
    """One engine's address. ``chosen`` says by what; ``tls`` is a directory with certificates.

    ``context`` is the context's name, or empty when the address was given directly.
    """

    url: str
    chosen: str
    context: str = ""
    tls: Path | None = None
    verify: bool = True

    @property
    def name(self) -> str:
        """The engine's name in reports: the context, or else the address, without a password."""
        return self.context or without_passwords(self.url)

    @property
    def title(self) -> str:
        """The name with the address, for people."""
        address = without_passwords(self.url)
        return f"{self.context} ({address})" if self.context else address

    @property
    def socket(self) -> PurePosixPath | None:
        """The local socket, or ``None`` when the engine is reached over a network."""
        scheme, _, path = self.url.partition("://")
        return PurePosixPath(path) if scheme in ("unix", "http+unix") else None

    @property
    def sockets(self) -> tuple[str, ...]:
        """The local socket, if there is one, as paths that must never be mounted."""
        return (str(self.socket),) if self.socket else ()

    @property
    def meant(self) -> bool:
        """Whether somebody said which engine is meant, instead of it being the default."""
        return self.context != "default"

    @property
    def other(self) -> str:
        """The command that chooses another engine, by what chose this one."""
        if self.chosen in (_ADDRESS, _VARIABLE):
            return f"unset {self.chosen}"
        return f"docker context use {'default' if self.meant else 'NAME'}"

    @property
    def words(self) -> tuple[str, ...]:
        """The docker program's flags that name the same engine."""
        return ("--context", self.context) if self.context else ("--host", self.url)


def resolve(environ: Mapping[str, str]) -> Endpoint:
    """Return the engine that the environment and the docker configuration name.

    Raises:
        UnknownContext: the context does not exist, cannot be read, or has no docker address.
    """
    if url := environ.get(_ADDRESS):
        tls = environ.get("DOCKER_CERT_PATH")
        verify = bool(environ.get("DOCKER_TLS_VERIFY"))
        wants_tls = verify or environ.get("DOCKER_TLS")
        directory = Path(tls) if tls else _configuration(environ)
        return Endpoint(url, _ADDRESS, "", directory if wants_tls else None, verify)
    chosen, name = _VARIABLE, environ.get(_VARIABLE)
    if not name:
        chosen = f"currentContext in {_configuration(environ) / 'config.json'}"
        name = _current(environ)
    if not name or name == "default":
        return Endpoint(DEFAULT_URL, "the default", "default")
    return _context(name, chosen, environ)


def named(environ: Mapping[str, str]) -> tuple[Endpoint, ...]:
    """Return the engines that something names, the one that counts first: see `resolve`.

    One whose context cannot be read, and does not count, is left out.
    """
    found = [resolve(environ)]
    for variable in (_ADDRESS, _VARIABLE):
        if environ.get(variable):
            environ = {name: value for name, value in environ.items() if name != variable}
            with suppress(UnknownContext):
                found.append(resolve(environ))
    return tuple(one for one in found if one.meant)


def _configuration(environ: Mapping[str, str]) -> Path:
    """Return the docker program's configuration directory."""
    try:
        return Path(environ.get("DOCKER_CONFIG") or Path("~/.docker").expanduser())
    except RuntimeError:
        raise UnknownContext(
            "This user's home directory is unknown, and docker's configuration is in it.",
            "Set it: export HOME=/home/you",
        ) from None


def prune_filters(environ: Mapping[str, str]) -> tuple[Path, tuple[str, ...]]:
    """Return the docker program's configuration file, and the filters it has for its prunes.

    None where it cannot be read: then nothing is known to be spared.
    """
    file = _configuration(environ) / "config.json"
    try:
        found = _object(file.read_bytes()).get("pruneFilters")
    except (OSError, ValueError):
        found = None
    return file, tuple(map(str, found)) if isinstance(found, list) else ()


def _current(environ: Mapping[str, str]) -> str:
    file = _configuration(environ) / "config.json"
    try:
        data = _object(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, ValueError) as error:
        raise UnknownContext(
            f"{file}, which names the current Docker context, cannot be read: {error}.",
            "Mend it, or name the engine: DOCKER_CONTEXT=default",
        ) from None
    return str(data.get("currentContext") or "")


def _context(name: str, chosen: str, environ: Mapping[str, str]) -> Endpoint:
    contexts = _configuration(environ) / "contexts"
    import hashlib  # noqa: PLC0415 - 3 ms that the default engine does not need

    key = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
    try:
        data: Any = _object((contexts / "meta" / key / "meta.json").read_bytes())
    except (OSError, ValueError):
        data = None
    for part in ("Endpoints", "docker"):
        data = data.get(part) if isinstance(data, dict) else None
    docker = data if isinstance(data, dict) else {}
    if not docker.get("Host"):
        raise UnknownContext(
            f"The Docker context {name!r}, named by {chosen}, does not exist or has no address.",
            "See the contexts there are: docker context ls; then: "
            + ("export DOCKER_CONTEXT=NAME" if chosen == _VARIABLE else "docker context use NAME"),
        )
    tls = contexts / "tls" / key / "docker"
    verify = not docker.get("SkipTLSVerify")
    try:
        given = tls if tls.is_dir() else None
    except OSError as error:  # without its certificates it would be another connection
        raise UnknownContext(
            f"The certificates of the Docker context {name!r} cannot be read: {error}.",
            "Make them readable for this user, or choose another: docker context ls",
        ) from None
    return Endpoint(str(docker["Host"]), chosen, name, given, verify)


def _object(content: bytes) -> dict[str, Any]:
    """Return a JSON object; an empty file is an empty one, as the docker program takes it."""
    try:
        data = json.loads(content.strip() or b"{}")
    except RecursionError:
        raise ValueError("it has too many brackets in each other") from None
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")
    return data
