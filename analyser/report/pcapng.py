"""Frames as a pcapng file that Wireshark opens, each with a comment.

Source: draft-ietf-opsawg-pcapng (section header, interface description, enhanced packet, opt_comment, if_tsresol). Knows blocks
and options; must not know why a frame was chosen.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

from analyser.model.capture import CaughtFrame
from analyser.report.escape import on_screen

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_COMMENT, _APPLICATION, _RESOLUTION = 1, 4, 9
_NANOSECONDS: Final = b"\x09"
_LATEST: Final = (1 << 64) - 1
_MOST_WORDS: Final = 4000
"""Characters of a comment; an option holds 65,535 bytes."""


def pcapng(frames: Iterable[tuple[CaughtFrame, str]], *, application: str) -> bytes:
    """Return ``frames``, each with its comment (may be empty), as a pcapng file written by ``application``.

    Link types become interfaces in the order in which they come. Times are in nanoseconds; before 1970 there are none.
    """
    chosen = list(frames)
    links = list(dict.fromkeys(frame.link_type for frame, _ in chosen))
    head = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _options((_APPLICATION, application.encode()))
    blocks = [_block(_SECTION, head)]
    blocks += [
        _block(_INTERFACE, struct.pack("<HHI", link & 0xFFFF, 0, 0) + _options((_RESOLUTION, _NANOSECONDS)))
        for link in links
    ]
    for frame, words in chosen:
        ticks = min(max(frame.t, 0), _LATEST)
        fixed = struct.pack(
            "<IIIII", links.index(frame.link_type), ticks >> 32, ticks & 0xFFFFFFFF, len(frame.data), frame.length
        )
        comment = on_screen(words)[:_MOST_WORDS].encode("utf-8", "replace")
        blocks.append(
            _block(_PACKET, fixed + _padded(frame.data) + (_options((_COMMENT, comment)) if comment else b""))
        )
    return b"".join(blocks)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def _options(*options: tuple[int, bytes]) -> bytes:
    told = (struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options)
    return b"".join(told) + bytes(4)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
