"""Where a packet would have been seen, had it passed: absence at a point proves nothing without a witness.

A point is a witness for packets from one host to another, if it was capturing then and shows other packets from the one to
the other (``SURE``); or else packets between their networks in this direction, or one of the two on its own segment (``LIKELY``).
Knows sides and periods; must not know what is absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from analyser.model.times import Period, join_periods

SURE: Final = 2
LIKELY: Final = 1

MARGIN: Final = 50_000_000
"""Nanoseconds at both ends of a capture in which it proves nothing: filters and buffers start and stop."""

UNCOMPARED: Final = 5_000_000_000
"""The same where clocks could not be compared."""


class Witnesses:
    """What each point would have shown."""

    def __init__(
        self, sides: pl.DataFrame, near: pl.DataFrame, periods: Sequence[Sequence[Period]], doubts: Sequence[int]
    ) -> None:
        """Take all sides, ``near_hosts``, the periods of each point (ns) and how wrong its clock may be (ns)."""
        self._hosts = sides.select("point", "from_h", "to_h", hosts=pl.lit(SURE)).unique()
        self._networks = sides.select("point", "from_n", "to_n", networks=pl.lit(LIKELY)).unique()
        reached = sides.select("point", host="to_h").unique()
        speaks = sides.select("point", host="from_h").unique()
        self._ends = {
            "to_h": near.join(reached, on=["point", "host"], how="semi"),
            "from_h": near.join(speaks, on=["point", "host"], how="semi"),
        }
        self._periods = [join_periods(known) for known in periods]
        self._doubts = doubts

    def level(self, asked: pl.DataFrame) -> pl.DataFrame:
        """Add ``witness`` to rows of KEY and ``point``: SURE, LIKELY or 0."""
        found = asked.join(self._hosts, on=["point", "from_h", "to_h"], how="left", maintain_order="left")
        found = found.join(self._networks, on=["point", "from_n", "to_n"], how="left", maintain_order="left")
        for end, hosts in self._ends.items():
            seen = hosts.select("point", pl.col("host").alias(end), pl.lit(LIKELY).alias(f"near_{end}"))
            found = found.join(seen, on=["point", end], how="left", maintain_order="left")
        levels = ("hosts", "networks", "near_to_h", "near_from_h")
        return found.with_columns(witness=pl.max_horizontal(*levels).fill_null(0)).drop(levels)

    def watching(self, asked: pl.DataFrame, *moments: str) -> pl.Series:
        """Say of which rows (``point`` and times in ns) the point was capturing at one of the ``moments``."""
        points = asked["point"].to_numpy()
        told = np.zeros(len(asked), dtype=np.bool_)
        for point, periods in enumerate(self._periods):
            mine = points == point
            for name in moments:
                times = asked[name].to_numpy()
                for first, last in periods:
                    edge = MARGIN + self._doubts[point]
                    told |= mine & (times >= first + edge) & (times <= last - edge)
        return pl.Series("watching", told)
