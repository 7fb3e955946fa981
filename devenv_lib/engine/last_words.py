"""Say how a program in a helper failed, with its last words."""

from __future__ import annotations

from devenv_lib.errors import EngineFailure

#: Characters of a program's last words that a message quotes.
_QUOTED = 400


def last_words(said: bytes) -> str:
    """Return in one line what a program wrote last."""
    return " ".join(said[-_QUOTED:].decode(errors="replace").split())


def failure(program: str, status: int, said: str) -> EngineFailure:
    """Return that a program ended with a status that is none of success."""
    return EngineFailure(
        f"{program} failed in the helper container: {said or 'silently'} (status {status}).",
        "See what the engine has, and whether its disk is full: docker ps -a; docker system df",
        status,
    )


def broken_off(program: str, said: str) -> EngineFailure:
    """Return that it is not known how a program ended."""
    return EngineFailure(
        f"The connection to {program} in the helper container broke off: {said or 'silently'}.",
        "See whether the engine runs: docker info; then run the same command again.",
    )
