"""Records that had to leave the table: kept on disk, dealt to parts, and given back part by part.

Knows how many bytes stand where in its file. It must not know what the records mean; all that two addresses said to
each other is in one part, so that partial records of one flow meet there again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from analyser.flows.packing import Packed, Packer, Words, roomy, roomy_rows, rows_for, unpack
from analyser.flows.records import Records, merge

_IN_MEMORY: Final = 1 << 20
"""Bytes up to which nothing is written to disk."""

_AT_ONCE: Final = 1 << 13
"""Words written at once: Linux takes fresh pages for large writes, which cost several times as much as those it has at hand."""

_COMPACT_FROM: Final = 1 << 28
"""Bytes from which on repeated traffic is merged on disk instead of being kept again and again."""


@dataclass(slots=True)
class _Piece:
    """Records of one part that left the table together. ``offset`` in bytes, ``words`` of 8 bytes."""

    offset: int
    words: int
    flows: int
    payloads: int


@dataclass(slots=True)
class _Volume:
    """One temporary file and where everything stands in it."""

    file: Any = field(default_factory=lambda: tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115
    pieces: dict[int, list[_Piece]] = field(default_factory=dict)
    octets: int = 0

    def put(self, counts: Mapping[int, int], packed: Packed) -> None:
        """Append flows that are in the order of their parts; ``counts`` says how many are of each."""
        last = np.cumsum(list(counts.values())) - 1
        before = (0, 0)
        for (part, flows), end in zip(counts.items(), packed.ends[last].tolist(), strict=True):
            offset = self.octets + 8 * before[0]
            self.pieces.setdefault(part, []).append(_Piece(offset, end[0] - before[0], flows, end[1] - before[1]))
            before = end
        self.file.seek(self.octets)
        for at in range(0, packed.words.size, _AT_ONCE):
            self.file.write(packed.words[at : at + _AT_ONCE].data)
        self.octets += packed.words.nbytes

    def get(self, parts: Sequence[int], room: Words, into: Records | None) -> Records:
        """Read all of some parts back, their pieces side by side, part by part.

        ``room`` is for the words of the largest piece and one more. ``into``, where it is given, has room for all of these records.
        """
        pieces = self.of(parts)
        flows, payloads = _sizes(pieces)
        if into is None:
            into = rows_for(flows, payloads)
        records = Records(into.flows[:flows], into.sides[: 2 * flows], into.payloads[:payloads])
        flow = payload = 0
        for piece in pieces:
            self.file.seek(piece.offset)
            self.file.readinto(room[: piece.words].data)
            unpack(room, records, flow, flow + piece.flows, payload)
            flow += piece.flows
            payload += piece.payloads
        return records

    def of(self, parts: Sequence[int]) -> list[_Piece]:
        """Return the pieces of some parts."""
        return [piece for part in parts for piece in self.pieces.get(part, ())]


def _sizes(pieces: Sequence[_Piece]) -> tuple[int, int]:
    return sum(piece.flows for piece in pieces), sum(piece.payloads for piece in pieces)


class Store:
    """Partial records by part, in the order in which they came. ``packer``: whose memory is free once what it packed was put."""

    def __init__(self, packer: Packer) -> None:
        self._volume = _Volume()
        self._compact_at = _COMPACT_FROM
        self._renamed: dict[int, dict[int, int]] = {}
        self._room: Words = np.empty(0, np.uint64)
        self._packer = packer
        # Kept from one time to the next: taken anew each time it would leave gaps that nothing else fits.
        self._rows = rows_for(0, 0)

    def __bool__(self) -> bool:
        """Whether anything was put here."""
        return bool(self._volume.pieces)

    @property
    def parts(self) -> list[int]:
        """The numbers of parts that hold records, in order."""
        return sorted(self._volume.pieces)

    def put(self, counts: Mapping[int, int], packed: Packed) -> None:
        """Take flows that are in the order of their parts; ``counts`` says how many are of each.

        Raises :class:`OSError` where the disk is full.
        """
        self._volume.put(counts, packed)
        if self._volume.octets > self._compact_at:
            self._compact()

    def groups(self, numbers: Sequence[int], least: int) -> Iterator[tuple[int, ...]]:
        """Give the numbers of small parts several at a time, of ``least`` records or more together."""
        group: list[int] = []
        records = 0
        for number in numbers:
            group.append(number)
            records += _sizes(self._volume.of([number]))[0]
            if records >= least:
                yield tuple(group)
                group, records = [], 0
        if group:
            yield tuple(group)

    def part(self, *numbers: int, into: Records | None = None) -> tuple[Records, dict[int, int]]:
        """Return the flows of some parts, partial records merged, and :func:`merge`'s second value for them.

        ``into``: room that they may have; without it they are in memory of their own.
        """
        needed = max((piece.words for piece in self._volume.of(numbers)), default=0) + 1
        self._room = roomy(self._room, needed)
        records, renamed = merge(self._volume.get(numbers, self._room, into))
        before = {gone: stays for number in numbers for gone, stays in self._renamed.get(number, {}).items()}
        return records, before | renamed

    def _compact(self) -> None:
        """Write all anew, every part merged: traffic that comes again and again takes no more room than once."""
        fresh = _Volume()
        sizes = [_sizes(self._volume.of([number])) for number in self.parts]
        self._rows = roomy_rows(self._rows, max(flows for flows, _ in sizes), max(payloads for _, payloads in sizes))
        for number in self.parts:
            merged, self._renamed[number] = self.part(number, into=self._rows)
            fresh.put({number: len(merged)}, self._packer.pack(merged, np.arange(len(merged))))
        self._volume.file.close()
        self._volume = fresh
        self._compact_at = max(_COMPACT_FROM, 2 * fresh.octets)

    def close(self) -> None:
        """Give the disk back."""
        self._volume.file.close()
