"""What one capture point showed, and its numbers and clock made fit to stand beside those of other points.

Knows which columns of the tables are numbers of files, paths, interfaces and flows, and which are times.
It must not know what they mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from analyser.model.times import Period

Shift = Callable[[pl.Expr], pl.Expr]
"""From a time by the clock of one point (ns) to the same moment by the clock that all are told by."""

_SERIALS: Final = ("serial", "negotiated_by", "control", "kept_by")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What was read at one capture point.

    ``name`` as the user named it. ``flows`` is FLOWS and LABELS side by side; the other tables are those of its flows.
    ``handshakes`` are HANDSHAKE_WORDS by ``serial``.
    ``captures``: how many files it has; ``periods``: first and last packet of each that has packets (ns).
    ``lossy``: the capturing program says that it lost packets.
    """

    name: str
    flows: pl.DataFrame
    paths: pl.DataFrame
    neighbours: pl.DataFrame
    icmp_errors: pl.DataFrame
    promises: pl.DataFrame
    requests: pl.DataFrame
    handshakes: pl.DataFrame
    lookups: pl.DataFrame
    captures: int
    periods: tuple[Period, ...]
    lossy: bool = False

    def with_tables(self, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Point:
        """Return the point with every table changed."""
        return replace(
            self,
            flows=change(self.flows),
            paths=change(self.paths),
            neighbours=change(self.neighbours),
            icmp_errors=change(self.icmp_errors),
            promises=change(self.promises),
            requests=change(self.requests),
            handshakes=change(self.handshakes),
            lookups=change(self.lookups),
        )


def numbered_apart(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Return points of which no two share a number of a file, a path, an interface or a flow; 0 stays "unknown"."""
    made = []
    files = paths = interfaces = serials = 0
    for place, point in enumerate(points):

        def renumber(
            table: pl.DataFrame,
            files: int = files,
            paths: int = paths,
            interfaces: int = interfaces,
            serials: int = serials,
        ) -> pl.DataFrame:
            return table.with_columns(
                _raised(name, kind, files=files, paths=paths, interfaces=interfaces, serials=serials)
                for name, kind in table.schema.items()
            )

        moved = point.with_tables(renumber)
        if place:
            moved = replace(moved, paths=moved.paths.filter(pl.col("path") > 0))
        made.append(moved)
        files += point.captures
        paths = max(paths, _most(moved.paths, "path"))
        interfaces = max(interfaces, _most(moved.paths, "interface"))
        serials = max(serials, _most(moved.flows, "serial"))
    return tuple(made)


def _raised(name: str, kind: pl.DataType, *, files: int, paths: int, interfaces: int, serials: int) -> pl.Expr:
    """Return the column ``name`` beyond the numbers that others have already."""
    column = pl.col(name)
    if name == "file" or name.endswith("_file"):
        return (column + files).cast(kind)
    if name == "path" or name.endswith("_path"):
        return pl.when(column > 0).then(column + paths).otherwise(column).cast(kind).alias(name)
    if name == "interface":
        return pl.when(pl.col("path") > 0).then(column + interfaces + 1).otherwise(column).cast(kind).alias(name)
    if name in _SERIALS:
        return (column + serials).cast(kind)
    return column


def _most(table: pl.DataFrame, name: str) -> int:
    most = table[name].max()
    return most if isinstance(most, int) else 0


def on_one_clock(point: Point, shift: Shift) -> Point:
    """Return the point with all its times told by another clock; 0 stays "not seen"."""

    def turned(table: pl.DataFrame) -> pl.DataFrame:
        times = [name for name in table.columns if name in ("t", "ts") or name.endswith("_t")]
        return table.with_columns(
            pl.when(pl.col(name) != 0).then(shift(pl.col(name))).otherwise(pl.col(name)).alias(name) for name in times
        )

    moments = [moment for period in point.periods for moment in period]
    moved = pl.DataFrame({"t": pl.Series(moments, dtype=pl.Int64)}).select(shift(pl.col("t")))["t"].to_list()
    return replace(point.with_tables(turned), periods=tuple(zip(moved[0::2], moved[1::2], strict=True)))
