"""Checks: pytest over a running environment, bundled ones and the project's own.

``specs/checks.md`` has the list of the bundled ones, and the rule of trust. A name brings what
it needs when it is first used: listing the tasks needs none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devenv_lib.lazily import lazily

if TYPE_CHECKING:
    from devenv_lib.checks.content import PLACE, Content, read_content
    from devenv_lib.checks.example import EXAMPLE, write_example
    from devenv_lib.checks.results import Result
    from devenv_lib.checks.run import Finished, Request, pytest_words, run_checks
    from devenv_lib.checks.subject import Subject, subject_of
    from devenv_lib.checks.trust import (
        refuse_reachable,
        refuse_untrusted,
        remember,
        trusted_digests,
        writable_paths,
    )

__all__ = [
    "EXAMPLE",
    "PLACE",
    "Content",
    "Finished",
    "Request",
    "Result",
    "Subject",
    "pytest_words",
    "read_content",
    "refuse_reachable",
    "refuse_untrusted",
    "remember",
    "run_checks",
    "subject_of",
    "trusted_digests",
    "writable_paths",
    "write_example",
]

lazily(
    __name__,
    {
        "content": ("PLACE", "Content", "read_content"),
        "example": ("EXAMPLE", "write_example"),
        "results": ("Result",),
        "run": ("Finished", "Request", "pytest_words", "run_checks"),
        "subject": ("Subject", "subject_of"),
        "trust": (
            *("refuse_reachable", "refuse_untrusted", "remember", "trusted_digests"),
            "writable_paths",
        ),
    },
)
