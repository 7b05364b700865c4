"""Packets out of pcap, pcapng and snoop files (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, RFC 1761), unpacked first.

Knows no packet's inside, and stops at damage: finding records again behind it is not told twice.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import lz4.frame

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_RECORD = 1 << 24
UNPACK = {b"\x1f\x8b": gzip.decompress, b"\x28\xb5": zstd.decompress, b"\x04\x22": lz4.frame.decompress,
          b"\xfd7": lzma.decompress, b"BZ": bz2.decompress}  # fmt: skip
MODIFIED = (b"\x34\xcd\xb2\xa1", b"\xa1\xb2\xcd\x34")
SNOOP_LINKS = {0: 1, 2: 6, 4: 1, 8: 10}
LAST_TIME = 9_223_372_035 * 10**9
"""The last whole second whose nanoseconds fit 64 bits (in the year 2262)."""

NOT_PACKETS_BUT_NUMBERED = {0xBAD, 0x40000BAD, 9, 0x204, 0x208, 0x216, 0x221}
"""Custom, journal and system call blocks: Wireshark gives them frame numbers."""


@dataclass(frozen=True)
class Frame:
    """One captured frame. ``t`` in ns; ``number`` from 1; ``data`` what was captured of it."""

    file: int
    number: int
    t: int
    link: int
    interface: int
    data: bytes


@dataclass
class FileReading:
    """The packets of one file, and whether it could be read to its end."""

    frames: list[Frame] = field(default_factory=list)
    records: int = 0
    complete: bool = True


@dataclass
class Interface:
    """A pcapng interface: link type, snap length, clock."""

    link: int
    snaplen: int
    ticks: int = 1_000_000
    offset: int = 0


def read_file(data: bytes, number: int) -> FileReading:
    """Return the packets of a capture file given whole."""
    while data[:2] in UNPACK:
        data = UNPACK[data[:2]](data)
    reading = FileReading()
    if data[:5] == b"snoop":
        reading.frames.extend(_snoop(data, number, reading))
        return reading
    source = _pcapng(data, number, reading) if data[:4] == b"\n\r\r\n" else _pcap(data, number, reading)
    reading.frames.extend(source)
    return reading


def _pcap(data: bytes, file: int, reading: FileReading) -> Iterator[Frame]:
    order = ">" if data[0] == 0xA1 else "<"
    header = 24 if data[:4] in MODIFIED else 16
    fraction = 1 if data[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1000
    (link,) = struct.unpack_from(order + "I", data, 20)
    at = 24
    while at + header <= len(data):
        seconds, part, caught, _ = struct.unpack_from(order + "IIII", data, at)
        start, at = at + header, at + header + caught
        if caught > MAX_RECORD or at > len(data):
            break
        reading.records += 1
        t = seconds * 10**9 + part * fraction
        yield Frame(file, reading.records, t, link & 0x03FFFFFF, 0, data[start:at])
    reading.complete = at == len(data)


def _snoop(data: bytes, file: int, reading: FileReading) -> Iterator[Frame]:
    link = SNOOP_LINKS[struct.unpack_from(">I", data, 12)[0]]
    at = 16
    while at + 24 <= len(data):
        _, caught, length, _, seconds, micros = struct.unpack_from(">IIIIII", data, at)
        if length < 24 + caught or at + length > len(data):
            break
        reading.records += 1
        frame = data[at + 24 : at + 24 + caught]
        yield Frame(file, reading.records, seconds * 10**9 + micros * 1000, link, 0, frame)
        at += length
    reading.complete = at == len(data)


def _pcapng(data: bytes, file: int, reading: FileReading) -> Iterator[Frame]:
    at, order, last_t = 0, "<", 0
    interfaces: list[Interface] = []
    while at + 12 <= len(data):
        if data[at : at + 4] == b"\n\r\r\n":
            magic = data[at + 8 : at + 12]
            if magic not in (b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"):
                break
            order = "<" if magic == b"\x4d\x3c\x2b\x1a" else ">"
        kind, length = struct.unpack_from(order + "II", data, at)
        if length < 12 or length % 4 or length > MAX_RECORD or at + length > len(data):
            break
        if struct.unpack_from(order + "I", data, at + length - 4) != (length,):
            break
        body = data[at + 8 : at + length - 4]
        at += length
        if kind == 0x0A0D0D0A:
            interfaces = []
        elif kind == 1 and len(body) >= 8:
            interfaces.append(_interface(body, order))
        elif kind in NOT_PACKETS_BUT_NUMBERED:
            reading.records += 1
        found = _packet(kind, body, order, interfaces)
        if found is None:
            continue
        reading.records += 1
        which, t, frame = found
        if which < len(interfaces):
            last_t = max(last_t, t or 0)  # a simple packet block has no time: the latest so far is the nearest truth
            yield Frame(file, reading.records, last_t if t is None else t, interfaces[which].link, which, frame)
    reading.complete = at == len(data)


def _packet(kind: int, body: bytes, order: str, interfaces: list[Interface]) -> tuple[int, int | None, bytes] | None:
    """Return interface, time (None: the block has none) and bytes of a packet block.

    A packet that cannot be read (no such interface, more bytes than its block) has an interface beyond all.
    """
    if kind in (2, 6) and len(body) >= 20:
        which, high, low, caught, _ = struct.unpack_from(order + "IIIII", body)
        if kind == 2:
            (which,) = struct.unpack_from(order + "H", body)
        if which >= len(interfaces) or caught > len(body) - 20:
            return len(interfaces), None, b""
        clock = interfaces[which]
        t = (high << 32 | low) * 10**9 // clock.ticks + clock.offset * 10**9
        return which, min(t, LAST_TIME), body[20 : 20 + caught]
    if kind == 3 and len(body) >= 4:
        caught = min(len(body) - 4, struct.unpack_from(order + "I", body)[0])
        if interfaces and interfaces[0].snaplen:
            caught = min(caught, interfaces[0].snaplen)
        return 0, None, body[4 : 4 + caught]
    return None


def _interface(body: bytes, order: str) -> Interface:
    link, _, snaplen = struct.unpack_from(order + "HHI", body)
    found = Interface(link, snaplen)
    at = 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        value = body[at + 4 : at + 4 + length]
        if code == 0 or len(value) < length:
            break
        if code == 9 and length >= 1:
            found.ticks = 2 ** (value[0] & 127) if value[0] & 128 else 10 ** value[0]
        elif code == 14 and length >= 8:
            (found.offset,) = struct.unpack(order + "q", value[:8])
        at += 4 + (length + 3) // 4 * 4
    return found
