"""What was lost between capture points, how long packets took, and how far clocks are apart: numbers of the report.

Losses are counted only where both points were capturing during the whole conversation. Knows sides and clocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from analyser.model.crossing import Crossing
from analyser.model.finding import DelayNote, PointNote, VantageNote, WayNote
from analyser.model.times import iso_time
from analyser.points.clocks import Clock, differences
from analyser.points.numbering import Point
from analyser.points.witness import Witnesses

_LOST: Final = {Crossing.REQUEST_LOST: "orig_pkts", Crossing.ANSWER_LOST: "resp_pkts"}


def measure(
    points: Sequence[Point],
    flows: pl.DataFrame,
    pairs: pl.DataFrame,
    shown: pl.DataFrame,
    clocks: Sequence[Clock],
    witnesses: Witnesses,
    leaks: Sequence[int],
    ambiguous: int,
) -> VantageNote:
    """Return the numbers of all points together.

    ``flows``: of all points with ``point``, ``group`` and ``translated``; ``pairs``: ``order_of_sides``; ``shown``: CROSSINGS by ``group``;
    ``leaks``: points that lack packets.
    """
    told = flows.select("group", "point", "translated")
    several = told.filter(pl.col("point").n_unique().over("group") > 1)
    return VantageNote(
        points=tuple(_point(point, clocks[place], lacks=place in leaks) for place, point in enumerate(points)),
        ways=tuple(_ways(points, flows, pairs, shown, clocks, witnesses)),
        matched=several["group"].n_unique(),
        translated=several.filter("translated")["group"].n_unique(),
        ambiguous=ambiguous,
    )


def _point(point: Point, clock: Clock, *, lacks: bool) -> PointNote:
    began = min((first for first, _ in point.periods), default=None)
    return PointNote(
        name=point.name,
        captures=(),
        packets=0,
        flows=len(point.flows),
        first=iso_time(began),
        last=iso_time(max((last for _, last in point.periods), default=None)),
        clock_ahead=None if clock.ahead is None else _seconds(clock.ahead_at(began or clock.since)),
        clock_gain=round(clock.rate * 1e6, 3),
        clock_error=_seconds(clock.error),
        clock_steady=clock.steady,
        lacks_packets=lacks,
    )


def _seconds(ns: float | None) -> float | None:
    return None if ns is None else round(ns / 1e9, 9)


def _ways(
    points: Sequence[Point],
    flows: pl.DataFrame,
    pairs: pl.DataFrame,
    shown: pl.DataFrame,
    clocks: Sequence[Clock],
    witnesses: Witnesses,
) -> list[WayNote]:
    counted = _counted(pairs, witnesses)
    counted = pl.concat([counted, _never_came(flows, shown)])
    sums = counted.group_by("origin", "target").agg(
        flows=pl.col("group").n_unique(),
        packets=pl.col("sent").sum(),
        lost=(pl.col("sent") - pl.col("came")).clip(lower_bound=0).sum(),
        unseen=(pl.col("came") - pl.col("sent")).clip(lower_bound=0).sum(),
    )
    taken = differences(pairs).filter(pl.col("before") != 0).select(
        origin=pl.when(pl.col("before") > 0).then("point").otherwise("point_2"),
        target=pl.when(pl.col("before") > 0).then("point_2").otherwise("point"),
        took=pl.col("later") * pl.col("before").cast(pl.Int64),
    )  # fmt: skip
    delays = taken.group_by("origin", "target").agg(
        shortest=pl.col("took").min(), median=pl.col("took").median(), longest=pl.col("took").max()
    )
    rows = sums.join(delays, on=["origin", "target"], how="left").sort("origin", "target")
    return [
        WayNote(
            origin=points[row["origin"]].name,
            target=points[row["target"]].name,
            flows=row["flows"],
            packets=row["packets"],
            lost=row["lost"],
            unseen=row["unseen"],
            delay=_delay(row, clocks[row["origin"]], clocks[row["target"]]),
        )
        for row in rows.iter_rows(named=True)
    ]


def _counted(pairs: pl.DataFrame, witnesses: Witnesses) -> pl.DataFrame:
    """Return what each side that two points watched from beginning to end ``sent`` past the first and what ``came`` to the second.

    ``group``, ``origin``, ``target``, ``sent``, ``came``; only where it is known which is the first.
    """
    known = pairs.filter(pl.col("before") != 0)
    first = pl.col("before") > 0
    ways = known.select(
        "group",
        origin=pl.when(first).then("point").otherwise("point_2"),
        target=pl.when(first).then("point_2").otherwise("point"),
        sent=pl.when(first).then("pkts").otherwise("pkts_2").cast(pl.Int64),
        came=pl.when(first).then("pkts_2").otherwise("pkts").cast(pl.Int64),
    )
    return ways.filter(_whole(known, witnesses))


def leaking(points: Sequence[Point], flows: pl.DataFrame, pairs: pl.DataFrame, witnesses: Witnesses) -> list[int]:
    """Return points that lack packets which passed them.

    They say so themselves, or a later point shows what they do not, or payload that they lack was acknowledged. Conversations with resets are left out, since a device between may have made these.
    """
    resets = pl.max_horizontal("orig_nrst", "resp_nrst")
    torn = flows.select("group", resets=resets).filter(pl.col("resets") > 0).select("group").unique()
    calm = _counted(pairs.join(torn, on="group", how="anti"), witnesses)
    lacking = calm.filter(pl.col("came") > pl.col("sent"))["origin"].unique().to_list()
    missed = (
        flows.select("group", "point", "missed_bytes")
        .filter(pl.col("missed_bytes") > 0)
        .join(torn, on="group", how="anti")["point"]
        .unique()
        .to_list()
    )
    return sorted({place for place, point in enumerate(points) if point.lossy}.union(lacking, missed))


def _whole(turned: pl.DataFrame, witnesses: Witnesses) -> pl.Series:
    """Say of which sides both points were capturing from the first to the last packet that either saw."""
    times = turned.select(
        "point",
        "point_2",
        first=pl.min_horizontal("first_t", "first_t_2"),
        last=pl.max_horizontal("last_t", "last_t_2"),
    )
    both = [times, times.with_columns(point="point_2")]
    covered = [witnesses.watching(part, name) for part in both for name in ("first", "last")]
    return pl.DataFrame([series.alias(str(place)) for place, series in enumerate(covered)]).select(
        whole=pl.all_horizontal(pl.all())
    )["whole"]


def _never_came(flows: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """Packets of sides that a point shows and the next one does not show at all."""
    parts = [
        shown.filter(pl.col("shown") == int(crossing))
        .join(flows.select("group", "point", sent=column), left_on=["group", "near"], right_on=["group", "point"])
        .select("group", origin="near", target="far", sent=pl.col("sent").cast(pl.Int64), came=pl.lit(0, pl.Int64))
        for crossing, column in _LOST.items()
    ]
    return pl.concat(parts)


def _delay(row: dict[str, float | None], origin: Clock, target: Clock) -> DelayNote | None:
    shortest, median, longest = row["shortest"], row["median"], row["longest"]
    known = origin.error is not None and target.error is not None and origin.steady and target.steady
    if shortest is None or median is None or longest is None or not known:
        return None
    error = (origin.error or 0) + (target.error or 0)
    return DelayNote(
        shortest=round(shortest / 1e9, 9),
        median=round(median / 1e9, 9),
        longest=round(longest / 1e9, 9),
        error=_seconds(error),
    )
