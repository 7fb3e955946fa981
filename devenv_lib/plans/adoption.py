"""How a volume gets devenv's labels: the next step, from what the engine has now.

Labels cannot be changed, so a volume NAME is adopted through a copy, ``NAME-adopting``. An empty
volume ``NAME-adopting-complete``, the marker, exists from before the original goes until what
came in its place is the same: it says that the copy is complete, and has its digest. Another one,
``NAME-adopting-removing``, exists from before the original is being removed: an engine that fails
in that leaves a half of it, which counts for nothing. Whatever
happens in between, killed or remade by somebody, the volumes and their labels tell the next step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from devenv_lib.errors import EngineFailure, Refused
from devenv_lib.names import (
    LABEL,
    LABEL_ADOPTING,
    LABEL_COMPLETE,
    LABEL_PREFIX,
    LABEL_REMOVING,
    adopting_name,
    complete_name,
    ours,
    prefix_of,
    removing_name,
)
from devenv_lib.plans.remedies import freeing, when_mended
from devenv_lib.project import check_volume_name
from devenv_lib.records import Snapshot, Volume

#: ``copy``: into a new ``NAME-adopting``, then the marker. ``discard``: marker and copy are not
#: needed, or wrong. ``remove``: the volume itself. ``restore``: make it, labelled, and copy back.
Step = Literal["copy", "discard", "look", "remove", "restore", "done"]
#: Labels of the marker: the copy's digest, and which directory the original was.
LABEL_DIGEST, LABEL_ROOT = "devenv.digest", "devenv.root"
#: Engines keep a volume in a directory of its name.
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Content:
    """What a look into a volume has shown, as it was at one moment.

    ``root`` tells its directory from others that have been there; ``entries`` counts what is at
    its top; ``digest`` is the SHA-256 of everything in it, see ``volumes/tree.sh``. ``copied``
    says that all of it is in the copy too, as far as that was asked.
    """

    root: str
    entries: int
    digest: str
    copied: bool = False


@dataclass(frozen=True)
class Adoption:
    """The volumes that an adoption is about, as the engine has them."""

    name: str
    prefix: str
    volume: Volume | None
    copy: Volume | None
    marker: Volume | None
    removing: Volume | None = None

    @property
    def labelled(self) -> bool:
        """Whether the volume carries the labels already."""
        return self.volume is not None and ours(self.volume.labels, self.prefix)


def adoption(snapshot: Snapshot, prefix: str, name: str) -> Adoption:
    """Return what there is of an adoption.

    Raises:
        UsageError: it is no name of this prefix's volumes.
        Refused: it may not be adopted, and nothing was changed.
    """
    check_volume_name(name, prefix, "See what there is: docker volume ls")
    names = (name, adopting_name(name), complete_name(name), removing_name(name))
    found = Adoption(name, prefix, *(snapshot.volume(each) for each in names))
    _refuse_unfit(found)
    _refuse_strangers(found)
    refuse_users(snapshot, prefix, names)
    return found


def refuse_users(snapshot: Snapshot, prefix: str, names: Sequence[str], but: str = "") -> None:
    """Refuse volumes that a container references, ``but`` for one, by its id.

    Raises:
        Refused: with what frees the volume.
    """
    for each in names:
        for user in snapshot.users(each):
            if user.id == but:
                continue
            how = "mounted by the running" if user.running else "still referenced by the stopped"
            raise Refused(
                f"The volume {each} is {how} container {user.name}: it cannot be recreated.",
                f"First: {freeing(user, prefix)}",
            )


def _refuse_unfit(found: Adoption) -> None:
    volume = found.volume
    if volume is None:
        return
    if volume.labels.get(LABEL) == "true" and not found.labelled:
        raise Refused(
            f"The volume {found.name} belongs to the prefix {prefix_of(volume.labels)}.",
            "Leave it there; see: docker volume ls --filter label=devenv=true",
        )
    if len(complete_name(found.name)) > _LONGEST_NAME and not found.labelled:
        raise Refused(
            f"The volume {found.name} has so long a name that its copy could have none.",
            "Copy what is in it to one of a shorter name by hand: docker volume create "
            f"--label {LABEL}=true --label {LABEL_PREFIX}={found.prefix} NAME",
        )
    if not volume.plain:
        raise Refused(
            f"The volume {found.name} has a driver or options of its own (where it is, how it "
            "is mounted): a new one would not be the same.",
            f"Make it anew by hand, with its options and --label {LABEL}=true: "
            f"docker volume inspect {found.name}",
        )


def _refuse_strangers(found: Adoption) -> None:
    """Refuse when somebody else has volumes of the names that an adoption needs."""
    needed = (
        (found.copy, LABEL_ADOPTING),
        (found.marker, LABEL_COMPLETE),
        (found.removing, LABEL_REMOVING),
    )
    for volume, label in needed:
        if volume and (volume.labels.get(label), ours(volume.labels, found.prefix)) != (
            found.name,
            True,
        ):
            raise Refused(
                f"A volume {volume.name}, which an adoption would make, is there and is not its.",
                f"See what it is: docker volume inspect {volume.name}",
            )


def next_step(found: Adoption, content: Content | None) -> Step:
    """Return what is to be done next; ``content`` is the volume's, once it was looked at.

    Raises:
        Refused: what is there cannot be told apart; nothing was changed.
    """
    if found.marker is None:
        return _without_marker(found)
    if found.copy is None:
        return _without_copy(found, content)
    if found.volume is None:
        return "restore"
    if content is None:
        return "look"
    return _beside_the_copy(found, found.marker.labels, content)


def _without_marker(found: Adoption) -> Step:
    """No copy is known to be complete: the volume itself is what counts."""
    if found.volume is not None:
        if found.copy and found.removing:
            raise _half_known(found)
        if found.copy or found.removing:
            return "discard"
        return "done" if found.labelled else "copy"
    if found.copy is None:
        raise Refused(f"There is no volume {found.name}.", "See what there is: docker volume ls")
    raise Refused(
        f"The volume {found.name} is gone, and its copy {found.copy.name} is not complete.",
        f"What is in that: inv volume.usage --name {found.copy.name}; to remove it: inv volume.rm "
        f"--name {found.copy.name}",
    )


def _half_known(found: Adoption) -> Refused:
    """Return why nobody can say any more whether a volume or its copy is whole."""
    return Refused(
        f"The removal of {found.name} was begun and may not be finished, and somebody removed "
        f"{complete_name(found.name)}, which said that {adopting_name(found.name)} has all of it.",
        f"See what is in each: inv volume.usage --name {adopting_name(found.name)}; to have that: "
        f"inv volume.cp --name {adopting_name(found.name)} --file . --to DIRECTORY. If "
        f"{found.name} is whole, carry on from it: docker volume rm {removing_name(found.name)}",
    )


def _without_copy(found: Adoption, content: Content | None) -> Step:
    """Somebody removed the copy: only the untouched original is known to be complete."""
    labels = found.marker.labels if found.marker else {}
    if found.volume and content is None:
        return "look"
    if found.volume and content and _is_whole(found, labels, content):
        return "discard"
    raise Refused(
        f"The complete copy {adopting_name(found.name)} of {found.name} was removed by somebody, "
        f"and {found.name} {'is not what it was' if found.volume else 'is not there'}.",
        f"If that is as you want it: docker volume rm {complete_name(found.name)}",
    )


def _is_whole(found: Adoption, labels: Mapping[str, str], content: Content) -> bool:
    """Whether the volume has all that was copied, or is the original, which nobody replaced.

    One whose removal was begun may have lost something.
    """
    original = not found.labelled and content.root == labels.get(LABEL_ROOT)
    original = original and found.removing is None
    return content.digest == labels.get(LABEL_DIGEST) or original


def _beside_the_copy(found: Adoption, labels: Mapping[str, str], content: Content) -> Step:
    """There is a complete copy: say what the volume beside it is."""
    same = content.digest == labels.get(LABEL_DIGEST)
    if found.labelled:
        # Made by an adoption: either the copy back is whole, or it is begun anew.
        return "discard" if same else "remove"
    if same:
        return "remove"
    if content.root == labels.get(LABEL_ROOT):
        return _beside_the_original(found, content)
    if not content.entries:
        return "remove"  # remade empty, as by a `docker run -v`
    raise Refused(
        f"While {found.name} was being adopted, somebody made a volume of that name anew, and put "
        f"something into it. All that was in the former one is in {adopting_name(found.name)}.",
        f"Save what is in the new one if you need it, remove it (docker volume rm {found.name}), "
        f"and carry on: inv volume.adopt --name {found.name}",
    )


def _beside_the_original(found: Adoption, content: Content) -> Step:
    """The original is not what it was: say whether it was written to, or removed by half."""
    if found.removing is None:
        return "discard"  # written to since: the copy is out of date
    if content.copied:
        return "remove"  # what is left of it
    raise Refused(
        f"The removal of {found.name} was begun and not finished, and something was written into "
        f"it since. All that was in it before is in {adopting_name(found.name)}.",
        f"Save what is new in it if you need it, remove it (docker volume rm {found.name}), "
        f"and carry on: inv volume.adopt --name {found.name}",
    )


def interrupted(found: Adoption, step: Step, failure: EngineFailure) -> EngineFailure:
    """Return the failure of a step, which says where everything is."""
    # A copy is discarded only when the volume itself is whole.
    copied = found.marker is not None and step != "discard"
    where = adopting_name(found.name) if copied else found.name
    return EngineFailure(
        f"{failure} Everything is in {where}.",
        when_mended(str(failure), f"inv volume.adopt --name {found.name}"),
        failure.status,
    )


def too_often(name: str) -> EngineFailure:
    """Return the failure of an adoption that does not come to an end."""
    return EngineFailure(
        f"The volume {name} could not be adopted: it, or its copy, is different at every look.",
        f"Nothing is lost; see who else is at work on it, then: inv volume.adopt --name {name}",
    )
