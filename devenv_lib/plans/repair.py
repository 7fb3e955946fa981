"""What a repair of a volume would do about what a look has shown, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from devenv_lib.names import MARKS, is_helper, ours
from devenv_lib.plans.leftovers import Findings
from devenv_lib.plans.pending import pending
from devenv_lib.plans.refusal import Refusal, in_hand, not_ours, not_there, with_prefix
from devenv_lib.plans.remedies import freeing, holding, repair_command
from devenv_lib.project import check_name
from devenv_lib.records import Identity, Snapshot


@dataclass(frozen=True)
class RepairPlan:
    """What a repair of one volume would do.

    ``given`` becomes the user's, as it is in `Findings`; so do the entries that ``owners`` counts
    by their present uid, but for those that ``findings`` has as kept. ``unfinished`` says that a
    restore or a clone is carried on or rolled back first. With a ``refusal`` nothing is done.
    """

    name: str
    findings: Findings | None = None
    given: Mapping[bytes, str] = field(default_factory=dict)
    owners: Mapping[int, int] = field(default_factory=dict)
    unfinished: bool = False
    refusal: Refusal | None = None

    @property
    def entries(self) -> int:
        """How many entries would become the user's."""
        kept = len(self.findings.kept) if self.findings and self.owners else 0
        return len(self.given) + sum(self.owners.values()) - kept

    @property
    def needed(self) -> bool:
        """Whether there is anything to do."""
        return self.refusal is None and (self.unfinished or self.entries > 0)


def to_repair(snapshot: Snapshot, prefix: str, names: Iterable[str] | None) -> tuple[str, ...]:
    """Return the names of the volumes that a repair is about; ``None`` is all of the prefix.

    The volumes that only help an adoption or a restore are not among all: the volume is that they
    are for.

    Raises:
        UsageError: a name that an engine cannot take literally.
    """
    if names is not None:
        return tuple(dict.fromkeys(check_name(name) for name in names))
    found = set()
    for volume in snapshot.volumes:
        if ours(volume.labels, prefix):
            meant = next((volume.labels[mark] for mark in MARKS if mark in volume.labels), "")
            found.add(meant or volume.name)
    return tuple(sorted(found))


def before_the_look(snapshot: Snapshot, prefix: str, name: str) -> RepairPlan | None:
    """Return the plan for a volume that is not looked into, or ``None``."""
    volume = snapshot.volume(name)
    if under_way := pending(snapshot.volumes, prefix).get(name):
        if (under_way.verb, under_way.name) == ("repair", name):
            return RepairPlan(name, unfinished=True)
        return RepairPlan(name, refusal=in_hand(name, under_way))
    if volume is None:
        return RepairPlan(name, refusal=not_there(name))
    unlabelled = f"To make it devenv's: inv volume.adopt --name {name}"
    elsewhere = with_prefix(f"inv volume.repair --name {name}")
    refusal = not_ours(volume, prefix, unlabelled, elsewhere)
    return RepairPlan(name, refusal=refusal) if refusal else None


def repairing(
    name: str,
    findings: Findings,
    who: Identity,
    snapshot: Snapshot,
    prefix: str,
    *,
    owner: bool,
    image: str = "",
) -> RepairPlan:
    """Return what is to be done about what a look has shown; with ``owner`` about all of it.

    ``image`` is the one whose user ``who`` is, for the command that comes next.
    """
    plan = RepairPlan(name, findings, findings.leftovers, findings.owners if owner else {})
    foreign = [uid for uid in findings.owners if uid != 0]
    if owner and plan.owners:
        return _owners(plan, foreign, snapshot, prefix)
    if findings.root not in (0, who.uid):
        reason = f"its root belongs to uid {findings.root}, the environment's user is {who.uid}"
        command = repair_command(prefix, image)
        remedy = f"If it is to be {who.name}'s: {command} --owner --name {name}"
        return _refused(name, reason, remedy, findings)
    return plan


def _owners(plan: RepairPlan, foreign: list[int], snapshot: Snapshot, prefix: str) -> RepairPlan:
    """Return a plan that changes owners, unless there are several, or somebody may be in it."""
    name, findings = plan.name, plan.findings
    if len(foreign) > 1:
        counted = ", ".join(f"uid {uid}: {plan.owners[uid]}" for uid in foreign)
        return _refused(
            name,
            f"it has entries of several users ({counted}): which of them was the user is not known",
            "Give away by hand what is to be the user's; to find it: docker run --rm --user 0 "
            f"--network none --volume {name}:/v:ro IMAGE find /v -xdev -uid {foreign[-1]} -ls",
            findings,
        )
    users = [user for user in snapshot.users(name) if not is_helper(user.name, user.labels, prefix)]
    if users:
        return _refused(
            name,
            f"it is {holding(users[0])}: what is in use gets no other owner",
            f"First: {freeing(users[0], prefix)}",
            findings,
        )
    return plan


def _refused(name: str, reason: str, remedy: str, findings: Findings | None = None) -> RepairPlan:
    return RepairPlan(name, findings, refusal=Refusal(name, reason, remedy))
