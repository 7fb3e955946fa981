"""Look into many volumes at once, in one helper and within a bound: whose their entries are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from devenv_lib.plans.health.volumes import Seen
from devenv_lib.plans.leftovers import FORMAT, ROOT, Findings, examined, read_entry
from devenv_lib.scratch import scratch
from devenv_lib.scripts import script
from devenv_lib.volumes.tree import looking, records

if TYPE_CHECKING:
    from devenv_lib.engine import Engine
    from devenv_lib.records import Identity

#: Entries of one volume, and of all together, which take about half a second to list and to
#: judge; and seconds after which a slow disk's volumes are left as far as they were seen.
_EACH, _MOST, _PATIENCE = 50_000, 100_000, "1"
#: What `timeout` exits with when it ended a program.
_ENDED = 124


def look_into_all(
    engine: Engine, prefix: str, names: Sequence[str], image: str, who: Identity
) -> Mapping[str, Seen]:
    """Return what volumes show, as far as a look of about a second has got.

    ``image`` is what the helper is made from. Nothing is changed: it has the volumes read-only.

    Raises:
        EngineFailure: they could not be read, or the engine stopped answering.
    """
    if not names:
        return {}
    words = ["timeout", _PATIENCE, "sh", "-c", script("volumes/look-all.sh"), "devenv"]
    words += [str(_EACH), FORMAT]
    with (
        looking(engine, prefix, names, image) as (helper, places),
        scratch() as listed,
    ):
        with helper.stream([*words, *places.values()], stdout=listed, tolerated=(_ENDED,)):
            pass
        listed.seek(0)
        found = islice(records(listed), _MOST)
        roots = dict(zip(names, islice(found, len(names)), strict=False))
        looks = dict(zip(names, _seen(found, who.uid), strict=False))
    # Of those that were not reached, their roots are known.
    rest = {name: _judged([root], who.uid, whole=False) for name, root in roots.items()}
    return {**rest, **looks}


def _seen(listed: Iterable[bytes], uid: int) -> Iterator[Seen]:
    """Yield what each volume's records show; an empty one ends a volume's."""
    entries: list[bytes] = []
    for record in listed:
        if record:
            entries.append(record)
        elif entries:
            yield _judged(entries, uid, whole=len(entries) < _EACH)
            entries = []
    if entries:
        yield _judged(entries, uid, whole=False)


def _judged(entries: Sequence[bytes], uid: int, *, whole: bool) -> Seen:
    found = examined(map(read_entry, entries), uid)
    if whole:
        return Seen(found)
    # What else an engine left is not known before all that is in it was seen.
    left = {ROOT: "d"} if ROOT in found.leftovers else {}
    return Seen(Findings(found.root, left), whole=False)
