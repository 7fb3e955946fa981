"""What people do with volumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis.stateful import precondition, rule
from hypothesis.strategies import booleans, integers, one_of, sampled_from

from devenv_lib import volumes
from tests.conftest import IMAGE
from tests.engine.model_base import SUFFIXES, attempt, checked
from tests.engine.model_look import read_saved, shown
from tests.engine.model_removal import Removals
from tests.engine.model_world import Volume


class Volumes(Removals):
    """Steps with volumes: adopt, back up, restore, clone."""

    @rule(suffix=one_of(sampled_from(["y", "own-lib"]), SUFFIXES))
    @checked
    def adopt(self, suffix: str) -> None:
        name = self.volume(suffix)
        expected = self.world.adopt(name)
        found = self.does(
            "adopt", lambda: volumes.adopt(self.engine, self.prefix, name, IMAGE), expected
        )
        assert found == expected.result
        if found and self.world.volumes[name].files:
            self.note("adopt: with files")

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
            "backup", lambda: volumes.backup(self.engine, self.prefix, name, to, IMAGE), expected
        )
        if isinstance(found, volumes.Backup) and isinstance(expected.result, Volume):
            self.archives.append((found.path, name, expected.result))
            assert read_saved(found.path) == shown(expected.result.files)
            manifest = f"{found.path.partition('.tar')[0]}.json"
            assert sorted(map(str, to.iterdir())) == sorted([found.path, manifest])
            if expected.result.files:
                self.note("backup: with files")
        else:
            assert list(to.iterdir()) == []

    @precondition(lambda self: self.archives)
    @rule(number=integers(0, 9), suffix=SUFFIXES, own=booleans(), replace=booleans())
    @checked
    def restore(self, number: int, suffix: str, own: bool, replace: bool) -> None:
        """Restore an archive, to the volume that it is of or to another one."""
        path, source, saved = self.archives[number % len(self.archives)]
        name, to = source if own else self.volume(suffix), self.directory()
        there = "into an empty one" if name in self.world.volumes else "into a new one"
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
        found = self.does("restore", verb, expected)
        if isinstance(found, volumes.Restored):
            before = expected.result
            self.note(f"restore: {'over files' if isinstance(before, Volume) else there}")
            assert found.saved or not isinstance(before, Volume)
            if found.saved:
                content = before if isinstance(before, Volume) else Volume("ours", touched=True)
                self.archives.append((found.saved, name, content))

    @rule(source=SUFFIXES, suffix=SUFFIXES)
    @checked
    def clone(self, source: str, suffix: str) -> None:
        names = self.volume(source), self.volume(suffix)
        expected = self.world.clone(*names)
        found = self.does(
            "clone", lambda: volumes.clone(self.engine, self.prefix, *names, IMAGE), expected
        )
        assert not isinstance(found, volumes.Cloned) or found.name == expected.result
