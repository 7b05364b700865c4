"""Flow records as values: a bundle of rows, cut, put together, and merged.

Knows the record layout. It must not know packets, files or tables. Numpy copies records field by field, ten
times as slow as it could: rows are picked by ``take`` and ``compress`` and copied as ``plain`` ones, wherever records are read.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analyser.flows.layout import FLOW, PAYLOAD, SIDE
from analyser.machine.native import kernel

Rows = NDArray[Any]

_AT_ONCE: Final = 1 << 10


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


def plain(rows: Rows) -> Rows:
    """Return the same memory as rows without fields, to be copied as they are."""
    return rows.view(np.dtype((np.void, rows.dtype.itemsize)))


def words(rows: Rows) -> NDArray[np.uint64]:
    """Return the same memory as rows of 64-bit words."""
    return rows.view(np.uint64).reshape(rows.shape[0], rows.dtype.itemsize // 8)


def joined(parts: Sequence[Rows]) -> Rows:
    """Return rows of one kind one behind the other; at least one part is needed."""
    return np.concatenate([plain(part) for part in parts]).view(parts[0].dtype)


def select(records: Records, rows: NDArray[np.int64]) -> Records:
    """Return a copy of the given rows with their payload, in the given order."""
    pairs = np.empty(2 * rows.size, np.int64)
    pairs[0::2] = 2 * rows
    pairs[1::2] = 2 * rows + 1
    sides = records.sides.take(pairs)
    has = sides["payload"] >= 0
    payloads = records.payloads.take(sides["payload"][has])
    sides["payload"][has] = np.arange(payloads.shape[0], dtype=np.int32)
    return Records(records.flows.take(rows), sides, payloads)


def concatenate(parts: Sequence[Records]) -> Records:
    """Put bundles side by side, without looking whether they hold parts of one flow."""
    if not parts:
        return Records.empty()
    sides = joined([part.sides for part in parts])
    row = offset = 0
    for part in parts:
        payload = sides["payload"][row : row + part.sides.shape[0]]
        payload[payload >= 0] += offset
        row += part.sides.shape[0]
        offset += part.payloads.shape[0]
    return Records(joined([part.flows for part in parts]), sides, joined([part.payloads for part in parts]))


def merge(whole: Records) -> tuple[Records, dict[int, int]]:
    """Make one record of the partial records of each flow, of which the earlier stand first. Changes ``whole``.

    A SYN that opens a new connection keeps its own record. A merged flow keeps the number and place of its first part.
    The second value maps the numbers that vanished to those that hold their facts now, as far as anything beside the
    flow (watched bytes, ICMP errors) goes by them.
    """
    flows = whole.flows
    target = np.empty(len(whole), np.int64)
    index = np.zeros(1 << (2 * len(whole) + 1).bit_length(), np.uint64)
    stay, _ = kernel("fold")(flows, whole.sides, whole.payloads, index, target, secrets.randbits(62))
    if stay == len(whole):
        return whole, {}
    vanished = target != np.arange(len(whole))
    gone = np.flatnonzero(vanished)
    gone = gone[(flows["watched0"][gone] | flows["watched1"][gone] | flows["icmp"][gone]) > 0]
    renamed = dict(zip(flows["serial"][gone].tolist(), flows["serial"][target[gone]].tolist(), strict=True))
    return _closed_up(whole, np.flatnonzero(~vanished)), renamed


def _closed_up(records: Records, rows: NDArray[np.int64]) -> Records:
    """Return only the given rows, which ascend, moved together in place: a copy would need all the memory twice."""
    flows, pairs = records.flows, records.sides.reshape(-1, 2)
    for at in range(0, rows.size, _AT_ONCE):
        part = rows[at : at + _AT_ONCE]
        flows[at : at + part.size] = flows.take(part)
        pairs[at : at + part.size] = pairs.take(part, axis=0)
    return Records(flows[: rows.size], records.sides[: 2 * rows.size], records.payloads)
