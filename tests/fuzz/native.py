"""The native fuzzer set up and run: one process, its memory capped, millions of captures through the compiled kernel.

Which arrays the kernel's functions take is learnt by watching the reader call them once. Writes the input at work to a
shared file, so that it is there when the process dies.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np

from analyser.capture.headers import read_header
from analyser.flows.feed import Feed
from analyser.flows.layout import (
    S_ARP,
    S_DUPLICATES,
    S_FLOWS,
    S_ICMP_ERRORS,
    S_NEIGHBOURS,
    S_PATHS,
    S_PAYLOADS,
    S_QUOTES,
    S_SAME_TRAFFIC,
    S_SEED,
    S_TUNNELS,
    S_WATCHED,
    S_WATCHED_BYTES,
    SEEN,
)
from analyser.flows.memory import Limits, Memory
from analyser.flows.names import link_layer, undecoded
from analyser.flows.reader import _advance
from analyser.machine.native import Native, kernel
from analyser.model.capture import CaptureHeader
from tests.flows_properties.compare import MemorySource
from tests.fuzz import engine
from tests.fuzz.guard import Guarded, guarded
from tests.fuzz.seeds import LINKS, captures, corpus, modified, snoop

BATCH: Final = 32
AT_ONCE: Final = 2000
"""Executions between two looks at the counts."""
INTERFACES: Final = 16
ARENA: Final = 4 << 20
ENTRIES: Final = 6000
NOW: Final = 24
"""Bytes of the shared file before the input: executions, length, profile."""
WATCH: Final = {("tcp", 21): "control", ("tcp", 443): "stream", ("udp", 161): "datagram"}
BUFFER, LENGTH, FIRST_NUMBER = 2, 3, 4
UPDATE_NUMBERS: Final = 6


def headers() -> list[bytes]:
    """Return the file headers of all profiles: every kind of pcap for every link type, and pcapng in both byte orders."""
    magics = ((0xA1B2C3D4, "<"), (0xA1B2C3D4, ">"), (0xA1B23C4D, "<"), (0xA1B23C4D, ">"))
    pcaps = [
        struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link) for link in LINKS for magic, order in magics
    ]
    others = [made[:length] for made, length in ((modified([], "<"), 24), (modified([], ">"), 24), (snoop([]), 16))]
    return [*pcaps, *others, b"", b""]  # a pcapng has no header of its own: its first block is part of the input


def split(data: bytes, known: list[bytes]) -> tuple[int, bytes]:
    """Return profile and body of a capture."""
    if data[:4] == b"\n\r\r\n":
        return len(known) - (1 if data[8:9] == b"\x1a" else 2), data
    header = read_header(data)
    assert isinstance(header, CaptureHeader)
    if data[: header.length] in known:
        return known.index(data[: header.length]), data[header.length :]
    order = ">" if header.swapped else "<"
    magic = 0xA1B23C4D if header.nanoseconds else 0xA1B2C3D4
    link = header.link_type if header.link_type in LINKS else 1
    return known.index(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)), data[header.length :]


def capture_of(shared: bytes, known: list[bytes]) -> bytes:
    """Return the capture that the shared file of a fuzzer describes."""
    _, length, profile = struct.unpack_from("<qqq", shared)
    return bytes(known[profile] + shared[NOW : NOW + length])


class Fuzzer:
    """Everything one process needs. ``shared`` is the file that shows the input at work."""

    def __init__(self, seed: int, shared: Path) -> None:
        self.headers = headers()
        self.shared: np.memmap[Any, np.dtype[np.uint8]] = np.memmap(shared, np.uint8, "w+", shape=NOW + engine.LARGEST)
        self.memory = _small_memory()
        feeds = [Feed(MemorySource(head or _section(n)), 0, 0, self.memory) for n, head in enumerate(self.headers)]
        profiles = np.stack([one._state for one in feeds])
        self._calls = _frames(self.memory, feeds[-1])
        feed = self._calls[0][0]
        fill, update, resync = (frame for _, frame in self._calls)
        packets = feed.packets
        opener = _place(fill, self.memory.st) + 2
        assert opener == fill.size - 2, "`fill` takes what opens tunnels last, before the scratch"
        sizes = np.array(
            [_place(fill, packets) + 1, _place(update, packets) + 1, BATCH, opener, kernel("opened").address, 0]
        )
        assert update[UPDATE_NUMBERS - 1] == BATCH, "the numbers of `update` follow its buffer and its packets"
        memory = self.memory
        self._guard = Guarded(engine.LARGEST), Guarded(engine.LARGEST)
        rows = np.stack([np.resize(one._interfaces[0], one._interfaces.shape[1]) for one in feeds])
        self._rng = np.array([seed * 2 + 1], np.uint64)
        self._corpus, self._entries, self._kept = (
            np.zeros(ARENA, np.uint8),
            np.zeros((ENTRIES, 3), np.int64),
            np.zeros(2, np.int64),
        )
        for data in [*captures(), *corpus()]:
            self._add(*split(data, self.headers))
        flags = np.array([[not head, head[:1] in (b"\xa1", b"s")] for head in self.headers], np.int64)
        flags[-1, 1] = 1
        fresh = memory.st.copy()
        bounds = [
            (S_FLOWS, memory.flows.shape[0]), (S_TUNNELS, memory.tunnels.shape[0]),
            (S_PAYLOADS, memory.payloads.shape[0]), (S_PATHS, memory.paths.shape[0]),
            (S_QUOTES, memory.quotes.shape[0]), (S_WATCHED, memory.watched.shape[0]),
            (S_WATCHED_BYTES, memory.watched_bytes.shape[0]),
        ]  # fmt: skip
        cleared = tuple(
            array.reshape(-1).view(np.uint8)
            for array in (memory.index, memory.seen, memory.fragments, memory.path_index, memory.tunnel_index)
        )
        self.sums, self.totals = np.zeros(3, np.int64), np.zeros_like(fresh)
        self.features = np.zeros(1 << 20, np.uint8)
        now = self.shared[:NOW].view(np.int64)
        scratch = self.shared[NOW:]
        # Two planes of one array would need one map; the engine gets both addresses and writes through their arrays.
        guard = _planes(self._guard)
        functions = np.array([kernel(name).address for name in ("fill", "update", "resync")])
        self._arguments = (
            self._rng, np.asarray(now), np.asarray(scratch), self._corpus, self._entries, self._kept, flags, guard,
            np.array([guard.ctypes.data, guard.ctypes.data + guard.strides[0]]), functions, fill, update, resync, sizes,
            profiles, rows, feed._state, feed._interfaces, packets, memory.flows,
            memory.sides, memory.payloads, _words(memory.flows), _words(memory.sides), _words(memory.payloads),
            np.array(bounds, np.int64), cleared, memory.st, fresh, self.features, self.totals, self.sums,
        )  # fmt: skip
        self._fresh = fresh

    def _add(self, profile: int, body: bytes) -> None:
        n, at = self._kept.tolist()
        if n < ENTRIES and at + len(body) <= ARENA and 0 < len(body) <= engine.LARGEST:
            self._corpus[at : at + len(body)] = np.frombuffer(body, np.uint8)
            self._entries[n] = at, len(body), profile
            self._kept[:] = n + 1, at + len(body)

    @property
    def entries(self) -> int:
        """How many inputs the corpus holds."""
        return int(self._kept[0])

    def run(self, executions: int) -> str | None:
        """Run so many executions; return what was wrong with the one in the shared file, or None."""
        memory = self.memory
        for counts in (memory.eth_counts, memory.ip_counts, memory.link_counts):
            counts[:] = 0
        self.totals[:] = 0
        self.sums[:] = 0
        verdict = engine.fuzz(executions, *self._arguments)
        if verdict != engine.GOOD:
            return engine.VERDICTS[verdict]
        memory.st[:] = self._fresh + self.totals
        told = int(self.sums[1]) + named(memory)
        if told != self.sums[0]:
            return f"{self.sums[0]} packets were read and {told} told, in the last {executions} executions"
        return None

    def inputs(self) -> list[bytes]:
        """Return the corpus as captures."""
        return [
            self.headers[profile] + self._corpus[at : at + length].tobytes()
            for at, length, profile in self._entries[: self.entries].tolist()
        ]


def named(memory: Memory) -> int:
    """Return packets that are told otherwise than in flows: by name, as copies, as errors joined to what they quote.

    ARP and neighbour discovery have both, a record in the table and a name.
    """
    st = memory.st
    joined = int(st[S_DUPLICATES] + st[S_SAME_TRAFFIC] + st[S_ICMP_ERRORS] - st[S_ARP] - st[S_NEIGHBOURS])
    return sum(undecoded(memory).values()) + sum(link_layer(memory).values()) + joined


def _planes(guards: tuple[Guarded, Guarded]) -> Any:
    """Return one array over both maps: the first input plane begins behind a closed page, the second ends before one."""
    first, second = guards
    step = second.edge - engine.LARGEST - first.start
    return np.lib.stride_tricks.as_strided(first.data, (2, engine.LARGEST), (step, 1))


def _section(number: int) -> bytes:
    """Return a section header for the profiles of pcapng; the last is big-endian."""
    order = ">" if number % 2 else "<"
    return struct.pack(order + "IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)


def _small_memory() -> Memory:
    """Return memory of small tables, each against a closed page, and with a seed that makes findings repeatable."""
    memory = Memory(Limits(batch=BATCH, live_flows=512, block=engine.LARGEST), WATCH)
    memory.seen = np.zeros(64, SEEN)
    memory.fragments = memory.fragments_at(0)
    memory.paths = memory.paths[:64]
    memory.path_index = memory.path_index[:256]
    memory.tunnels = memory.tunnels[:64]
    memory.tunnel_index = memory.tunnel_index[:256]
    memory.quotes = memory.quotes[:256]
    memory.watched = memory.watched[:512]
    for name, array in list(vars(memory).items()):
        if isinstance(array, np.ndarray):
            setattr(memory, name, guarded(array))
    memory.st[S_SEED] = 12345
    return memory


def _frames(memory: Memory, feed: Feed) -> list[tuple[Feed, Any]]:
    """Return the frames of words of `fill`, `update` and `resync` as the reader makes them."""
    found: dict[Native, Any] = {}

    def watch(function: Native, *arguments: Any) -> tuple[int, int]:
        found[function] = np.array(function._frame_for(arguments), np.int64)
        feed.ended = True
        return (0, BATCH)

    feed.packets = guarded(feed.packets)
    feed.packets.view(np.uint8)[:] = 0xC0  # whoever reads what a record held before is led astray
    feed._interfaces = guarded(feed._interfaces[:INTERFACES])
    feed._state = guarded(feed._state)
    functions = [kernel(name) for name in ("fill", "update", "resync")]
    with patch.object(Native, "__call__", watch):
        feed.refill()
        feed._found(0, 0, 0)
        feed.cursor, feed.count = 0, BATCH
        _advance([feed], None, memory)
    return [(feed, found[function]) for function in functions]


def _place(frame: Any, array: Any) -> int:
    (places,) = np.nonzero(frame == array.ctypes.data)
    return int(places[0])


def _words(array: Any) -> Any:
    return array.reshape(-1).view(np.uint64)
