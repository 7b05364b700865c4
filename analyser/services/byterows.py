"""Many short byte strings as one matrix, so that a test runs over all of them at once.

Knows arrays; must not know what any byte means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]

PREFIX = 128
"""How many first bytes of each side the flow table keeps."""

HEAD = 1024
"""How many first bytes of an initiator signatures may search, where its stream is watched."""


@dataclass(frozen=True, slots=True)
class ByteRows:
    """``matrix`` is (n, width) uint8, padded with zeros; ``lengths`` (n,) int64 says where each row ends."""

    matrix: Bytes
    lengths: Index

    @property
    def width(self) -> int:
        """Bytes kept per row."""
        return int(self.matrix.shape[1])

    def take(self, index: Index) -> ByteRows:
        """Return the indexed rows as a matrix of their own."""
        return ByteRows(self.matrix[index], self.lengths[index])


def byte_rows(column: pl.Series, width: int = PREFIX) -> ByteRows:
    """Turn a Binary column (nulls count as empty) into rows cut or padded to ``width`` bytes."""
    frame = column.to_frame("bytes").select(pl.col("bytes").fill_null(b""))
    lengths = frame["bytes"].bin.size().to_numpy().astype(np.int64)
    if not frame.height:
        return ByteRows(np.zeros((0, width), np.uint8), lengths)
    padded = (pl.col("bytes") + pl.lit(bytes(width))).bin.slice(0, width)
    matrix = frame.select(padded.bin.reinterpret(dtype=pl.Array(pl.UInt8, width)))["bytes"].to_numpy()
    return ByteRows(matrix, np.minimum(lengths, width))
