"""Every failure that a person can meet: what happened, what to run next, and the exit code.

::

    DevenvError                 1
    ├── UsageError              4   the command line, a name, a path or a setting is wrong
    │   ├── SettingsError           a key, its type, or where it was set
    │   └── ProjectError            the directory cannot be a project
    ├── EngineUnavailable       1   no engine could be reached
    │   ├── UnknownContext          the context that was named does not exist
    │   ├── EngineNotInstalled
    │   ├── EngineNotRunning
    │   ├── EngineNoPermission
    │   └── EngineTooOld
    ├── EngineFailure           1   the engine was reached and then failed
    ├── ImageError              1   an image is missing, does not build, or has no usable user
    ├── ProgramMissing          1   a program that devenv starts is not installed
    ├── SetupError              1   a fresh machine could not be made ready
    ├── Refused                 1   a check said no; nothing was changed
    └── Declined                1   a person said no; nothing was changed

The codes are pytest's: 0 all done, 1 refused or failed, 2 interrupted, 3 a defect of devenv,
4 wrong usage. `devenv_lib.tasks.compose` adds a UsageError that Invoke takes for an end.
"""

from __future__ import annotations

from typing import ClassVar

INTERRUPTED = 2
DEFECT = 3


class DevenvError(Exception):
    """A failure with a remedy.

    ``str(error)`` is what happened and why, ``error.hint`` the command or step that comes next
    (empty where there is none), ``error.exit_code`` what a command line exits with. The codes
    are pytest's.

    Example::

        try:
            devenv.locate("no-such-directory", settings.prefix)
        except devenv.DevenvError as error:
            assert "does not exist" in str(error)
            assert error.hint == "Name a directory: inv run --path DIRECTORY"
            assert error.exit_code == 4
    """

    exit_code: ClassVar[int] = 1
    #: What happened, without what was given, where that may be a secret; empty: it tells nothing.
    discreet: str = ""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(DevenvError):
    """The command line, a name, a path or a setting is wrong."""

    exit_code = 4


class SettingsError(UsageError):
    """A settings key is unknown, has the wrong type, or was set where it may not be.

    ``discreet`` says it without the value.
    """

    def __init__(self, message: str, hint: str = "", discreet: str = "") -> None:
        super().__init__(message, hint)
        self.discreet = discreet


class ProjectError(UsageError):
    """The directory does not exist or cannot be a project."""


class EngineUnavailable(DevenvError):
    """No engine could be reached."""


class UnknownContext(EngineUnavailable):
    """The Docker context that was named does not exist or cannot be read."""


class EngineNotInstalled(EngineUnavailable):
    """There is no engine on this machine."""


class EngineNotRunning(EngineUnavailable):
    """An engine is meant to be there and nobody answers."""


class EngineNoPermission(EngineUnavailable):
    """The engine's socket exists and this user may not use it."""


class EngineTooOld(EngineUnavailable):
    """The engine answers in a version that devenv cannot rely on."""


class EngineFailure(DevenvError):
    """The engine was reached, and then refused or stopped answering.

    ``status`` is that of the answer: HTTP's, or a program's in a helper; ``None``: none came.
    Engines disagree about them, so read the state again instead of deciding by which it is.
    """

    def __init__(self, message: str, hint: str = "", status: int | None = None) -> None:
        super().__init__(message, hint)
        self.status = status


class ImageError(DevenvError):
    """An image is missing, does not build, or has no user that an environment can run as."""


class ProgramMissing(DevenvError):
    """A program that devenv has to start is not installed."""


class SetupError(DevenvError):
    """A fresh machine could not be made ready."""


class Refused(DevenvError):
    """A check said no. Nothing was changed."""


class Declined(DevenvError):
    """A person said no. Nothing was changed."""
