"""What people do with volumes."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis.stateful import precondition, rule
from hypothesis.strategies import booleans, integers, sampled_from

from devenv_lib import report, volumes
from devenv_lib.plans import RemovalPlan
from tests.conftest import IMAGE
from tests.engine.model_base import SUFFIXES, attempt, checked
from tests.engine.model_look import read_saved
from tests.engine.model_others import Others
from tests.engine.model_world import Expected, Volume


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Volumes(Others):
    """Steps with volumes: remove, adopt, back up, restore, clone."""

    @rule(
        suffixes=sampled_from([None, ["data"], ["x"], ["y"], ["state", "cache"], ["own-app"]]),
        answer=sampled_from(["y", "Y", "force", "n", "", "yes", " y"]),
        meanwhile=sampled_from(["", "", "", "use", "remove", "replace"]),
    )
    @checked
    def rm(self, suffixes: Sequence[str] | None, answer: str, meanwhile: str) -> None:
        """Remove volumes as the task does: plan, ask, and remove what was planned.

        While the question waits, others may come.
        """
        names = None if suffixes is None else [self.volume(suffix) for suffix in suffixes]
        removed, refused = self.world.removal(names)
        protected = self.world.protected
        plan = volumes.plan_removal(self.engine, self.prefix, names, protected)
        said = {(one.volume, one.reason) for one in plan.refusals}
        assert len(said) == len(refused), (said, refused)
        assert all(any(n == v and why in r for v, r in said) for n, why in refused), (said, refused)
        if refused:
            self.does(
                lambda: volumes.remove(self.engine, self.prefix, plan),
                Expected(says=("Nothing was removed",)),
            )
            return
        assert {volume.name for volume in plan.volumes} == removed
        if removed:
            self.answered(plan, answer, meanwhile)

    def answered(self, plan: RemovalPlan, answer: str, meanwhile: str) -> None:
        first = plan.volumes[0].name
        if meanwhile == "use":
            self.come("late", first, running=False)
        elif meanwhile:
            self.client.remove_volume(first)
            self.world.volumes.pop(first)
        if meanwhile == "replace":
            self.make(first, "unlabelled")
        if not self.agreed(answer):
            return
        expected = Expected(says=("changed since",)) if meanwhile else Expected()
        removals = self.does(lambda: volumes.remove(self.engine, self.prefix, plan), expected)
        if not meanwhile:
            assert isinstance(removals, tuple)
            assert [one.failure for one in removals] == [""] * len(plan.volumes)
            for volume in plan.volumes:
                del self.world.volumes[volume.name]

    def agreed(self, answer: str) -> bool:
        """Answer devenv's one question, on what it takes for a terminal."""
        if answer == "force":
            return True
        stdin = patch.object(sys, "stdin", _Terminal(f"{answer}\n"))
        with stdin, redirect_stderr(_Terminal()):
            yes = report.confirm("Remove these volumes?", "Nothing was removed")
        assert yes == (answer in ("y", "Y"))
        return yes

    @rule(suffix=SUFFIXES)
    @checked
    def adopt(self, suffix: str) -> None:
        name = self.volume(suffix)
        expected = self.world.adopt(name)
        found = self.does(lambda: volumes.adopt(self.engine, self.prefix, name, IMAGE), expected)
        assert found == expected.result

    def directory(self) -> Path:
        directory = self.base / f"archives-{self.steps}"
        directory.mkdir()
        return directory

    @rule(suffix=SUFFIXES)
    @checked
    def backup(self, suffix: str) -> None:
        name, to = self.volume(suffix), self.directory()
        expected = self.world.backup(name)
        found = self.does(
            lambda: volumes.backup(self.engine, self.prefix, name, to, IMAGE), expected
        )
        if isinstance(found, volumes.Backup) and isinstance(expected.result, Volume):
            self.archives.append((found.path, name, expected.result))
            assert read_saved(found.path) == expected.result.files
        else:
            assert list(to.iterdir()) == []

    @precondition(lambda self: self.archives)
    @rule(number=integers(0, 9), suffix=SUFFIXES, own=booleans(), replace=booleans())
    @checked
    def restore(self, number: int, suffix: str, own: bool, replace: bool) -> None:
        """Restore an archive, to the volume that it is of or to another one."""
        path, source, saved = self.archives[number % len(self.archives)]
        name, to = source if own else self.volume(suffix), self.directory()
        expected = self.world.restore(saved, source, name, replace=replace)
        unknown = bool(expected.says) and self.world.volumes[name].touched

        def verb() -> volumes.Restored:
            options: dict[str, Any] = {"replace": to if replace else None}
            options["protected"] = self.world.protected
            with volumes.opened(Path(path)) as archive:
                return volumes.restore(
                    self.engine, self.prefix, archive, IMAGE, name=name, **options
                )

        if unknown and expected.says == ("is not empty",) and not self.world.volumes[name].files:
            _, refused = attempt(verb)
            assert not refused or "is not empty" in refused
            if not refused:
                self.world.filled(name, saved)
            return
        found = self.does(verb, expected)
        if isinstance(found, volumes.Restored):
            before = expected.result
            assert found.saved or not isinstance(before, Volume)
            if found.saved:
                content = before if isinstance(before, Volume) else Volume("ours", touched=True)
                self.archives.append((found.saved, name, content))

    @rule(source=SUFFIXES, suffix=SUFFIXES)
    @checked
    def clone(self, source: str, suffix: str) -> None:
        names = self.volume(source), self.volume(suffix)
        expected = self.world.clone(*names)
        found = self.does(lambda: volumes.clone(self.engine, self.prefix, *names, IMAGE), expected)
        assert not isinstance(found, volumes.Cloned) or found.name == expected.result
