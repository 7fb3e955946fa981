"""Draw directories and their sizes as a tree with bars. Pure: the width is handed in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from devenv_lib.plans.usage import Directory
from devenv_lib.texts import printable, size

#: Columns that a bar has at least and at most, and a path at least.
_BAR, _LONGEST_BAR, _PATH = 10, 40, 24
_EIGHTHS = " ▏▎▍▌▋▊▉"
_TEXT = ("├─ ", "└─ ", "│  ", "   ")
_PLAIN = ("|- ", "`- ", "|  ", "   ")


def bar(part: int, whole: int, width: int, *, plain: bool = False) -> str:
    """Return a bar as long as ``part`` of ``whole``, filled up to ``width`` with spaces.

    In eighths of a column or, where it is to be ``plain``, in ``#``.
    """
    eighths = round(8 * width * part / whole) if whole else 0
    if plain:
        return ("#" * ((eighths + 4) // 8)).ljust(width)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def draw(
    found: Sequence[Directory], title: str, width: int, rows: int, *, plain: bool = False
) -> Iterator[str]:
    """Yield a line for each of the ``rows`` largest of what `directories` returned.

    What is left out of a directory is summed up in a line. ``title`` is the top's name. No line
    is longer than ``width``, from 60 on.
    """
    drawn = [(one, text) for one, text in _tree(found, title, rows, _PLAIN if plain else _TEXT)]
    total = found[0].bytes
    sizes = [size(one.bytes) for one, _ in drawn]
    files = [f"{one.files:,}" for one, _ in drawn]
    wide, many = max(map(len, [*sizes, "SIZE"])), max(map(len, [*files, "FILES"]))
    room = width - wide - many - len("  ") * 3 - len("  100%")
    longest = max(len(text) for _, text in drawn)
    bars = min(_LONGEST_BAR, max(_BAR, room - max(longest, _PATH)))
    yield f"{'SIZE':>{wide}}  {'FILES':>{many}}  {'':{bars}}        PATH"
    for (one, text), big, count in zip(drawn, sizes, files, strict=True):
        share = f"{100 * one.bytes / total if total else 100:.0f}%"
        cut = _shortened(text, room - bars, plain=plain)
        line = f"{big:>{wide}}  {count:>{many}}  {bar(one.bytes, total, bars, plain=plain)}"
        yield f"{line}  {share:>4}  {cut}"


def _shortened(text: str, width: int, *, plain: bool) -> str:
    mark = "..." if plain else "…"
    return text if len(text) <= width else text[: max(0, width - len(mark))] + mark


def _tree(
    found: Sequence[Directory], title: str, rows: int, strokes: Sequence[str]
) -> Iterator[tuple[Directory, str]]:
    """Yield what is drawn, with its place in the tree and its name; what is not, in sums."""
    ranked = sorted(found, key=lambda one: (-one.bytes, one.depth, one.path))
    chosen = {one.path for one in ranked[: max(1, rows)]} | {"."}
    below: Mapping[str, list[Directory]] = defaultdict(list)
    for one in found[1:]:
        below[_above(one.path)].append(one)
    yield found[0], printable(title, "")
    yield from _branches(".", below, chosen, "", strokes)


def _above(path: str) -> str:
    return path.rpartition("/")[0] or "."


def _branches(
    path: str,
    below: Mapping[str, list[Directory]],
    chosen: set[str],
    lead: str,
    strokes: Sequence[str],
) -> Iterator[tuple[Directory, str]]:
    fork, end, pipe, gap = strokes
    inside = below.get(path, [])
    shown = [one for one in inside if one.path in chosen]
    hidden = [one for one in inside if one.path not in chosen]
    for number, one in enumerate(shown, 1):
        last = number == len(shown) and not hidden
        name = printable(one.path.rpartition("/")[2], "")
        yield one, f"{lead}{end if last else fork}{name}"
        yield from _branches(one.path, below, chosen, lead + (gap if last else pipe), strokes)
    if hidden:
        files, size_ = sum(one.files for one in hidden), sum(one.bytes for one in hidden)
        dots = "..." if strokes is _PLAIN else "…"
        more = Directory("", hidden[0].depth, size_, files)
        yield more, f"{lead}{end}{dots} {len(hidden):,} more"
