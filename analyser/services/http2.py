"""What an HTTP/2 connection in clear asks for first (RFC 9113; RFC 7541 for its packed headers).

Knows frames and where a packed header ends, so that a block that is cut can be unpacked as far as it goes; unpacking is the
library's. Header values may hold secrets: all that leaves here is whether a path belongs to a service.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from analyser.services.byterows import ByteRows, Index

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_ETCD: Final = (b"/etcdserverpb.", b"/v3lockpb.", b"/v3electionpb.")
"""How the paths of etcd's services begin (etcd, api/etcdserverpb/rpc.proto and its neighbours)."""

_HEADERS: Final = 1
_PADDED, _PRIORITY = 0x08, 0x20
_MOST_FRAMES: Final = 16
_MOST_BYTES: Final = 1 << 12


def asks_etcd(rows: ByteRows, index: Index, at: int) -> Index:
    """Say of each row whether its first request goes to etcd's third interface (0), else -1.

    Rows are looked at one by one: whoever asks has made sure that they begin as HTTP/2.
    """
    found = np.full(len(index), -1, dtype=np.int64)
    for place, row in enumerate(index.tolist()):
        data = rows.matrix[row, at : int(rows.lengths[row])].tobytes()
        if (path := _first_path(data)) is not None and path.startswith(_ETCD):
            found[place] = 0
    return found


@lru_cache(maxsize=4096)
def _first_path(data: bytes) -> bytes | None:
    """Return the path of the first request behind the preface, None where it is not there or no path."""
    if not data.startswith(PREFACE):
        return None
    at = len(PREFACE)
    for _ in range(_MOST_FRAMES):
        if at + 9 > len(data):
            return None
        length, kind, flags = int.from_bytes(data[at : at + 3], "big"), data[at + 3], data[at + 4]
        if kind == _HEADERS:
            return _path(_block(data[at + 9 : at + 9 + length], flags))
        at += 9 + length
    return None


def _block(frame: bytes, flags: int) -> bytes:
    """Return the packed headers of a HEADERS frame (RFC 9113, section 6.2), padding and priority taken off."""
    start = end = 0
    if flags & _PADDED and frame:
        start, end = 1, frame[0]
    if flags & _PRIORITY:
        start += 5
    return frame[start : len(frame) - end]


def _path(block: bytes) -> bytes | None:
    import hpack

    decoder = hpack.Decoder(max_header_list_size=_MOST_BYTES)
    try:
        fields = decoder.decode(block[: _whole(block)], raw=True)
    except (hpack.HPACKError, UnicodeError):
        return None
    return next((bytes(value) for name, value in fields if bytes(name) == b":path"), None)


def _whole(block: bytes) -> int:
    """Return how many bytes of a block are whole fields (RFC 7541, section 6)."""
    at = whole = 0
    while at < len(block):
        first = block[at]
        if first & 0x80:
            end, _ = _number(block, at, 7)
        elif first & 0xE0 == 0x20:
            end, _ = _number(block, at, 5)
        else:
            end, name = _number(block, at, 6 if first & 0x40 else 4)
            end = _string(block, end) if name == 0 else end
            end = _string(block, end)
        if not 0 < end <= len(block):
            break
        at = whole = end
    return whole


def _number(block: bytes, at: int, bits: int) -> tuple[int, int]:
    """Return where a number of so many bits in its first byte ends (0: not in the block), and its value (section 5.1)."""
    most = (1 << bits) - 1
    value = block[at] & most
    at += 1
    if value < most:
        return at, value
    for shift in range(0, 35, 7):
        if at >= len(block):
            return 0, 0
        value += (block[at] & 0x7F) << shift
        at += 1
        if not block[at - 1] & 0x80:
            return at, value
    return 0, 0


def _string(block: bytes, at: int) -> int:
    """Return where a string ends (section 5.2); 0: not in the block."""
    if not 0 < at < len(block):
        return 0
    end, length = _number(block, at, 7)
    return end + length if end else 0
