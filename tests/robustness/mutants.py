"""Captures gone wrong: bytes flipped, records cut, times absurd, blocks wild. The same seed gives the same mutant.

Knows only where records begin (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng); shares no code with the analyser.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from typing import Final

SECTION: Final = b"\n\r\r\n"
SWAPPED_PCAP: Final = (b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d")
TELLING: Final = bytes([0, 1, 2, 4, 5, 6, 8, 11, 17, 41, 43, 44, 47, 50, 51, 58, 60, 0x45, 0x4F, 0x60, 0x7F, 0x80, 0x81, 0xDD, 0xFF])  # fmt: skip
"""Byte values that mean something in headers."""
ABSURD: Final = (
    0,
    1,
    3,
    4,
    11,
    12,
    15,
    16,
    20,
    27,
    65535,
    1 << 24,
    (1 << 24) + 1,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
)
"""Numbers that break those who believe a length or a time."""

Change = Callable[[random.Random, bytearray], bytearray]


def order_of(data: bytes | bytearray) -> str:
    """Return the byte order of a capture, as :mod:`struct` writes it."""
    if data[:4] == SECTION:
        return ">" if data[8:12] == b"\x1a\x2b\x3c\x4d" else "<"
    return ">" if bytes(data[:4]) in SWAPPED_PCAP else "<"


def is_pcapng(data: bytes | bytearray) -> bool:
    """Tell whether a capture begins as a pcapng."""
    return bytes(data[:4]) == SECTION


def records(data: bytes | bytearray) -> list[tuple[int, int]]:
    """Return beginning and end of each record (pcap) or block (pcapng), as far as they can be followed."""
    order, found = order_of(data), []
    at = 0 if is_pcapng(data) else 24
    while at + 16 <= len(data):
        if is_pcapng(data):
            (length,) = struct.unpack_from(order + "I", data, at + 4)
            end = at + max(length, 12)
        else:
            (length,) = struct.unpack_from(order + "I", data, at + 8)
            end = at + 16 + length
        if end > len(data):
            break
        found.append((at, end))
        at = end
    return found


def _some(rng: random.Random, data: bytearray) -> tuple[int, int]:
    return rng.choice(records(data) or [(0, len(data))])


def flip_anywhere(rng: random.Random, data: bytearray) -> bytearray:
    """Change some bytes, wherever they are (the file header only now and then)."""
    for _ in range(rng.randint(1, 40)):
        at = rng.randrange(0 if rng.random() < 0.05 else min(24, len(data) - 1), len(data))
        data[at] = rng.choice(TELLING) if rng.random() < 0.6 else rng.randrange(256)
    return data


def flip_headers(rng: random.Random, data: bytearray) -> bytearray:
    """Change bytes in the first hundred of some packets, where link, network and transport headers stand."""
    for _ in range(rng.randint(1, 60)):
        start, end = _some(rng, data)
        at = min(start + (28 if is_pcapng(data) else 16) + rng.randrange(100), end - 1)
        data[at] = rng.choice(TELLING) if rng.random() < 0.7 else rng.randrange(256)
    return data


def cut(rng: random.Random, data: bytearray) -> bytearray:
    """Cut the file somewhere."""
    return data[: rng.randrange(len(data))]


def drop_bytes(rng: random.Random, data: bytearray) -> bytearray:
    """Take some bytes out of the middle."""
    at = rng.randrange(len(data))
    del data[at : at + rng.randint(1, 64)]
    return data


def add_bytes(rng: random.Random, data: bytearray) -> bytearray:
    """Put random bytes somewhere."""
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.randbytes(rng.randint(1, 64))
    return data


def shuffle(rng: random.Random, data: bytearray) -> bytearray:
    """Put the records in another order: times jump back and forth."""
    found = records(data)
    start, end = (found[0][0], found[-1][1]) if found else (0, 0)
    pieces = [bytes(data[a:b]) for a, b in found]
    rng.shuffle(pieces)
    return data[:start] + b"".join(pieces) + data[end:]


def repeat(rng: random.Random, data: bytearray) -> bytearray:
    """Write some records many times over."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 5)):
        start, end = _some(rng, data)
        out += bytes(data[start:end]) * rng.randint(1, 200)
    return out


def absurd_times(rng: random.Random, data: bytearray) -> bytearray:
    """Give some packets times of 1970, 2106, or far beyond what a calendar knows."""
    order = order_of(data)
    for start, end in records(data):
        if rng.random() < 0.3 and end - start >= 28:
            at = start + (12 if is_pcapng(data) else 0)
            struct.pack_into(order + "II", data, at, rng.choice(ABSURD), rng.choice(ABSURD))
    return data


def absurd_lengths(rng: random.Random, data: bytearray) -> bytearray:
    """Give a few records lengths that cannot be true."""
    order = order_of(data)
    for _ in range(rng.randint(1, 3)):
        start, end = _some(rng, data)
        at = start + rng.choice((4, 20, 24) if is_pcapng(data) else (8, 12))
        if at + 4 <= end:
            struct.pack_into(order + "I", data, at, rng.choice(ABSURD))
    return data


def random_tail(rng: random.Random, data: bytearray) -> bytearray:
    """Keep the file header and let noise follow."""
    return data[: rng.choice((12, 24, 28, 48))] + rng.randbytes(rng.randint(0, 4000))


def noise_packets(rng: random.Random, data: bytearray) -> bytearray:
    """Keep the framing, fill packets with noise: every decoder meets bytes that nobody meant."""
    for start, end in records(data):
        body = start + (28 if is_pcapng(data) else 16)
        if rng.random() < 0.5 and end - 4 > body:
            keep = rng.choice((0, 12, 14, 15, 34, 54))
            begin, stop = body + keep, end - (4 if is_pcapng(data) else 0)
            if stop > begin:
                data[begin:stop] = rng.randbytes(stop - begin)
    return data


def other_link_type(rng: random.Random, data: bytearray) -> bytearray:
    """Say that the packets are of another link type."""
    link = rng.choice((0, 1, 12, 101, 108, 113, 228, 229, 276, 105, 9999))
    if is_pcapng(data):
        for start, end in records(data):
            if bytes(data[start : start + 4]) in (b"\x01\0\0\0", b"\0\0\0\x01") and end - start >= 20:
                struct.pack_into(order_of(data) + "H", data, start + 8, link & 0xFFFF)
    elif len(data) >= 24:
        struct.pack_into(order_of(data) + "I", data, 20, link)
    return data


def block(order: str, kind: int, body: bytes) -> bytes:
    """Return a pcapng block."""
    body += b"\0" * (-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str) -> bytes:
    """Return a section header block."""
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order: str, link: int, options: bytes = b"", snaplen: int = 0) -> bytes:
    """Return an interface description block."""
    return block(order, 1, struct.pack(order + "HHI", link, 0, snaplen) + options)


def wild_blocks(rng: random.Random, data: bytearray) -> bytearray:
    """Return a pcapng of sections in both byte orders, with packets of ``data`` among blocks that nobody expects."""
    packets = [bytes(data[a + (28 if is_pcapng(data) else 16) : b]) for a, b in records(data)] or [b"\0" * 60]
    out = bytearray()
    for _ in range(rng.randint(1, 3)):
        order = rng.choice("<>")
        out += section(order)
        for _ in range(rng.randint(0, 60)):
            out += rng.choice(_BLOCKS)(rng, order, rng.choice(packets))
    return out


def _wild_interface(rng: random.Random, order: str, _packet: bytes) -> bytes:
    options = b""
    for _ in range(rng.randint(0, 4)):
        code = rng.choice((0, 1, 2, 9, 9, 9, 14, 14, rng.randrange(65536)))
        length = rng.choice((0, 1, 1, 8, 8, 3, 65535))
        value = rng.choice(
            (b"\0", b"\x06", b"\x09", b"\x0a", b"\x12", b"\x13", b"\x7f", b"\x80", b"\xbe", b"\xbf", b"\xff")
        )
        value = (value if code == 9 else b"") + rng.choice((b"\xff", b"\x7f", b"\0")) * 8
        options += struct.pack(order + "HH", code, length) + value[: min(length, 8)] + b"\0" * (-min(length, 8) % 4)
    return interface(order, rng.choice((0, 1, 1, 1, 101, 113, 276, 147)), options, rng.choice(ABSURD))


def _wild_packet(rng: random.Random, order: str, packet: bytes) -> bytes:
    caught = len(packet) if rng.random() < 0.8 else rng.choice(ABSURD)
    which = rng.choice((0, 0, 0, 1, 2, 65535, 70000, (1 << 32) - 1))
    high, low = rng.choice(((0x0005_F000, rng.randrange(1 << 32)), (rng.choice(ABSURD), rng.choice(ABSURD))))
    head = struct.pack(order + "IIIII", which, high, low, caught, rng.choice((len(packet), *ABSURD)))
    return block(order, rng.choice((6, 6, 6, 2)), head + packet)


def _wild_simple(rng: random.Random, order: str, packet: bytes) -> bytes:
    return block(order, 3, struct.pack(order + "I", rng.choice((len(packet), *ABSURD))) + packet)


def _wild_other(rng: random.Random, order: str, packet: bytes) -> bytes:
    kind = rng.choice((4, 5, 5, 9, 10, 0xBAD, 0x40000BAD, 0x204, 0x80000001, rng.randrange(1 << 32)))
    return block(order, kind, rng.randbytes(rng.randint(0, 60)) if rng.random() < 0.7 else packet)


_BLOCKS: Final = (_wild_interface, _wild_packet, _wild_packet, _wild_packet, _wild_simple, _wild_other)

CHANGES: Final[tuple[Change, ...]] = (
    flip_anywhere, flip_headers, flip_headers, cut, drop_bytes, add_bytes, shuffle, repeat, absurd_times, absurd_lengths,
    random_tail, noise_packets, other_link_type, wild_blocks,
)  # fmt: skip


def mutant(seed: int, captures: list[bytes]) -> bytes:
    """Return one of ``captures`` after one to three changes; the same seed gives the same bytes."""
    rng = random.Random(seed)
    data = bytearray(rng.choice(captures))
    if rng.random() < 0.1:  # one capture behind another, as a careless `cat` makes it
        data += rng.choice(captures)
    for _ in range(rng.choice((1, 1, 2, 3))):
        if len(data) > 16:
            data = rng.choice(CHANGES)(rng, data)
    return bytes(data)
