"""TLS records (RFC 8446 and 5246, sections 5 and 6) of many runs of bytes, read at once.

Knows the record layer, and how a handshake message spreads over records; what messages say is known by ``hellos``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analyser.services.byterows import Bools, Bytes, Index
from analyser.services.chains import follow, number
from analyser.services.streams import running_sum

CHANGE_CIPHER, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
NONE: Final = -1

_FATAL: Final = 2
_HEADER: Final = 5
_MESSAGE_HEADER: Final = 4
_LONGEST: Final = 2**14 + 2048
_GOES_ON: Final = np.isin(np.arange(256), (ALERT, HANDSHAKE))
"""Behind which records some may be in clear."""


@dataclass(frozen=True, slots=True)
class Messages:
    """The first handshake message of each of r runs, its records' headers taken out.

    The message lies in ``data`` from ``at`` on, ``size`` bytes of it, header included; none if ``size`` is 0. ``whole``:
    none of its bytes is missing. ``end``: where its last record ends in the bytes that were read.
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


@dataclass(frozen=True, slots=True)
class Records:
    """What the records of r runs show, (r,) each; places are offsets into the data, ``NONE`` where there is none.

    ``last``: the first record behind which nothing is in clear or matters: a change of cipher, data, or a whole fatal
    alert. ``alert``: the alert's number if it is one. ``spoken``: the first record that is no alert.
    """

    last: Index
    alert: Index
    spoken: Index
    messages: Messages


def read_records(data: Bytes, begin: Index, end: Index) -> Records:
    """Read the records of r runs, which lie in ``data`` between ``begin`` and ``end``, as far as they are in clear.

    What is no record ends its run; the last record of a run may be cut.
    """
    count = len(begin)
    runs, at = follow(data, begin, end, header=_HEADER, length_at=3, goes_on=_GOES_ON)
    kind, length = number(data, at, 1), number(data, at + 3, 2)
    wrong = (kind < CHANGE_CIPHER) | (kind > DATA) | (data[at + 1] != 3) | (length > _LONGEST)
    sound = np.arange(len(at)) < _first(wrong, runs, count, len(at))[runs]
    runs, at, kind, length = runs[sound], at[sound], kind[sound], length[sound]

    size = np.minimum(length, end[runs] - at - _HEADER)
    fatal = (kind == ALERT) & (length == 2) & (size == 2) & (data.take(at + _HEADER, mode="clip") == _FATAL)
    last, spoken, other = (
        _first(flags, runs, count, len(at))
        for flags in (fatal | (kind == CHANGE_CIPHER) | (kind == DATA), kind != ALERT, kind != HANDSHAKE)
    )
    leading = np.arange(len(at)) < other[runs]
    messages = _messages(data, runs[leading], at[leading] + _HEADER, size[leading], count)
    # what was not found points behind the last record: there stands what stands for nothing
    at, code = np.append(at, NONE), np.append(np.where(fatal, number(data, at + _HEADER + 1, 1), NONE), NONE)
    return Records(at[last], code[last], at[spoken], messages)


def _first(flags: Bools, runs: Index, count: int, none: int) -> Index:
    """Return for each of ``count`` runs its first record with a flag, ``none`` where there is none."""
    first = np.full(count, none, dtype=np.int64)
    found = np.flatnonzero(flags)[::-1]
    first[runs[found]] = found
    return first


def _messages(data: Bytes, runs: Index, at: Index, size: Index, count: int) -> Messages:
    """Return the first messages from the handshake records that runs begin with: their bodies lie at ``at``.

    Messages in several records are copied behind ``data``.
    """
    sums = running_sum(size)
    had = sums[:-1] - sums[np.searchsorted(runs, runs)]
    header = np.zeros((count, _MESSAGE_HEADER), dtype=np.uint8)
    for octet in range(_MESSAGE_HEADER):
        inside = (had <= octet) & (octet < had + size)
        header[runs[inside], octet] = data[(at + octet - had)[inside]]
    there = np.bincount(runs, size, minlength=count).astype(np.int64)
    needed = _MESSAGE_HEADER + np.where(
        there >= _MESSAGE_HEADER, number(header.ravel(), _MESSAGE_HEADER * np.arange(count) + 1, 3), 0
    )
    part = had < needed[runs]
    runs, at, size, had = runs[part], at[part], size[part], had[part]
    end, place, seen = (np.zeros(count, dtype=np.int64) for _ in range(3))
    end[runs], seen[runs], place[runs[::-1]] = at + size, had + size, at[::-1]
    several = np.bincount(runs, minlength=count) > 1
    if several.any():
        spread = several[runs]
        spans = zip(at[spread].tolist(), size[spread].tolist(), strict=True)
        place[several] = len(data) + running_sum(seen[several])[:-1]
        data = np.concatenate([data, *(data[start : start + length] for start, length in spans)])
    return Messages(data, place, np.minimum(seen, needed), seen >= needed, end)
