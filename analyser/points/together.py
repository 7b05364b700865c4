"""From what each capture point showed to one view of all: the one door of this stage.

Every conversation is told once, by the point that shows most of it, with what the others add. Knows tables; must not know sites,
rules or what a port came to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from analyser.model.finding import VantageNote
from analyser.model.times import Period
from analyser.points.clocks import Clock, beside, compare, differences
from analyser.points.crossing import Crossings
from analyser.points.matching import Matching, travels
from analyser.points.measuring import leaking, measure
from analyser.points.merging import Merged, merge
from analyser.points.numbering import Point, numbered_apart, on_one_clock
from analyser.points.order import Order, near_hosts, order_of_sides
from analyser.points.sides import pairs_of, sides_of
from analyser.points.turning import told_alike
from analyser.points.witness import UNCOMPARED, Witnesses
from analyser.tables import sights_of

_ROUNDS: Final = 3
"""How often flows are matched anew when those matched before let clocks be compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Several points as one: the tables, by one clock; SIGHTS of all points; and what the points show together."""

    flows: pl.DataFrame
    paths: pl.DataFrame
    neighbours: pl.DataFrame
    icmp_errors: pl.DataFrame
    promises: pl.DataFrame
    requests: pl.DataFrame
    handshakes: pl.DataFrame
    lookups: pl.DataFrame
    sights: pl.DataFrame
    periods: tuple[Period, ...]
    crossings: pl.DataFrame
    points: tuple[Point, ...]
    note: VantageNote


def put_together(named: Sequence[Point]) -> Together:
    """Return one view of what several points showed.

    Times are told by the clock of the point that was named first. Nothing else depends on the order of points.
    """
    first = named[0].name
    points = numbered_apart(tuple(sorted(named, key=lambda point: point.name)))
    reference = next(place for place, point in enumerate(points) if point.name == first)
    matching = Matching(_all_flows(points))
    clocks: Sequence[Clock] = ()
    told = points
    for _ in range(_ROUNDS):
        flows = _all_flows(points).with_columns(group=pl.Series(matching.groups))
        clocks = _clocks(flows, reference, len(points))
        told = tuple(on_one_clock(point, clock.told) for point, clock in zip(points, clocks, strict=True))
        compared = all(clock.ahead is not None for clock in clocks)
        matching.by_time(_all_flows(told), compared=compared)
        matching.through_translation(compared=compared)
        if compared:
            break
    flows = _all_flows(told).with_columns(group=pl.Series(matching.groups))
    flows = flows.with_columns(
        travels=travels(flows), translated=pl.col("group").is_in([int(row) for row in matching.translated_groups])
    )
    return _viewed(told, told_alike(flows), clocks, matching.ambiguous)


def _all_flows(points: Sequence[Point]) -> pl.DataFrame:
    return pl.concat([point.flows.with_columns(point=pl.lit(place, pl.UInt32)) for place, point in enumerate(points)])


def _clocks(flows: pl.DataFrame, reference: int, points: int) -> Sequence[Clock]:
    pairs = order_of_sides(pairs_of(sides_of(flows)))
    return beside(reference, points, compare(differences(pairs)))


def _viewed(points: tuple[Point, ...], flows: pl.DataFrame, clocks: Sequence[Clock], ambiguous: int) -> Together:
    sides = sides_of(flows)
    pairs = order_of_sides(pairs_of(sides))
    neighbours = pl.concat(
        [point.neighbours.with_columns(point=pl.lit(place, pl.UInt32)) for place, point in enumerate(points)]
    )
    near = near_hosts(sides, neighbours)
    order = Order(pairs, near, len(points))
    doubts = [UNCOMPARED if clock.ahead is None else clock.error or 0 for clock in clocks]
    witnesses = Witnesses(sides, near, [point.periods for point in points], doubts)
    leaks = leaking(points, flows, pairs, witnesses)
    shown = Crossings(flows, order, witnesses, near).told(leaks)
    if any(clock.ahead is None for clock in clocks):
        shown = shown.with_columns(sure=pl.lit(value=False))
    merged: Merged = merge(points, flows, order, near, shown)
    return Together(
        flows=merged.flows,
        paths=pl.concat([point.paths for point in points]),
        neighbours=pl.concat([point.neighbours for point in points]).sort("first_t", "frame", maintain_order=True),
        icmp_errors=merged.icmp_errors,
        promises=merged.promises,
        requests=merged.requests,
        handshakes=pl.concat([point.handshakes for point in points]),
        lookups=pl.concat([point.lookups for point in points]),
        sights=sights_of(flows),
        periods=tuple(period for point in points for period in point.periods),
        crossings=merged.crossings,
        points=points,
        note=measure(points, flows, pairs, shown, clocks, witnesses, leaks, ambiguous),
    )
