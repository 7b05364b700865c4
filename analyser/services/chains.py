"""Elements that stand one behind the other in many strings of bytes at once, each with its length in its header.

Knows headers of a fixed size; must not know what they belong to.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyser.services.byterows import Bools, Bytes, Index

_IN_STEP: Final = 32
"""So many elements are found for all strings at once; few strings have more, and those are followed one by one."""


def number(data: Bytes, at: Index, size: int) -> Index:
    """Read ``size`` bytes at each place as a big-endian number; beyond the end of ``data`` its last byte repeats."""
    value = data.take(at, mode="clip").astype(np.int64)
    for place in range(1, size):
        value = (value << 8) | data.take(at + place, mode="clip")
    return value


def follow(
    data: Bytes, begin: Index, end: Index, *, header: int, length_at: int, goes_on: Bools | None = None
) -> tuple[Index, Index]:
    """Return where elements begin whose header is there, in k strings that lie in ``data``.

    Args:
        data: the bytes of all strings.
        begin: where each begins (k).
        end: where it ends (k).
        header: bytes of a header.
        length_at: where in it the length of the rest stands, two bytes.
        goes_on: behind which first bytes (256) another element is looked for; None: behind all.

    Returns:
        The strings and the places, in the order of both.
    """
    onward = np.ones(256, dtype=np.bool_) if goes_on is None else goes_on
    live = np.flatnonzero(begin + header <= end)
    place = begin[live]
    strings, places = [live], [place]
    for _ in range(_IN_STEP):
        going = onward[data[place]]
        live, place = live[going], place[going]
        place = place + header + number(data, place + length_at, 2)
        inside = place + header <= end[live]
        live, place = live[inside], place[inside]
        if not len(live):
            break
        strings.append(live)
        places.append(place)
    for string, first in zip(live.tolist(), place.tolist(), strict=True):
        more = _rest(data[first : end[string]].tobytes(), header, length_at, onward.tolist())
        strings.append(np.full(len(more), string, dtype=np.int64))
        places.append(np.array(more, dtype=np.int64) + first)
    found, at = np.concatenate(strings), np.concatenate(places)
    order = np.argsort(found, kind="stable")
    return found[order], at[order]


def _rest(data: bytes, header: int, length_at: int, onward: list[bool]) -> list[int]:
    """Return where elements begin behind the first."""
    found: list[int] = []
    at = 0
    while onward[data[at]]:
        at += header + (data[at + length_at] << 8 | data[at + length_at + 1])
        if at + header > len(data):
            break
        found.append(at)
    return found
