"""Watched TCP payload in order: the runs of bytes that a side sent, and the packet that carried each byte.

Two views of the same: ``Conversation``, one flow at a time for readers of dialogues, and ``Streams``, many flows as
arrays. How segments are put in order is known by ``placing``; no protocol is known here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from analyser.services.byterows import Index

PADDING: Final = 8
"""Zeros behind the bytes of all streams, so that a fixed header can be read from the last byte on."""


class Mark(NamedTuple):
    """The packet that carried a byte: time (ns), index of its file, frame number."""

    t: int
    file: int
    frame: int


@dataclass(slots=True)
class Run:
    """Bytes without a gap. ``start`` counts from the first byte of the stream (or of what was watched of it)."""

    start: int
    data: bytearray = field(default_factory=bytearray)
    starts: list[int] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def mark(self, offset: int) -> Mark:
        """Return the packet that first carried the byte at ``offset`` of this run."""
        return self.marks[max(bisect_right(self.starts, offset) - 1, 0)]

    def tail(self, offset: int) -> Run:
        """Return the bytes from ``offset`` on as the beginning of a stream of its own."""
        rest = Run(start=0)
        for data, mark in self.pieces(offset, len(self.data)):
            rest.add(data, mark)
        return rest

    def pieces(self, begin: int, end: int) -> Iterator[tuple[bytes, Mark]]:
        """Yield the bytes from ``begin`` to ``end`` of this run as its packets carried them."""
        for start, after, mark in self.packets():
            first, last = max(start - self.start, begin), min(after - self.start, end)
            if first < last:
                yield bytes(self.data[first:last]), mark

    def packets(self) -> Iterator[tuple[int, int, Mark]]:
        """Yield where each packet's bytes begin and end in the stream, and the packet."""
        ends = [*self.starts, len(self.data)][1:]
        for start, end, mark in zip(self.starts, ends, self.marks, strict=True):
            yield self.start + start, self.start + end, mark

    def add(self, data: bytes, mark: Mark) -> None:
        """Append the bytes of the next packet."""
        self.starts.append(len(self.data))
        self.marks.append(mark)
        self.data += data


class Conversation(NamedTuple):
    """What was watched of both sides of one flow."""

    serial: int
    orig: list[Run]
    resp: list[Run]


class Refusal(NamedTuple):
    """The last answer of an application, when it is a no: its code and the packet that carried it."""

    code: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Streams:
    """Both sides of k flows as arrays: r runs, and m segments in the order of the runs.

    Side 2i is the initiator of flow i, side 2i + 1 its responder; runs stand in the order of side and stream. ``data``:
    the bytes of all segments, one behind the other, then ``PADDING`` zeros. No segment is empty.
    """

    serials: list[int]
    data: bytes
    run_side: Index
    run_at: Index  # where the run begins in its stream
    run_first: Index  # (r + 1) its first segment
    offsets: Index  # (m + 1) where each segment begins in ``data``
    at: Index  # (m) where it begins in its stream
    t: Index  # (m) the packet that carried it
    file: Index
    frame: Index

    def conversations(self) -> Iterator[Conversation]:
        """Yield the flows one by one."""
        sides: list[list[Run]] = [[] for _ in range(2 * len(self.serials))]
        offsets = self.offsets.tolist()
        marks = list(map(Mark, self.t.tolist(), self.file.tolist(), self.frame.tolist()))
        places = zip(self.run_side.tolist(), self.run_at.tolist(), pairwise(self.run_first.tolist()), strict=True)
        for side, start, (first, last) in places:
            begin = offsets[first]
            starts = [offset - begin for offset in offsets[first:last]]
            sides[side].append(Run(start, bytearray(self.data[begin : offsets[last]]), starts, marks[first:last]))
        return map(Conversation, self.serials, sides[::2], sides[1::2])


def packed(conversations: Sequence[Conversation]) -> Streams:
    """Return conversations as arrays."""
    sides = [side for conversation in conversations for side in (conversation.orig, conversation.resp)]
    runs = [(number, run) for number, side in enumerate(sides) for run in side]
    packets = [packet for _, run in runs for packet in run.packets()]
    spans = np.array([packet[:2] for packet in packets], dtype=np.int64).reshape(-1, 2)
    marks = np.array([packet[2] for packet in packets], dtype=np.int64).reshape(-1, 3)
    return Streams(
        serials=[conversation.serial for conversation in conversations],
        data=b"".join([*(run.data for _, run in runs), bytes(PADDING)]),
        run_side=np.array([number for number, _ in runs], dtype=np.int64),
        run_at=np.array([run.start for _, run in runs], dtype=np.int64),
        run_first=running_sum(np.array([len(run.marks) for _, run in runs], dtype=np.int64)),
        offsets=running_sum(spans[:, 1] - spans[:, 0]),
        at=spans[:, 0],
        t=marks[:, 0],
        file=marks[:, 1],
        frame=marks[:, 2],
    )


def running_sum(sizes: Index) -> Index:
    """Return where each of n things begins that stand one behind the other, and where the last ends (n + 1)."""
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(sizes)))
