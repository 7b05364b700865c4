"""Watched segments of made TCP streams: cut anywhere, lost, repeated, overlapping and out of order."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl
from hypothesis import strategies as st

from analyser.services.streams import Conversation, Mark
from analyser.tables import FLOWS, WATCHED
from tests.services.made import START, flow
from tests.services.plain_runs import Piece, runs


class Sent(NamedTuple):
    """What was watched of one side in the order of time, and the sequence number of its first byte, if known."""

    pieces: list[Piece]
    first_seq: int | None


@st.composite
def sent(draw: st.DrawFn, data: bytes) -> Sent:
    """Segments of a stream, in a capture that may have lost and repeated some."""
    first = draw(st.sampled_from([0, 1, 5000, 2**31, 2**32 - 40, 2**32 - 1]))
    cuts = sorted({0, len(data), *draw(st.lists(st.integers(0, len(data)), max_size=6))})
    spans = list(itertools.pairwise(cuts))
    if draw(st.booleans()):
        more = st.tuples(st.integers(-3, len(data)), st.integers(0, 60))
        spans += [(start, start + size) for start, size in draw(st.lists(more, max_size=3))]
        spans = draw(st.permutations(spans))
        spans = spans[draw(st.integers(0, 1)) :]
    frames = draw(st.permutations(range(len(spans)))) if draw(st.booleans()) else range(len(spans))
    late = draw(st.integers(0, 3))
    pieces = [
        Piece((first + start) % 2**32, _cut(data, start, end), Mark(START + 10 * (late + frame), frame % 2, frame + 1))
        for (start, end), frame in zip(spans, frames, strict=True)
    ]
    return Sent(sorted(pieces, key=lambda piece: piece.mark), first if draw(st.booleans()) else None)


def _cut(data: bytes, start: int, end: int) -> bytes:
    return bytes(max(-start, 0)) + data[max(start, 0) : max(end, 0)]


def tables(talks: Sequence[tuple[Sent, Sent]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return FLOWS and WATCHED of conversations, flow by flow; their serials run backwards from 100."""
    flows, watched = [], []
    for number, talk in enumerate(talks):
        serial = 100 - number
        facts: dict[str, object] = {}
        for side, (pieces, first_seq) in zip(("orig", "resp"), talk, strict=True):
            facts[f"{side}_nsyn"], facts[f"{side}_nsynack"] = int(first_seq is not None), 0
            facts[f"{side}_isn"] = (first_seq - 1) % 2**32 if first_seq is not None else 0
            watched += [(serial, *mark, side == "orig", seq, 0, len(data), data or None) for seq, data, mark in pieces]
        flows.append(flow(serial, **facts))
    return (
        pl.DataFrame(flows, schema=FLOWS),
        pl.DataFrame(watched, schema=WATCHED, orient="row").sort("t", "file", "frame", maintain_order=True),
    )


def plain(talks: Sequence[tuple[Sent, Sent]]) -> list[Conversation]:
    """Return the same conversations, put in order a segment at a time."""
    return [
        Conversation(
            100 - number, *(runs([piece for piece in side.pieces if piece.data], side.first_seq) for side in talk)
        )
        for number, talk in enumerate(talks)
    ]
