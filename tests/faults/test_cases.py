"""The cases: they are all that devenv can do."""

from __future__ import annotations

from devenv_lib.tasks import ns
from tests.faults.cases import CASES, ELSEWHERE


def test_every_task_has_a_case_or_a_reason_to_have_none() -> None:
    tried = {case.words.split()[0] for case in CASES.values()}
    assert {*tried, *ELSEWHERE} == set(ns.task_names)
    assert tried.isdisjoint(ELSEWHERE)
