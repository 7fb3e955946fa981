"""Which of Docker's own commands remove devenv's volumes while no container uses them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from devenv_lib.names import LABEL

#: The line that spares them, for the docker program's configuration.
FILTER = f"label!={LABEL}=true"
#: The filters that do, as Docker compares labels: a key alone stands for all its values.
_SPARING = {FILTER, f"label!={LABEL}"}
#: Docker 23: from it on, a prune of volumes means anonymous ones unless it is told to take all.
_ANONYMOUS_ONLY = (1, 42)


def prune_note(api: str, filters: Sequence[str], file: str) -> tuple[str, ...]:
    """Return what to say about prunes by an engine of this ``api``: nothing if they spare volumes.

    ``filters`` are those that the docker program's configuration ``file`` has.
    """
    excluding = {one for one in filters if one.startswith("label!=")}
    # Of several, an engine spares only what has all of these labels (read in its source).
    if excluding and excluding <= _SPARING:
        return ()
    commands = ["docker volume prune --all"]
    if _version(api) < _ANONYMOUS_ONLY:
        commands = ["docker volume prune", "docker system prune --volumes"]
    does = "remove" if len(commands) > 1 else "removes"
    return (
        f"{' and '.join(commands)} {does} devenv's volumes while no container uses them.",
        f'To spare them, in {file}: "pruneFilters": ["{FILTER}"]{_instead(excluding)}',
    )


def _instead(excluding: Iterable[str]) -> str:
    others = sorted(set(excluding) - _SPARING)
    if not others:
        return ""
    return (
        f" (without {', '.join(others)}: of several, Docker spares only what has all these labels)"
    )


def _version(api: str) -> tuple[int, ...]:
    return tuple(int(part) for part in api.split(".") if part.isdecimal())
