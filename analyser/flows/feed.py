"""One capture as a stream of decoded batches.

Knows blocks of bytes and where a file ends, is cut, or is damaged. It must not know flows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyser.flows.kernel.native import kernel
from analyser.flows.layout import (
    F_DROPPED,
    F_FILE,
    F_FIRST_T,
    F_FORMAT,
    F_FRAME,
    F_INTERFACES,
    F_LAST_T,
    F_LINKS,
    F_LOST_PACKETS,
    F_NEED,
    F_POINT,
    F_POS,
    F_SIZE,
    F_SNAPLEN,
    F_SWAPPED,
    F_TIMED,
    FILL_LOST,
    I_LINK,
    I_MULTIPLIER,
    I_SIZE,
    I_SNAPLEN,
    MAX_INTERFACES,
    PACKET,
)
from analyser.flows.memory import Memory
from analyser.model.capture import ByteSource, FileFacts
from analyser.model.finding import Problem


class Feed:
    """A capture that is being read. ``packets[cursor:count]`` are decoded and not yet counted.

    ``point`` tells captures apart that run at the same time; the files of a rotated set share theirs.
    """

    def __init__(self, source: ByteSource, number: int, point: int, memory: Memory) -> None:
        limits = memory.limits
        header = source.header
        self.source = source
        self.point = min(point, 255)
        self._memory = memory
        self.buffer = np.empty(limits.block, np.uint8)
        self.packets: NDArray[Any] = np.empty(limits.batch, PACKET)
        self.cursor = 0
        self.count = 0
        self.ended = False
        self._end = 0
        self._start = 0  # offset in the file of the buffer's first byte
        self._complete = True
        self._problems: list[Problem] = []
        pcapng = header.format == "pcapng"
        self._interfaces = np.zeros((MAX_INTERFACES if pcapng else 1, I_SIZE), np.int64)
        self._state = np.zeros(F_SIZE, np.int64)
        self._state[F_FORMAT] = 1 if pcapng else 0
        self._state[F_SWAPPED] = 1 if header.swapped else 0
        self._state[F_FILE] = number
        self._state[F_POINT] = self.point
        self._state[F_DROPPED] = -1
        if not pcapng:
            self._state[F_INTERFACES] = 1
            self._interfaces[0, I_LINK] = header.link_type or 0
            self._interfaces[0, I_MULTIPLIER] = 1 if header.nanoseconds else 1000
            self._interfaces[0, I_SNAPLEN] = self._state[F_SNAPLEN] = header.snaplen or 0
        self._skip = header.length

    @property
    def head(self) -> int:
        """Time of the next packet (ns); only with ``cursor < count``."""
        return int(self.packets[self.cursor]["t"])

    @property
    def offset(self) -> int:
        """Bytes of the file that are done."""
        return self._start + int(self._state[F_POS])

    def refill(self) -> bool:
        """Decode the next batch once this one is used up; say whether there are packets."""
        fill = kernel("fill")
        while self.cursor >= self.count and not self.ended:
            memory = self._memory
            reason, self.count = fill(
                self.buffer, self._end, self._state, self._interfaces, self.packets, memory.fragments, memory.paths,
                memory.path_index, memory.eth_counts, memory.ip_counts, memory.link_counts, memory.st,
            )  # fmt: skip
            self.cursor = 0
            if reason == FILL_LOST:
                self._lose_track()
            elif self.count == 0:
                self._read_on()
        return self.cursor < self.count

    def _read_on(self) -> None:
        """Move what is left of the block to the front and read behind it."""
        done = int(self._state[F_POS])
        left = self._end - done
        self.buffer[:left] = self.buffer[done : self._end]
        self._start += done
        self._state[F_POS] = 0
        self._end = left
        need = int(self._state[F_NEED])
        if need > self.buffer.shape[0]:
            self.buffer = np.concatenate([self.buffer, np.empty(need, np.uint8)])
        got = self.source.readinto(self.buffer[left:].data)
        self._end += got
        if got == 0:
            self.ended = True
            if left:
                self._complete = False
                self._problems.append(
                    Problem(
                        code="cut-short", count=left, detail=f"ends in the middle of a record at byte {self._start}"
                    )
                )
        elif self._skip:
            self._skip_header()

    def _skip_header(self) -> None:
        """Step over the file header; a pipe may deliver it in pieces."""
        step = min(self._skip, self._end)
        self._skip -= step
        self._state[F_POS] = step
        if self._skip:
            self._read_on()

    def _lose_track(self) -> None:
        """Stop at a place where no record can stand, and say where."""
        rest = self._end - int(self._state[F_POS])
        scratch = memoryview(bytearray(1 << 16))
        while got := self.source.readinto(scratch):
            rest += got
        self.ended = True
        self._complete = False
        self._problems.append(
            Problem(
                code="damaged",
                count=rest,
                detail=f"no record at byte {self.offset}; {rest} bytes after it were not read",
            )
        )

    def facts(self) -> FileFacts:
        """Return what reading showed so far."""
        state = self._state
        packets = int(state[F_FRAME])
        words = state[F_LINKS : F_LINKS + 8].tolist()
        links = [number for number in range(512) if words[number >> 6] >> (number & 63) & 1]
        if not links and not state[F_FORMAT]:
            links = [int(self._interfaces[0, I_LINK])]  # a pcap says it once for all, even without packets
        problems = list(self._problems)
        if lost := int(state[F_LOST_PACKETS]):
            problems.append(
                Problem(
                    code="bad-block", count=lost, detail="packet blocks that name no interface or overrun themselves"
                )
            )
        return FileFacts(
            path=self.source.path,
            packets=packets,
            octets=self._start + self._end,
            first=int(state[F_FIRST_T]) if state[F_TIMED] else None,
            last=int(state[F_LAST_T]) if state[F_TIMED] else None,
            link_types=tuple(links),
            snaplen=int(state[F_SNAPLEN]) or None,
            complete=self._complete,
            dropped=int(state[F_DROPPED]) if state[F_DROPPED] >= 0 else None,
            problems=problems,
        )
