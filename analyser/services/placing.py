"""Watched segments of many TCP flows put in order at once.

Knows sequence numbers: repeats, overlaps, gaps, and their wrap. Must not know any protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from analyser.services.byterows import Bools, Index
from analyser.services.streams import PADDING, Streams, running_sum

Numbers = npt.NDArray[np.uint32]
"""TCP sequence numbers, which wrap."""

ORIG: Final = 0
RESP: Final = 1

PLACED: Final = ("serial", *(f"{side}_{name}" for side in ("orig", "resp") for name in ("isn", "nsyn", "nsynack")))
"""Columns of FLOWS by which segments are placed."""

_SLICE: Final = 4_000_000
"""Bytes of payload that become streams at once, unless one flow has more."""

_BESIDE: Final = 64
"""What a segment takes beside its payload, roughly."""

_SOURCE: Final = ("t", "file", "frame", "data")
_APART: Final = 1 << 33
"""More than any two places of one stream can be apart."""


@dataclass(frozen=True, slots=True)
class Segments:
    """The segments of both sides of k flows in the order of side and stream, without what was sent before.

    Side 2i is the initiator of ``serials[i]``, side 2i + 1 its responder. ``row``: the packet's row in ``source``. Of its
    payload the first ``skip`` bytes are left out, and ``size`` bytes, never none, stand at ``at`` of the stream.
    """

    serials: list[int]
    source: pl.DataFrame
    row: Index
    side: Index
    at: Index
    skip: Index
    size: Index

    def only(self, wanted: Bools) -> Segments:
        """Return some of the segments."""
        columns = (column[wanted] for column in (self.row, self.side, self.at, self.skip, self.size))
        return Segments(self.serials, self.source, *columns)

    def ends(self) -> tuple[Bools, Bools]:
        """Say of each segment whether it is the first of its side, and whether it is the last."""
        turn = self.side[1:] != self.side[:-1]
        edge = np.ones(min(len(self.side), 1), dtype=np.bool_)
        return np.concatenate((edge, turn)), np.concatenate((turn, edge))

    def bare(self) -> Index:
        """Return the sides that have no segment."""
        return np.flatnonzero(np.bincount(self.side, minlength=2 * len(self.serials)) == 0)

    def with_heads(self, heads: pl.DataFrame) -> Segments:
        """Return with them first bytes (side, t, file, frame, data; not empty) of sides that have no segment."""
        count, nothing = heads.height, np.zeros(heads.height, dtype=np.int64)
        side = np.concatenate((self.side, heads["side"].to_numpy()))
        order = np.argsort(side, kind="stable")
        source = self.source.select(_SOURCE)
        row = np.concatenate((self.row, np.arange(source.height, source.height + count)))
        size = np.concatenate((self.size, heads["data"].bin.size().cast(pl.Int64).to_numpy()))
        at, skip = np.concatenate((self.at, nothing)), np.concatenate((self.skip, nothing))
        source = pl.concat([source, heads.select(_SOURCE).cast(source.schema)])
        return Segments(self.serials, source, row[order], side[order], at[order], skip[order], size[order])

    def streams(self) -> Iterator[Streams]:
        """Yield the flows that have segments, in slices of bounded size."""
        flow = self.side >> 1
        begins = np.flatnonzero(np.concatenate((np.ones(min(len(flow), 1), dtype=np.bool_), flow[1:] != flow[:-1])))
        cost = running_sum(self.size + _BESIDE)
        first = 0
        while first < len(flow):
            # whole flows only, and at least one
            full = np.searchsorted(cost, cost[first] + _SLICE)
            after = begins[np.searchsorted(begins, full, "right") - 1] if full < len(flow) else len(flow)
            if after <= first:
                behind = np.searchsorted(begins, first, "right")
                after = begins[behind] if behind < len(begins) else len(flow)
            yield self._streams(slice(first, int(after)))
            first = int(after)

    def _streams(self, part: slice) -> Streams:
        side, at, skip, size = self.side[part], self.at[part], self.skip[part], self.size[part]
        flow = side >> 1
        numbers, local = np.unique(flow, return_inverse=True)
        packets = self.source[self.row[part]].select(_SOURCE)
        if skip.any():
            start, length = pl.Series(skip), pl.Series(size)
            packets = packets.with_columns(pl.col("data").bin.slice(start, length))
        ends = at + size
        new = np.ones(len(side), dtype=np.bool_)
        new[1:] = (side[1:] != side[:-1]) | (at[1:] != ends[:-1])
        first = np.flatnonzero(new)
        side = 2 * local + (side & 1)
        return Streams(
            serials=[self.serials[number] for number in numbers.tolist()],
            data=b"".join([*packets["data"].to_list(), bytes(PADDING)]),
            run_side=side[first],
            run_at=at[first],
            run_first=np.append(first, len(side)),
            offsets=running_sum(size),
            at=at,
            **{name: packets[name].cast(pl.Int64).to_numpy() for name in ("t", "file", "frame")},
        )


def place(watched: pl.DataFrame, flows: pl.DataFrame) -> Segments:
    """Put the watched segments of ``flows`` in order.

    Repeated bytes count from their first packet; a stream whose beginning is not known begins with the lowest byte seen.

    Args:
        watched: WATCHED.
        flows: PLACED of rows of FLOWS.
    """
    rows = (
        watched.with_row_index("row")
        .select("row", "serial", "from_orig", "seq", size=pl.col("data").bin.size().cast(pl.Int64))
        .filter(pl.col("size") > 0)
        .join(flows.select("serial").with_row_index("flow"), on="serial", how="inner", maintain_order="left")
    )
    side = 2 * rows["flow"].to_numpy().astype(np.int64) + np.where(rows["from_orig"].to_numpy(), ORIG, RESP)
    seq, size = rows["seq"].to_numpy(), rows["size"].to_numpy()
    at = _distance(_begins(flows, side, seq)[side], seq)
    order = np.argsort(side * _APART + at, kind="stable")
    side, at, size, row = side[order], at[order], size[order], rows["row"].to_numpy().astype(np.int64)[order]
    # how far each side got before a segment: sides are put so far apart that one running maximum serves all
    ends = np.maximum.accumulate(np.maximum(at + size, 0) + side * _APART)
    before = np.maximum(np.concatenate((np.zeros(min(len(ends), 1), dtype=np.int64), ends[:-1])) - side * _APART, 0)
    skip = np.maximum(before - at, 0)
    segments = Segments(flows["serial"].to_list(), watched, row, side, at + skip, skip, size - skip)
    return segments.only(segments.size > 0)


def _begins(flows: pl.DataFrame, side: Index, seq: Numbers) -> Numbers:
    """Return the sequence number of the first byte of each side: behind its SYN, else the lowest of its segments."""
    both = [
        flows.select(
            seq=(pl.col(f"{name}_isn").cast(pl.Int64) + 1) % (1 << 32),
            known=pl.col(f"{name}_nsyn") + pl.col(f"{name}_nsynack") > 0,
        )
        for name in ("orig", "resp")
    ]
    begins = np.stack([item["seq"].to_numpy() for item in both], axis=1).ravel().astype(np.uint32)
    known = np.stack([item["known"].to_numpy() for item in both], axis=1).ravel()
    unknown = np.flatnonzero(~known[side])
    if len(unknown):
        # which of them is lowest is told from any one of them: here the one that came first
        side, seq = side[unknown], seq[unknown]
        begins[side[::-1]] = seq[::-1]
        lowest = np.zeros(len(begins), dtype=np.int64)
        np.minimum.at(lowest, side, _distance(begins[side], seq))
        begins += lowest.astype(np.uint32)
    return begins


def _distance(base: Numbers, seq: Numbers) -> Index:
    """Return how far sequence numbers are from ``base``, modulo 2^32, forward or back."""
    return (seq - base).view(np.int32).astype(np.int64)
