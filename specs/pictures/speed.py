"""Draw how long the commands take, beside bare docker's: `inv dev.picture` writes speed.svg.

The figures are speed.json's, which `inv dev.bench --save` writes. A test holds that the picture in
the repository is the one that this draws.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

FILE, FIGURES = Path(__file__).with_name("speed.svg"), Path(__file__).with_name("speed.json")
WIDTH, ROW, TOP, LEFT, BARS = 900, 46, 66, 300, 430
_FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
_OURS, _BARE = "#2563eb", "#94a3b8"


def draw(pairs: Sequence[Mapping[str, Any]], where: str) -> str:
    """Return the picture as SVG: two bars for each pair, on a scale of their own.

    What takes half a minute and what takes a tenth of a second have no scale in common; what is
    compared are the two bars of a pair.
    """
    height = TOP + ROW * len(pairs) + 40
    rows = (part for n, pair in enumerate(pairs) for part in _row(pair, TOP + ROW * n))
    parts = [
        _opening(height),
        "<title>How long the commands take, beside the bare docker commands</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="12" fill="#ffffff"/>',
        *_legend(),
        *rows,
        f'<text x="20" y="{height - 16}" font-size="12" fill="#64748b">{escape(where)}</text>',
        "</svg>\n",
    ]
    return "\n".join(parts)


def _opening(height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="{_FONT}" font-size="13" role="img">'
    )


def _legend() -> Iterator[str]:
    for x, colour, text in ((20, _OURS, "devenv"), (120, _BARE, "the bare docker command")):
        yield f'<rect x="{x}" y="22" width="16" height="16" rx="4" fill="{colour}"/>'
        yield f'<text x="{x + 24}" y="35" fill="#334155">{text}</text>'


def _row(pair: Mapping[str, Any], y: int) -> Iterator[str]:
    ours, bare = pair["ours"], pair["bare"]
    longest = max(ours, bare)
    yield f'<text x="20" y="{y + 21}" fill="#0f172a">{escape(pair["name"].strip())}</text>'
    for top, value, colour in ((y, ours, _OURS), (y + 16, bare, _BARE)):
        width = max(2, round(BARS * value / longest))
        yield (
            f'<rect x="{LEFT}" y="{top + 2}" width="{width}" height="13" rx="3" fill="{colour}"/>'
        )
        yield (
            f'<text x="{LEFT + width + 8}" y="{top + 13}" font-size="11" '
            f'fill="#334155">{value:,.0f} ms</text>'
        )
    yield (
        f'<text x="{WIDTH - 20}" y="{y + 21}" text-anchor="end" font-weight="bold" '
        f'fill="#0f172a">{ours / bare:.2f}</text>'
    )


def picture() -> str:
    """Return the picture of the figures that were saved last."""
    saved = json.loads(FIGURES.read_text())
    return draw(saved["pairs"], f"{saved['where']}; {saved['day']}")


if __name__ == "__main__":
    FILE.write_text(picture())
