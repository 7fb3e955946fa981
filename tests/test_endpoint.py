"""Endpoint: which engine the environment and the docker configuration name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from devenv_lib.engine.endpoint import DEFAULT_URL, Endpoint, resolve
from devenv_lib.errors import UnknownContext
from tests.builders import P


class Docker:
    """A docker configuration directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def environ(self, **more: str) -> dict[str, str]:
        """Return an environment that has this configuration."""
        return {"DOCKER_CONFIG": str(self.root), **more}

    def current(self, text: str) -> None:
        """Write the configuration file."""
        self.root.mkdir(exist_ok=True)
        (self.root / "config.json").write_text(text)

    def context(self, name: str, data: object) -> Path:
        """Write a context's data; return where its certificates would be."""
        key = hashlib.sha256(name.encode()).hexdigest()
        meta = self.root / "contexts" / "meta" / key
        meta.mkdir(parents=True)
        (meta / "meta.json").write_text(json.dumps(data))
        return self.root / "contexts" / "tls" / key / "docker"

    def engine(self, name: str, url: str, **more: object) -> Path:
        """Write a context as the docker program does."""
        docker = {"Host": url, "SkipTLSVerify": False, **more}
        return self.context(name, {"Name": name, "Metadata": {}, "Endpoints": {"docker": docker}})


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    """A configuration directory that does not exist yet."""
    return Docker(tmp_path / "docker")


def unknown(environ: dict[str, str]) -> UnknownContext:
    with pytest.raises(UnknownContext) as caught:
        resolve(environ)
    return caught.value


def test_without_any_configuration_it_is_the_default_engine(docker: Docker) -> None:
    """And nobody said so: an engine that is missing may be installed then."""
    found = resolve(docker.environ())

    assert Endpoint(DEFAULT_URL, "the default", "default") == found
    assert not found.meant


@pytest.mark.parametrize("text", ["{}", '{"currentContext": ""}', '{"currentContext": "default"}'])
def test_a_configuration_that_names_no_context_means_the_default(docker: Docker, text: str) -> None:
    docker.current(text)

    assert resolve(docker.environ()).context == "default"


def test_the_current_context_is_followed(docker: Docker) -> None:
    """As ``docker context use`` sets it."""
    docker.engine("work", "unix:///run/work.sock")
    docker.current('{"currentContext": "work"}')
    found = resolve(docker.environ())

    assert (found.url, found.context, found.meant) == ("unix:///run/work.sock", "work", True)
    assert found.chosen == f"currentContext in {docker.root / 'config.json'}"


def test_docker_context_wins_over_the_current_context(docker: Docker) -> None:
    docker.engine("work", "unix:///run/work.sock")
    docker.engine("other", "unix:///run/other.sock")
    docker.current('{"currentContext": "work"}')
    found = resolve(docker.environ(DOCKER_CONTEXT="other"))

    assert (found.url, found.chosen) == ("unix:///run/other.sock", "DOCKER_CONTEXT")


def test_docker_context_may_name_the_default_engine(docker: Docker) -> None:
    """Against a current context that is another."""
    docker.engine("work", "unix:///run/work.sock")
    docker.current('{"currentContext": "work"}')

    assert resolve(docker.environ(DOCKER_CONTEXT="default")).url == DEFAULT_URL


def test_docker_host_wins_over_both(docker: Docker) -> None:
    """Also when the context does not exist: nobody asks for it then."""
    docker.current('{"currentContext": "gone"}')
    found = resolve(docker.environ(DOCKER_HOST="tcp://a:2375", DOCKER_CONTEXT="gone"))

    assert (found.url, found.chosen, found.context) == ("tcp://a:2375", "DOCKER_HOST", "")
    assert found.meant


@pytest.mark.parametrize("name", ["DOCKER_HOST", "DOCKER_CONTEXT"])
def test_an_empty_variable_counts_as_none(docker: Docker, name: str) -> None:
    """``DOCKER_HOST= inv volume.list`` is how people switch it off."""
    docker.engine("work", "unix:///run/work.sock")
    docker.current('{"currentContext": "work"}')

    assert resolve(docker.environ(**{name: ""})).context == "work"


@pytest.mark.parametrize("name", ["gone", "work ", "../work", "Default", "a\nb", "\udcff"])
def test_an_unknown_context_is_refused(docker: Docker, name: str) -> None:
    """Never taken for the local engine, which docker-py would do."""
    docker.engine("work", "unix:///run/work.sock")
    error = unknown(docker.environ(DOCKER_CONTEXT=name))

    assert f"The Docker context {name!r}, named by DOCKER_CONTEXT, does not exist" in str(error)
    assert "docker context ls" in error.hint


def test_an_unknown_current_context_is_refused_and_the_file_named(docker: Docker) -> None:
    docker.current('{"currentContext": "gone"}')

    assert f"currentContext in {docker.root / 'config.json'}" in str(unknown(docker.environ()))


@pytest.mark.parametrize(
    "text", ['{"currentContext": "work",}', "nonsense", '["work"]', "\0", "[" * 100_000]
)
def test_a_configuration_that_cannot_be_read_is_refused_and_the_file_named(
    docker: Docker, text: str
) -> None:
    """It may name another engine than the default: that one is not to be guessed."""
    docker.current(text)
    error = unknown(docker.environ())

    assert f"{docker.root / 'config.json'}, which names the current Docker context" in str(error)
    assert "DOCKER_CONTEXT=default" in error.hint


def test_a_configuration_that_cannot_be_read_does_not_matter_where_the_context_is_given(
    docker: Docker,
) -> None:
    """The remedy of the refusal."""
    docker.current("nonsense")

    assert resolve(docker.environ(DOCKER_CONTEXT="default")).url == DEFAULT_URL


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"Endpoints": None},
        {"Endpoints": {}},
        {"Endpoints": []},
        {"Endpoints": "x"},
        {"Endpoints": {"docker": "x"}},
        {"Endpoints": {"docker": ["x"]}},
        {"Endpoints": {"kubernetes": {"Host": "https://a"}}},
        {"Endpoints": {"docker": None}},
        {"Endpoints": {"docker": {"Host": ""}}},
        [],
        "text",
    ],
)
def test_a_context_without_an_address_is_refused(docker: Docker, data: object) -> None:
    """There is nothing to connect to, and nothing to guess."""
    docker.context("work", data)

    assert "'work'" in str(unknown(docker.environ(DOCKER_CONTEXT="work")))


def test_a_context_that_is_no_json_is_refused(docker: Docker) -> None:
    docker.engine("work", "unix:///run/work.sock")
    (file,) = docker.root.glob("contexts/meta/*/meta.json")
    file.write_bytes(b"\xff{")

    assert "'work'" in str(unknown(docker.environ(DOCKER_CONTEXT="work")))


def test_a_context_with_certificates_has_their_directory(docker: Docker) -> None:
    tls = docker.engine("work", "tcp://a:2376")
    tls.mkdir(parents=True)
    found = resolve(docker.environ(DOCKER_CONTEXT="work"))

    assert (tls, True) == (found.tls, found.verify)


def test_a_context_without_certificates_has_none(docker: Docker) -> None:
    docker.engine("work", "tcp://a:2375")

    assert resolve(docker.environ(DOCKER_CONTEXT="work")).tls is None


def test_a_context_may_skip_verification(docker: Docker) -> None:
    docker.engine("work", "tcp://a:2376", SkipTLSVerify=True).mkdir(parents=True)

    assert not resolve(docker.environ(DOCKER_CONTEXT="work")).verify


@pytest.mark.parametrize(
    ("variables", "verify"),
    [({"DOCKER_TLS_VERIFY": "1"}, True), ({"DOCKER_TLS": "1"}, False)],
)
def test_docker_host_takes_certificates_from_where_the_variables_say(
    docker: Docker, variables: dict[str, str], verify: bool
) -> None:
    environ = docker.environ(DOCKER_HOST="tcp://a:2376", DOCKER_CERT_PATH="/certs", **variables)
    found = resolve(environ)

    assert (Path("/certs"), verify) == (found.tls, found.verify)


def test_docker_host_takes_certificates_from_the_configuration_else(docker: Docker) -> None:
    found = resolve(docker.environ(DOCKER_HOST="tcp://a:2376", DOCKER_TLS_VERIFY="1"))

    assert docker.root == found.tls


def test_docker_host_without_tls_has_no_certificates(docker: Docker) -> None:
    """A path alone asks for nothing."""
    environ = docker.environ(DOCKER_HOST="tcp://a:2375", DOCKER_CERT_PATH="/certs")

    assert resolve(environ).tls is None


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        ("unix:///var/run/docker.sock", "/var/run/docker.sock"),
        ("http+unix:///x", "/x"),
        ("unix:///with space/a:b", "/with space/a:b"),
    ],
)
def test_a_local_engine_has_a_socket(url: str, socket: str) -> None:
    assert P(socket) == Endpoint(url, "x").socket


@pytest.mark.parametrize("url", ["tcp://a:2375", "ssh://me@a", "https://a", "npipe:////./pipe/x"])
def test_an_engine_elsewhere_has_none(url: str) -> None:
    """``run`` refuses it: this machine's directories are not there."""
    assert Endpoint(url, "x").socket is None


def test_a_context_is_reported_by_its_name_and_its_address() -> None:
    """It is always said which engine is acted on."""
    endpoint = Endpoint("tcp://a", "x", "work")

    assert (endpoint.name, endpoint.title) == ("work", "work (tcp://a)")
    assert endpoint.words == ("--context", "work")


def test_an_address_is_reported_as_itself() -> None:
    endpoint = Endpoint("tcp://a", "x")

    assert (endpoint.name, endpoint.title) == ("tcp://a", "tcp://a")
    assert endpoint.words == ("--host", "tcp://a")


@pytest.mark.parametrize(
    ("environ", "command"),
    [
        ({"DOCKER_HOST": "tcp://a", "DOCKER_CONTEXT": "x"}, "unset DOCKER_HOST"),
        ({"DOCKER_CONTEXT": "work"}, "unset DOCKER_CONTEXT"),
        ({}, "docker context use default"),
    ],
)
def test_what_chose_an_engine_is_what_chooses_another(
    docker: Docker, environ: dict[str, str], command: str
) -> None:
    """`docker context use` has no effect on what a variable says."""
    docker.current('{"currentContext": "work"}')
    docker.engine("work", "tcp://b")
    assert resolve(docker.environ(**environ)).other == command


def test_the_default_engine_is_left_for_a_context() -> None:
    assert resolve({"DOCKER_CONFIG": "/nowhere"}).other == "docker context use NAME"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("tcp://a:2375", "tcp://a:2375"),
        ("unix:///run/me@home/docker.sock", "unix:///run/me@home/docker.sock"),
        ("ssh://me@a", "ssh://me@a"),
        ("ssh://me:word@a", "ssh://me:***@a"),
        ("tcp://me:word@a:2375", "tcp://***@a:2375"),
        ("tcp://token@a:2375", "tcp://***@a:2375"),
        ("https://me:wo/rd@x@a", "https://***@a"),
        ("tcp://me:word@", "tcp://***@"),
    ],
)
def test_reports_name_an_engine_without_a_password(url: str, shown: str) -> None:
    """What connects to it, and what runs docker, have the whole address."""
    endpoint = Endpoint(url, "x")

    assert (endpoint.name, endpoint.title) == (shown, shown)
    assert Endpoint(url, "x", "work").title == f"work ({shown})"
    assert (endpoint.url, endpoint.words) == (url, ("--host", url))
