"""The short grammar of ``devenv``: bare words, turned into the flags that its tasks take.

Pure: which words are directories is handed in. What comes out are words for Invoke, and nothing
in them names anything that was not typed. A word is a path when it is a directory, or is
written like one; every other bare word has to be a command or, where a command takes names, a
name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from devenv_lib.cli.misuse import groups_of, incomplete, misplaced, too_many, unknown
from devenv_lib.errors import UsageError
from devenv_lib.names import NAME

Bare = Literal["", "path", "place", "places", "name", "names", "file"]

#: What bare words behind a command are: a project's path; a path or an environment's name, one
#: or several; a volume's name, or several; a file. Behind all others comes the next command.
BARE: Mapping[str, Bare] = {
    "run": "path",
    "build": "path",
    "mounts": "path",
    "check": "path",
    "doctor": "path",
    "exec": "place",
    "stop": "places",
    "volume.adopt": "names",
    "volume.backup": "names",
    "volume.clone": "name",
    "volume.cp": "name",
    "volume.repair": "names",
    "volume.restore": "file",
    "volume.rm": "names",
    "volume.usage": "name",
}
#: Commands behind which further words can stand, after ``--``.
BEHIND = frozenset({"exec", "check"})
#: Invoke's own flags that take a value, and those behind which nothing else counts.
VALUED = frozenset(
    {
        *("--command-timeout", "-T", "--config", "-f", "--hide"),
        *("--list-depth", "-D", "--list-format", "-F"),
    }
)
_LAST = frozenset({"--help", "-h", "--list", "-l", "--version", "-V"})
#: Invoke's other flags; its ``-d``, debug, would be in the way of run's.
_CORE = frozenset({"--debug", "--dry", "-R", "--echo", "-e", "--pty", "-p", "--warn-only", "-w"})


@dataclass(frozen=True)
class Command:
    """A task, as far as its words go.

    ``flags`` are its own, ``valued`` all behind which a value can stand, Invoke's among them.
    """

    name: str
    flags: frozenset[str] = frozenset()
    valued: frozenset[str] = VALUED

    @property
    def title(self) -> str:
        """The command as people type it."""
        return self.name.replace(".", " ")

    @property
    def bare(self) -> Bare:
        """What bare words behind it are."""
        return BARE.get(self.name, "")


def is_path(word: str, is_directory: Callable[[str], bool]) -> bool:
    """Whether a word is a path: an existing directory, or written like a path."""
    return word in (".", "..") or "/" in word or word.startswith("~") or is_directory(word)


def translate(
    argv: Sequence[str], commands: Mapping[str, Command], is_directory: Callable[[str], bool]
) -> list[str]:
    """Return the words for Invoke that a command line without the program's name stands for.

    Raises:
        UsageError: a word is neither a command nor what the command takes.
    """
    end = argv.index("--") if "--" in argv else len(argv)
    line = _Line(list(argv[:end]), commands, is_directory)
    words = list(line.read())
    if end < len(argv) and line.last not in BEHIND:
        raise UsageError(
            "Only exec takes a command behind --, and check words for pytest; not "
            f"{line.last or 'devenv'!r}.",
            "devenv exec PATH -- COMMAND…",
        )
    return [*words, *argv[end:]]


class _Line:
    """The words of a command line, read from left to right."""

    def __init__(
        self, words: list[str], commands: Mapping[str, Command], is_directory: Callable[[str], bool]
    ) -> None:
        self._words = words
        self._commands = commands
        self._is_directory = is_directory
        self.last = ""

    def read(self) -> Iterator[str]:
        """Yield Invoke's words for all of them."""
        while self._words and self._flag(self._words[0]) in _CORE | VALUED:
            yield from self._take(VALUED)
        if self._words and self._flag(self._words[0]) in _LAST:
            yield from self._final()
        while self._words:
            yield from self._command()

    def _final(self) -> Iterator[str]:
        """Yield a flag of Invoke's that ends the line, with the command that it is about."""
        flag = self._words.pop(0)
        yield flag
        if self._flag(flag) in ("--help", "-h") and self._words:
            yield self._name()
        yield from self._words
        self._words.clear()

    def _command(self) -> Iterator[str]:
        word = self._words[0]
        if word == "help":
            yield from self._help()
            return
        if self.last and not self._known(word):
            title = self._commands[self.last].title
            raise UsageError(f"{word!r} is too much behind {title}.", f"devenv help {title}")
        path = is_path(word, self._is_directory) and not self._known(word)
        if path or word.startswith("-"):
            yield from self._implied_run()
            return
        yield from self._arguments(self._commands[self._name()])

    def _help(self) -> Iterator[str]:
        """Yield Invoke's flags for help on everything, on a group of commands or on one."""
        about = self._words[1:]
        self._words.clear()
        if about in ([], ["help"]):
            yield "--help"
        elif len(about) == 1 and about[0] in groups_of(self._commands):
            yield from ["--list", about[0]]
        else:
            self._words.extend(about)
            yield from ["--help", self._name()]
            if self._words:
                raise UsageError(f"{self._words[0]!r} is too much behind help.", "devenv help")

    def _known(self, word: str) -> bool:
        return word in self._commands or word in groups_of(self._commands)

    def _implied_run(self) -> Iterator[str]:
        """Yield ``run`` for a line that begins with a path, or with flags before one."""
        first, typed = self._words[0], tuple(self._words)
        words = list(self._arguments(self._commands["run"]))
        bare = any(w.startswith("--path=") and w not in typed for w in words)
        if not bare and self._words:  # what follows is the command that is meant
            name = self._commands[self._name()].title
            raise UsageError(
                f"{first} stands before the command's name.", f"Behind it: devenv {name} {first} …"
            )
        if not any(word.startswith("--path") for word in words):
            raise UsageError(
                f"{words[1] if len(words) > 1 else ''!r} belongs to no command.",
                "Name the project: devenv [FLAGS] PATH; for the current directory: devenv .",
            )
        yield from words

    def _name(self) -> str:
        """Take a command's name, which can be two words, off the line."""
        word = self._words.pop(0)
        if word in self._commands:
            return word
        if word in groups_of(self._commands):
            both = f"{word}.{self._words[0]}" if self._words else word
            if both in self._commands:
                self._words.pop(0)
                return both
            if self._words and self._words[0].startswith("-"):
                raise misplaced(self._words[0], word)
            raise incomplete(word, both, self._commands)
        raise unknown(word, self._commands)

    def _arguments(self, command: Command) -> Iterator[str]:
        """Yield a command with its flags, and its bare words as flags."""
        yield command.name
        self.last = command.name
        named = 0
        while self._words:
            word = self._words[0]
            if word.startswith("-") and word != "-":
                named += self._flag(word) in _flags(command)
                yield from self._take(command.valued)
                continue
            if not command.bare or (command.bare == "path" and self._known(word)):
                return  # the next command
            yield self._bare(command, named)
            named += 1

    def _bare(self, command: Command, number: int) -> str:
        word = self._words.pop(0)
        if number and command.bare in ("path", "place", "name", "file"):
            raise too_many(word, command.title, command.bare)
        if command.bare == "file":
            return f"--from={word}"
        if command.bare in ("path", "place", "places") and is_path(word, self._is_directory):
            return f"--path={word}"
        if command.bare == "path":
            raise unknown(word, self._commands)
        if not NAME.fullmatch(word):
            volume = command.bare in ("name", "names")
            what = "a volume's name" if volume else "a directory or a name"
            raise UsageError(f"{word!r} is not {what}.", f"devenv help {command.title}")
        return f"--name={word}"

    def _take(self, valued: Collection[str]) -> Iterator[str]:
        """Take a flag off the line, with its value if it has one behind it."""
        flag = self._words.pop(0)
        cluster = re.fullmatch("-([a-zA-Z])[a-zA-Z]*([a-zA-Z])", flag)
        if cluster and f"-{cluster[2]}" in valued and f"-{cluster[1]}" not in valued:
            # Invoke would take the next word for its value, whatever became of that here.
            raise UsageError(
                f"In {flag}, -{cluster[2]} needs a value: write it apart.", "devenv help"
            )
        yield flag
        if flag in valued:
            if not self._words:
                raise UsageError(f"{flag} needs a value.", "devenv help")
            yield self._words.pop(0)

    @staticmethod
    def _flag(word: str) -> str:
        return word.partition("=")[0]


def _flags(command: Command) -> tuple[str, ...]:
    """Return the flags that say what a bare word behind a command would."""
    return ("--from",) if command.bare == "file" else ("--path", "--name")
