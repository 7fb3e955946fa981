"""Containers that an engine has left dead: leftovers, and no environments."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from devenv_lib import containers
from devenv_lib.engine import Engine, answers
from devenv_lib.engine.endpoint import Endpoint
from devenv_lib.engine.glance import glance
from devenv_lib.names import LABEL_PATH, common_labels
from devenv_lib.records import Container
from tests.builders import PROJECT

NAME = PROJECT.names[0]


class _Engine:
    """An engine that lists containers, and removes them by their ids."""

    endpoint = SimpleNamespace(name="default")

    def __init__(self, *listed: Container) -> None:
        self.listed = list(listed)

    def containers(self, _labels: Any = ()) -> list[Container]:
        return list(self.listed)

    def remove(self, container: str, *, force: bool = False) -> None:
        assert force
        self.listed = [one for one in self.listed if one.id != container]

    def remove_leftovers(self, prefix: str) -> None:
        assert prefix == PROJECT.prefix


def left(state: str = "dead") -> tuple[_Engine, Engine]:
    labels = {**common_labels(PROJECT.prefix), LABEL_PATH: str(PROJECT.path)}
    engine = _Engine(Container("0123456789abcdef", NAME, state, labels))
    return engine, cast("Engine", engine)


def test_a_dead_container_is_no_environment() -> None:
    _, engine = left()
    seen = containers.find(engine, PROJECT)
    assert (seen.present, seen.everything, [c.name for c in seen.dead]) == (None, (), [NAME])
    assert containers.survey(engine, PROJECT.prefix) == ()


def test_a_dead_container_goes_with_the_next_stop_which_has_stopped_nothing() -> None:
    fake, engine = left()
    assert containers.stop(engine, PROJECT) == ()
    assert fake.listed == []


def test_a_container_that_is_listed_and_not_there_is_not_listed() -> None:
    """Docker 20.10, killed and started again, lists such ones until it starts again."""
    ghost = {"Id": "0123456789abcdef", "Names": [], "State": "dead", "Labels": {}, "Mounts": []}
    assert answers.containers([ghost]) == []
    assert [c.state for c in answers.containers([{**ghost, "Names": ["/a"]}])] == ["dead"]
    assert [c.state for c in answers.containers([{**ghost, "State": "exited"}])] == ["exited"]


def test_a_quick_look_that_meets_one_leaves_it_to_the_thorough_one(tmp_path: Path) -> None:
    ghost = {"Id": "0123", "Names": [], "State": "dead", "Labels": {}, "ImageID": ""}
    body = json.dumps([ghost]).encode()
    with socket.socket(socket.AF_UNIX) as server, ThreadPoolExecutor(1) as pool:
        server.bind(str(tmp_path / "s"))
        server.listen()
        server.settimeout(60)
        looking = pool.submit(glance, Endpoint(f"unix://{tmp_path}/s", ""), {})
        client, _ = server.accept()
        with client:
            client.recv(9999)
            client.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)
        assert looking.result(5) is None
