"""Flows that have been idle longest leave the table: dealt to parts, the rest closed up in place.

Knows the records of ``flows.layout``. It must not know where the parts are kept. What two addresses said to each other
goes to one part, so that all that belongs together can be looked at together later.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.layout import FLOW_IDLE, FLOW_SUPERSEDED, S_FLOWS, S_PAYLOADS
from analyser.machine.loads import inner


@inner
def copy_row(target: Any, to: Any, source: Any, row: Any) -> Any:
    """Copy one record, seen as a row of words."""
    for i in range(source.shape[1]):
        target[to, i] = source[row, i]


def mark_idle(flows: Any, sides: Any, counts: Any, st: Any, cutoff: Any) -> Any:
    """Mark flows whose last packet is not later than ``cutoff`` (ns), and those that no packet can find any more.

    ``counts[part]`` becomes how many flows and payload rows go to each part. Returns how many these are in all.
    """
    found = np.int64(0)
    rows = np.int64(0)
    for n in range(st[S_FLOWS]):
        r = flows[n]
        one = sides[2 * n]
        other = sides[2 * n + 1]
        last = max(one.last_t, other.last_t)
        if one.pkts == 0:
            last = other.last_t
        elif other.pkts == 0:
            last = one.last_t
        if last > cutoff and r.flags & np.uint8(FLOW_SUPERSEDED) == 0:
            continue
        r.flags |= np.uint8(FLOW_IDLE)
        more = np.int64(one.payload >= 0) + np.int64(other.payload >= 0)
        counts[np.int64(r.part), 0] += 1
        counts[np.int64(r.part), 1] += more
        found += 1
        rows += more
    return found, rows


def evict(
    flows: Any, sides: Any, flow_words: Any, side_words: Any, payload_words: Any, moved: Any, places: Any,
    out_flows: Any, out_sides: Any, out_payloads: Any, out_rows: Any, st: Any,
) -> Any:  # fmt: skip
    """Take out the flows that `mark_idle` marked and close up the rest.

    ``…_words`` and ``out_…`` are records seen as rows of 64-bit words (``flows`` and ``sides`` are the same memory as
    their words, ``out_rows`` the payload numbers of ``out_sides``). ``places[part]``: where its next flow and payload row go,
    and its first payload row, from which its rows are counted. ``moved``: scratch, a word per payload row. Returns
    how many flows and payload rows stay.
    """
    for row in range(st[S_PAYLOADS]):
        moved[row] = -1
    kept = np.int64(0)
    for n in range(st[S_FLOWS]):
        r = flows[n]
        if r.flags & np.uint8(FLOW_IDLE):
            r.flags = np.uint8(r.flags & ~np.uint8(FLOW_IDLE))
            place = places[np.int64(r.part)]
            to = place[0]
            place[0] = to + 1
            copy_row(out_flows, to, flow_words, n)
            for i in range(2):
                old = np.int64(sides[2 * n + i].payload)
                copy_row(out_sides, 2 * to + i, side_words, 2 * n + i)
                if old >= 0:
                    copy_row(out_payloads, place[1], payload_words, old)
                    out_rows[2 * to + i].payload = np.int32(place[1] - place[2])
                    place[1] += 1
        else:
            for i in range(2):
                old = np.int64(sides[2 * n + i].payload)
                if old >= 0:
                    moved[old] = 0
                if kept != n:
                    copy_row(side_words, 2 * kept + i, side_words, 2 * n + i)
            if kept != n:
                copy_row(flow_words, kept, flow_words, n)
            kept += 1
    rows = np.int64(0)
    for row in range(st[S_PAYLOADS]):
        if moved[row] == 0:
            if rows != row:
                copy_row(payload_words, rows, payload_words, row)
            moved[row] = rows
            rows += 1
    for n in range(2 * kept):
        old = np.int64(sides[n].payload)
        if old >= 0:
            sides[n].payload = np.int32(moved[old])
    st[S_FLOWS] = kept
    st[S_PAYLOADS] = rows
    return kept, rows
