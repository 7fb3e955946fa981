"""Parts of an examination: one that fails is a finding, and keeps no other from its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from devenv_lib.errors import DevenvError
from devenv_lib.plans.health.finding import Finding, failing

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Parts:
    """What was found so far."""

    findings: list[Finding] = field(default_factory=list)

    def look(
        self, subject: str, part: Callable[P, T], *words: P.args, **options: P.kwargs
    ) -> T | None:
        """Return what a part returns; ``None`` where it failed, which is a finding then."""
        try:
            return part(*words, **options)
        except DevenvError as error:
            self.findings.append(failing(subject, error))
            return None

    def add(
        self,
        subject: str,
        part: Callable[P, Iterable[Finding]],
        *words: P.args,
        **options: P.kwargs,
    ) -> None:
        """Add what a part finds, as far as it gets."""
        try:
            self.findings.extend(part(*words, **options))
        except DevenvError as error:
            self.findings.append(failing(subject, error))
