"""Segments as a host sees them whose card cuts and joins them: larger than the network's largest packet.

Knows Ethernet, IP and TCP as far as segments are joined (as GRO and TSO of Linux do); must not know why anybody captured.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tests.flows_properties.wraps import split
from tests.lab.injector import checksum

Frame = tuple[int, bytes]
"""A time (ns) and what was captured."""

_PUSH: Final = 0x08
_ACK: Final = 0x10
_LONGEST: Final = 65_000
_APART: Final = 5_000_000
"""Nanoseconds between two segments that are joined, at most."""


@dataclass
class _Segment:
    """A frame with TCP payload and no more: where its parts are, and what was joined to it."""

    t: int
    data: bytes
    ip: int
    tcp: int
    payload: int
    end: int

    @property
    def flow(self) -> tuple[bytes, bytes, bytes]:
        """Who sends to whom, and what is acknowledged: only such segments are joined."""
        addresses = (
            slice(self.ip + 12, self.ip + 20) if self.data[self.ip] >> 4 == 4 else slice(self.ip + 8, self.ip + 40)
        )
        return self.data[addresses], self.data[self.tcp : self.tcp + 4], self.data[self.tcp + 8 : self.tcp + 12]

    @property
    def seq(self) -> int:
        """The number of its first byte."""
        return int.from_bytes(self.data[self.tcp + 4 : self.tcp + 8])

    def goes_on(self, later: _Segment, longest: int) -> bool:
        """Say whether another is the next of the same flow."""
        size = self.end - self.payload
        return (
            self.flow == later.flow
            and later.seq == (self.seq + size) & 0xFFFFFFFF
            and later.t - self.t < _APART
            and self.payload - self.tcp == later.payload - later.tcp
            and size + later.end - later.payload < longest
        )

    def join(self, later: _Segment) -> None:
        """Take what another carries."""
        flags = self.data[self.tcp + 13] | later.data[later.tcp + 13]
        head = self.data[: self.tcp + 13] + bytes((flags,)) + self.data[self.tcp + 14 : self.payload]
        self.data = head + self.data[self.payload : self.end] + later.data[later.payload : later.end]
        self.end = len(self.data)

    def frame(self, *, told: bool) -> Frame:
        """Return it with its length, or with none where ``told`` is false; the sum of what is joined is unfinished."""
        out = bytearray(self.data)
        size = self.end - self.ip if told else 0
        if out[self.ip] >> 4 == 4:
            out[self.ip + 2 : self.ip + 4] = struct.pack(">H", size)
            out[self.ip + 10 : self.ip + 12] = b"\0\0"
            if told:
                out[self.ip + 10 : self.ip + 12] = struct.pack(">H", checksum(bytes(out[self.ip : self.tcp])))
        else:
            out[self.ip + 4 : self.ip + 6] = struct.pack(">H", max(size - 40, 0))
        out[self.tcp + 16 : self.tcp + 18] = b"\x12\x34"
        return self.t, bytes(out)


def _segment(t: int, data: bytes) -> _Segment | None:
    head, kind, rest = split(data)
    ip = len(head) + 2
    if kind == 0x0800 and rest[9] == 6 and not int.from_bytes(rest[6:8]) & 0x3FFF:
        tcp, end = ip + 4 * (rest[0] & 15), ip + int.from_bytes(rest[2:4])
    elif kind == 0x86DD and rest[6] == 6:
        tcp, end = ip + 40, ip + 40 + int.from_bytes(rest[4:6])
    else:
        return None
    payload = tcp + 4 * (data[tcp + 12] >> 4)
    plain = data[tcp + 13] & ~_PUSH == _ACK
    return _Segment(t, data, ip, tcp, payload, end) if plain and payload < end <= len(data) else None


def joined(frames: Iterable[Frame], *, told: bool = True) -> list[Frame]:
    """Return frames with what follows on in a flow joined, at the time of its first; ``told``: with its length.

    Of a length that is not told there may be more than fits the field for it, as in the largest segments of Linux.
    """
    longest = _LONGEST if told else 3 * _LONGEST
    found: list[_Segment | Frame] = []
    last: dict[tuple[bytes, bytes], _Segment] = {}
    several: set[int] = set()
    for t, data in frames:
        one = _segment(t, data)
        if one is None:
            found.append((t, data))
            continue
        before = last.get(one.flow[:2])
        if before is not None and before.goes_on(one, longest):
            before.join(one)
            several.add(id(before))
        else:
            found.append(one)
            last[one.flow[:2]] = one
    return [
        item if isinstance(item, tuple) else item.frame(told=told) if id(item) in several else (item.t, item.data)
        for item in found
    ]
