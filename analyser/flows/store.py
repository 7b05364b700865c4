"""Records that had to leave the table: kept on disk, dealt to parts, and given back part by part.

Knows how many bytes stand where in its file. It must not know what the records mean; all that two addresses said to
each other is in one part, so that partial records of one flow meet there again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analyser.flows.layout import FLOW, PAYLOAD, SIDE
from analyser.flows.records import Records, merge

_IN_MEMORY: Final = 1 << 22
"""Bytes up to which nothing is written to disk."""

_COMPACT_FROM: Final = 1 << 29
"""Bytes from which on repeated traffic is merged on disk instead of being kept again and again."""


@dataclass(slots=True)
class _Piece:
    """Records of one part that left the table together."""

    offset: int
    flows: int
    payloads: int


@dataclass(slots=True)
class _Volume:
    """One temporary file and where everything stands in it."""

    file: Any = field(default_factory=lambda: tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115
    pieces: dict[int, list[_Piece]] = field(default_factory=dict)
    octets: int = 0

    def put(self, part: int, arrays: Sequence[NDArray[Any]]) -> None:
        """Append flows, sides and payload rows of one part."""
        self.file.seek(self.octets)
        self.pieces.setdefault(part, []).append(_Piece(self.octets, arrays[0].shape[0], arrays[2].shape[0]))
        for array in arrays:
            self.file.write(array.view(np.uint8).data)
            self.octets += array.nbytes

    def get(self, parts: Sequence[int]) -> Records:
        """Read all of some parts back, their pieces side by side, part by part."""
        pieces = [piece for part in parts for piece in self.pieces.get(part, ())]
        flows = np.empty(sum(piece.flows for piece in pieces), FLOW)
        sides = np.empty(2 * flows.shape[0], SIDE)
        payloads = np.empty(sum(piece.payloads for piece in pieces), PAYLOAD)
        flow = payload = 0
        for piece in pieces:
            self.file.seek(piece.offset)
            mine = sides[2 * flow : 2 * (flow + piece.flows)]
            for array in (flows[flow : flow + piece.flows], mine, payloads[payload : payload + piece.payloads]):
                if array.size:
                    self.file.readinto(array.view(np.uint8).data)
            numbers = mine["payload"]
            numbers[numbers >= 0] += payload
            flow += piece.flows
            payload += piece.payloads
        return Records(flows, sides, payloads)


class Store:
    """Partial records by part, in the order in which they came."""

    def __init__(self) -> None:
        self._volume = _Volume()
        self._compact_at = _COMPACT_FROM
        self._renamed: dict[int, dict[int, int]] = {}

    def __bool__(self) -> bool:
        """Whether anything was put here."""
        return bool(self._volume.pieces)

    @property
    def parts(self) -> list[int]:
        """The numbers of parts that hold records, in order."""
        return sorted(self._volume.pieces)

    def put(self, counts: NDArray[np.int64], bundle: Records) -> None:
        """Take a bundle that is ordered by part: ``counts[part]`` flows and payload rows each.

        Raises :class:`OSError` where the disk is full.
        """
        flow = payload = 0
        for part in np.flatnonzero(counts[:, 0]).tolist():
            flows, payloads = counts[part].tolist()
            arrays = (
                bundle.flows[flow : flow + flows],
                bundle.sides[2 * flow : 2 * (flow + flows)],
                bundle.payloads[payload : payload + payloads],
            )
            self._volume.put(part, arrays)
            flow += flows
            payload += payloads
        if self._volume.octets > self._compact_at:
            self._compact()

    def groups(self, numbers: Sequence[int], least: int) -> Iterator[tuple[int, ...]]:
        """Give the numbers of small parts several at a time, of ``least`` records or more together."""
        group: list[int] = []
        records = 0
        for number in numbers:
            group.append(number)
            records += sum(piece.flows for piece in self._volume.pieces[number])
            if records >= least:
                yield tuple(group)
                group, records = [], 0
        if group:
            yield tuple(group)

    def part(self, *numbers: int) -> tuple[Records, dict[int, int]]:
        """Return the flows of some parts, partial records merged, and :func:`merge`'s second value for them."""
        records, renamed = merge(self._volume.get(numbers))
        before = {gone: stays for number in numbers for gone, stays in self._renamed.get(number, {}).items()}
        return records, before | renamed

    def _compact(self) -> None:
        """Write all anew, every part merged: traffic that comes again and again takes no more room than once."""
        fresh = _Volume()
        for number in self.parts:
            merged, self._renamed[number] = self.part(number)
            fresh.put(number, (merged.flows, merged.sides, merged.payloads))
        self._volume.file.close()
        self._volume = fresh
        self._compact_at = max(_COMPACT_FROM, 2 * fresh.octets)

    def close(self) -> None:
        """Give the disk back."""
        self._volume.file.close()
