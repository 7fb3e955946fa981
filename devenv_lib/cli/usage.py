"""How commands of ``devenv`` are typed, for its help."""

from __future__ import annotations

from devenv_lib.cli.grammar import Command

OVERVIEW = """\
Usage: devenv PATH                             start the project's environment and open a shell
       devenv --port 3333 PATH                 the same, with flags of run
       devenv list                             the running environments
       devenv exec PATH|NAME -- COMMAND…       run a command in one
       devenv check [PATH] [-- FLAGS…]         check one with pytest, which gets the flags
       devenv stop PATH|NAME…                  stop and remove some; --all: all of them
       devenv volume list                      the volumes
       devenv volume rm NAME…                  remove some; --all: all of them
       devenv volume backup NAME… --to DIR     save some to archives; --all: all of them
       devenv volume restore FILE              restore one, all of it or nothing
       devenv volume clone NAME --to NEW       copy one to a new one
       devenv volume cp NAME --file F --to .   copy a file out; --from PATH: one into it
       devenv volume usage NAME                what takes the room in one
       devenv volume adopt NAME…               give some devenv's labels
       devenv volume repair NAME…              mend what a wrong start left; --all: in all of them
       devenv build [PATH]                     build an image
       devenv mounts [PATH]                    what would be mounted, what not, and why
       devenv ssh-config [--path PATH]         lines for ~/.ssh/config
       devenv setup                            an engine and the default image, where they lack
       devenv doctor [PATH]                    examine everything; --fix: mend what is safe
       devenv help [COMMAND]                   this, or the flags of a command
       devenv --version

The current directory is devenv . and every task can be given by its own name, with its flags.
With --dry, before or behind the command, it only says what it would do. -f FILE, before it,
names a file of settings.
"""

_BARE = {
    "path": "[PATH]",
    "place": "[PATH|NAME]",
    "places": "[PATH|NAME…]",
    "name": "NAME",
    "names": "[NAME…]",
    "file": "FILE",
}
_BEHIND = {"exec": "-- COMMAND…", "check": "[-- FLAGS…]"}


def usage(command: Command) -> str:
    """Return how a command is typed, with its bare words."""
    flags = "[FLAGS]" if command.flags else ""
    words = ("devenv", command.title, flags, _BARE.get(command.bare), _BEHIND.get(command.name))
    return " ".join(word for word in words if word)
