"""The bytes of one capture block by block, each behind what is left of the one before.

Knows memory, who still needs it, and what was read ahead. Must not know records: what is left of a block is told by who
decodes it.
"""

from __future__ import annotations

import mmap
import threading
from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analyser.flows.layout import USUAL_RECORD
from analyser.model.capture import ByteSource

_MARGIN: Final = 64
"""Bytes behind those that were read, which fixed-size reads may touch."""

_ASIDE: Final = 1024
"""Bytes behind the beginning of a page at which blocks are read: some processors copy to it, or to just behind it, several times slower."""

_AHEAD: Final = 2
"""Most blocks that are read ahead."""

Bytes = NDArray[np.uint8]


class Blocks:
    """A capture's bytes: ``block[:end]`` are at hand, those behind them mean nothing.

    ``size``: most bytes of one reading. Each is made into memory with room in front for what will be left of the block
    before, so that nothing is moved twice. Memory is used again once nobody has it: a block may be lent to who counts the
    packets in it. One thread goes on from block to block; another one may read ahead and give back.
    """

    def __init__(self, source: ByteSource, size: int) -> None:
        self._source = source
        self._size = size
        self._room = min(USUAL_RECORD, size)  # in front of what is read; usually a number of whole pages
        self._reading = threading.Lock()
        self._ahead: deque[tuple[Bytes, int]] = deque()
        self._all_read = False
        self._lending = threading.Lock()
        self._lent: list[Bytes] = []
        self._pool = [self._usual()]
        self._memory = self._pool[0]  # that of the block at hand
        self.block = self._memory[self._room :]
        self.end = 0

    def go_on(self, done: int, need: int) -> int:
        """Drop the first ``done`` bytes at hand and read on; return how many bytes came, 0 at the end of the capture.

        What is left becomes the beginning of the block. ``need``: so many bytes from ``done`` on will be wanted at once, if
        not now then later; it only spares moving them.
        """
        left = self.end - done
        with self._reading:
            got = self._widen(done, need) if left > self._room else self._next(self.block[done : self.end])
        self.end = left + got
        return got

    def read_ahead(self) -> bool:
        """Read a block that is not wanted yet; return False if there are enough of them, or no more."""
        with self._reading:
            if self._all_read or len(self._ahead) == _AHEAD:
                return False
            memory = self._free(beside=self._memory)
            if got := self._read(memory[self._room :]):
                self._ahead.append((memory, got))
            return got > 0

    def _next(self, rest: Bytes) -> int:
        """Go on to a block that was read ahead, or to be read, with ``rest`` in front."""
        start = self._room - rest.size
        if self._ahead:
            memory, got = self._ahead.popleft()
            memory[start : self._room] = rest
        else:
            memory = self._free()
            memory[start : self._room] = rest  # first: it may be the same memory
            got = self._read(memory[self._room :])
        self._memory, self.block = memory, memory[start:]
        return got

    def _widen(self, done: int, need: int) -> int:
        """Read on behind what is left: a record that is longer than most, or claims to be."""
        left = self.end - done
        if done or self._is_lent(self._memory) or self.block.size < self.end + self._size + _MARGIN:
            memory = np.empty(max(2 * left, need) + self._size + _MARGIN, np.uint8)
            memory[:left] = self.block[done : self.end]
            self._memory = self.block = memory
        behind = self.block[left:]
        if not self._ahead:
            return self._read(behind)
        memory, got = self._ahead.popleft()
        behind[:got] = memory[self._room : self._room + got]
        return got

    def _read(self, place: Bytes) -> int:
        """Read into ``place``: ``size`` bytes if there are so many, but what is written meanwhile is taken as it comes."""
        view = place[: self._size].data
        got = more = self._source.readinto(view)
        while more and got < self._size and not self._source.live:
            more = self._source.readinto(view[got:])
            got += more
        self._all_read = got == 0
        return got

    def _usual(self) -> Bytes:
        return np.frombuffer(mmap.mmap(-1, _ASIDE + self._room + self._size + _MARGIN), np.uint8, offset=_ASIDE)

    def _free(self, beside: Bytes | None = None) -> Bytes:
        """Return memory of the usual size that nobody has and that is not ``beside``."""
        for memory in self._pool:
            ahead = any(memory is other for other, _ in self._ahead)
            if memory is not beside and not ahead and not self._is_lent(memory):
                return memory
        self._pool.append(self._usual())
        return self._pool[-1]

    def lend(self) -> Bytes:
        """Return the block, which stays as it is until it is given back as often as it was lent."""
        with self._lending:
            self._lent.append(self._memory)
        return self.block

    def take_back(self, block: Bytes) -> None:
        """Take a block that was lent."""
        owner = block if block.base is None else block.base
        with self._lending:
            del self._lent[next(place for place, memory in enumerate(self._lent) if memory is owner)]

    def _is_lent(self, memory: Bytes) -> bool:
        with self._lending:
            return any(lent is memory for lent in self._lent)
