"""The engine: found, or installed from the system's own archive, and started."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devenv_lib.engine import connect, engine_program, resolve
from devenv_lib.engine.program import show
from devenv_lib.errors import EngineNotInstalled, EngineNotRunning, EngineUnavailable, SetupError
from devenv_lib.scripts import script

LOG = "/var/log/devenv-dockerd.log"
_SECONDS = 60
_SYSTEMD = Path("/run/systemd/system")
_ELSEWHERE = {
    "darwin": "brew install --cask docker && open -a Docker",
    "fedora": "sudo dnf install moby-engine && sudo systemctl enable --now docker",
    "arch": "sudo pacman -S docker && sudo systemctl enable --now docker",
    "alpine": "sudo apk add docker && sudo rc-service docker start",
    "opensuse": "sudo zypper install docker && sudo systemctl enable --now docker",
}


@dataclass(frozen=True)
class Done:
    """What became of one step. ``engine`` is the engine's title, once there is one.

    ``remedy`` is what to run next, or empty.
    """

    name: str
    outcome: str
    detail: str = ""
    engine: str = ""
    remedy: str = ""


def ensure_engine(environ: Mapping[str, str], say: Callable[[str], None], *, dry: bool) -> Done:
    """Find the engine, or install and start one.

    An engine that somebody named (by ``DOCKER_HOST`` or a context), or whose socket is there
    without its program, is somebody's to mend: it is diagnosed and nothing is installed.
    """
    try:
        return _found(environ, "OK")
    except (EngineNotInstalled, EngineNotRunning) as error:
        if resolve(environ).meant or not (
            engine_program() or isinstance(error, EngineNotInstalled)
        ):
            raise
    missing = [] if engine_program() else ["docker.io"]
    if dry:
        what = "install docker.io and start it" if missing else "start the installed engine"
        return Done("engine", "WOULD", what)
    if missing:
        _install_engine(say)
    _start(say)
    return _wait(environ)


def _found(environ: Mapping[str, str], outcome: str) -> Done:
    engine = connect(environ)
    info = engine.info()
    kind = "Podman" if info.podman else "Docker"
    detail = f"{kind} {info.version} at {engine.endpoint.title}"
    if shutil.which("docker") is None:
        raise SetupError(
            f"The engine {engine.endpoint.title} runs, but the docker program is not installed.",
            "Install your system's package of it: docker-cli; on Debian 12 and Ubuntu docker.io.",
        )
    return Done("engine", outcome, detail, engine.endpoint.title)


def _install_engine(say: Callable[[str], None]) -> None:
    system = system_id()
    if system != "debian" or not shutil.which("apt-get"):
        command = _ELSEWHERE.get(system, "see https://docs.docker.com/engine/install/")
        raise SetupError(
            "There is no Docker engine, and devenv installs one on Debian and Ubuntu only.",
            f"Install it, then repeat: inv setup. Here: {command}",
        )
    say("Installing Docker (docker.io) from the system's archive.")
    install(["docker.io"])
    if shutil.which("docker") is None:  # Debian 13 has the program in a package of its own
        install(["docker-cli"])


def install(packages: Sequence[str]) -> None:
    """Install packages with apt, as root.

    Raises:
        SetupError: neither root nor sudo, or apt failed.
    """
    apt = [
        *as_root(f"apt-get install {' '.join(packages)}"),
        "env",
        "DEBIAN_FRONTEND=noninteractive",
    ]
    if show([*apt, "apt-get", "update", "-q"]) or show(
        [*apt, "apt-get", "install", "--yes", "-q", *packages]
    ):
        raise SetupError(
            f"apt-get could not install {' '.join(packages)}; its lines above say why.",
            f"Mend that, then repeat: sudo apt-get install {' '.join(packages)}; inv setup",
        )


def as_root(purpose: str) -> list[str]:
    """Return what to put before a command that only root may run.

    Raises:
        SetupError: this user is not root, and there is no sudo.
    """
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        return ["sudo"]
    raise SetupError("This takes root, and there is no sudo.", f"As root: {purpose}")


def system_id() -> str:
    """Return ``debian`` for Debian and what derives from it, else the system's own name."""
    if sys.platform != "linux":
        return sys.platform
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return "linux"
    family = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    known = [name for name in family if name in ("debian", *_ELSEWHERE)]
    return known[0] if known else family[0]


def _start(say: Callable[[str], None]) -> None:
    if _SYSTEMD.is_dir():
        say("Starting Docker through systemd.")
        words = ["systemctl", "enable", "--now", "docker"]
    else:
        say(f"Starting Docker as a process of its own, since there is no systemd (log: {LOG}).")
        words = ["sh", "-c", script("setup/start.sh"), "devenv", engine_program() or "dockerd", LOG]
    if show([*as_root("dockerd"), *words]):
        raise SetupError("Docker could not be started; the lines above say why.", "inv setup")


def _wait(environ: Mapping[str, str]) -> Done:
    """Wait until the engine answers."""
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            return _found(environ, "STARTED")
        except (EngineNotInstalled, EngineNotRunning) as error:
            if time.monotonic() > deadline:
                raise _never(error) from None
        time.sleep(0.2)


def _never(error: EngineUnavailable) -> SetupError:
    log = subprocess.run(["tail", "-n", "3", LOG], capture_output=True, text=True, check=False)
    return SetupError(
        f"Docker was started and does not answer after {_SECONDS} seconds. {error} "
        f"{log.stdout.strip()}",
        f"Its log says why: less {LOG}, or journalctl -u docker",
    )
