"""What flows without a label have in common: groups by port and beginning, and the bytes that stay the same.

Knows first bytes; must not know how groups are shown. Names and passwords that people chose must not leave a capture. Several
flows may share one, so being the same is not enough: see ``_told``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import polars as pl

from analyser.model.learnt import Group, Masked, Side
from analyser.model.service import Basis

ENOUGH: Final = 3
"""Flows in which a byte must be the same to be told."""

FAR: Final = 16
"""Bytes from the beginning that are told at most, where several senders agree; else CLOSE, and no letter."""

CLOSE: Final = 4
"""Letters and digits are told only so far from the beginning: protocols begin with a mark, people's words come later."""

MOST_GROUPS: Final = 500
_MOST_HEAPS: Final = 20_000
_MOST_ENDS: Final = 1000
_SEVERAL: Final = 2
_BEGINNING: Final = 2

_ORDERS: Final[tuple[Literal["big", "little"], ...]] = ("big", "little")
_FIELDS: Final = tuple(
    (width, order, at) for width in (4, 2, 1) for order in (_ORDERS if width > 1 else _ORDERS[:1]) for at in range(8)
)
"""Where a length may stand: its width in bytes, their order, its place."""
_MOST_BESIDE: Final = 16
"""Bytes that a length leaves out at most: its own header."""

Field = tuple[int, Literal["big", "little"], int]

_COLUMNS: Final = ("proto", "id.resp_p", *(f"{side}_{fact}" for side in ("orig", "resp") for fact in ("payload", "bytes", "data_t")),
                   "id.orig_h", "id.resp_h")  # fmt: skip


@dataclass(slots=True)
class _Common:
    """What one side's beginnings have in common so far; beginnings come one by one and are not kept."""

    flows: int = 0
    senders: set[str] = field(default_factory=set)
    same: list[int | None] = field(default_factory=list)
    letters: int = 0
    octets: int = 0
    sizes: set[int] = field(default_factory=set)  # a few, to see whether they differ
    shortest: int = 0
    longest: int = 0
    whole: int = 0
    lengths: dict[Field, int] | None = None  # what stands there, less than the size by so many bytes

    def add(self, data: bytes, size: int, sender: str) -> None:
        """Add a beginning, how many bytes were sent in all, and who sent them."""
        lengths = _lengths(data, size) if len(data) == size else None
        self._take(1, {sender}, list(data[:FAR]), size, size, {size}, int(lengths is not None), lengths)
        self.letters += sum(0x20 <= byte < 0x7F or byte in (9, 10, 13) for byte in data)
        self.octets += len(data)

    def join(self, other: _Common) -> None:
        """Add what others have in common."""
        if other.flows:
            self._take(
                other.flows,
                other.senders,
                other.same,
                other.shortest,
                other.longest,
                other.sizes,
                other.whole,
                other.lengths,
            )
            self.letters += other.letters
            self.octets += other.octets

    def _take(
        self, flows: int, senders: set[str], same: list[int | None] | list[int], shortest: int, longest: int, sizes: set[int],
        whole: int, lengths: dict[Field, int] | None,
    ) -> None:  # fmt: skip
        first = not self.flows
        self.same = list(same) if first else [a if a == b else None for a, b in zip(self.same, same, strict=False)]
        self.shortest = shortest if first else min(self.shortest, shortest)
        self.longest = max(self.longest, longest)
        self.flows += flows
        self.whole += whole
        self.senders.update(list(senders)[: _SEVERAL - len(self.senders)])
        self.sizes.update(list(sizes - self.sizes)[: ENOUGH - len(self.sizes)])
        if self.lengths is None or lengths is None:
            self.lengths = lengths if self.lengths is None else self.lengths
        else:
            self.lengths = {place: rest for place, rest in self.lengths.items() if lengths.get(place) == rest}

    def side(self) -> Side | None:
        """Return what may be told of it; None where nothing was sent."""
        if not self.flows:
            return None
        return Side(
            flows=self.flows, shown=self._told(), text=self.letters > 0.9 * self.octets, shortest=self.shortest,
            longest=self.longest, length=self._length(),
        )  # fmt: skip

    def _told(self) -> Masked:
        """Return the bytes that are the same, without those that may be words of people.

        A password may be shared by all, and a server's name is the same in each of its answers. So letters and digits are told
        only of a mark that a stream begins with, and only where several senders agree; of one sender nothing but a few other
        bytes is.
        """
        if self.flows < ENOUGH:
            return ()
        several = len(self.senders) >= _SEVERAL
        same = self.same[: FAR if several else CLOSE]
        mark = next((at for at, byte in enumerate(same) if byte is None or not _is_letter(byte)), len(same))
        told = [
            byte if byte is not None and (not _is_letter(byte) or (several and at < min(mark, CLOSE))) else None
            for at, byte in enumerate(same)
        ]
        while told and told[-1] is None:
            told.pop()
        return tuple(told)

    def _length(self) -> str | None:
        """Return where a number stands that is always the number of bytes sent, or less by the same; None if nowhere."""
        if self.whole < ENOUGH or len(self.sizes) < ENOUGH or not self.lengths:
            return None
        width, order, at = min(self.lengths, key=_FIELDS.index)
        kind = f"{8 * width} bits" + (f", {order}-endian" if width > 1 else "")
        return f"{kind}, at byte {at}: length of all but {self.lengths[width, order, at]} bytes"


def _is_letter(byte: int) -> bool:
    return byte >= 0x80 or chr(byte).isalnum()  # beyond ASCII it may be one, too


def _lengths(data: bytes, size: int) -> dict[Field, int]:
    """Return the places at which a number stands that is ``size`` or a few less, and how many less."""
    found = {}
    for width, order, at in _FIELDS:
        rest = size - int.from_bytes(data[at : at + width], order)
        if at + width <= len(data) and 0 <= rest <= _MOST_BESIDE:
            found[width, order, at] = rest
    return found


@dataclass(slots=True)
class _Heap:
    """Flows to one port that begin alike."""

    flows: int = 0
    first: int = 0  # how many more of them the initiator began than the responder
    initiators: set[str] = field(default_factory=set)
    responders: set[str] = field(default_factory=set)
    orig: _Common = field(default_factory=_Common)
    resp: _Common = field(default_factory=_Common)

    def add(self, row: dict[str, Any]) -> None:
        """Add one flow."""
        self.flows += 1
        asked, answered = row["orig_data_t"], row["resp_data_t"]
        self.first += 1 if asked and (not answered or asked <= answered) else -1
        self._meet([row["id.orig_h"]], [row["id.resp_h"]])
        for common, side, sender in ((self.orig, "orig", "id.orig_h"), (self.resp, "resp", "id.resp_h")):
            if row[f"{side}_payload"]:
                common.add(row[f"{side}_payload"], row[f"{side}_bytes"], row[sender])

    def join(self, other: _Heap) -> None:
        """Add the flows of another heap."""
        self.flows += other.flows
        self.first += other.first
        self._meet(other.initiators, other.responders)
        self.orig.join(other.orig)
        self.resp.join(other.resp)

    def _meet(self, initiators: Iterable[str], responders: Iterable[str]) -> None:
        for known, new in ((self.initiators, initiators), (self.responders, responders)):
            if len(known) < _MOST_ENDS:
                known.update(new)

    def group(self, transport: str, port: int) -> Group:
        """Return what these flows have in common."""
        return Group(
            transport=transport, port=port, flows=self.flows, initiators=len(self.initiators),
            responders=len(self.responders), first="initiator" if self.first >= 0 else "responder", orig=self.orig.side(),
            resp=self.resp.side(),
        )  # fmt: skip


Key = tuple[str, int, bytes, bytes]
"""Transport, responder's port, how the initiator begins; how the responder does only where the initiator is silent."""


class Learner:
    """Collects flows without a label, part by part, in bounded memory."""

    def __init__(self) -> None:
        self.looked_at = 0
        self.unlabelled = 0
        self._heaps: dict[Key, _Heap] = {}

    def add(self, labelled: pl.DataFrame) -> None:
        """Add flows with their labels (columns FLOWS and LABELS)."""
        sent = (pl.col(f"{side}_payload").bin.size().fill_null(0) for side in ("orig", "resp"))
        spoken = labelled.filter(pl.col("proto").is_in(["tcp", "udp"]), pl.sum_horizontal(sent) > 0)
        self.looked_at += spoken.height
        unknown = spoken.filter(pl.col("basis").is_null() | (pl.col("basis") == Basis.PORT))
        self.unlabelled += unknown.height
        for row in unknown.select(_COLUMNS).iter_rows(named=True):
            orig, resp = (row[f"{side}_payload"] or b"" for side in ("orig", "resp"))
            key = row["proto"], row["id.resp_p"], orig[:_BEGINNING], b"" if orig else resp[:_BEGINNING]
            if key not in self._heaps and len(self._heaps) >= _MOST_HEAPS:
                key = (*key[:2], b"", b"")
            self._heaps.setdefault(key, _Heap()).add(row)

    def groups(self) -> list[Group]:
        """Return the groups, those with most flows first; beginnings of few flows are one group per port."""
        merged: dict[Key, _Heap] = defaultdict(_Heap)
        parts: dict[Key, list[Key]] = defaultdict(list)
        for key, heap in self._heaps.items():
            target = key if heap.flows >= ENOUGH else (*key[:2], b"", b"")
            merged[target].join(heap)
            parts[target].append(key)
        largest = sorted(merged, key=lambda key: (-merged[key].flows, key))[:MOST_GROUPS]
        return [self._group(key, merged[key], frozenset(parts[key])) for key in largest]

    def _group(self, key: Key, heap: _Heap, own: frozenset[Key]) -> Group:
        group = heap.group(*key[:2])
        others = (other for other in self._heaps if other[:2] == key[:2] and other not in own)
        alone = not (group.signed_by and any(self._may_be(group.signed_by, other) for other in others))
        return replace(group, alone=alone)

    def _may_be(self, signed_by: dict[str, Masked], key: Key) -> bool:
        """Say whether flows that begin as ``key`` says can be like ``signed_by``."""
        heap = self._heaps[key]
        for beginning, common, shown in (
            (key[2], heap.orig, signed_by.get("orig")),
            (key[3], heap.resp, signed_by.get("resp")),
        ):
            theirs = [*beginning, *common.same[len(beginning) :]]
            if shown is not None and not (
                common.flows and all(a is None or b is None or a == b for a, b in zip(shown, theirs, strict=False))
            ):
                return False
        return True
