"""What others do on the same engine, who know nothing of devenv."""

from __future__ import annotations

from hypothesis.stateful import precondition, rule
from hypothesis.strategies import booleans, sampled_from

from tests.conftest import IMAGE
from tests.engine.model_base import PROJECTS, SUFFIXES, Base, checked
from tests.engine.model_world import Container, Volume, Whose


class Others(Base):
    """Steps of others: containers and volumes come and go, and environments are seen to by hand."""

    @precondition(lambda self: self.world.environments)
    @rule(project=PROJECTS, what=sampled_from(["remove", "stop", "pause", "unpause"]))
    @checked
    def by_hand(self, project: str, what: str) -> None:
        """A person does something to an environment with the docker program."""
        there = self.world.environments.get(project)
        needs = {"remove": "", "stop": "running", "pause": "running", "unpause": "paused"}[what]
        if there is None or needs not in ("", there.state):
            return
        name = self.world.container_name(project)
        if what == "remove":
            del self.world.environments[project]
            self.client.remove_container(name, force=True)
        else:
            there.state = {"stop": "exited", "pause": "paused", "unpause": "running"}[what]
            getattr(self.client, what)(name)

    @rule(suffix=SUFFIXES, whose=sampled_from(["unlabelled", "unlabelled", "stranger", "claimed"]))
    @checked
    def foreign_volume(self, suffix: str, whose: str) -> None:
        """Somebody makes a volume of one of our names, if there is none."""
        if self.volume(suffix) not in self.world.volumes:
            self.make(self.volume(suffix), whose)

    def make(self, name: str, whose: str) -> None:
        labels = {"keep": "me"}
        if whose != "unlabelled":
            labels |= {"devenv": "true", "devenv.prefix": self.prefix}
        if whose == "stranger":
            labels["devenv.prefix"] = f"{self.prefix}-other"
        path = "/somewhere/else" if whose == "claimed" else ""
        if path:
            labels["devenv.path"] = path
        self.client.create_volume(name, labels=labels)
        kinds: dict[str, Whose] = {"unlabelled": "unlabelled", "stranger": "stranger"}
        content = f"{whose} of step {self.steps}"
        self.look.put(name, "g-made", content)
        self.world.volumes[name] = Volume(kinds.get(whose, "ours"), path, {"g-made": content})

    @rule(suffix=SUFFIXES)
    @checked
    def foreign_removal(self, suffix: str) -> None:
        """Somebody removes a volume with the docker program, knowingly."""
        name = self.volume(suffix)
        if name in self.world.volumes and not self.world.users(name):
            self.client.remove_volume(name)
            del self.world.volumes[name]

    @rule(slot=sampled_from(["one", "two", "late"]), suffix=SUFFIXES, running=booleans())
    @checked
    def foreign_container(self, slot: str, suffix: str, running: bool) -> None:
        """A foreign container comes with a volume, or goes if it is there."""
        name = f"{self.prefix}-foreign-{slot}"
        if name in self.world.foreign:
            self.client.remove_container(name, force=True)
            del self.world.foreign[name]
            return
        self.come(slot, self.volume(suffix), running=running)

    def come(self, slot: str, volume: str, *, running: bool) -> None:
        """Make a container with a volume, which it makes if it has to; one that runs writes."""
        name = f"{self.prefix}-foreign-{slot}"
        if name in self.world.foreign:
            self.client.remove_container(name, force=True)
        mount = {"Type": "volume", "Source": volume, "Target": "/v"}
        config = self.client.create_host_config(mounts=[mount], init=True, network_mode="none")
        made = self.client.create_container(
            IMAGE, ["sleep", "infinity"], user="0", name=name, host_config=config
        )
        there = self.world.volumes.setdefault(volume, Volume("unlabelled"))
        self.world.foreign[name] = Container("running" if running else "created", (volume,))
        if running:
            self.client.start(made["Id"])
            content = f"of step {self.steps}"
            script = f"printf %s '{content}' > /v/g-{slot}"
            doing = self.client.exec_create(made["Id"], ["sh", "-c", script])
            self.client.exec_start(doing["Id"])
            assert self.client.exec_inspect(doing["Id"])["ExitCode"] == 0
            there.files[f"g-{slot}"] = content
