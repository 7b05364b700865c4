"""Single facts of single attempts, read one by one from tables of many columns.

Of an attempt that is told few columns are asked for, and of most attempts none: no row is ever made whole. Knows columns by
name; what they mean is known by those who ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import polars as pl

Columns = Mapping[str, Callable[[int], Any]]
"""By name of a column, what gives its value in a row."""

_RENAMED: Final = {"icmp_frame": "icmp_frame_at", "icmp_file": "icmp_file_at"}
"""Facts of an attempt under the names by which flows have them."""


def columns_of(frame: pl.DataFrame) -> Columns:
    """Return the columns of a table, each to be asked for one value at a time."""
    # numpy gives single numbers four times as fast; it knows no value that is missing.
    return {
        column.name: column.to_numpy().item if column.dtype.is_numeric() and not column.null_count() else column.item
        for column in frame
    }


class Facts(Mapping[str, Any]):
    """The facts of one attempt: those of its flow, then its own."""

    def __init__(self, of_flows: Columns, of_attempts: Columns, attempt: int) -> None:
        """Take the columns of all flows and all attempts, and the row of an attempt."""
        self._of_flows, self._of_attempts, self._attempt = of_flows, of_attempts, attempt
        self._flow: int = of_attempts["row"](attempt)
        self._read: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Return a fact; KeyError where no column has this name."""
        read = self._read
        if name in read:
            return read[name]
        of_flow = self._of_flows.get(name)
        found = self._of_attempts[_RENAMED.get(name, name)](self._attempt) if of_flow is None else of_flow(self._flow)
        read[name] = found
        return found

    def __iter__(self) -> Iterator[str]:
        """Give the names of all facts."""
        return iter({**self._of_flows, **self._of_attempts, **_RENAMED})

    def __len__(self) -> int:
        """Return how many facts there are."""
        return sum(1 for _ in self)
