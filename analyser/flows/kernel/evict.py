"""Flows that have been idle longest leave the table, and those that stay close up.

Knows the records of ``flows.layout``. It must not know where those that leave are kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.layout import FLOW_SUPERSEDED, S_FLOWS, S_PAYLOADS
from analyser.machine.loads import inner


@inner
def move_row(words: Any, to: Any, row: Any) -> Any:
    """Copy one record, seen as a row of words."""
    for i in range(words.shape[1]):
        words[to, i] = words[row, i]


def find_idle(flows: Any, sides: Any, gone: Any, cutoff: Any) -> Any:
    """Find flows whose last packet is not later than ``cutoff`` (ns), and those that no packet can find any more.

    ``gone[row]`` becomes the number of their part + 1, and 0 for the others. Returns how many flows were found.
    """
    found = np.int64(0)
    for n in range(gone.shape[0]):
        one = sides[2 * n]
        other = sides[2 * n + 1]
        last = max(one.last_t, other.last_t)
        if one.pkts == 0:
            last = other.last_t
        elif other.pkts == 0:
            last = one.last_t
        idle = last <= cutoff or flows[n].flags & np.uint8(FLOW_SUPERSEDED) != 0
        gone[n] = np.uint8(idle * (np.int64(flows[n].part) + 1))
        found += np.int64(idle)
    return found, 0


def deal(gone: Any, places: Any, order: Any) -> Any:
    """Put the rows of ``gone`` flows in the order of their parts; ``places[part]``: where its next one goes."""
    for n in range(gone.shape[0]):
        if gone[n]:
            part = np.int64(gone[n]) - 1
            order[places[part]] = n
            places[part] += 1
    return 0, 0


def close_up(sides: Any, flow_words: Any, side_words: Any, payload_words: Any, moved: Any, gone: Any, st: Any) -> Any:
    """Close up the flows that are not ``gone``, and their payload.

    ``…_words`` are records seen as rows of 64-bit words (``sides`` is the same memory as its words). ``moved``: scratch, a word
    per payload row. Returns how many flows and payload rows stay.
    """
    for row in range(st[S_PAYLOADS]):
        moved[row] = -1
    kept = np.int64(0)
    for n in range(gone.shape[0]):
        if gone[n]:
            continue
        for i in range(2):
            old = np.int64(sides[2 * n + i].payload)
            if old >= 0:
                moved[old] = 0
            if kept != n:
                move_row(side_words, 2 * kept + i, 2 * n + i)
        if kept != n:
            move_row(flow_words, kept, n)
        kept += 1
    rows = np.int64(0)
    for row in range(st[S_PAYLOADS]):
        if moved[row] == 0:
            if rows != row:
                move_row(payload_words, rows, row)
            moved[row] = rows
            rows += 1
    for n in range(2 * kept):
        old = np.int64(sides[n].payload)
        if old >= 0:
            sides[n].payload = np.int32(moved[old])
    st[S_FLOWS] = kept
    st[S_PAYLOADS] = rows
    return kept, rows
