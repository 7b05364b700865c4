"""Names and words from packets and site files, made harmless for screens and spreadsheets.

A server name in a capture is chosen by whoever sent it: it may hold terminal commands, turn the direction of
writing, or begin like a formula. Every reader of a report shows foreign text through these functions only.
"""

from __future__ import annotations

import re
from typing import Final

_CONTROLS: Final = "\x00-\x1f\x7f-\x9f"
_INVISIBLE: Final = (
    "\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Zero width, direction of writing (Unicode UAX 9), line separators, fillers, tags."""
UNSAFE_TEXT: Final = f"[{_CONTROLS}{_INVISIBLE}]"
"""Pattern of the characters that never reach a screen as they are."""

_UNSAFE: Final = re.compile(f"{UNSAFE_TEXT}|[\ud800-\udfff]")
"""The same, and halves of surrogate pairs: bytes of a file name that are no UTF-8."""

_UNSAFE_IN_JSON: Final = re.compile(f"[\x7f-\x9f{_INVISIBLE}]")
"""Of those, the ones that a JSON encoder leaves alone; inside JSON they can only stand in strings."""

FORMULA_TEXT: Final = "^[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
"""Pattern of first characters that make a spreadsheet run a cell (OWASP, CSV injection)."""


def on_screen(text: str) -> str:
    r"""Return ``text`` on one line, every unsafe character as a visible escape (``\x1b``, ``\u202e``)."""
    return _UNSAFE.sub(_visible, text)


def in_cell(text: str) -> str:
    """Return ``text`` for a cell of a CSV file: as on a screen, and never a formula (a leading ``'`` says so)."""
    safe = on_screen(text)
    return f"'{safe}" if re.match(FORMULA_TEXT, text) else safe


def as_text(name: str) -> str:
    r"""Return a file name as text that can be written anywhere: bytes that are no UTF-8 become ``\udcff`` and the like."""
    return name.encode("utf-8", "backslashreplace").decode()


def in_json(encoded: bytes) -> bytes:
    r"""Return JSON (or lines of it) with every character that could steer a terminal written as ``\uXXXX``."""
    if encoded.isascii() and b"\x7f" not in encoded:  # nearly always, and a hundred times as fast to see
        return encoded
    return _UNSAFE_IN_JSON.sub(_as_escape, encoded.decode()).encode()


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _as_escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
