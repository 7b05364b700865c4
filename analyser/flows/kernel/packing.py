"""Flow records as they are stored: without the words that are zero, about half of them in most flows.

Knows how many words a record of ``flows.layout`` has, and which number leads to its payload. It must not know what else they
mean, nor where the packed ones are kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.layout import FLOW, PAYLOAD, SIDE
from analyser.machine.loads import inner, prefetch

U = np.uint64
_FLOW_WORDS = FLOW.itemsize // 8
_SIDE_WORDS = SIDE.itemsize // 8
_PAYLOAD_WORDS = PAYLOAD.itemsize // 8
_AHEAD = 6  # rows that are fetched before their turn


@inner
def pack_row(rows: Any, row: Any, count: Any, first: Any, bits: Any, out: Any, at: Any) -> Any:
    """Append the words of a row that are not zero; return where the next goes, and ``bits`` with theirs set from ``first`` on."""
    for i in range(count):
        word = rows[row, i]
        out[at] = word
        some = np.int64(word != U(0))
        at += some
        bits |= U(some) << U(first + i)
    return at, bits


@inner
def unpack_row(rows: Any, row: Any, count: Any, bits: Any, packed: Any, at: Any) -> Any:
    """Make one row again as `pack_row` left it, at ``at``; return where the next begins, and the bits of others."""
    for i in range(count):
        some = bits & U(1)
        rows[row, i] = packed[at] * some
        at += np.int64(some)
        bits = bits >> U(1)
    return at, bits


def pack(
    flows: Any, sides: Any, flow_words: Any, side_words: Any, payload_words: Any, order: Any, ends: Any, out: Any
) -> Any:  # fmt: skip
    """Pack the flows whose rows ``order`` names, one behind the other, each with its sides and their payload.

    ``…_words`` are records seen as rows of 64-bit words (``flows`` and ``sides`` are the same memory as theirs); of the sides
    packed the number that leads to their payload is lost. ``ends[place]`` becomes how many words of ``out`` and how many payload rows are
    used behind the flow at this place of ``order``; ``out`` has room for all of it and one word more. Returns the last of both.
    """
    at = np.int64(0)
    payloads = np.int64(0)
    last = order.shape[0] - 1
    for place in range(order.shape[0]):
        coming = order[min(place + _AHEAD, last)]
        prefetch(flows, coming)
        prefetch(sides, 2 * coming)
        prefetch(sides, 2 * coming + 1)
        row = order[place]
        one = np.int64(sides[2 * row].payload)
        other = np.int64(sides[2 * row + 1].payload)
        sides[2 * row].payload = np.int32(one >= 0)
        sides[2 * row + 1].payload = np.int32(other >= 0)
        head = at
        at, bits = pack_row(flow_words, row, _FLOW_WORDS, 0, U(0), out, at + 1)
        at, bits = pack_row(side_words, 2 * row, _SIDE_WORDS, _FLOW_WORDS, bits, out, at)
        at, bits = pack_row(side_words, 2 * row + 1, _SIDE_WORDS, _FLOW_WORDS + _SIDE_WORDS, bits, out, at)
        out[head] = bits
        for side in range(2):
            old = one if side == 0 else other
            if old >= 0:
                head = at
                at, bits = pack_row(payload_words, old, _PAYLOAD_WORDS, 0, U(0), out, at + 1)
                out[head] = bits
                payloads += 1
        ends[place, 0] = at
        ends[place, 1] = payloads
    return at, payloads


def unpack(
    packed: Any, flow_words: Any, side_words: Any, payload_words: Any, sides: Any, first: Any, end: Any, payloads: Any
) -> Any:  # fmt: skip
    """Make the flows ``first`` to ``end`` (beyond the last) from what `pack` wrote; arrays as there.

    ``packed`` has a word behind the last flow; ``payloads`` rows are in use before. Returns how many of its words were read,
    and how many payload rows are in use then.
    """
    at = np.int64(0)
    for row in range(first, end):
        at, bits = unpack_row(flow_words, row, _FLOW_WORDS, packed[at], packed, at + 1)
        at, bits = unpack_row(side_words, 2 * row, _SIDE_WORDS, bits, packed, at)
        at, _ = unpack_row(side_words, 2 * row + 1, _SIDE_WORDS, bits, packed, at)
        for side in range(2):
            if sides[2 * row + side].payload != 0:
                at, _ = unpack_row(payload_words, payloads, _PAYLOAD_WORDS, packed[at], packed, at + 1)
                sides[2 * row + side].payload = np.int32(payloads)
                payloads += 1
            else:
                sides[2 * row + side].payload = np.int32(-1)
    return at, payloads
