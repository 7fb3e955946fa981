"""What can come next on a ``devenv`` command line, for a shell's tab key.

Pure: the names that exist, and which words are directories, are asked of whoever calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from devenv_lib.cli.grammar import VALUED, Command
from devenv_lib.tasks._flags import FORMATS

#: Kinds of words that only the machine knows: names on the engine, and directories.
ENVIRONMENTS, VOLUMES, DIRECTORIES = "environments", "volumes", "directories"
_BARE = {
    "path": (DIRECTORIES,),
    "place": (ENVIRONMENTS, DIRECTORIES),
    "places": (ENVIRONMENTS, DIRECTORIES),
    "name": (VOLUMES,),
    "names": (VOLUMES,),
    "file": (DIRECTORIES,),
}
#: Commands whose report can be names alone.
_LISTS = ("list", "volume.list")

Known = Callable[[str], Iterable[str]]


def complete(words: Sequence[str], commands: Mapping[str, Command], known: Known) -> list[str]:
    """Return what the last of ``words``, which may be empty, can become; sorted.

    ``words`` are those behind the program's name. ``known`` returns the words of a kind.
    """
    *before, partial = words or [""]
    if "--" in before:
        return []  # a command's own words
    found = _candidates(before, partial, commands, known)
    return sorted({word for word in found if word.startswith(partial)})


def _candidates(
    before: list[str], partial: str, commands: Mapping[str, Command], known: Known
) -> Iterable[str]:
    rest = _behind_flags(before)
    command, rest = _command(rest, commands)
    if command is None:
        return _next_word(rest, commands, known)
    flag = rest[-1] if rest and rest[-1] in command.valued else ""
    if flag:
        return _values(flag, command, known)
    if partial.startswith("-"):
        return [f for f in command.flags if f.startswith("--")] + ["--dry", "--help"]
    if command.bare:
        return [word for kind in _BARE[command.bare] for word in known(kind)]
    return _first_words(commands)


def _behind_flags(words: Sequence[str]) -> list[str]:
    """Return the words behind Invoke's own flags."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in VALUED else 1
    return list(words[at:])


def _command(words: list[str], commands: Mapping[str, Command]) -> tuple[Command | None, list[str]]:
    """Return the command that is complete at the beginning of ``words``, and what is behind."""
    for length in (2, 1):
        name = ".".join(words[:length])
        if len(words) >= length and name in commands:
            return commands[name], words[length:]
    return None, words


def _next_word(
    words: Sequence[str], commands: Mapping[str, Command], known: Known
) -> Iterable[str]:
    if not words:
        return [*_first_words(commands), *known(DIRECTORIES), "--dry", "--help", "--version"]
    if words[0] == "help":
        behind = words[1:]
        return _first_words(commands) if not behind else _inside(behind[0], commands)
    return _inside(words[0], commands) if len(words) == 1 else ()


def _first_words(commands: Iterable[str]) -> list[str]:
    return [*{name.partition(".")[0] for name in commands}, "help"]


def _inside(group: str, commands: Iterable[str]) -> list[str]:
    return [name.partition(".")[2] for name in commands if name.startswith(f"{group}.")]


def _values(flag: str, command: Command, known: Known) -> Iterable[str]:
    if (command.name, flag) == ("volume.clone", "--to"):
        return ()  # a new name
    if flag in ("--path", "--from", "--to", "--backup", "--junit"):
        return known(DIRECTORIES)
    if flag == "--name":
        return known(VOLUMES if command.name.startswith("volume.") else ENVIRONMENTS)
    if flag == "--format":
        return FORMATS if command.name in _LISTS else FORMATS[:2]
    return ()
