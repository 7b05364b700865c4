"""How far the clocks of capture points are apart, from packets that both saw.

A packet that goes from one point to another arrives later than it left, whichever way it goes. So the difference of two
clocks lies between what the fastest packet of each direction shows; its middle is right if both directions are equally
fast, and half of the distance between the two bounds is how wrong it can be at most. (The clock filter of RFC 5905
takes the fastest sample for the same reason.) A clock that goes faster than the other is followed along a line.
Knows pairs of sides; must not know flows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from analyser.points.sides import EVENTS

ROUNDING: Final = 2_000
"""Nanoseconds by which times of captures are rounded: most have microseconds."""


_SECOND: Final = 1e9

_MOST_GAIN: Final = 0.001
"""No clock that runs gains more: what seems to has damaged times."""

_AGE: Final = 1 << 61
"""Nanoseconds (73 years) that no two clocks are apart."""

_ENOUGH: Final = 3
"""Spans of time that a line is drawn through."""

_WINDOWS: Final = 64
"""Into so many spans of time a capture is cut to see whether a clock goes faster."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock beside the one that all times are told by.

    ``ahead``: nanoseconds that it is ahead at ``since`` (ns, by the other one), None where no packet was seen at both; ``rate``: how
    much it gains, in nanoseconds per nanosecond. ``error``: how wrong that can be at most, None where packets of one
    direction only bound it; ``steady``: it fits all packets.
    """

    ahead: int | None
    error: int | None
    steady: bool = True
    rate: float = 0.0
    since: int = 0

    def told(self, t: pl.Expr) -> pl.Expr:
        """Return times of this clock as the other one tells them (ns)."""
        plain = t - min(max(self.ahead or 0, -2 * _AGE), 2 * _AGE)
        return plain - (self.rate * (plain - self.since)).round().cast(pl.Int64) if self.rate else plain

    def ahead_at(self, t: int) -> int:
        """Return how far it is ahead at ``t`` (ns, by the other clock)."""
        return (self.ahead or 0) + round(self.rate * (t - self.since))

    def turned(self) -> Clock:
        """Return the other clock beside this one."""
        if self.ahead is None:
            return self
        return Clock(-self.ahead, self.error, self.steady, -self.rate, self.since + self.ahead)


def differences(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return how much later packets were seen at ``point_2`` than at ``point``, as each point's clock tells.

    ``group``, ``from_orig``, ``point``, ``point_2``, ``before``, ``t`` (ns, by the first clock), ``later`` (ns). ``pairs`` have
    ``before`` (1: the side passed the first point first, -1: last, 0: unknown). Only sides of which both points saw
    as many packets tell: their first and last ones are the same.
    """
    whole = pairs.filter(pl.col("pkts") == pl.col("pkts_2"))
    key = ("group", "from_orig", "point", "point_2", "before")
    seen = [
        whole.filter(pl.col(name) > 0, pl.col(f"{name}_2") > 0).select(
            *key, t=pl.col(name), later=pl.col(f"{name}_2") - pl.col(name)
        )
        for name in EVENTS
    ]
    return pl.concat(seen).filter(pl.col("later").is_between(-_AGE, _AGE)).unique().sort("t", "later", *key)


def compare(found: pl.DataFrame) -> dict[tuple[int, int], Clock]:
    """Return how far the second clock of each pair of points is ahead of the first; ``found``: ``differences``."""
    clocks: dict[tuple[int, int], Clock] = {}
    for point, point_2 in found.select("point", "point_2").unique().sort("point", "point_2").iter_rows():
        rows = found.filter(pl.col("point") == point, pl.col("point_2") == point_2)
        clocks[point, point_2] = _between(rows)
    return clocks


def _between(rows: pl.DataFrame) -> Clock:
    even = _fitted(rows, 0.0)
    if even.steady or even.error is None:
        return even
    rate = _rate(rows)
    return even if rate is None else max(_fitted(rows, rate), even, key=lambda clock: clock.steady)


def _fitted(rows: pl.DataFrame, rate: float) -> Clock:
    """Return the clock that gains ``rate``, as packets bound it."""
    times, later = rows["t"].to_numpy(), rows["later"].to_numpy()
    since = int(times.min())
    rest = later - np.round(rate * (times - since)).astype(np.int64)
    way = rows["before"].to_numpy()
    there, back = rest[way == 1], rest[way == -1]
    if there.size and back.size:
        most, least = int(there.min()), int(back.max())
        # Packets cannot arrive before they left: bounds that cross mean that a clock went faster, or was set.
        steady = most - least >= -ROUNDING
        return Clock((most + least) // 2, abs(most - least + 1) // 2, steady, rate, since)
    if there.size or back.size:
        return Clock(int(there.min() if there.size else back.max()), None, rate=rate, since=since)
    return Clock(int(np.median(rest)), None, rate=rate, since=since)


def _rate(rows: pl.DataFrame) -> float | None:
    """Return how much the second clock gains: the slope through the middles of the bounds of each span of time."""
    since, until = int(rows["t"].min()), int(rows["t"].max())  # type: ignore[arg-type]
    span = max((until - since) // _WINDOWS, 1)
    spans = (
        rows.group_by(((pl.col("t") - since) // span).alias("span"))
        .agg(
            most=pl.col("later").filter(pl.col("before") == 1).min(),
            least=pl.col("later").filter(pl.col("before") == -1).max(),
            t=pl.col("t").mean() - since,
        )
        .drop_nulls()
        .sort("span")
    )
    if len(spans) < _ENOUGH:
        return None
    middles = (spans["most"] + spans["least"]).to_numpy() / 2
    times = spans["t"].to_numpy()
    rate = float(np.polyfit(times / _SECOND, middles - middles[0], 1)[0]) / _SECOND
    return rate if abs(rate) <= _MOST_GAIN else None


def beside(reference: int, points: int, compared: dict[tuple[int, int], Clock]) -> Sequence[Clock]:
    """Return the clock of each point beside that of ``reference``, over other points where the two met none in common."""
    known = {reference: Clock(0, 0)}
    ways = compared | {(two, one): clock.turned() for (one, two), clock in compared.items()}
    while True:
        reached = [
            (_weight(known[one], way), two, _sum(known[one], way))
            for (one, two), way in sorted(ways.items())
            if one in known and two not in known
        ]
        if not reached:
            return tuple(known.get(point, Clock(None, None)) for point in range(points))
        _, two, clock = min(reached, key=lambda item: item[:2])
        known[two] = clock


def _weight(one: Clock, way: Clock) -> int:
    together = _sum(one, way)
    return 1 << 62 if together.error is None else together.error


def _sum(one: Clock, way: Clock) -> Clock:
    """Return a clock beside the reference, from the one it was compared with, which ``one`` is."""
    error = None if one.error is None or way.error is None else one.error + way.error
    since = way.since - (one.ahead or 0)
    return Clock(one.ahead_at(since) + (way.ahead or 0), error, one.steady and way.steady, one.rate + way.rate, since)
