"""The kernel's memory: allocated, grown, bounded and emptied here, because the kernel itself allocates nothing.

Knows the layout and how much may be held. It must not know files or what the records mean.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyser.flows.kernel.native import kernel
from analyser.flows.layout import (
    FLOW,
    FLOW_SUPERSEDED,
    FRAGMENT,
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
    S_WATCH_OFF,
    S_WATCHED,
    S_WATCHED_BYTES,
    SEEN,
    SIDE,
    WATCH,
    WATCH_CLASSES,
)
from analyser.flows.records import Records, merge, select


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may be held at once. ``live_flows`` beyond which idle flows are written out; bytes elsewhere."""

    live_flows: int = 1 << 18
    block: int = 1 << 22
    largest_block: int = 1 << 25
    batch: int = 1024
    watched: int = 1 << 28
    quotes: int = 1 << 20
    first_flows: int = 1 << 14


class Memory:
    """All arrays that the kernel works on, and what was taken out of them so far."""

    def __init__(self, limits: Limits, watch: Mapping[tuple[str, int], str]) -> None:
        rows = max(min(limits.first_flows, limits.live_flows), 2 * limits.batch)
        self.limits = limits
        self.live_flows = max(limits.live_flows, 2 * limits.batch)
        self.flows: NDArray[Any] = np.empty(rows, FLOW)
        self.sides: NDArray[Any] = np.empty(2 * rows, SIDE)
        self.payloads: NDArray[Any] = np.empty(rows, PAYLOAD)
        self.index = np.zeros(4 * _power(rows), np.uint64)
        self.seen: NDArray[Any] = np.zeros(1 << 16, SEEN)
        self.fragments: NDArray[Any] = np.zeros(1 << 12, FRAGMENT)
        self.paths: NDArray[Any] = np.zeros(1 << 16, PATH)
        self.path_index = np.zeros(1 << 18, np.int32)
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
        self.st[S_SEED] = secrets.randbits(62)
        self._emitted: list[Records] = []
        self._watched: list[tuple[NDArray[Any], NDArray[np.uint8]]] = []
        self._watched_total = 0
        self._quotes: list[NDArray[Any]] = []
        self._quotes_total = 0

    def make_room(self) -> None:
        """Grow the table, or write out the flows that were idle longest once it has its full size."""
        used = int(self.st[S_FLOWS])
        batch = self.limits.batch
        if self.flows.shape[0] - used < batch:
            if self.flows.shape[0] < self.live_flows:
                rows = min(2 * self.flows.shape[0], self.live_flows)
                self.flows = _grown(self.flows, rows)
                self.sides = _grown(self.sides, 2 * rows)
            else:
                self._expire()
        if self.payloads.shape[0] - int(self.st[S_PAYLOADS]) < batch:
            self.payloads = _grown(self.payloads, 2 * self.payloads.shape[0])
        needed = 4 * _power(self.flows.shape[0])
        if needed > self.index.shape[0]:
            self.index = np.zeros(needed, np.uint64)
            self._reindex()

    def _reindex(self) -> None:
        self.index[:] = 0
        kernel("rebuild")(self.index, self.flows, int(self.st[S_FLOWS]), int(self.st[S_SEED]))

    def _expire(self) -> None:
        # The median, not the clock, decides: one packet with a time in the far future must not empty the table.
        live = self._live()
        last = np.maximum(live.sides["last_t"][0::2], live.sides["last_t"][1::2])
        superseded = (live.flows["flags"] & FLOW_SUPERSEDED) != 0
        idle = superseded | (last <= np.median(last))
        self._emitted.append(select(live, np.flatnonzero(idle)))
        kept = select(live, np.flatnonzero(~idle))
        self.flows[: len(kept)] = kept.flows
        self.sides[: 2 * len(kept)] = kept.sides
        self.payloads[: kept.payloads.shape[0]] = kept.payloads
        self.st[S_FLOWS] = len(kept)
        self.st[S_PAYLOADS] = kept.payloads.shape[0]
        self._reindex()

    def _live(self) -> Records:
        n = int(self.st[S_FLOWS])
        return Records(self.flows[:n], self.sides[: 2 * n], self.payloads[: int(self.st[S_PAYLOADS])])

    def take_watched(self) -> None:
        """Put the watched packets aside; once the budget is spent the kernel only counts what it leaves out."""
        rows = int(self.st[S_WATCHED])
        octets = int(self.st[S_WATCHED_BYTES])
        self._watched.append((self.watched[:rows].copy(), self.watched_bytes[:octets].copy()))
        self._watched_total += octets + rows * WATCH.itemsize
        self.st[S_WATCHED] = self.st[S_WATCHED_BYTES] = 0
        if self._watched_total >= self.limits.watched:
            self.st[S_WATCH_OFF] = 1

    def take_quotes(self) -> None:
        """Put the ICMP errors aside; beyond the limit they are only counted."""
        self._quotes.append(self.quotes[: int(self.st[S_QUOTES])].copy())
        self._quotes_total += int(self.st[S_QUOTES])
        self.st[S_QUOTES] = 0
        if self._quotes_total >= self.limits.quotes:
            self.st[S_QUOTES_OFF] = 1

    def records(self) -> tuple[Records, dict[int, int]]:
        """Return every flow of the run as one bundle, and which serial numbers were merged into which.

        The last word of this memory: the bundle may share its arrays.
        """
        live = self._live()
        if not self._emitted:
            return live, {}
        parts, self._emitted = [*self._emitted, live], []
        return merge(parts)

    def repeated_files(self) -> dict[int, int]:
        """Return, for each file that holds packets which another file holds too, how many."""
        return {int(number): int(self.repeated[number]) for number in np.flatnonzero(self.repeated)}

    def watched_packets(self) -> tuple[NDArray[Any], NDArray[np.uint8]]:
        """Return all rows of WATCH and their bytes, ``start`` counted from the beginning of the bytes."""
        self.take_watched()
        offset = 0
        rows = []
        for part, octets in self._watched:
            moved = part.copy()
            moved["start"] += offset
            rows.append(moved)
            offset += octets.shape[0]
        return np.concatenate(rows), np.concatenate([octets for _, octets in self._watched])

    def quoted_errors(self) -> NDArray[Any]:
        """Return all rows of QUOTE."""
        self.take_quotes()
        return np.concatenate(self._quotes)

    def known_paths(self) -> NDArray[Any]:
        """Return the rows of PATH in use; row 0 is "unknown"."""
        return self.paths[: int(self.st[S_PATHS])]


def _power(n: int) -> int:
    return 1 << max(n - 1, 1).bit_length()


def _grown(array: NDArray[Any], rows: int) -> NDArray[Any]:
    larger = np.empty(rows, array.dtype)
    larger[: array.shape[0]] = array
    return larger
