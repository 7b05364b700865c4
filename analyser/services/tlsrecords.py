"""TLS records (RFC 8446 and 5246, sections 5 and 6) of many runs of bytes, walked at once.

Knows the record layer, and how a handshake message spreads over records; what messages say is known by ``hellos``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analyser.services.byterows import Bools, Bytes, Index
from analyser.services.streams import running_sum

CHANGE_CIPHER, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
NONE: Final = -1

_FATAL: Final = 2
_HEADER: Final = 5
_MESSAGE_HEADER: Final = 4
_LONGEST: Final = 2**14 + 2048


def number(data: Bytes, at: Index, size: int) -> Index:
    """Read ``size`` bytes at each place as a big-endian number; beyond the end of ``data`` its last byte repeats."""
    value = data.take(at, mode="clip").astype(np.int64)
    for place in range(1, size):
        value = (value << 8) | data.take(at + place, mode="clip")
    return value


@dataclass(frozen=True, slots=True)
class Records:
    """What the records of r runs show, (r,) each; places are offsets into ``data``, ``NONE`` where there is none.

    ``last``: the first record behind which nothing is in clear or matters: a change of cipher, data, or a whole fatal
    alert. ``alert``: the alert's number if it is one. ``spoken``: the first record that is no alert.
    """

    last: Index
    alert: Index
    spoken: Index
    messages: Messages


@dataclass(frozen=True, slots=True)
class Messages:
    """The first handshake message of each of r runs, its records' headers taken out.

    The message lies in ``data`` from ``at`` on, ``size`` bytes of it, header included; none if ``size`` is 0. ``whole``:
    none of its bytes is missing. ``end``: where its last record ends in the bytes that were walked over.
    """

    data: Bytes
    at: Index
    size: Index
    whole: Bools
    end: Index

    def begin_with(self, kind: int) -> Bools:
        """Say which messages are of a kind."""
        found: Bools = (self.size > 0) & (self.data.take(self.at, mode="clip") == kind)
        return found


class _Joining:
    """First messages while records are walked over."""

    def __init__(self, count: int) -> None:
        self.open = np.ones(count, dtype=np.bool_)
        self.size = np.zeros(count, dtype=np.int64)
        self.needed = np.full(count, _MESSAGE_HEADER, dtype=np.int64)
        self.end = np.zeros(count, dtype=np.int64)
        self.header = np.zeros((count, _MESSAGE_HEADER), dtype=np.uint8)
        self.parts: list[tuple[Index, Index, Index]] = []

    def add(self, data: Bytes, runs: Index, at: Index, size: Index, whole: Bools) -> None:
        """Take the next handshake record of runs whose message is still open: its body lies at ``at``."""
        had = self.size[runs]
        for place in range(_MESSAGE_HEADER):
            inside = (had <= place) & (place < had + size)
            self.header[runs[inside], place] = data[(at + place - had)[inside]]
        self.parts.append((runs, at, size))
        self.size[runs] = size = had + size
        told = size >= _MESSAGE_HEADER
        needed = np.where(told, _MESSAGE_HEADER + number(self.header[runs].ravel(), 4 * np.arange(len(runs)) + 1, 3), 4)
        self.needed[runs] = needed
        self.open[runs] = (size < needed) & whole

    def messages(self, data: Bytes) -> Messages:
        """Return the messages as far as they came; those in several records are copied behind ``data``."""
        at = np.zeros(len(self.size), dtype=np.int64)
        if self.parts:
            runs, places, sizes = (np.concatenate(column) for column in zip(*self.parts, strict=True))
            at[runs] = places
            several = np.bincount(runs, minlength=len(at)) > 1
            chosen = np.flatnonzero(several[runs])
            if len(chosen):
                chosen = chosen[np.argsort(runs[chosen], kind="stable")]
                spans = zip(places[chosen].tolist(), sizes[chosen].tolist(), strict=True)
                joined = np.concatenate([data[place : place + size] for place, size in spans])
                at[several] = len(data) + running_sum(self.size[several])[:-1]
                data = np.concatenate((data, joined))
        return Messages(data, at, np.minimum(self.size, self.needed), self.size >= self.needed, self.end)


def walk(data: Bytes, begin: Index, end: Index) -> Records:
    """Read the records of r runs, which lie in ``data`` between ``begin`` and ``end``, as far as they matter.

    What is no record ends its run; the last record of a run may be cut.
    """
    count = len(begin)
    last, alert, spoken = (np.full(count, NONE, dtype=np.int64) for _ in range(3))
    joining = _Joining(count)
    at = begin.copy()
    live = np.flatnonzero(at + _HEADER <= end)
    while len(live):
        place = at[live]
        kind, length = number(data, place, 1), number(data, place + 3, 2)
        fits = (kind >= CHANGE_CIPHER) & (kind <= DATA) & (data[place + 1] == 3) & (length <= _LONGEST)
        live, place, kind, length = live[fits], place[fits], kind[fits], length[fits]
        size = np.minimum(length, end[live] - place - _HEADER)
        whole = size == length

        joining.open[live] &= kind == HANDSHAKE
        part = joining.open[live]
        if part.any():
            runs, body = live[part], place[part] + _HEADER
            joining.end[runs] = body + size[part]
            joining.add(data, runs, body, size[part], whole[part])

        speaks = (kind != ALERT) & (spoken[live] == NONE)
        spoken[live[speaks]] = place[speaks]
        fatal = (kind == ALERT) & (length == 2) & whole & (data.take(place + _HEADER, mode="clip") == _FATAL)
        ends = ((kind == CHANGE_CIPHER) | (kind == DATA) | fatal) & (last[live] == NONE)
        last[live[ends]] = place[ends]
        told = ends & fatal
        alert[live[told]] = data[place[told] + _HEADER + 1]

        at[live] = place + _HEADER + length
        more = (at[live] + _HEADER <= end[live]) & ((last[live] == NONE) | (spoken[live] == NONE))
        live = live[more]
    return Records(last, alert, spoken, joining.messages(data))
