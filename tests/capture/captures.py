"""Tiny captures made by hand, for the tests of the capture stage."""

from __future__ import annotations

import struct


def pcap(
    *packets: tuple[int, bytes], order: str = "<", nanoseconds: bool = False, link: int = 1, snaplen: int = 65535
) -> bytes:
    """Return a pcap of (time in ns, bytes)."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link)
    for t, data in packets:
        fraction = t % 10**9 // (1 if nanoseconds else 1000)
        out += struct.pack(order + "IIII", t // 10**9, fraction, len(data), len(data)) + data
    return out


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """Return one pcapng block."""
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str = "<") -> bytes:
    """Return a section header block."""
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(order: str = "<", *, link: int = 1, resolution: int | None = None, offset: int | None = None) -> bytes:
    """Return an interface description block, with its clock's resolution and offset where given."""
    body = struct.pack(order + "HHI", link, 0, 65535)
    if resolution is not None:
        body += struct.pack(order + "HHB3x", 9, 1, resolution)
    if offset is not None:
        body += struct.pack(order + "HHq", 14, 8, offset)
    return block(1, body + bytes(4), order)


def packet(ticks: int, data: bytes = b"", order: str = "<", *, interface: int = 0) -> bytes:
    """Return an enhanced packet block."""
    head = struct.pack(order + "IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
    return block(6, head + data, order)
