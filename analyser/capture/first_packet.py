"""Find the time of a capture's first packet without reading the capture.

Knows just enough framing to walk to the first record that carries a time: reading records is the work of
the flows stage, and this peek only puts several captures in order.
Sources: draft-ietf-opsawg-pcap (packet record), draft-ietf-opsawg-pcapng (blocks, if_tsresol, if_tsoffset).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from analyser.capture.headers import SECTION_HEADER
from analyser.model.capture import CaptureHeader

PeekAt = Callable[[int, int], bytes]
"""``peek(offset, count)`` gives up to ``count`` bytes of the stream at ``offset``, fewer at its end."""

_MOST_BLOCKS: Final = 10_000
_MOST_OPTIONS: Final = 4096
_NANOSECONDS: Final = 1_000_000_000
_LATEST: Final = (1 << 63) - 1
_INTERFACE, _OLD_PACKET, _PACKET = 1, 2, 6
_TSRESOL, _TSOFFSET = 9, 14


def first_packet_time(peek: PeekAt, header: CaptureHeader) -> int | None:
    """Return the time of the first packet in ns since 1970, or None where none is found nearby."""
    if header.format == "pcapng":
        return _pcapng_time(peek)
    return _record_time(peek, header)


def _record_time(peek: PeekAt, header: CaptureHeader) -> int | None:
    size, at, _, _ = header.record
    record = peek(header.length, size)
    if len(record) < size:
        return None
    seconds, fraction = struct.unpack_from(">II" if header.swapped else "<II", record, at)
    return int(seconds * _NANOSECONDS + fraction * (1 if header.nanoseconds else 1000))


def _pcapng_time(peek: PeekAt) -> int | None:
    offset, order = 0, "<"
    clocks: list[tuple[int, int]] = []  # of each interface: ticks per second, seconds to add
    for _ in range(_MOST_BLOCKS):
        start = peek(offset, 12)
        if len(start) < 12:
            return None
        if start[:4] == SECTION_HEADER:
            order = ">" if start[8] == 0x1A else "<"
            clocks = []
        kind, length = struct.unpack_from(order + "II", start)
        if length < 12 or length % 4:
            return None
        if kind == _INTERFACE:
            clocks.append(_clock(peek(offset + 8, min(length - 12, _MOST_OPTIONS)), order))
        elif kind in (_PACKET, _OLD_PACKET):
            return _block_time(peek(offset + 8, 12), kind, order, clocks)
        offset += length
    return None


def _clock(body: bytes, order: str) -> tuple[int, int]:
    ticks, add = 1_000_000, 0
    at = 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        value = body[at + 4 : at + 4 + length]
        if code == 0:
            break
        if code == _TSRESOL and len(value) == 1:
            ticks = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
        elif code == _TSOFFSET and len(value) == 8:
            (add,) = struct.unpack(order + "q", value)
        at += 4 + (length + 3) // 4 * 4
    return ticks, add


def _block_time(body: bytes, kind: int, order: str, clocks: list[tuple[int, int]]) -> int | None:
    if len(body) < 12:
        return None
    interface, high, low = struct.unpack(order + "III", body)
    if kind == _OLD_PACKET:  # its interface has 16 bits; a count of lost packets takes the other 16
        (interface,) = struct.unpack_from(order + "H", body)
    if interface >= len(clocks):
        return None
    ticks, add = clocks[interface]
    time = (high << 32 | low) * _NANOSECONDS // ticks + add * _NANOSECONDS
    return time if -_LATEST <= time <= _LATEST else None
