"""Draw what is mounted where, from a real mount plan: `inv dev.picture` writes mounts.svg.

A test holds that the picture in the repository is the one that this draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from devenv_lib.mounts import Mount, MountPlan, build_mounts
from devenv_lib.project import project_at
from devenv_lib.records import Found, Host, Identity
from devenv_lib.settings import Settings

FILE = Path(__file__).with_name("mounts.svg")
HOME, INSIDE = PurePosixPath("/home/ada"), PurePosixPath("/home/devuser")
_DIRECTORIES = (".config/git", ".config/nvim", ".config/tvim")
_FILES = (".bashrc", ".gitconfig", ".ssh/authorized_keys", ".local/share/opencode/auth.json")

WIDTH, ROW, TOP = 900, 34, 76
_FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
#: Fill and border: what the environment may write, what it may only read, and the volumes.
_WRITABLE, _READ_ONLY, _VOLUME = (
    ("#dcfce7", "#16a34a"),
    ("#f1f5f9", "#64748b"),
    ("#dbeafe", "#2563eb"),
)


class Row(NamedTuple):
    """One mount: what is on the left, what on the right, and its colours."""

    source: str
    target: str
    mode: str
    colours: tuple[str, str]


def plan() -> MountPlan:
    """Return the mounts of a project of Ada's."""
    seen = {HOME / name: Found(HOME / name, HOME / name, "file") for name in _FILES}
    for name in _DIRECTORIES:
        seen[HOME / name] = Found(HOME / name, HOME / name, "directory")
    socket = PurePosixPath("/run/user/1000/ssh-agent")
    host = Host(HOME, HOME / ".local/state/devenv", seen, agent=Found(socket, socket, "socket"))
    project = project_at(HOME / "work/app", HOME)
    who = Identity("devuser", 1000, 1000, INSIDE, "/bin/bash")
    return build_mounts(project, Settings(), host, who)


def rows(mounts: Iterable[Mount]) -> Iterator[Row]:
    """Yield a row for each mount: what can be written first, the volumes last."""
    ordered = sorted(mounts, key=lambda m: (m.kind == "volume", m.read_only, str(m.target)))
    for mount in ordered:
        colours = _READ_ONLY if mount.read_only else _WRITABLE
        source = mount.source.replace("/tvim-38c306", "/tvim-…")
        yield Row(
            source.replace(str(HOME), "~"),
            str(mount.target).replace(str(INSIDE), "~"),
            "ro" if mount.read_only else "rw",
            _VOLUME if mount.kind == "volume" else colours,
        )


def draw(drawn: Sequence[Row]) -> str:
    """Return the picture as SVG."""
    height = TOP + ROW * len(drawn) + 58
    parts = [
        _opening(height),
        "<title>What is mounted where in an environment of devenv</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="12" fill="#ffffff"/>',
        *_frame(20, 400, height, "your machine", "(~ is /home/ada)"),
        *_frame(480, 400, height, "the environment", "(~ is /home/devuser)"),
        *(part for number, row in enumerate(drawn) for part in _row(row, TOP + ROW * number)),
        *_legend(height - 34),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _opening(height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="{_FONT}" font-size="13" role="img">'
    )


def _frame(x: int, width: int, height: int, title: str, note: str) -> Iterator[str]:
    yield (
        f'<rect x="{x}" y="16" width="{width}" height="{height - 66}" rx="10" fill="none" '
        'stroke="#cbd5e1" stroke-width="1.5"/>'
    )
    yield (
        f'<text x="{x + 16}" y="46" font-size="16" font-weight="bold" fill="#0f172a">{title}'
        f'<tspan font-size="12" font-weight="normal" fill="#64748b"> {note}</tspan></text>'
    )


def _row(row: Row, y: int) -> Iterator[str]:
    fill, border = row.colours
    for x, text in ((34, row.source), (494, row.target)):
        yield (
            f'<rect x="{x}" y="{y}" width="372" height="26" rx="6" fill="{fill}" '
            f'stroke="{border}"/>'
        )
        yield f'<text x="{x + 10}" y="{y + 17}" fill="#0f172a">{escape(text)}</text>'
    middle = y + 13
    yield f'<path d="M410 {middle} H484 m-7 -5 l7 5 l-7 5" fill="none" stroke="{border}"/>'
    yield (
        f'<text x="446" y="{middle - 5}" font-size="11" fill="{border}" '
        f'text-anchor="middle">{row.mode}</text>'
    )


def _legend(y: int) -> Iterator[str]:
    words = ("written by both", "read only inside", "volumes: shared by all, never lost with one")
    for x, text, colours in zip(
        (34, 220, 406), words, (_WRITABLE, _READ_ONLY, _VOLUME), strict=True
    ):
        yield (
            f'<rect x="{x}" y="{y}" width="16" height="16" rx="4" fill="{colours[0]}" '
            f'stroke="{colours[1]}"/>'
        )
        yield f'<text x="{x + 24}" y="{y + 13}" fill="#334155">{text}</text>'


def picture() -> str:
    """Return the picture of Ada's project."""
    return draw(list(rows(plan().mounts)))


if __name__ == "__main__":
    FILE.write_text(picture())
