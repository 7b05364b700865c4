"""BER (ITU-T X.690): tag, length in any definite form, small integers; read over many rows at once, or one by one.

Knows the encoding; must not know which protocol it carries.
"""

from __future__ import annotations

import numpy as np

from analyser.services.byterows import Bools, ByteRows, Bytes, Index


class Cursor:
    """A reading position in each of k rows, all moved by the same steps.

    ``ok`` falls to False for a row at the first step that does not fit it, and stays so; its position then
    means nothing. Contents may reach beyond the bytes that were kept, headers may not.
    """

    def __init__(self, rows: ByteRows, index: Index, start: int = 0) -> None:
        self.rows = rows
        self.index = index
        self.position: Index = np.full(len(index), start, dtype=np.int64)
        self.length: Index = np.zeros(len(index), dtype=np.int64)
        self.tag: Bytes = np.zeros(len(index), dtype=np.uint8)
        self.ok: Bools = np.ones(len(index), dtype=np.bool_)

    def fork(self) -> Cursor:
        """Return a second cursor at the same place, so that alternatives can be tried."""
        other = Cursor(self.rows, self.index)
        other.position, other.length = self.position.copy(), self.length.copy()
        other.tag, other.ok = self.tag.copy(), self.ok.copy()
        return other

    def open(self, *tags: int) -> Cursor:
        """Read a tag and a length and stand at the first byte of the contents; any tag if none is given."""
        header = self.rows.window(self.index, self.position, 10)
        self.tag = header[:, 0]
        if tags:
            allowed = np.zeros(256, dtype=np.bool_)
            allowed[list(tags)] = True
            self.ok &= allowed[self.tag]
        first = header[:, 1].astype(np.int64)
        extra = np.where(first >= 0x80, first - 0x80, 0)
        # 0x80 is the indefinite form, which none of our protocols allows; more than 4 bytes no datagram needs
        self.ok &= (first != 0x80) & (extra <= 4)
        length = np.where(extra == 0, first, _number(header[:, 2:], extra))
        start = self.position + 2 + extra
        self.ok &= start <= self.rows.lengths[self.index]
        self.position, self.length = np.where(self.ok, start, 0), np.where(self.ok, length, 0)
        return self

    def skip(self, *tags: int) -> Cursor:
        """Read one element and stand behind it."""
        self.open(*tags)
        self.position = self.position + self.length
        return self

    def integer(self) -> Index:
        """Read an INTEGER of 1 to 8 bytes that is wholly present, stand behind it, return its value (unsigned)."""
        self.open(0x02)
        self.ok &= (self.length >= 1) & (self.length <= 8)
        self.ok &= self.position + self.length <= self.rows.lengths[self.index]
        value = _number(self.rows.window(self.index, self.position, 8), self.length)
        self.position = self.position + self.length
        return value


def _number(digits: Bytes, count: Index) -> Index:
    """Read the first ``count`` of the eight bytes of each row as a big-endian number; 0 if that is none or too many."""
    whole = digits.view(">u8")[:, 0].astype(np.uint64)
    some = (count > 0) & (count <= 8)
    shift = np.where(some, 8 * (8 - count), 0).astype(np.uint64)
    value: Index = np.where(some, whole >> shift, 0).astype(np.int64)
    return value


def element(data: bytes | bytearray, at: int) -> tuple[int, int, int] | None:
    """Return tag, start and end of the BER element at ``at``, None where its header is not there."""
    if at + 2 > len(data):
        return None
    length, start = data[at + 1], at + 2
    if length > 0x80:
        count = length - 0x80
        if count > 4 or start + count > len(data):
            return None
        length, start = int.from_bytes(data[start : start + count], "big"), start + count
    elif length == 0x80:
        return None
    return data[at], start, start + length
