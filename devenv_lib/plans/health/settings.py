"""Findings about settings: what is read, and all that is wrong in it. Values are never told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from devenv_lib.errors import DevenvError, SettingsError
from devenv_lib.plans.health.finding import Finding, failing
from devenv_lib.settings import Layer, Settings, flatten, load, read_value
from devenv_lib.volume_settings import EXTRA, SCOPE

#: Keys whose values are compared with other keys', by what they are compared about.
_COMPARED = ({"memory", "memory_swap"}, {EXTRA}, {SCOPE})


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


def keys(layer: Layer) -> list[str]:
    """Return the dotted keys that a layer sets, as far as it is one of settings."""
    try:
        return [key for key, _ in flatten(layer)]
    except SettingsError:
        return []


def sound(layers: Sequence[Layer]) -> tuple[Settings, tuple[SettingsError, ...]]:
    """Return the settings of what is right in ``layers``, and all that is wrong in them."""
    errors: list[SettingsError] = []
    kept = [replace(layer, values=dict(_right(layer, errors))) for layer in layers]
    # Each for itself is right: only these are compared with others.
    dropped = set[str]().union(*_COMPARED)
    for names in _COMPARED:
        if SCOPE in names and EXTRA in dropped:
            continue  # it may name one of those
        try:
            load([_without(layer, dropped - names) for layer in kept])
            dropped -= names
        except SettingsError as error:
            errors.append(error)
    return load([_without(layer, dropped) for layer in kept]), tuple(errors)


def _right(layer: Layer, errors: list[SettingsError]) -> Iterator[tuple[str, object]]:
    """Yield the dotted keys and values that are right, and note what is wrong."""
    values = layer.values if isinstance(layer.values, Mapping) else {}
    parts = [replace(layer, values={k: v}) for k, v in values.items()] or [layer]
    for part in parts:
        try:
            flat = list(flatten(part))
        except SettingsError as error:
            errors.append(error)
            continue
        for key, value in flat:
            try:
                read_value(layer, key, value)
            except SettingsError as error:
                errors.append(error)
            else:
                yield key, value


def _without(layer: Layer, names: Collection[str]) -> Layer:
    values = {key: value for key, value in flatten(layer) if key not in names}
    return replace(layer, values=values)
