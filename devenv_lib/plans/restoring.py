"""Whether a volume may be filled: from an archive, or from another volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from devenv_lib.errors import Refused, UsageError
from devenv_lib.names import (
    LABEL,
    LABEL_ADOPTING,
    LABEL_COMPLETE,
    LABEL_UNFINISHED,
    common_labels,
    ours,
    prefix_of,
)
from devenv_lib.plans.manifest import Manifest
from devenv_lib.plans.pending import pending
from devenv_lib.plans.removal import removal
from devenv_lib.project import check_name
from devenv_lib.records import Snapshot, Volume

_MARKERS = (LABEL_ADOPTING, LABEL_COMPLETE, LABEL_UNFINISHED)


def target_name(manifest: Manifest | None, name: str) -> str:
    """Return the volume that an archive is restored to: the one that was named, or its own.

    Raises:
        UsageError: neither is known.
    """
    if not name and manifest is None:
        raise UsageError(
            "The archive has no manifest beside it, which would say what volume it is of.",
            "Name the volume: --name NAME",
        )
    return check_name(name or (manifest.name if manifest else ""))


def refuse_target(
    snapshot: Snapshot, prefix: str, name: str, protected: Sequence[str] = ()
) -> None:
    """Refuse a volume that may not be filled, whether it is there or not.

    Raises:
        UsageError: it is no name of this prefix's volumes.
        Refused: it is not ours, in use, protected, or in another command's hands.
    """
    if not check_name(name).startswith(f"{prefix}-"):
        raise UsageError(
            f"{name!r} is no name of the prefix {prefix}: its volumes begin with {prefix}-.",
            f"Choose another: --name {prefix}-NAME",
        )
    if found := pending(snapshot.volumes, prefix).get(name):
        raise Refused(f"The volume {name} {found.why}.", f"Carry on first: {found.remedy}")
    volume = snapshot.volume(name)
    if volume and not ours(volume.labels, prefix):
        raise _not_ours(volume, prefix)
    if volume:
        # What may not be removed may not get another content either.
        for refusal in removal(snapshot, prefix, [name], protected).refusals:
            raise Refused(f"The volume {name}: {refusal.reason}.", refusal.remedy)


def _not_ours(volume: Volume, prefix: str) -> Refused:
    if volume.labels.get(LABEL) != "true":
        return Refused(
            f"The volume {volume.name} does not carry the label {LABEL}=true.",
            f"Give it devenv's labels first: inv volume.adopt --name {volume.name}",
        )
    return Refused(
        f"The volume {volume.name} belongs to the prefix {prefix_of(volume.labels)}, and not to "
        f"{prefix}.",
        "Choose another name: --name NAME",
    )


def labels_for(manifest: Manifest | None, name: str, prefix: str) -> Mapping[str, str]:
    """Return the labels of a volume that a restore makes: those it had, and this prefix's."""
    had = manifest.labels if manifest and manifest.name == name else {}
    return {**{k: v for k, v in had.items() if k not in _MARKERS}, **common_labels(prefix)}
