"""What is said of a command line of ``devenv`` that is none, and what comes near it."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from devenv_lib.errors import UsageError


def groups_of(commands: Collection[str]) -> set[str]:
    """Return the first words of commands that have two."""
    return {name.partition(".")[0] for name in commands if "." in name}


def incomplete(group: str, typed: str, commands: Collection[str]) -> UsageError:
    """Return what is wrong with a group's name that is no command with what follows it."""
    inside = sorted(name for name in commands if name.startswith(f"{group}."))
    near = difflib.get_close_matches(typed, inside, n=1) if typed != group else []
    titles = ", ".join(f"devenv {name.replace('.', ' ')}" for name in near or inside)
    what = f"{typed.replace('.', ' ', 1)!r} is not a command."
    return UsageError(what, f"Did you mean: {titles}")


def misplaced(flag: str, group: str) -> UsageError:
    """Return what is wrong with a flag between the two words of a command."""
    if flag in ("-h", "--help"):
        return UsageError(f"{group!r} is not a command of its own.", f"devenv help {group}")
    return UsageError(
        f"{flag} stands before the command's name.",
        f"Behind it: devenv {group} COMMAND {flag}; see: devenv help {group}",
    )


def unknown(word: str, commands: Collection[str]) -> UsageError:
    """Return what is wrong with a word that is neither a command nor a path."""
    titles = {name.replace(".", " ") for name in commands} | {"help"}
    groups = groups_of(commands)
    near = difflib.get_close_matches(word, {*titles, *groups}, n=1)
    if near and near[0] in groups:
        near = sorted(title for title in titles if title.startswith(f"{near[0]} "))
    hint = f"Did you mean: {', '.join(f'devenv {title}' for title in near)}"
    return UsageError(
        f"{word!r} is neither a command nor a directory.",
        hint if near else f"Commands: {', '.join(sorted(titles))}.",
    )


def too_many(word: str, title: str, bare: str) -> UsageError:
    """Return what is wrong with a second word behind a command that takes one."""
    hint = f"devenv help {title}"
    if title == "exec":
        hint = "The command comes behind --: devenv exec PATH -- COMMAND…"
    what = {"name": "one volume", "file": "one archive"}.get(bare, "one project")
    return UsageError(f"{word!r} is too much: {title} takes {what}.", hint)
