"""Mutated records flush against a page that nobody may read: any read beyond the captured bytes ends the process.

Run as a program: ``python -m tests.flows_properties.fuzz SEED SECONDS`` prints how far it came. The kernel
loads bytes without bounds checks, so every length it believes is a matter of memory safety.
"""

from __future__ import annotations

import ctypes
import mmap
import random
import struct
import sys
import time
from typing import Any, Final

import numpy as np

from analyser.flows.feed import Feed
from analyser.flows.kernel.native import kernel
from analyser.flows.layout import F_INTERFACES, F_POS, FILL_BATCH, FILL_LOST, I_LINK, RESYNC_FOUND
from analyser.flows.memory import Limits, Memory
from analyser.flows.reader import _advance
from analyser.flows.table import flow_tables, whole
from tests.flows_properties import packets as p
from tests.flows_properties.compare import MemorySource
from tests.flows_properties.traffic import Timed, pcap, pcapng

PAGES: Final = 64
LINKS: Final = (0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 9999)
HINTS: Final = (
    0,
    1,
    2,
    4,
    5,
    6,
    14,
    17,
    43,
    44,
    50,
    51,
    58,
    60,
    0x45,
    0x4F,
    0x60,
    0x81,
    0x86,
    0x88,
    0xDD,
    134,
    135,
    255,
)
"""Bytes that mean something in headers: versions, lengths, protocols, EtherTypes."""

WATCH: Final = {("tcp", 21): "control", ("tcp", 443): "stream", ("udp", 161): "datagram"}


class Guarded:
    """Memory whose last byte stands before a page without access."""

    def __init__(self) -> None:
        page = mmap.PAGESIZE
        self._map = mmap.mmap(-1, (PAGES + 1) * page)
        self.edge = ctypes.addressof(ctypes.c_char.from_buffer(self._map)) + PAGES * page
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mprotect(ctypes.c_void_p(self.edge), ctypes.c_size_t(page), 0) != 0:
            raise OSError(ctypes.get_errno(), "mprotect")
        self._all: np.ndarray[Any, np.dtype[np.uint8]] = np.frombuffer(self._map, np.uint8)[: PAGES * page]

    def put(self, data: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Return an array of ``data`` that ends at the edge."""
        view = self._all[self._all.size - len(data) :]
        view[:] = np.frombuffer(data, np.uint8)
        return view


def seeds(link: int) -> list[bytes]:
    """Return one frame of every kind that the kernel decodes."""
    four, six = p.Route("192.0.2.1", "192.0.2.9", link), p.Route("2001:db8::1", "2001:db8::9", link)
    hello = b"\x16\x03\x01\x00\x30\x01\x00\x00\x2c\x03\x03" + bytes(40)
    out = [p.frame(four, p.arp(four, 1), 0x0806), p.frame(four, p.arp(four, 2), 0x0806)]
    for base in (four, six):
        v6 = base is six
        for route in (base, p.Route(base.src, base.dst, link, (7, 8), extended=True)):
            segments = [
                p.tcp(4000, 443, 1, 0, p.SYN, b""), p.tcp(4000, 443, 2, 9, p.ACK, hello), p.tcp(443, 4000, 9, 2, p.ACK, hello),
                p.tcp(443, 4000, 60, 2, p.ACK, b"\x17\x03\x03\x00\x10" + bytes(16)), p.tcp(4001, 21, 5, 1, p.ACK, b"USER x\r\n"),
                p.tcp(80, 4002, 5, 1, p.ACK, b"HTTP/1.1 401 No\r\n"), p.tcp(4000, 443, 9, 9, p.FIN | p.RST, b""),
            ]  # fmt: skip
            out += [p.frame(route, p.ip(route, 6, segment)) for segment in segments]
            datagram = p.ip(route, 17, p.udp(4000, 161, b"0123456789" * 4))
            out.append(p.frame(route, datagram))
            for kind, body in (
                (3 if not v6 else 1, bytes(4) + datagram), (8 if not v6 else 128, bytes(8)), (135, bytes(20)), (136, bytes(28)),
            ):  # fmt: skip
                out.append(p.frame(route, p.ip(route, 58 if v6 else 1, p.icmp(kind, 1, body))))
            for protocol in (0, 2, 4, 43, 44, 51, 60, 132):
                out.append(p.frame(route, p.ip(route, protocol, bytes([6, 1]) + bytes(30))))
    out.append(p.frame(four, p.ip(four, 17, p.udp(1, 161, bytes(30)), more=True)))
    out.append(p.frame(four, p.ip(four, 17, bytes(16), fragment=40)))
    return out


def mutated(rng: random.Random, link: int) -> bytes:
    """Return a small capture with damage, mostly where headers stand; its last record is often cut with its length told."""
    frames = rng.sample(seeds(link), rng.randint(1, 8))
    broken = []
    for data in frames:
        changed = bytearray(data)
        for _ in range(rng.choice((0, 1, 1, 2, 4, 9))):
            changed[rng.randrange(min(len(changed), 90))] = rng.choice((*HINTS, rng.randrange(256)))
        broken.append(bytes(changed[: rng.randint(0, len(changed))] if rng.random() < 0.5 else changed))
    timed: Timed = [(rng.randrange(2**40), data) for data in broken]
    order = rng.choice("<>")
    whole = bytearray(pcap(timed, link, order=order) if rng.random() < 0.6 else pcapng(timed, link, order=order))
    if rng.random() < 0.3:  # the framing itself
        for _ in range(rng.randint(1, 4)):
            whole[rng.randrange(24, len(whole))] = rng.choice((*HINTS, rng.randrange(256)))
    return bytes(whole[: rng.randint(24, len(whole))] if rng.random() < 0.3 else whole)


def read_at_the_edge(guarded: Guarded, data: bytes, memory: Memory, link: int) -> None:
    """Let the kernel frame, decode and count ``data`` as a block that ends at the edge."""
    feed = Feed(MemorySource(data), 0, 0, memory)
    feed.buffer = guarded.put(data[feed.source.header.length :])
    if feed.source.header.format == "pcap":
        feed._interfaces[0, I_LINK] = link
    feed._state[F_POS] = 0
    reason = FILL_BATCH
    while reason == FILL_BATCH:
        reason, feed.count = kernel("fill")(
            feed.buffer, feed.buffer.size, feed._state, feed._interfaces, feed.packets, memory.fragments, memory.paths,
            memory.path_index, memory.tunnels, memory.tunnel_index, memory.eth_counts, memory.ip_counts, memory.link_counts, memory.st,
        )  # fmt: skip
        feed.cursor = 0
        _advance(feed, None, memory)
        if reason == FILL_LOST:
            at = int(feed._state[F_POS])
            what, place = kernel("resync")(feed.buffer, at, at, feed.buffer.size, at & 1, feed._state)
            if what == RESYNC_FOUND:
                feed._state[F_POS] = place
                reason = FILL_BATCH
        assert feed._state[F_POS] <= feed.buffer.size
        assert feed._state[F_INTERFACES] >= 0


def main(seed: int, seconds: float) -> None:
    """Fuzz for ``seconds`` and print how many captures were read and how many flows they made."""
    rng = random.Random(seed)
    guarded = Guarded()
    captures = flows = 0
    memory = Memory(Limits(), WATCH)
    fill_once = time.monotonic()
    read_at_the_edge(guarded, pcap([(1, seeds(1)[5])], 1) + b"\xff" * 16, memory, 1)  # compiles
    end = time.monotonic() + seconds
    print(f"ready after {time.monotonic() - fill_once:.0f} s")
    while time.monotonic() < end:
        memory = Memory(Limits(), WATCH)
        for _ in range(200):
            captures += 1
            link = rng.choice(LINKS)
            read_at_the_edge(guarded, mutated(rng, rng.choice((link, link, 1))), memory, link)
        flows += whole(flow_tables(memory, part, {}) for part in memory.parts()).flows.height
    print(f"captures {captures} flows {flows}")


if __name__ == "__main__":
    if sys.argv[1] == "overrun":
        print(struct.unpack("B", ctypes.string_at(Guarded().edge, 1)))
    else:
        main(int(sys.argv[1]), float(sys.argv[2]))
