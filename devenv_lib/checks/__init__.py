"""Checks: pytest over a running environment, bundled ones and the project's own.

``specs/checks.md`` has the list of the bundled ones, and the rule of trust.
"""

from devenv_lib.checks.content import PLACE, Content, read_content
from devenv_lib.checks.results import Result
from devenv_lib.checks.run import Finished, Request, pytest_words, run_checks
from devenv_lib.checks.subject import Subject, subject_of
from devenv_lib.checks.trust import refuse_untrusted, trust, trusted_digests

__all__ = [
    "PLACE",
    "Content",
    "Finished",
    "Request",
    "Result",
    "Subject",
    "pytest_words",
    "read_content",
    "refuse_untrusted",
    "run_checks",
    "subject_of",
    "trust",
    "trusted_digests",
]
