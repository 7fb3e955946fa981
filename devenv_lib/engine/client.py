"""One engine: a few typed calls, each of which returns records or raises `EngineFailure`.

The low-level client is used throughout: docker-py's high-level one inspects every container
that it lists, which takes as many calls as there are containers.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from typing import Any

import docker

from devenv_lib.engine import answers, bodies, temporary
from devenv_lib.engine.endpoint import Endpoint
from devenv_lib.engine.execs import run
from devenv_lib.engine.failures import check_status, translated
from devenv_lib.engine.helper import Helper
from devenv_lib.engine.interrupts import whole
from devenv_lib.engine.pausing import stand_in
from devenv_lib.engine.starting import begin
from devenv_lib.errors import EngineFailure, Refused
from devenv_lib.names import LABEL, LABEL_MADE_BY
from devenv_lib.plans.creation import EnvironmentPlan
from devenv_lib.plans.differences import Existing
from devenv_lib.plans.ports import Exposure
from devenv_lib.records import Container, EngineInfo, Image, MountPoint, Snapshot, Volume

#: From API 1.53 on, the disk-usage answer has another form (fact from its changelog).
_NEWEST_USAGE_API = (1, 52)
#: Seconds that measuring volumes may take; it reads every file in them.
_MEASURING = 60


class Engine:
    """A connected engine. Make one with `devenv_lib.engine.connect`.

    Verbs take it; its own methods are for them. ``info()`` and ``endpoint`` say which it is.

    Raises:
        EngineFailure: from any method, when the engine refuses or stops answering.

    Example::

        def newer(engine: devenv.Engine) -> bool:
            return tuple(map(int, engine.info().api.split("."))) >= (1, 41)

        assert newer(engine)
    """

    def __init__(self, client: docker.APIClient, endpoint: Endpoint) -> None:
        self._client = client
        self.endpoint = endpoint
        self._info: EngineInfo | None = None

    def _doing(self, doing: str) -> AbstractContextManager[None]:
        return translated(doing, self.endpoint.title)

    def info(self) -> EngineInfo:
        """Return what the engine says about itself, asked once."""
        if self._info is None:
            with self._doing("asking what it is"):
                self._info = answers.info(self._client.info(), self._client.api_version)
        return self._info

    # Volumes

    def snapshot(self, *, labelled: bool = False, sizes: bool = False) -> Snapshot:
        """Return volumes and containers: all volumes, or with ``labelled`` only devenv's.

        Three calls with ``sizes``, two without, however many objects there are. The answer with
        the sizes cannot be the list: Docker's leaves out other drivers' volumes, Podman's labels.
        """
        usage = self._sizes() if sizes else {}  # first: it can take a minute
        return Snapshot(self.volumes(labelled=labelled), tuple(self.containers()), usage)

    def volumes(self, *, labelled: bool = False) -> tuple[Volume, ...]:
        """Return all volumes, or with ``labelled`` only devenv's."""
        filters = {"label": f"{LABEL}=true"} if labelled else None
        with self._doing("listing volumes"):
            found = self._client.volumes(filters=filters).get("Volumes") or []
            return tuple(map(answers.volume, found))

    def _sizes(self) -> Mapping[str, int]:
        """Return the volumes' sizes in bytes, as far as the engine tells them now.

        An engine refuses a second disk-usage call while one is under way, reports -1 for what
        it cannot measure, and may take too long: all are unknown here, never an error.
        """
        version = self._client.api_version
        if tuple(map(int, version.split("."))) > _NEWEST_USAGE_API:
            version = ".".join(map(str, _NEWEST_USAGE_API))
        url = f"{self._client.base_url}/v{version}/system/df"
        entries: list[Any] = []
        with suppress(EngineFailure), self._doing("measuring volumes"):
            answer = self._client.get(url, params={"type": "volume"}, timeout=_MEASURING)
            entries = (answer.json().get("Volumes") or []) if answer.ok else []
        sizes = {entry["Name"]: (entry.get("UsageData") or {}).get("Size") for entry in entries}
        return {name: size for name, size in sizes.items() if size is not None and size >= 0}

    def volume(self, name: str) -> Volume | None:
        """Return one volume, or ``None``."""
        with self._doing(f"inspecting the volume {name}"), suppress(docker.errors.NotFound):
            return answers.volume(self._client.inspect_volume(name))
        return None

    def create_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """Create a volume; an existing one stays as it is, with the labels it has."""
        with self._doing(f"creating the volume {name}"):
            options = dict(self.info().volume_options)
            self._client.create_volume(name, driver_opts=options, labels=dict(labels))

    def remove_volume(self, name: str) -> None:
        """Remove a volume. The engine refuses one that any container references.

        It takes as long as it takes: millions of files on a slow disk are many minutes.
        """
        url = f"{self._client.base_url}/v{self._client.api_version}/volumes/{name}"
        with self._doing(f"removing the volume {name}"):
            check_status(self._client.delete(url, timeout=None))

    # Images

    def image(self, name: str) -> Image | None:
        """Return one image that the engine has, or ``None``."""
        with self._doing(f"inspecting the image {name}"), suppress(docker.errors.NotFound):
            return answers.image(self._client.inspect_image(name))
        return None

    def read_file(self, image: str, path: str, prefix: str) -> bytes | None:
        """Return a file of an image, or ``None`` if it has none there."""
        with self._doing(f"reading {path} of the image {image}"):
            return temporary.read_file(self._client, image, path, prefix)

    # Containers

    def containers(self, labels: Sequence[str] = ()) -> list[Container]:
        """Return all containers, running or not, that have all of ``labels`` (``key=value``)."""
        with self._doing("listing containers"):
            filters = {"label": list(labels)} if labels else None
            return answers.containers(self._client.containers(all=True, filters=filters))

    def existing(self, container: str) -> Existing:
        """Return what a container was created with."""
        with self._doing("inspecting the container"):
            return answers.existing(self._client.inspect_container(container))

    def exposure(self, container: str) -> Exposure:
        """Return where a container can be reached."""
        with self._doing("inspecting the container"):
            return answers.exposure(self._client.inspect_container(container))

    def create(
        self, plan: EnvironmentPlan, name: str, made: Callable[[str], object] = lambda _: None
    ) -> str:
        """Create a container by a plan and return its id; ``made`` is told it on Ctrl-C too."""
        with self._doing(f"creating the container {name}"), whole():
            body = bodies.container_body(plan)
            identity = str(self._client.create_container_from_config(body, name)["Id"])
            made(identity)
            return identity

    def start(self, container: str) -> None:
        """Start a container; one that runs stays as it is."""
        with self._doing("starting the container"):
            self._client.start(container)

    def rename(self, container: str, name: str) -> None:
        """Rename a container."""
        with self._doing(f"renaming the container to {name}"):
            self._client.rename(container, name)

    def stop(self, container: str) -> None:
        """Stop a container and wait for it, ten seconds before it is killed."""
        with self._doing("stopping the container"):
            try:
                self._client.stop(container, timeout=10)
            except docker.errors.APIError:  # Podman 5.4 does not stop a paused one
                if not self._is_paused(container):
                    raise
                self._client.unpause(container)
                self._client.stop(container, timeout=10)

    def pause(self, container: str) -> None:
        """Pause a running container: its processes stand still."""
        with self._doing("pausing the container"):
            self._client.pause(container)

    def stand_in(self, container: str) -> AbstractContextManager[Callable[[], None]]:
        """Have a paused container go on if this process is killed in the block (`pausing`)."""
        return stand_in(self.endpoint, container)

    def unpause(self, container: str) -> None:
        """Let a paused container go on; one that has ended or gone meanwhile is no failure."""
        with self._doing("letting the container go on"):
            try:
                self._client.unpause(container)
            except docker.errors.APIError:
                if self._is_paused(container):
                    raise

    def _is_paused(self, container: str) -> bool:
        return any(c.state == "paused" and container in (c.id, c.name) for c in self.containers())

    def remove(self, container: str, *, force: bool = False) -> None:
        """Remove a container, by id or name; ``force`` also one that runs. Volumes stay.

        A container that is gone already is no failure.
        """
        with self._doing("removing the container"), suppress(docker.errors.NotFound):
            self._client.remove_container(container, force=force)

    def run(self, container: str, words: Sequence[str], user: str = "") -> tuple[int, str]:
        """Run a program in a running container; return its status and output.

        An empty ``user`` is the container's own.
        """
        with self._doing("preparing the container"):
            return run(self._client, container, words, user)

    def run_helper(
        self, image: str, volumes: Mapping[str, str], words: Sequence[str], name: str, prefix: str
    ) -> None:
        """Run a program as root in a container of its own, and return when it has ended.

        ``volumes`` maps names to targets, and is all that it sees. It has no network and no
        capability but the two that changing an owner takes.
        """
        with self._doing("changing owners in the volumes"):
            body = bodies.one_shot_body(image, volumes, words, prefix, uuid.uuid4().hex)
            temporary.run_helper(self._client, body, name)

    @contextmanager
    def helper(
        self, image: str, mounts: Sequence[MountPoint], prefix: str, about: str
    ) -> Iterator[Helper]:
        """Give a helper that has ``mounts`` and is ended with the block: see `helper.Helper`.

        That its end could not be seen is no failure of what it was for, which is done: it ends
        by itself, and whoever needs its name or its volumes next waits for that.

        Raises:
            Refused: another command's is there and stays, or a volume was removed just before.
        """
        with self._doing("starting a helper container"):
            made = begin(self._client, self.endpoint, image, mounts, prefix, about)
        try:
            self._refuse_remade(made.token, mounts)
            yield made
        finally:
            with suppress(EngineFailure), self._doing("ending a helper container"):
                made.end()

    def _refuse_remade(self, token: str, mounts: Sequence[MountPoint]) -> None:
        """Refuse a volume that a helper's create has made: it was removed since it was seen.

        It may be somebody's by now, and so it stays.
        """
        for mount in mounts:
            volume = self.volume(mount.source)
            if volume and volume.labels.get(LABEL_MADE_BY) == token:
                raise Refused(
                    f"The volume {volume.name} was removed meanwhile, and is there anew, empty.",
                    f"If it is not wanted: inv volume.rm --name {volume.name}",
                )

    def used_since(self, volume: str, helper: str) -> bool | None:
        """Whether another container could write into a volume since a helper (an id) had it.

        ``None`` is not known: the engine remembers its last few hundred events only, or cannot
        read them at all. Podman's say nothing of volumes.
        """
        if self.info().podman:
            return None
        with self._doing(f"asking who used the volume {volume}"):
            # Until a moment of the engine's own clock that is over: it would wait for a later one.
            now = datetime.fromisoformat(self._client.info()["SystemTime"]).timestamp()
            # docker-py would cut a time to seconds; text it passes on as it is.
            events: Any = self._client.events(
                since="1",  # type: ignore[call-overload]
                until=f"{now:.6f}",
                filters={"volume": volume},
                decode=True,
            )
            try:
                return answers.used_since(events, helper)
            except docker.errors.APIError:
                return None

    def remove_leftovers(self, prefix: str, age: float = temporary.STALE) -> None:
        """Remove what killed processes left of ours ``age`` seconds ago or earlier."""
        with self._doing("removing what an interrupted command left"):
            temporary.remove_leftovers(self._client, prefix, age)
