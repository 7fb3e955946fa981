"""Look at the engine, at its disk and at the docker program."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from devenv_lib import engine as engines
from devenv_lib import host
from devenv_lib.containers.draft import check_reach
from devenv_lib.errors import DevenvError, Refused
from devenv_lib.plans.health.engine import (
    Chosen,
    Program,
    choice_findings,
    disk_finding,
    engine_finding,
    program_finding,
    prune_finding,
)
from devenv_lib.plans.health.finding import Finding, failing

if TYPE_CHECKING:
    from devenv_lib.engine import Engine


def engine_findings(engine: Engine, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield which engine it is, whether environments can run there, its disk, and prunes."""
    info, endpoint = engine.info(), engine.endpoint
    yield engine_finding(info, endpoint.title, endpoint.chosen)
    try:
        check_reach(engine, info)
    except Refused as refused:
        yield failing("engine", refused)
    local = endpoint.socket is not None and not info.machine
    yield disk_finding(host.disk(info.root) if local and info.root else None)
    file, filters = engines.prune_filters(environ)
    yield prune_finding(info.api, filters, str(file))


def program_findings(
    engine: Engine | None, program: Program | None, environ: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield what is wrong between what names an engine, and between devenv and docker."""
    try:
        named = engines.named(environ)
    except DevenvError:  # which is a finding of the engine's already
        named = ()
    yield from choice_findings([Chosen(one.chosen, one.url, one.name) for one in named])
    if engine and program:
        words = shlex.join(["docker", *engine.endpoint.words, "info"])
        yield program_finding(program, engine.info(), engine.endpoint.title, words)
