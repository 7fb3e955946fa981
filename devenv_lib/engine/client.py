"""One engine: a few typed calls, each of which returns records or raises `EngineFailure`.

The low-level client is used throughout: docker-py's high-level one inspects every container
that it lists, which takes as many calls as there are containers.
"""

from __future__ import annotations

import posixpath
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from io import BytesIO
from tarfile import TarError
from tarfile import open as open_tar
from typing import Any

import docker

from devenv_lib.engine import answers
from devenv_lib.engine.endpoint import Endpoint
from devenv_lib.engine.failures import translated
from devenv_lib.errors import EngineFailure
from devenv_lib.plans.creation import EnvironmentPlan
from devenv_lib.plans.differences import Existing
from devenv_lib.records import LABEL, LABEL_PREFIX, Container, EngineInfo, Image, Snapshot, Volume

#: From API 1.53 on, the disk-usage answer has another form (fact from its changelog).
_NEWEST_USAGE_API = (1, 52)
#: Seconds after which a probe, which lives for a fraction of one, is nobody's any more.
_STALE = 60
_STATUS_ATTEMPTS = 250


class Engine:
    """A connected engine. Make one with `devenv_lib.engine.connect`."""

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

        Three calls with ``sizes``, two without, however many objects there are.
        """
        filters = {"label": f"{LABEL}=true"} if labelled else None
        with self._doing("listing volumes"):
            volumes = self._client.volumes(filters=filters).get("Volumes") or []
        usage = self._sizes() if sizes else {}
        return Snapshot(tuple(map(answers.volume, volumes)), tuple(self.containers()), usage)

    def _sizes(self) -> Mapping[str, int]:
        """Return the volumes' sizes in bytes, as far as the engine tells them now.

        An engine refuses a second disk-usage call while one is under way, and reports -1 for
        what it cannot measure: both are unknown here, never an error.
        """
        version = self._client.api_version
        if tuple(map(int, version.split("."))) > _NEWEST_USAGE_API:
            version = ".".join(map(str, _NEWEST_USAGE_API))
        url = f"{self._client.base_url}/v{version}/system/df"
        with self._doing("measuring volumes"):
            answer = self._client.get(url, params={"type": "volume"}, timeout=self._client.timeout)
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
            self._client.create_volume(name, labels=dict(labels))

    def remove_volume(self, name: str) -> None:
        """Remove a volume. The engine refuses one that any container references."""
        with self._doing(f"removing the volume {name}"):
            self._client.remove_volume(name)

    # Images

    def image(self, name: str) -> Image | None:
        """Return one image that the engine has, or ``None``."""
        with self._doing(f"inspecting the image {name}"), suppress(docker.errors.NotFound):
            return answers.image(self._client.inspect_image(name))
        return None

    def read_file(self, image: str, path: str, prefix: str) -> bytes | None:
        """Return a file of an image, or ``None`` if it has none there.

        An image can only be read through a container: a probe, which is created, never started,
        and removed with the anonymous volumes that the image may have asked for.
        """
        name = f"{prefix}-probe-{uuid.uuid4().hex[:12]}"
        with self._doing(f"reading {path} of the image {image}"):
            self._client.create_container_from_config(answers.probe_body(image, prefix), name)
            try:
                return self._file_in(name, path)
            except docker.errors.NotFound:
                return None
            finally:
                self._client.remove_container(name, v=True)

    def remove_stale_probes(self, prefix: str, age: float = _STALE) -> None:
        """Remove the probes that killed processes left ``age`` seconds ago or earlier."""
        labels = [f"{LABEL_PREFIX}={prefix}", f"{answers.LABEL_PROBE}=true"]
        with self._doing("removing what an interrupted command left"):
            for probe in self._client.containers(all=True, filters={"label": labels}):
                if probe["Created"] <= time.time() - age:
                    _failure(self._client.remove_container, probe["Id"], v=True)

    def _file_in(self, container: str, path: str, hops: int = 8) -> bytes | None:
        chunks, status = self._client.get_archive(container, path)
        content = b"".join(chunks)
        if status.get("linkTarget") and hops:
            path = posixpath.join(posixpath.dirname(path), status["linkTarget"])
            return self._file_in(container, posixpath.normpath(path), hops - 1)
        return _only_file(content)

    # Containers

    def containers(self, labels: Sequence[str] = ()) -> list[Container]:
        """Return all containers, running or not, that have all of ``labels`` (``key=value``)."""
        with self._doing("listing containers"):
            filters = {"label": list(labels)} if labels else None
            return [
                answers.container(c) for c in self._client.containers(all=True, filters=filters)
            ]

    def existing(self, container: str) -> Existing:
        """Return what a container was created with."""
        with self._doing("inspecting the container"):
            return answers.existing(self._client.inspect_container(container))

    def create(self, plan: EnvironmentPlan, name: str) -> str:
        """Create a container by a plan and return its id."""
        with self._doing(f"creating the container {name}"):
            body = answers.container_body(plan)
            return str(self._client.create_container_from_config(body, name)["Id"])

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
            self._client.stop(container, timeout=10)

    def remove(self, container: str, *, force: bool = False) -> None:
        """Remove a container, by id or name; ``force`` also one that runs. Volumes stay.

        A container that is gone already is no failure.
        """
        with self._doing("removing the container"), suppress(docker.errors.NotFound):
            self._client.remove_container(container, force=force)

    def run(
        self, container: str, words: Sequence[str], user: str, workdir: str = "/"
    ) -> tuple[int, str]:
        """Run a program in a running container; return its status and output."""
        path = {"PATH": answers.SAFE_PATH}
        with self._doing("preparing the container"):
            created = self._client.exec_create(
                container, list(words), user=user, environment=path, workdir=workdir
            )["Id"]
            output: Any = self._client.exec_start(created)
            status = self._exec_status(created)
        return status, output.decode(errors="replace")

    def _exec_status(self, created: str) -> int:
        """Return a finished exec's status; the engine notes it a moment after the output ends."""
        for _ in range(_STATUS_ATTEMPTS):
            state = self._client.exec_inspect(created)
            if not state["Running"] and state["ExitCode"] is not None:
                return int(state["ExitCode"])
            time.sleep(0.02)
        raise EngineFailure("The engine does not say how a program in the container ended.")

    def run_helper(
        self, image: str, volumes: Mapping[str, str], words: Sequence[str], name: str, prefix: str
    ) -> None:
        """Run a program as root in a container of its own that has ``volumes`` alone.

        ``volumes`` maps names to targets. It has no network and no capability but the two that
        changing an owner takes. The engine removes it at its end, also when this process is
        gone by then. A name that is taken is the same helper of another process: it is awaited.
        """
        body = answers.helper_body(image, volumes, words, prefix)
        with self._doing("changing owners in the volumes"):
            conflict = _failure(self._client.create_container_from_config, body, name)
            if conflict is None:
                self._client.start(name)
            for _ in range(_STATUS_ATTEMPTS):
                if not self._client.containers(all=True, filters={"name": f"^/?{name}$"}):
                    return
                time.sleep(0.02)
            # Nobody started it: whoever made it was killed before that.
            _failure(self._client.remove_container, name)


def _failure(
    call: Callable[..., object], *words: object, **options: object
) -> docker.errors.APIError | None:
    """Return how a call failed that somebody else may have made first, or ``None``."""
    try:
        call(*words, **options)
    except docker.errors.APIError as error:
        return error
    return None


def _only_file(archive: bytes) -> bytes | None:
    """Return the content of the one regular file in a tar archive, or ``None``."""
    try:
        with open_tar(fileobj=BytesIO(archive)) as tar:
            member = tar.next()
            file = tar.extractfile(member) if member and member.isreg() else None
            return file.read() if file else None
    except TarError as error:
        raise EngineFailure(f"The engine sent an archive that cannot be read: {error}.") from None
