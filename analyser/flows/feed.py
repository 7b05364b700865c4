"""One capture as a stream of batches, decoded ahead of those that are counted where a second worker is there.

Knows the order of time within a capture, and which batch is being counted. It must not know flows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyser.flows.decoder import Decoder
from analyser.flows.layout import PACKET
from analyser.flows.memory import Memory
from analyser.model.capture import ByteSource

DAY: Final = 86_400_000_000_000

AHEAD: Final = 3
"""Batches that are decoded, or being decoded, beside the one that is counted: who is done first need not wait at once."""


class _Batch(NamedTuple):
    """Packets on their way: how many there are, and the block that holds their payload, is told when they are decoded."""

    packets: NDArray[Any]
    told: Future[tuple[int, NDArray[np.uint8]]]


class Feed(Decoder):
    """A capture that is being read. ``packets[cursor:count]`` are decoded and not yet counted; ``buffer`` has their payload.

    With a ``worker`` the next batches are decoded while this one is counted: the same batches in the same order, so nothing
    else depends on how many work. A stream that is written while it is read is not read ahead.
    """

    def __init__(
        self,
        source: ByteSource,
        number: int,
        point: int,
        memory: Memory,
        worker: Executor | None = None,
        notice: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(source, number, point, memory, notice)
        self.packets: NDArray[Any] = np.empty(memory.limits.batch, PACKET)
        self.buffer = self.blocks.block
        self.cursor = 0
        self.count = 0
        self._worker = worker
        self._ahead: deque[_Batch] = deque()
        self._placed: NDArray[np.int64] | None = None
        self._last_place: int | None = None

    @property
    def head(self) -> int:
        """Time of the next packet (ns) as its place among other captures; only with ``cursor < count``."""
        return int(self.order()[self.cursor])

    @property
    def reach(self) -> int:
        """Place of the last packet of the batch (ns): what comes in the next one is not known yet."""
        return int(self.order()[self.count - 1])

    def due(self, until: int) -> int:
        """Return where in the batch the first packet is that is later than ``until`` (ns), or behind another that is."""
        return max(int(np.searchsorted(self.order(), until, "right")), self.cursor)

    def order(self) -> NDArray[np.int64]:
        """Return the places (ns) of the packets of the batch, which never go back: a capture keeps its order.

        A place is the packet's own time, but for one that jumps by more than a day while the next is back: the capture does
        not wait, or hurry, for the sake of one bogus clock. At the end of a batch a jump is believed when the next begins.
        """
        if self._placed is None:
            own = self.packets["t"][: self.count].astype(np.int64)
            times = np.concatenate([[own[0] if self._last_place is None else self._last_place], own, own[-1:]])
            if own.size > 1:
                times[-1] = times[-3]
            far = np.abs(np.diff(times)) > DAY
            odd = far[:-1] & far[1:] & (np.abs(times[2:] - times[:-2]) <= DAY)
            self._placed = np.maximum.accumulate(np.where(odd, times[:-2], own))
        return self._placed

    def refill(self) -> bool:
        """Go on to the next batch once this one is used up; say whether there are packets."""
        if self.cursor < self.count:
            return True
        if self._placed is not None:
            self._last_place, self._placed = int(self._placed[-1]), None
        self.cursor = 0
        if self._worker is None:
            self.count = self.decode(self.packets)
            self.buffer = self.blocks.block
        else:
            self._next(self._worker)
        return self.count > 0

    def _next(self, worker: Executor) -> None:
        """Take the batch that was decoded first, and let another be decoded in its place."""
        if self._ahead:
            self.blocks.take_back(self.buffer)
            self._ahead.append(self._decoded(worker, self.packets))
        else:
            batch = self.packets.shape[0]
            self._ahead.extend(self._decoded(worker, np.empty(batch, PACKET)) for _ in range(AHEAD))
        first = self._ahead.popleft()
        self.packets = first.packets
        while not first.told.done() and self.blocks.read_ahead():
            pass  # reading takes about as long as decoding: who waits for one does the other
        self.count, self.buffer = first.told.result()

    def _decoded(self, worker: Executor, packets: NDArray[Any]) -> _Batch:
        return _Batch(packets, worker.submit(self._decode_and_lend, packets))

    def _decode_and_lend(self, packets: NDArray[Any]) -> tuple[int, NDArray[np.uint8]]:
        count = self.decode(packets)
        return count, self.blocks.lend()

    def close(self) -> None:
        """Release the capture; what is being decoded ahead is waited for."""
        wait(batch.told for batch in self._ahead)
        self.source.close()
