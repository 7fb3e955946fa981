"""The limits that the settings ask for are in the kernel's books (cgroup v2, or v1)."""

from __future__ import annotations

import pytest

from devenv_lib.checks.look import CPUS, MEMORY, SWAP, Seen
from devenv_lib.checks.subject import Subject

_UNSEEN = "this kernel does not show it inside (no cgroup file)"
_UNSET = "this engine cannot limit it, which its start warned of"
_APPLY = "To apply the settings: inv run --recreate"


def test_memory_is_limited(subject: Subject, seen: Seen) -> None:
    """To what the settings say, or less; the kernel rounds down to a page."""
    if not subject.memory:
        pytest.skip(f"memory: {_UNSET}")
    found = seen.number(*MEMORY)
    if found is None:
        pytest.skip(f"memory: {_UNSEEN}")
    assert 0 < found <= subject.memory, _too_much("memory", found, subject.memory)


def test_memory_with_swap_is_limited(subject: Subject, seen: Seen) -> None:
    """Cgroup v1 counts memory in, v2 does not."""
    if not subject.swap:
        pytest.skip(f"swap: {_UNSET}")
    alone, together = seen.number(SWAP[0]), seen.number(SWAP[1])
    if alone is None and together is None:
        pytest.skip(f"swap: {_UNSEEN}")
    found = (
        together if alone is None else alone if alone < 0 else alone + (seen.number(*MEMORY) or 0)
    )
    assert found is not None
    assert 0 < found <= subject.swap, _too_much("memory with swap", found, subject.swap)


def test_processors_are_limited(subject: Subject, seen: Seen) -> None:
    """A quota of time in each period."""
    if not subject.cpus:
        pytest.skip(f"processors: {_UNSET}")
    text = seen.said("text", CPUS[0]).split()
    quota, period = text if len(text) == 2 else (seen.said("text", path) for path in CPUS[1:])
    if not (quota and period):
        pytest.skip(f"processors: {_UNSEEN}")
    found = -1.0 if quota in ("max", "-1") else int(quota) / int(period)
    assert 0 < found <= subject.cpus + 0.01, (
        f"{'there is no limit' if found < 0 else f'the limit is {found:g}'}, the settings say "
        f"{subject.cpus:g} processors. {_APPLY}"
    )


def _too_much(what: str, found: int, wanted: int) -> str:
    # cgroup v1 has no word for "none": it is the largest number of whole pages.
    there = "there is no limit" if found < 0 or found > 1 << 60 else f"the limit is {found} bytes"
    return f"{what}: {there}, the settings say {wanted} bytes. {_APPLY}"
