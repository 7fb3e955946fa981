"""Why a command refuses a volume, and what to run next: the reasons that several commands have."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from devenv_lib.errors import Refused
from devenv_lib.names import LABEL, ours, prefix_of
from devenv_lib.plans.pending import Pending
from devenv_lib.records import Volume


@dataclass(frozen=True)
class Refusal:
    """Why nothing is done with a volume, and the command that changes that."""

    volume: str
    reason: str
    remedy: str

    def error(self) -> Refused:
        """Return the error of a command that is about this one volume."""
        rest = self.reason.removeprefix("it ")
        joint = ": " if rest == self.reason else " "
        return Refused(f"The volume {self.volume}{joint}{rest}.", self.remedy)


def with_prefix(command: str) -> Callable[[str], str]:
    """Return what gives a command for who uses the volumes of another prefix."""
    return lambda other: f"DEVENV_PREFIX={shlex.quote(other)} {command}"


def not_there(name: str) -> Refusal:
    """Return the refusal of a volume that does not exist."""
    return Refusal(name, "there is no such volume", "inv volume.list")


def not_ours(
    volume: Volume, prefix: str, unlabelled: str, elsewhere: Callable[[str], str]
) -> Refusal | None:
    """Return the refusal of a volume that is not devenv's in ``prefix``, or ``None``.

    ``unlabelled`` is the remedy for one without the label; ``elsewhere`` gives that for one of
    another prefix, which it is told.
    """
    if volume.labels.get(LABEL) != "true":
        return Refusal(volume.name, f"it does not carry the label {LABEL}=true", unlabelled)
    if not ours(volume.labels, prefix):
        other = prefix_of(volume.labels)
        reason = f"it belongs to the prefix {other}, not to {prefix}"
        return Refusal(volume.name, reason, elsewhere(other))
    return None


def in_hand(name: str, found: Pending) -> Refusal:
    """Return the refusal of a volume that a command has in hand, or had when it was killed."""
    return Refusal(name, f"it {found.why}", f"Carry on first: {found.remedy}")
