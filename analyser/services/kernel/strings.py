"""Strings searched for in bytes. Knows words of eight bytes; must not know what is searched for.

Strings are given as places in an array of numbers: ``values[needle : needle + size]``, none of them empty.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.machine.loads import inner, le64, u8

U = np.uint64
ONES, TOPS, SMALL, TOP = U(0x0101010101010101), U(0x8080808080808080), U(0x2020202020202020), U(0x80)
"""Every byte of a word: 1, its highest bit, the bit that makes a letter small; and that of the lowest byte alone."""


@inner
def is_at(octets: Any, at: Any, values: Any, needle: Any, size: Any, fold: Any) -> Any:
    """Say whether a string stands at ``at``; with ``fold`` in letters of either case (the string's are small)."""
    for k in range(size):
        byte = u8(octets, at + k)
        if fold and byte >= 0x41 and byte <= 0x5A:
            byte += 32
        if byte != np.int64(values[needle + k]):
            return False
    return True


@inner
def lies_in(octets: Any, start: Any, end: Any, values: Any, needle: Any, size: Any, rare: Any, fold: Any) -> Any:
    """Say whether a string lies in ``octets[start:end]``. Eight places at once are searched for its byte at ``rare``."""
    byte = np.int64(values[needle + rare])
    sought = U(byte) * ONES
    small = SMALL if fold and byte >= 0x61 and byte <= 0x7A else U(0)
    at = start + rare
    last = end - size + rare
    while at <= last:
        if at + 8 <= end:
            other = (le64(octets, at) | small) ^ sought
            zero = (other - ONES) & ~other & TOPS  # the lowest bit of all tells the first byte that is zero
            if zero == U(0):
                at += 8
                continue
            while zero & TOP == U(0):
                zero >>= U(8)
                at += 1
            if at > last:
                return False
        if is_at(octets, at - rare, values, needle, size, fold):
            return True
        at += 1
    return False
