"""Containers of devenv's own that live for a moment: a probe to read from, a helper to run.

Both carry the label ``devenv.temporary``. A process that was killed may leave one that never
ran; `remove_leftovers` takes it away later.
"""

from __future__ import annotations

import posixpath
import time
import uuid
from contextlib import suppress
from io import BytesIO
from tarfile import TarError
from tarfile import open as open_tar
from typing import Any

import docker
from docker.utils import decode_json_header

from devenv_lib.engine import answers, bodies
from devenv_lib.engine.creating import NO_ANSWER, create, discard
from devenv_lib.engine.failures import check_status
from devenv_lib.engine.interrupts import whole
from devenv_lib.errors import EngineFailure
from devenv_lib.names import LABEL_TEMPORARY, is_helper, label_words

#: Seconds after which a container that lives for a fraction of one is nobody's any more.
STALE = 60
#: How often to look whether a helper has ended, and how long apart (seconds).
_LOOKS, _PAUSE = 250, 0.02
#: Bytes that a file may have which is read from an image.
_LARGEST = 1 << 20
#: The bits of Go's ``FileMode`` of which a regular file has none (``fs.ModeType``).
_NO_FILE = 0x8F280000


def read_file(client: docker.APIClient, image: str, path: str, prefix: str) -> bytes | None:
    """Return a file of an image, or ``None`` if it has none there.

    An image can only be read through a container: a probe, which is created, never started,
    and removed with the anonymous volumes that the image may have asked for.
    """
    name = f"{prefix}-probe-{uuid.uuid4().hex[:12]}"
    with whole():
        made = create(client, bodies.probe_body(image, prefix, uuid.uuid4().hex), name)
        try:
            return _file_in(client, name, path)
        except docker.errors.NotFound:
            return None
        finally:
            discard(client, made)


def _file_in(client: docker.APIClient, container: str, path: str, hops: int = 8) -> bytes | None:
    stat = _stat(client, container, path)
    if stat.get("linkTarget") and hops:
        path = posixpath.join(posixpath.dirname(path), stat["linkTarget"])
        return _file_in(client, container, posixpath.normpath(path), hops - 1)
    # An image may have anything there: a whole file system would be sent, and kept in memory.
    if stat["mode"] & _NO_FILE or stat["size"] > _LARGEST:
        raise EngineFailure(
            f"{path} in the image is no file of a usual size.",
            "Use an image of a whole system: inv run --image IMAGE",
        )
    return _only_file(b"".join(client.get_archive(container, path)[0]))


def _stat(client: docker.APIClient, container: str, path: str) -> dict[str, Any]:
    """Return what the engine says of a path in a container, as a Go ``FileInfo``."""
    url = f"{client.base_url}/v{client.api_version}/containers/{container}/archive"
    answer = client.head(url, params={"path": path}, timeout=client.timeout)
    if answer.status_code == 404:
        raise docker.errors.NotFound(f"{path} is not there", answer)
    check_status(answer)
    found: dict[str, Any] = decode_json_header(answer.headers["X-Docker-Container-Path-Stat"])
    return found


def _only_file(archive: bytes) -> bytes | None:
    """Return the content of the one regular file in a tar archive, or ``None``."""
    try:
        with open_tar(fileobj=BytesIO(archive)) as tar:
            member = tar.next()
            file = tar.extractfile(member) if member and member.isreg() else None
            return file.read() if file else None
    except TarError as error:
        raise EngineFailure(
            f"The engine sent an archive that cannot be read: {error}.",
            "See whether it is well: docker info; then run the same command again.",
        ) from None


def run_helper(client: docker.APIClient, body: dict[str, Any], name: str) -> None:
    """Run a container by its create request, and return when the engine has removed it.

    It does that at the container's end, also when this process is gone. A name that is taken
    is the same helper of another process, perhaps of one that was killed before the start. Then
    it may not be listed yet, since an engine reserves the name before: so it begins anew, unless
    it was seen.
    """
    with whole():
        seen, failed = _begin(client, body, name)
    for _ in range(_LOOKS):
        if client.containers(all=True, filters={"name": f"^/?{name}$"}):
            seen = True
        elif seen:
            return
        else:
            with whole():
                seen, failed = _begin(client, body, name)
        time.sleep(_PAUSE)
    if failed:  # it was never started, by nobody
        raise failed


def _begin(
    client: docker.APIClient, body: dict[str, Any], name: str
) -> tuple[bool, docker.errors.APIError | None]:
    """Create and start a helper; return whether it is this process's own, and a doubtful failure.

    Another process may have started it meanwhile, and it may have ended, or is just ending.
    """
    made = ""
    try:
        made = create(client, body, name)
    except docker.errors.APIError as taken:
        if not answers.name_is_taken(str(taken.explanation)):
            raise
    try:
        client.start(name)
    except Exception as failure:
        known = failure if isinstance(failure, docker.errors.APIError) else None
        if known and (not made or known.status_code in (404, 409)):
            return bool(made), known if made else None
        if made:  # one that does run is not removed, and ends by itself
            with suppress(*NO_ANSWER):
                client.remove_container(made, v=True)
        raise
    return bool(made), None


def remove_leftovers(client: docker.APIClient, prefix: str, age: float = STALE) -> None:
    """Remove what killed processes left ``age`` seconds ago or earlier, unless it runs."""
    labels = [*label_words(prefix), f"{LABEL_TEMPORARY}=true"]
    for data in client.containers(all=True, filters={"label": labels}):
        left = answers.container(data)
        if is_helper(left.name, left.labels, prefix) and left.created <= time.time() - age:
            with suppress(docker.errors.APIError):  # somebody else was first
                client.remove_container(left.id, v=True)
