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

    def at(self, index: Index, positions: Index) -> Bytes:
        """Return the byte at one position of each indexed row; 0 beyond the end of the row.

        ``index`` and ``positions`` are (k,); positions may be any non-negative number.
        """
        return self.window(index, positions, 1)[:, 0]

    def window(self, index: Index, positions: Index, size: int) -> Bytes:
        """Return ``size`` bytes from a position of each indexed row on, (k, size); 0 beyond the end of the row."""
        flat = self.matrix.ravel()
        if len(flat) < size:
            return self._window_at_end(index, positions, size)
        # windows overlap where they lie: one copy for each row, none for each byte
        windows = np.ndarray((len(flat) - size + 1, size), np.uint8, flat, strides=(1, 1))
        beyond = np.flatnonzero(positions > self.width - size)
        starts = index * self.width + positions
        starts[beyond] = 0
        found: Bytes = windows[starts]
        if len(beyond):
            found[beyond] = self._window_at_end(index[beyond], positions[beyond], size)
        return found

    def _window_at_end(self, index: Index, positions: Index, size: int) -> Bytes:
        """Return the same where windows reach beyond the matrix."""
        places = positions[:, None] + np.arange(size)
        outside = places >= self.width  # before that the padding is zero already
        found: Bytes = self.matrix.ravel().take(places + index[:, None] * self.width, mode="clip")
        found[outside] = 0
        return found

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
