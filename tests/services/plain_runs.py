"""One side of a stream put in order, a segment at a time: what ``analyser.services.placing`` is held against."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from analyser.services.streams import Mark, Run


class Piece(NamedTuple):
    """One watched segment: its sequence number, and what was kept of its payload (not empty)."""

    seq: int
    data: bytes
    mark: Mark


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
