"""Many short byte strings as one matrix, so that a test runs over all of them at once.

Knows arrays; must not know what any byte means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]

PREFIX = 128
"""How many first bytes of each side the flow table keeps."""


@dataclass(frozen=True, slots=True)
class ByteRows:
    """``matrix`` is (n, width) uint8, padded with zeros; ``lengths`` (n,) int64 says where each row ends."""

    matrix: Bytes
    lengths: Index

    @property
    def width(self) -> int:
        """Bytes kept per row."""
        return int(self.matrix.shape[1])

    def at(self, index: Index, positions: Index) -> Bytes:
        """Return the byte at one position of each indexed row; 0 beyond the end of the row.

        ``index`` and ``positions`` are (k,); positions may be any non-negative number.
        """
        return self.window(index, positions, 1)[:, 0]

    def window(self, index: Index, positions: Index, size: int) -> Bytes:
        """Return ``size`` bytes from a position of each indexed row on, (k, size); 0 beyond the end of the row."""
        places = positions[:, None] + np.arange(size)
        beyond = places >= self.width  # before that the padding is zero already
        places += index[:, None] * self.width
        found: Bytes = self.matrix.ravel().take(places, mode="clip")
        if beyond.any():
            found[beyond] = 0
        return found

    def take(self, index: Index) -> ByteRows:
        """Return the indexed rows as a matrix of their own."""
        return ByteRows(self.matrix[index], self.lengths[index])


_LOWER: Final[Bytes] = np.array([b + 32 if 65 <= b <= 90 else b for b in range(256)], dtype=np.uint8)


def contains(window: Bytes, ends: Index, needle: bytes, *, fold: bool = False) -> Bools:
    """Say of each row of ``window`` (k, size) whether ``needle`` lies in its first ``ends`` bytes.

    With ``fold`` ASCII letters of either case are alike. Only the places of the first byte are looked at further.
    """
    result = np.zeros(len(window), dtype=np.bool_)
    wanted = needle.lower() if fold else needle
    starts = window[:, : max(window.shape[1] - len(wanted) + 1, 0)]
    first = starts == wanted[0]
    if fold:
        first |= starts == wanted[:1].upper()[0]
    rows, columns = np.nonzero(first)
    inside = columns + len(wanted) <= ends[rows]
    rows, columns = rows[inside], columns[inside]
    for offset in range(1, len(wanted)):
        found = window[rows, columns + offset]
        equal = (_LOWER[found] if fold else found) == wanted[offset]
        rows, columns = rows[equal], columns[equal]
    result[rows] = True
    return result


def byte_rows(column: pl.Series, width: int = PREFIX) -> ByteRows:
    """Turn a Binary column (nulls count as empty) into rows cut or padded to ``width`` bytes."""
    frame = column.to_frame("bytes").select(pl.col("bytes").fill_null(b""))
    lengths = frame["bytes"].bin.size().to_numpy().astype(np.int64)
    if not frame.height:
        return ByteRows(np.zeros((0, width), np.uint8), lengths)
    padded = (pl.col("bytes") + pl.lit(bytes(width))).bin.slice(0, width)
    matrix = frame.select(padded.bin.reinterpret(dtype=pl.Array(pl.UInt8, width)))["bytes"].to_numpy()
    return ByteRows(matrix, np.minimum(lengths, width))
