"""Checks: pytest over a running environment, bundled ones and the project's own.

``specs/checks.md`` has the list of the bundled ones, and the rule of trust.
"""

from devenv_lib.checks.content import PLACE, Content, read_content
from devenv_lib.checks.example import NAME as EXAMPLE
from devenv_lib.checks.example import write_example
from devenv_lib.checks.results import Result
from devenv_lib.checks.run import Finished, Request, pytest_words, run_checks
from devenv_lib.checks.subject import Subject, subject_of
from devenv_lib.checks.trust import (
    refuse_reachable,
    refuse_untrusted,
    trust,
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
    "run_checks",
    "subject_of",
    "trust",
    "trusted_digests",
    "writable_paths",
    "write_example",
]
