"""Flow records packed, as they are kept on disk: how much room they take, and how they are made again.

Knows the record layout and the kernel. It must not know where packed records are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analyser.flows.layout import FLOW, PAYLOAD, SIDE
from analyser.flows.records import Records, words
from analyser.machine.native import kernel

Words = NDArray[np.uint64]

_FLOW_MOST: Final = 1 + (FLOW.itemsize + 2 * SIDE.itemsize) // 8
_PAYLOAD_MOST: Final = 1 + PAYLOAD.itemsize // 8


@dataclass(frozen=True, slots=True)
class Packed:
    """Flow records one behind the other. ``ends``: (n, 2), how many words and payload rows are used behind each flow."""

    words: Words
    ends: NDArray[np.int64]


class Packer:
    """Packs flow records into memory of its own, which the next call uses again."""

    def __init__(self) -> None:
        self._room: Words = np.empty(0, np.uint64)

    def give_back(self) -> None:
        """Give the memory back; what was packed is gone."""
        self._room = np.empty(0, np.uint64)

    def pack(self, records: Records, order: NDArray[np.int64]) -> Packed:
        """Pack the flows at the rows that ``order`` names; afterwards these rows are worth nothing."""
        self._room = roomy(self._room, order.size * _FLOW_MOST + len(records.payloads) * _PAYLOAD_MOST + 1)
        ends = np.empty((order.size, 2), np.int64)
        used, _ = kernel("pack")(
            records.flows, records.sides, words(records.flows), words(records.sides), words(records.payloads), order, ends,
            self._room,
        )  # fmt: skip
        return Packed(self._room[:used], ends)


def roomy(room: Words, most: int) -> Words:
    """Return memory for so many words: ``room`` if it is enough. What nobody writes on takes no memory."""
    return room if room.size >= most else np.empty(1 << most.bit_length(), np.uint64)


def rows_for(flows: int, payloads: int) -> Records:
    """Return room for so many flows and payload rows."""
    return Records(np.empty(flows, FLOW), np.empty(2 * flows, SIDE), np.empty(payloads, PAYLOAD))


def roomy_rows(rows: Records, flows: int, payloads: int) -> Records:
    """Return room for so many flows and payload rows: ``rows`` if they are enough. What nobody writes on takes no memory."""
    if len(rows) >= flows and rows.payloads.shape[0] >= payloads:
        return rows
    return rows_for(1 << flows.bit_length(), 1 << payloads.bit_length())


def unpack(packed: Words, records: Records, first: int, end: int, payloads: int) -> None:
    """Make flows ``first`` to ``end`` (beyond the last) of ``records`` from what was packed, their payload from row ``payloads`` on.

    ``packed`` has one word more behind them.
    """
    kernel("unpack")(
        packed, words(records.flows), words(records.sides), words(records.payloads), records.sides, first, end, payloads
    )
