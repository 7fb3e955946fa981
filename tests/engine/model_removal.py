"""What people do to be rid of volumes: the task itself, with every answer to its question."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from hypothesis.stateful import rule
from hypothesis.strategies import sampled_from

from tests.engine.model_base import checked
from tests.engine.model_others import Others
from tests.terminal import ends, terminal

#: What is typed at the question, or how it is never asked.
YES, NO = ("y\r", "Y\r"), ("n\r", "\r", "yes\r", " y\r", "\x04")
INTERRUPT, FORCE, NOBODY = "\x03", "--force", "no terminal"
ANSWERS = sampled_from([*YES, *NO, INTERRUPT, FORCE, NOBODY, *YES])
#: Whether everybody has gone home before: else hardly anything could be removed.
QUIET = sampled_from([True, True, False])
#: Volumes to name: what others have made, what an environment has, and what there never was.
NAMED = sampled_from([["x"], ["data"], ["state", "cache"], ["x", "y"], ["own-app"], ["z"]])


class Removals(Others):
    """Removals by name and of all, in what is going on or when everybody has gone home."""

    @rule(
        suffixes=NAMED,
        answer=ANSWERS,
        meanwhile=sampled_from(["", "", "", "use", "remove", "replace"]),
        quiet=QUIET,
    )
    @checked
    def rm(self, suffixes: Sequence[str], answer: str, meanwhile: str, quiet: bool) -> None:
        """Remove volumes by name. While the question waits, others may come."""
        self.remove([self.volume(one) for one in suffixes], answer, meanwhile, quiet=quiet)

    @rule(answer=ANSWERS, quiet=QUIET)
    @checked
    def rm_all(self, answer: str, quiet: bool) -> None:
        """Remove all that nothing keeps."""
        self.remove(None, answer, "", quiet=quiet)

    def remove(
        self, names: Sequence[str] | None, answer: str, meanwhile: str, *, quiet: bool
    ) -> None:
        if quiet:
            self.all_go()
        removed, refused = self.world.removal(names)
        words = ["--all"] if names is None else [f"--name={name}" for name in names]
        if refused or not removed:
            status, said = self.task(*words)
            assert status == bool(refused), said
            assert said.count("REFUSED") == len(refused), said
            assert all(name in said and why in said for name, why in refused), (said, refused)
            self.note(*(f"rm: {why}" for _, why in refused))
            return
        by = "--all" if names is None else "name"
        if answer in (FORCE, NOBODY):
            self.unasked(words, removed, by, force=answer == FORCE)
        else:
            self.asked(words, removed, by, answer, meanwhile)

    def unasked(self, words: Sequence[str], removed: set[str], by: str, *, force: bool) -> None:
        """Without a terminal nobody can be asked, and only ``--force`` goes on."""
        status, said = self.task(*words, *["--force"] * force)
        assert status == (not force), said
        assert force or "there is no terminal to ask on" in said
        self.note(f"rm: forced by {by}" if force else "rm: no terminal")
        self.removed(removed if force else set())

    def asked(
        self, words: Sequence[str], removed: set[str], by: str, answer: str, meanwhile: str
    ) -> None:
        """The question names each volume. Only ``y`` and ``Y`` go on, if nothing changed."""
        status, said = self.task(
            *words, answer=answer, meanwhile=lambda: self.comes(removed, meanwhile)
        )
        assert all(name in said.partition("[y/N]: ")[0] for name in removed), said
        if answer == INTERRUPT:
            assert status == 2, said
            self.note("rm: interrupted")
        elif answer in NO:
            assert (status, "Nothing was removed" in said) == (1, True), said
            self.note("rm: declined")
        elif meanwhile:
            assert (status, "changed since" in said) == (1, True), said
            self.note("rm: changed meanwhile")
        else:
            assert status == 0, said
            self.note(f"rm: agreed by {by}")
            self.removed(removed)

    def removed(self, names: set[str]) -> None:
        for name in names:
            if self.world.volumes.pop(name).files:
                self.note("rm: with files")

    def comes(self, names: set[str], what: str) -> None:
        """Somebody does something to the first volume, while the question waits."""
        first = min(names)
        if what == "use":
            self.come("late", first, running=False)
        elif what:
            self.client.remove_volume(first)
            self.world.volumes.pop(first)
        if what == "replace":
            self.make(first, "unlabelled")

    def all_go(self) -> None:
        """Everybody stops what runs, and takes away what is theirs."""
        for project in list(self.world.environments):
            self.take_away(project)
        for name in list(self.world.foreign):
            self.client.remove_container(name, force=True)
            del self.world.foreign[name]

    def take_away(self, project: str) -> None:
        name = self.world.container_name(project)
        self.client.remove_container(name, force=True)
        del self.world.environments[project]

    def task(
        self, *words: str, answer: str = "", meanwhile: Callable[[], None] = lambda: None
    ) -> tuple[int, str]:
        """Run the task, with an answer on a terminal; return its status and all that it said."""
        at = self.at["app"]
        given = {"INVOKE_RUNTIME_CONFIG": str(self.settings_file())}
        if not answer:
            done = at.inv("volume.rm", *words, variables=given)
            return done.returncode, done.stdout + done.stderr
        with terminal(at, "volume.rm", *words, variables=given, columns=500) as child:
            child.expect_exact("[y/N]: ")
            before = child.before + child.after
            meanwhile()
            child.send(answer)
            return ends(child), before + child.before

    def settings_file(self) -> Path:
        file = self.base / "settings.yaml"
        protected = list(self.world.protected)
        file.write_text(json.dumps({"devenv": {"volumes": {"protected": protected}}}))
        return file
