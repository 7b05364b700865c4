"""Watched TCP payload put back in order: the runs of bytes that a side sent, and the packet that carried each byte.

Knows sequence numbers; must not know any protocol.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final, NamedTuple

import polars as pl

_SLICE: Final = 4096


class Mark(NamedTuple):
    """The packet that carried a byte: time (ns), index of its file, frame number."""

    t: int
    file: int
    frame: int


NOWHERE: Final = Mark(0, 0, 0)
"""The mark of what was not seen."""


class Piece(NamedTuple):
    """One watched segment: its sequence number, and what was kept of its payload (not empty)."""

    seq: int
    data: bytes
    mark: Mark


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
        for start, end, mark in self.packets():
            if end - self.start > offset:
                rest.add(bytes(self.data[max(start - self.start, offset) : end - self.start]), mark)
        return rest

    def packets(self) -> Iterator[tuple[int, int, Mark]]:
        """Yield where each packet's bytes begin and end in the stream, and the packet."""
        ends = [*self.starts[1:], len(self.data)]
        for start, end, mark in zip(self.starts, ends, self.marks, strict=True):
            yield self.start + start, self.start + end, mark

    def add(self, data: bytes, mark: Mark) -> None:
        """Append the bytes of the next packet."""
        self.starts.append(len(self.data))
        self.marks.append(mark)
        self.data += data


def runs(pieces: Sequence[Piece], first_seq: int | None) -> list[Run]:
    """Put the segments of one side in order.

    Args:
        pieces: in time order; repeated bytes count from their first packet.
        first_seq: sequence number of the first byte of the stream (the SYN's plus one), or None if unknown.

    Returns:
        Runs in stream order, none of them empty.
    """
    if not pieces:
        return []
    base = first_seq if first_seq is not None else _lowest(pieces)
    placed = [(_distance(base, piece.seq), piece) for piece in pieces]
    placed.sort(key=itemgetter(0))
    found: list[Run] = []
    end = -1
    for at, piece in placed:
        skip = max(end - at, 0) if found else max(-at, 0)
        data = piece.data[skip:] if skip else piece.data
        if not data:
            continue
        if at + skip != end:
            found.append(Run(start=at + skip))
        found[-1].add(data, piece.mark)
        end = at + skip + len(data)
    return found


def _distance(base: int, seq: int) -> int:
    """Signed distance between sequence numbers, modulo 2^32."""
    return (seq - base + 0x8000_0000) % 0x1_0000_0000 - 0x8000_0000


def _lowest(pieces: Sequence[Piece]) -> int:
    anchor = pieces[0].seq
    return (anchor + min(_distance(anchor, piece.seq) for piece in pieces)) % 0x1_0000_0000


class Conversation(NamedTuple):
    """What was watched of both sides of one flow."""

    serial: int
    orig: list[Run]
    resp: list[Run]


class Refusal(NamedTuple):
    """The last answer of an application, when it is a no: its code and the packet that carried it."""

    code: str
    mark: Mark


def conversations(watched: pl.DataFrame, flows: pl.DataFrame) -> Iterator[Conversation]:
    """Yield the watched TCP flows of ``flows`` one by one, in the order of their serials.

    Args:
        watched: WATCHED.
        flows: rows of FLOWS that are wanted; needs serial, and isn, nsyn or nsynack of both sides.
    """
    chosen = flows.select(
        "serial",
        pl.when(pl.col("orig_nsyn") + pl.col("orig_nsynack") > 0).then(pl.col("orig_isn")).alias("orig_isn"),
        pl.when(pl.col("resp_nsyn") + pl.col("resp_nsynack") > 0).then(pl.col("resp_isn")).alias("resp_isn"),
    )
    rows = watched.join(chosen, on="serial", how="inner").sort("serial", "t", "file", "frame").select(_COLUMNS)
    serial: int | None = None
    orig: list[Piece] = []
    resp: list[Piece] = []
    orig_isn: int | None = None
    resp_isn: int | None = None
    # a slice at a time: the bytes of a whole capture never become Python objects at once
    for part in rows.iter_slices(_SLICE):
        for row_serial, t, file, frame, from_orig, seq, data, row_orig_isn, row_resp_isn in part.iter_rows():
            if row_serial != serial:
                if serial is not None:
                    yield Conversation(serial, runs(orig, _following(orig_isn)), runs(resp, _following(resp_isn)))
                serial, orig, resp, orig_isn, resp_isn = row_serial, [], [], row_orig_isn, row_resp_isn
            if data:
                (orig if from_orig else resp).append(Piece(seq, data, Mark(t, file, frame)))
    if serial is not None:
        yield Conversation(serial, runs(orig, _following(orig_isn)), runs(resp, _following(resp_isn)))


def _following(isn: int | None) -> int | None:
    return None if isn is None else (isn + 1) % 0x1_0000_0000


_COLUMNS: Final = ("serial", "t", "file", "frame", "from_orig", "seq", "data", "orig_isn", "resp_isn")
