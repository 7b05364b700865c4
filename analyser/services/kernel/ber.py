"""BER (ITU-T X.690) in a row: tag, length in any definite form, small integers.

Knows the encoding; must not know which protocol it carries. Places count from where the row begins (``start``); -1 is the place
of what is not there, and nothing stands behind it, so that steps may follow one another without a question between. Contents may
reach beyond the bytes that were kept (``length``), headers may not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.machine.loads import inner, u8

INTEGER, OCTETS, NAME, SEQUENCE = 0x02, 0x04, 0x06, 0x30
ANYTHING = -1
"""Tags; the last is for elements of whatever tag."""


@inner
def digits(octets: Any, begin: Any, end: Any) -> Any:
    """Return the number, at most eight bytes, that stands between two offsets."""
    value = np.int64(0)
    for place in range(begin, end):
        value = np.int64((value << 8) | u8(octets, place))
    return value


@inner
def contents(octets: Any, start: Any, length: Any, at: Any, tag: Any) -> Any:
    """Return where the contents of the element at ``at`` begin.

    The indefinite form of a length none of our protocols allows, and more than four bytes of it no message needs.
    """
    if at < 0 or at + 2 > length or (tag != ANYTHING and u8(octets, start + at) != tag):
        return np.int64(-1)
    first = u8(octets, start + at + 1)
    begin = at + 2
    if first >= 0x80:
        if first == 0x80 or first > 0x84:
            return np.int64(-1)
        begin += first - 0x80
    return begin if begin <= length else np.int64(-1)


@inner
def size(octets: Any, start: Any, at: Any) -> Any:
    """Return how long the contents of an element are whose header is there."""
    first = u8(octets, start + at + 1)
    return first if first < 0x80 else digits(octets, start + at + 2, start + at + 2 + first - 0x80)


@inner
def behind(octets: Any, start: Any, length: Any, at: Any, tag: Any) -> Any:
    """Return where the element at ``at`` ends."""
    begin = contents(octets, start, length, at, tag)
    return begin + size(octets, start, at) if begin >= 0 else np.int64(-1)


@inner
def behind_integer(octets: Any, start: Any, length: Any, at: Any) -> Any:
    """Return where an INTEGER of one to eight bytes ends that is wholly there."""
    begin = contents(octets, start, length, at, INTEGER)
    if begin < 0:
        return np.int64(-1)
    count = size(octets, start, at)
    return begin + count if count >= 1 and count <= 8 and begin + count <= length else np.int64(-1)


@inner
def integer(octets: Any, start: Any, at: Any, end: Any) -> Any:
    """Return the value, unsigned, of the INTEGER that begins at ``at`` and ends at ``end``."""
    return digits(octets, start + end - size(octets, start, at), start + end)
