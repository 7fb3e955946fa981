"""Findings about settings: what is read, and all that is wrong in it. Values are never told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from devenv_lib.errors import DevenvError
from devenv_lib.plans.health.finding import Finding, failing
from devenv_lib.settings import Layer, keys


def settings_findings(layers: Sequence[Layer], errors: Iterable[DevenvError]) -> Iterator[Finding]:
    """Yield where settings come from, and then what is wrong."""
    for layer in layers:
        if not layer.text and (names := keys(layer)):
            yield Finding("settings", "OK", f"{layer.origin} sets {', '.join(names)}")
    if variables := [layer.origin for layer in layers if layer.text]:
        yield Finding("settings", "OK", f"variables: {', '.join(variables)}")
    if not any(map(keys, layers)):
        yield Finding("settings", "OK", "all are the defaults")
    for error in errors:
        yield failing("settings", error)
