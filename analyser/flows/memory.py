"""The kernel's memory: allocated, grown, bounded and emptied here, because the kernel itself allocates nothing.

Knows the layout and how much may be held. It must not know files or what the records mean.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analyser.flows.layout import (
    FLOW,
    FRAGMENT,
    NEIGHBOUR_PART,
    PATH,
    PAYLOAD,
    QUOTE,
    S_FLOWS,
    S_PATHS,
    S_PAYLOADS,
    S_QUOTES,
    S_QUOTES_OFF,
    S_SEED,
    S_SIZE,
    S_TUNNELS,
    S_WATCH_OFF,
    S_WATCHED,
    S_WATCHED_BYTES,
    SEEN,
    SIDE,
    TUNNEL,
    WATCH,
    WATCH_CLASSES,
)
from analyser.flows.packing import Packer
from analyser.flows.records import Records, concatenate, joined, plain, select, words
from analyser.flows.store import Store
from analyser.machine.native import kernel

POINTS: Final = 256
"""Captures at one time that are told apart."""

FRAGMENTS: Final = 1 << 12
"""First fragments that are remembered of each."""

_SAMPLE: Final = 4096
"""Flows that are looked at to find the median of their last packets."""

_LINE: Final = 64
"""Bytes of a line of the processor's cache."""

_LATEST: Final = (1 << 63) - 1


class Part(NamedTuple):
    """Flows that are looked at together.

    ``numbers`` are those of the parts that were dealt, None where all flows of the run are together; ``renamed`` maps serial
    numbers of merged records to those that hold their facts now. ``chosen``: these are only some flows of the parts.
    """

    numbers: tuple[int, ...] | None
    records: Records
    renamed: dict[int, int]
    chosen: bool = False

    def of(self, rows: NDArray[np.int64]) -> Part:
        """Return a copy of some flows of this part."""
        return Part(self.numbers, select(self.records, rows), self.renamed, chosen=True)

    def rows_of(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return the rows of WATCH or QUOTE that speak of flows of this part, by the number of what holds them now."""
        mine = rows if self.numbers is None else rows.compress(np.isin(rows["part"], self.numbers))
        if self.renamed and mine.size:
            mine = joined([mine])
            mine["serial"] = pl.Series(mine["serial"]).replace(self.renamed).to_numpy()
        return mine.compress(np.isin(mine["serial"], self.records.flows["serial"])) if self.chosen else mine


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may be held at once: flows in the table (beyond ``live_flows`` idle ones are written out), bytes elsewhere.

    ``together``: flows of small parts that are looked at together later, at least so many.
    """

    live_flows: int = 1 << 17
    block: int = 1 << 22
    largest_block: int = 1 << 25
    batch: int = 1 << 13
    watched: int = 1 << 28
    quotes: int = 1 << 20
    together: int = 1 << 14


class Memory:
    """All arrays that the kernel works on, and what was taken out of them so far.

    ``worker``, where there is one, writes to the disk what leaves the table.
    """

    def __init__(self, limits: Limits, watch: Mapping[tuple[str, int], str]) -> None:
        self.limits = limits
        rows = max(limits.live_flows, 2 * limits.batch)  # all at once: what is not used takes no memory
        self.flows: NDArray[Any] = _aligned(rows, FLOW)
        self.sides: NDArray[Any] = _aligned(2 * rows, SIDE)
        self.payloads: NDArray[Any] = np.empty(rows, PAYLOAD)
        self.index = np.zeros(4 * _power(rows), np.uint64)
        self.seen: NDArray[Any] = _aligned(1 << 16, SEEN)
        self.seen[:] = 0
        self.fragments: NDArray[Any] = np.zeros(POINTS * FRAGMENTS, FRAGMENT)
        self.paths: NDArray[Any] = np.zeros(1 << 16, PATH)
        self.path_index = np.zeros(1 << 18, np.int32)
        self.tunnels: NDArray[Any] = np.zeros(1 << 14, TUNNEL)
        self.tunnel_index = np.zeros(1 << 16, np.int32)
        self.watch = np.zeros((2, 65536), np.uint8)
        for (transport, port), name in watch.items():
            self.watch[0 if transport == "tcp" else 1, port] = WATCH_CLASSES[name]
        self.watched: NDArray[Any] = np.empty(1 << 14, WATCH)
        self.watched_bytes = np.empty(1 << 20, np.uint8)
        self.quotes: NDArray[Any] = np.empty(1 << 12, QUOTE)
        self.eth_counts = np.zeros(65536, np.uint64)
        self.ip_counts = np.zeros(256, np.uint64)
        self.link_counts = np.zeros(65536, np.uint64)
        self.repeated = np.zeros(65536, np.uint64)
        self.st = np.zeros(S_SIZE, np.int64)
        self.st[S_PATHS] = 1  # path 0 is "unknown"
        self.st[S_TUNNELS] = 1  # tunnel 0 is "none"
        self.st[S_SEED] = secrets.randbits(62)
        self._packer = Packer()
        self._store = Store(self._packer)
        self._putting: Future[None] | None = None
        self.worker: Executor | None = None
        self._watched: list[tuple[NDArray[Any], bytes]] = []
        self._watched_total = 0
        self._quotes: list[NDArray[Any]] = []
        self._quotes_total = 0

    def fragments_at(self, point: int) -> NDArray[Any]:
        """Return the ports of first fragments that one capture point showed; what is decoded first elsewhere changes nothing."""
        return self.fragments[point * FRAGMENTS : (point + 1) * FRAGMENTS]

    def make_room(self) -> None:
        """Write out the flows that were idle longest where the table is full; let the payload rows grow."""
        kernel("update").forget()
        batch = self.limits.batch
        if self.flows.shape[0] - int(self.st[S_FLOWS]) < batch:
            self._evict(self._middle())
            self._reindex()
        if self.payloads.shape[0] - int(self.st[S_PAYLOADS]) < batch:
            self.payloads = _grown(self.payloads, 2 * self.payloads.shape[0])

    def _reindex(self) -> None:
        self.index[:] = 0
        kernel("rebuild")(self.index, self.flows, int(self.st[S_FLOWS]), int(self.st[S_SEED]))

    def _middle(self) -> int:
        """Return a time (ns) since which half of the flows have had a packet."""
        # The median, not the clock, decides: one packet with a time in the far future must not empty the table.
        step = max(int(self.st[S_FLOWS]) // _SAMPLE, 1)
        sides = self.sides[: 2 * int(self.st[S_FLOWS])]
        last = np.maximum(sides["last_t"][0 :: 2 * step], sides["last_t"][1 :: 2 * step])
        return int(np.median(last))

    def _evict(self, cutoff: int) -> None:
        """Move flows that have had no packet since ``cutoff`` (ns) to the store."""
        self._settle()  # what left before is packed in the same memory
        gone, moved = np.empty(int(self.st[S_FLOWS]), np.uint8), np.empty(int(self.st[S_PAYLOADS]), np.int64)
        found, _ = kernel("find_idle")(self.flows, self.sides, gone, cutoff)
        if not found:
            return
        counts = np.bincount(gone)[1:]
        order = np.empty(found, np.int64)
        kernel("deal")(gone, np.cumsum(counts) - counts, order)
        packed = self._packer.pack(Records(self.flows, self.sides, self.payloads[: moved.size]), order)
        kernel("close_up")(self.sides, words(self.flows), words(self.sides), words(self.payloads), moved, gone, self.st)
        dealt = {part: count for part, count in enumerate(counts.tolist()) if count}
        if self.worker is None:
            self._store.put(dealt, packed)
        else:
            self._putting = self.worker.submit(self._store.put, dealt, packed)

    def _settle(self) -> None:
        """Wait until the disk has what left the table."""
        if self._putting is not None:
            self._putting.result()
            self._putting = None

    def take_watched(self) -> None:
        """Put the watched packets aside; once the budget is spent the kernel only counts what it leaves out."""
        rows = int(self.st[S_WATCHED])
        octets = int(self.st[S_WATCHED_BYTES])
        if rows:
            self._watched.append((joined([self.watched[:rows]]), self.watched_bytes[:octets].tobytes()))
        self._watched_total += octets + rows * WATCH.itemsize
        self.st[S_WATCHED] = self.st[S_WATCHED_BYTES] = 0
        if self._watched_total >= self.limits.watched:
            self.st[S_WATCH_OFF] = 1

    def take_quotes(self) -> None:
        """Put the ICMP errors aside; beyond the limit they are only counted."""
        if self.st[S_QUOTES] or not self._quotes:
            self._quotes.append(joined([self.quotes[: int(self.st[S_QUOTES])]]))
        self._quotes_total += int(self.st[S_QUOTES])
        self.st[S_QUOTES] = 0
        if self._quotes_total >= self.limits.quotes:
            self.st[S_QUOTES_OFF] = 1

    @property
    def in_parts(self) -> bool:
        """Whether some flows had to leave the table. The run is at its end then: nothing is left to a worker."""
        self._settle()
        return bool(self._store)

    def parts(self, only: Collection[int] | None = None) -> Iterator[Part]:
        """Give all flows of the run, part by part: one part where all found room in the table.

        Nothing more can be counted then; a part may share the arrays of this memory. ARP and neighbour discovery come first.
        ``only``: the numbers of parts that are wanted, where there are several.
        """
        if not self.in_parts:
            n = int(self.st[S_FLOWS])
            payloads = self.payloads[: int(self.st[S_PAYLOADS])]
            yield Part(None, Records(self.flows[:n], self.sides[: 2 * n], payloads), {})
            return
        self._leave()
        numbers = [number for number in self._store.parts if only is None or number in only]
        if NEIGHBOUR_PART in numbers:
            numbers.remove(NEIGHBOUR_PART)
            yield Part((NEIGHBOUR_PART,), *self._store.part(NEIGHBOUR_PART))
        for group in self._store.groups(numbers, self.limits.together):
            yield Part(group, *self._store.part(*group))

    def _leave(self) -> None:
        """Move the last flows to the store and give back the room of the table."""
        if self.st[S_FLOWS]:
            kernel("update").forget()
            self.index, self.seen = np.zeros(1, np.uint64), np.zeros(1, SEEN)
            self._evict(self._middle())  # one half after the other: what leaves is in memory twice
            self._evict(_LATEST)
            self.flows, self.sides, self.payloads = np.empty(0, FLOW), np.empty(0, SIDE), np.empty(0, PAYLOAD)
            self._packer.give_back()

    def close(self) -> None:
        """Give back what was taken on disk."""
        self._store.close()

    def repeated_files(self) -> dict[int, int]:
        """Return, for each file that holds packets which another file holds too, how many."""
        return {int(number): int(self.repeated[number]) for number in np.flatnonzero(self.repeated)}

    def watched_packets(self, part: Part) -> Iterator[tuple[NDArray[Any], bytes]]:
        """Give the rows of WATCH of a part, as many at a time as were put aside together, and their bytes."""
        self.take_watched()
        for rows, octets in self._watched:
            yield part.rows_of(rows), octets

    def quoted_errors(self, part: Part) -> NDArray[Any]:
        """Return the rows of QUOTE of a part."""
        self.take_quotes()
        return part.rows_of(joined(self._quotes))

    def known_paths(self) -> NDArray[Any]:
        """Return the rows of PATH in use; row 0 is "unknown"."""
        return self.paths[: int(self.st[S_PATHS])]

    def known_tunnels(self) -> NDArray[Any]:
        """Return the rows of TUNNEL in use; row 0 is "none"."""
        return self.tunnels[: int(self.st[S_TUNNELS])]


def together(parts: Iterable[Part], least: int) -> Iterator[Part]:
    """Give small parts several at a time, ``least`` flows or more: looking at flows has its price each time, however few they are.

    Nothing is held here any longer than its taker does.
    """
    waiting: list[Part] = []
    for part in parts:
        waiting.append(part)
        del part
        if sum(len(item.records) for item in waiting) >= least:
            yield _joined(waiting)
    if waiting:
        yield _joined(waiting)


def _joined(waiting: list[Part]) -> Part:
    parts = waiting[:]
    waiting.clear()
    if len(parts) == 1:
        return parts[0]
    numbers = tuple(number for part in parts for number in part.numbers or ())
    renamed = {gone: stays for part in parts for gone, stays in part.renamed.items()}
    chosen = any(part.chosen for part in parts)
    return Part(numbers, concatenate([part.records for part in parts]), renamed, chosen)


def _power(n: int) -> int:
    return 1 << max(n - 1, 1).bit_length()


def _aligned(rows: int, kind: np.dtype[Any]) -> NDArray[Any]:
    """Return rows that begin with a line of the processor's cache, so that they lie in as few of them as they can."""
    octets = np.empty(rows * kind.itemsize + _LINE, np.uint8)
    start = -octets.ctypes.data % _LINE
    return octets[start : start + rows * kind.itemsize].view(kind)


def _grown(array: NDArray[Any], rows: int) -> NDArray[Any]:
    larger = np.empty(rows, array.dtype)
    plain(larger)[: array.shape[0]] = plain(array)
    return larger
