"""Whether a volume may be filled: from an archive, or from another volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from devenv_lib.errors import EngineFailure, UsageError
from devenv_lib.names import MARKS, common_labels
from devenv_lib.plans.manifest import Manifest
from devenv_lib.plans.pending import pending
from devenv_lib.plans.refusal import in_hand, not_ours
from devenv_lib.plans.remedies import when_mended
from devenv_lib.plans.removal import removal
from devenv_lib.project import check_name, check_new_volume, check_volume_name
from devenv_lib.records import Snapshot


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
    snapshot: Snapshot,
    prefix: str,
    name: str,
    protected: Sequence[str] = (),
    *,
    flag: str = "--name",
) -> None:
    """Refuse a volume that may not be filled, whether it is there or not.

    ``flag`` is what names it on a command line.

    Raises:
        UsageError: it is no name of this prefix's volumes.
        Refused: it is not ours, in use, protected, or in another command's hands.
    """
    check_volume_name(name, prefix, f"Choose another: {flag} {prefix}-NAME")
    if snapshot.volume(name) is None:
        check_new_volume(name, f"Choose another: {flag} {prefix}-NAME")
    if found := pending(snapshot.volumes, prefix).get(name):
        raise in_hand(name, found).error()
    if volume := snapshot.volume(name):
        unlabelled = f"Give it devenv's labels first: inv volume.adopt --name {name}"
        other_name = f"Choose another name: {flag} NAME"
        if refusal := not_ours(volume, prefix, unlabelled, lambda _: other_name):
            raise refusal.error()
        # What may not be removed may not get another content either.
        for refusal in removal(snapshot, prefix, [name], protected).refusals:
            raise refusal.error()


def labels_for(manifest: Manifest | None, name: str, prefix: str) -> Mapping[str, str]:
    """Return the labels of a volume that a restore makes: those it had, and this prefix's.

    Those by which the engine goes are its own to give: a prune takes what one says is anonymous.
    """
    had = manifest.labels if manifest and manifest.name == name else {}
    kept = {k: v for k, v in had.items() if k not in MARKS and not k.startswith("com.docker.")}
    return {**kept, **common_labels(prefix)}


def interrupted(
    failure: EngineFailure, name: str, *, present: bool, settled: str | None
) -> EngineFailure:
    """Return the failure of a restore or a clone, which says what is where.

    ``present`` says whether the volume was there before; ``settled`` what became of what had been
    begun, as of `volumes.settle`, and is ``None`` where the engine did not do that either.
    """
    hint = failure.hint
    if settled is None:
        lost = "; nothing that was in it is lost" if present else ""
        where = f"What was begun in {name} is not finished{lost}."
        hint = when_mended(str(failure), f"inv volume.repair --name {name}")
    elif settled == "carried on":
        where = f"{name} has all of the new nevertheless."
    else:
        where = f"{name} {'is as it was' if present else 'was not made'}."
    return EngineFailure(f"{failure} {where}", hint, failure.status)
