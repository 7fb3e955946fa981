"""What a report may be shown to others with: nothing of whose machine it is.

The home directory is ``~``, or ``$HOME`` in an address, which has no user and no password. The
user's name is taken out of what is told; commands keep it, where a name that they need has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from devenv_lib.plans.health.finding import Finding

#: What is between a scheme and a host: a user, and perhaps a password.
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_USER = "USER"


@dataclass(frozen=True)
class Private:
    """What is not told: the home directory, by all of its paths, and the user's name."""

    homes: tuple[str, ...] = ()
    user: str = ""

    def command(self, text: str) -> str:
        """Return a command that does the same, in which the home is ``~`` or ``$HOME``."""
        for home in self._homes():
            # Within quotes a shell would not take it for the home, nor behind a scheme.
            text = re.sub(rf"'{re.escape(home)}/(?=[^'])", "~/'", text)
            text = re.sub(rf"'(\w+://){re.escape(home)}/(?=[^'])", r"\1$HOME/'", text)
            text = re.sub(rf"(?<=://){re.escape(home)}(?![\w.-])", "$HOME", text)
            text = re.sub(rf"(?<![\w.-]){re.escape(home)}(?![\w.-])", "~", text)
        return _USERINFO.sub("", text)

    def text(self, text: str) -> str:
        """Return a text without the home and the user."""
        text = self.command(text)
        if self.user in ("", "root"):  # which is nobody's name, and everywhere
            return text
        return re.sub(rf"(?<=[/-]){re.escape(self.user)}(?!\w)", _USER, text)

    def finding(self, finding: Finding) -> Finding:
        """Return a finding that may be shown."""
        return replace(
            finding,
            subject=self.text(finding.subject),
            why=self.text(finding.why),
            remedy=self.command(finding.remedy),
        )

    def findings(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Return findings that may be shown."""
        return tuple(map(self.finding, findings))

    def _homes(self) -> list[str]:
        """Return the home's paths, the longest first; the root is nobody's home."""
        found = {home.rstrip("/") for home in self.homes}
        return sorted((home for home in found if home), key=len, reverse=True)
