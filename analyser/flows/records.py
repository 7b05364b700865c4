"""Flow records as values: a bundle of rows, cut, put together, and merged.

Knows the record layout. It must not know packets, files or tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyser.flows.layout import FLOW, PAYLOAD, SIDE

Rows = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Records:
    """Flows and what belongs to them: ``n`` rows of FLOW, ``2 n`` of SIDE, and the PAYLOAD rows that SIDE points to."""

    flows: Rows
    sides: Rows
    payloads: Rows

    def __len__(self) -> int:
        return int(self.flows.shape[0])

    @classmethod
    def empty(cls) -> Records:
        """Return a bundle without flows."""
        return cls(np.zeros(0, FLOW), np.zeros(0, SIDE), np.zeros(0, PAYLOAD))


def select(records: Records, rows: NDArray[np.int64]) -> Records:
    """Return a copy of the given rows with their payload, in the given order."""
    pairs = np.empty(2 * rows.size, np.int64)
    pairs[0::2] = 2 * rows
    pairs[1::2] = 2 * rows + 1
    sides = records.sides[pairs]
    has = sides["payload"] >= 0
    payloads = records.payloads[sides["payload"][has]]
    sides["payload"][has] = np.arange(payloads.shape[0], dtype=np.int32)
    return Records(records.flows[rows], sides, payloads)


def concatenate(parts: Sequence[Records]) -> Records:
    """Put bundles side by side, without looking whether they hold parts of one flow."""
    if not parts:
        return Records.empty()
    sides = []
    offset = 0
    for part in parts:
        moved = part.sides.copy()
        moved["payload"][moved["payload"] >= 0] += offset
        sides.append(moved)
        offset += part.payloads.shape[0]
    return Records(
        np.concatenate([part.flows for part in parts]),
        np.concatenate(sides),
        np.concatenate([part.payloads for part in parts]),
    )


def merge(parts: Sequence[Records]) -> tuple[Records, dict[int, int]]:
    """Merge bundles that follow one another in time (the earlier first) into one.

    Partial records of one flow become one; a SYN that opens a new connection keeps its own record. Flows come in
    the order of their serial numbers; a merged flow keeps the number of its first part. The second value maps the
    numbers that vanished to those that hold their facts now.
    """
    from analyser.flows.kernel.fold import fold

    whole = concatenate(parts)
    flows = whole.flows
    order = np.lexsort((flows["a0"], flows["a1"], flows["b0"], flows["b1"], flows["k4"])).astype(np.int64)
    target = np.empty(len(whole), np.int64)
    fold(flows, whole.sides, whole.payloads, order, target)
    kept = np.flatnonzero(target == np.arange(len(whole)))
    gone = np.flatnonzero(target != np.arange(len(whole)))
    renamed = dict(zip(flows["serial"][gone].tolist(), flows["serial"][target[gone]].tolist(), strict=True))
    kept = kept[np.argsort(flows["serial"][kept], kind="stable")]
    return select(whole, kept), renamed
