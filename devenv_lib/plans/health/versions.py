"""The versions of everything, in a line that can be pasted into a bug report."""

from __future__ import annotations

from collections.abc import Mapping

from devenv_lib.plans.health.finding import Finding


def versions_finding(versions: Mapping[str, str]) -> Finding:
    """Return the versions by what they are of; an empty one is left out."""
    told = (f"{name} {version}" for name, version in versions.items() if version)
    return Finding("versions", "OK", ", ".join(told))
