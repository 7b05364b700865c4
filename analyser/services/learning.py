"""What flows without a label have in common: groups by port and beginning, and the bytes that stay the same.

Knows first bytes; must not know how groups are shown. Bytes that people chose (names, passwords) must not leave a capture: a
byte is told only if it is the same in several flows, and far from the beginning, or in long words, not at all.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import polars as pl

from analyser.model.learnt import Group, Masked, Side
from analyser.model.service import Basis

ENOUGH: Final = 3
"""Flows in which a byte must be the same to be told."""

FAR: Final = 16
"""Bytes from the beginning that are told at most, where several initiators agree; else CLOSE."""

CLOSE: Final = 4
LONGEST_WORD: Final = 8
"""Letters in a row that are told; a longer word may be somebody's name."""

KEPT: Final = 64
"""Flows of one beginning that are compared; the others are counted."""

MOST_GROUPS: Final = 500
_BEGINNING: Final = 2


@dataclass(slots=True)
class _Heap:
    """Flows of one beginning, of which some are kept."""

    flows: int = 0
    initiators: set[str] = field(default_factory=set)
    responders: set[str] = field(default_factory=set)
    kept: list[dict[str, Any]] = field(default_factory=list)


class Learner:
    """Collects flows without a label, part by part, in bounded memory."""

    def __init__(self) -> None:
        self.looked_at = 0
        self.unlabelled = 0
        self._heaps: dict[tuple[str, int, bytes, bytes], _Heap] = {}

    def add(self, labelled: pl.DataFrame) -> None:
        """Add flows with their labels (columns FLOWS and LABELS)."""
        spoken = labelled.filter(
            pl.col("proto").is_in(["tcp", "udp"])
            & (pl.col("orig_payload").bin.size().fill_null(0) + pl.col("resp_payload").bin.size().fill_null(0) > 0)
        )
        self.looked_at += spoken.height
        unknown = spoken.filter(pl.col("basis").is_null() | (pl.col("basis") == Basis.PORT))
        self.unlabelled += unknown.height
        columns = (
            "proto",
            "id.resp_p",
            "id.orig_h",
            "id.resp_h",
            "orig_payload",
            "resp_payload",
            "orig_bytes",
            "resp_bytes",
            "orig_data_t",
            "resp_data_t",
        )
        for row in unknown.select(columns).iter_rows(named=True):
            orig, resp = row["orig_payload"] or b"", row["resp_payload"] or b""
            key = row["proto"], row["id.resp_p"], orig[:_BEGINNING], resp[:_BEGINNING]
            if key not in self._heaps and len(self._heaps) >= _MOST_HEAPS:
                key = row["proto"], row["id.resp_p"], b"", b""
            heap = self._heaps.setdefault(key, _Heap())
            heap.flows += 1
            for known, address in ((heap.initiators, row["id.orig_h"]), (heap.responders, row["id.resp_h"])):
                if len(known) < KEPT:
                    known.add(address)
            if len(heap.kept) < KEPT:
                heap.kept.append(row)

    def groups(self) -> list[Group]:
        """Return the groups, those with most flows first; beginnings of few flows are one group per port."""
        merged: dict[tuple[str, int, bytes, bytes], _Heap] = defaultdict(_Heap)
        for (proto, port, orig, resp), heap in self._heaps.items():
            alone = heap.flows < ENOUGH
            target = merged[proto, port, b"" if alone else orig, b"" if alone else resp]
            target.flows += heap.flows
            target.initiators |= heap.initiators
            target.responders |= heap.responders
            target.kept += heap.kept[: KEPT - len(target.kept)] if len(target.kept) < KEPT else []
        found = [_group(proto, port, heap) for (proto, port, _, _), heap in merged.items()]
        return sorted(found, key=lambda group: (-group.flows, group.transport, group.port))[:MOST_GROUPS]


_MOST_HEAPS: Final = 20_000
_ORDERS: Final[tuple[Literal["big", "little"], ...]] = ("big", "little")


def _group(proto: str, port: int, heap: _Heap) -> Group:
    first = sum(
        1 if row["orig_data_t"] and (not row["resp_data_t"] or row["orig_data_t"] <= row["resp_data_t"]) else -1
        for row in heap.kept
        if row["orig_bytes"] or row["resp_bytes"]
    )
    reach = FAR if len(heap.initiators) > 1 else CLOSE
    orig, resp = (
        _side([(row[f"{side}_payload"], row[f"{side}_bytes"]) for row in heap.kept if row[f"{side}_payload"]], reach)
        for side in ("orig", "resp")
    )
    return Group(
        proto,
        port,
        heap.flows,
        len(heap.initiators),
        len(heap.responders),
        "initiator" if first >= 0 else "responder",
        orig,
        resp,
    )


def _side(those: list[tuple[bytes, int]], reach: int) -> Side | None:
    if not those:
        return None
    beginnings = [data for data, _ in those]
    letters = sum(0x20 <= byte < 0x7F or byte in (9, 10, 13) for data in beginnings for byte in data)
    sizes = [size for _, size in those]
    return Side(
        len(those),
        _masked(beginnings, reach),
        letters > 0.9 * sum(map(len, beginnings)),
        min(sizes),
        max(sizes),
        _length(those),
    )


def _masked(beginnings: list[bytes], reach: int) -> Masked:
    """Return the bytes that all have in common, those left out that may be words of people."""
    if len(beginnings) < ENOUGH:
        return ()
    shortest = min(min(map(len, beginnings)), reach)
    same = [
        column[0] if len(set(column)) == 1 else None
        for column in zip(*(data[:shortest] for data in beginnings), strict=True)
    ]
    word = 0
    for at, byte in enumerate(same):
        word = word + 1 if byte is not None and chr(byte).isalnum() and byte < 0x80 else 0
        if word > LONGEST_WORD:
            same[at] = None
    while same and same[-1] is None:
        same.pop()
    return tuple(same)


def _length(those: list[tuple[bytes, int]]) -> str | None:
    """Return where a number stands that is always the number of bytes sent, or less by the same; None if nowhere."""
    whole = [(data, size) for data, size in those if len(data) == size]
    if len(whole) < ENOUGH or len({size for _, size in whole}) < ENOUGH:
        return None
    for width in (4, 2, 1):
        for order in _ORDERS if width > 1 else _ORDERS[:1]:
            for at in range(8):
                if all(len(data) >= at + width for data, _ in whole):
                    rest = {size - int.from_bytes(data[at : at + width], order) for data, size in whole}
                    if len(rest) == 1 and 0 <= next(iter(rest)) <= 16:
                        kind = f"{8 * width} bits" + (f", {order}-endian" if width > 1 else "")
                        return f"{kind}, at byte {at}: length of all but {next(iter(rest))} bytes"
    return None
