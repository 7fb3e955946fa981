"""Text for people: what a terminal would obey is spelled out, and bytes have a unit."""

from __future__ import annotations

import re

#: What a terminal obeys, or a person does not see: both sets of control characters, those that
#: turn the direction of writing or have no width, further ends of lines, lone surrogates.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)

#: Characters of a value that a message quotes.
_LONGEST = 200


def printable(text: str, keep: str = "\n") -> str:
    """Return ``text`` with control characters spelled out, but for those to ``keep``.

    Names, labels and engine messages come from elsewhere, and a terminal obeys escape sequences
    wherever they come from. A byte that is no UTF-8, a lone surrogate, is spelled as that byte.
    """
    return _CONTROL.sub(lambda m: m[0] if m[0] in keep else _spelled(ord(m[0])), text)


def _spelled(code: int) -> str:
    code = code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )


def quoted(value: object) -> str:
    """Return a value as Python writes it, and only the beginning of one that has no end."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number of things: ``1 entry``, ``0 entries``; an ``s`` unless ``many`` is given."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def size(number: int | None) -> str:
    """Return a number of bytes for people, in binary units; ``None`` is ``n/a``."""
    if number is None:
        return "n/a"
    value, units = float(number), iter(("B", "KiB", "MiB", "GiB"))
    for unit in units:
        if round(value, 1) < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
