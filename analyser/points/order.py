"""Which capture point a packet passes first on its way from one host to another.

A router takes one from the TTL, so the point with the higher TTL comes first; where no router stands between, the point
nearer the initiator waits longer for the SYN-ACK. What the packets of two hosts do not tell, the other direction tells, then
the point at which a host's packets still have their initial TTL, then the other hosts of both networks. Knows sides.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from analyser.points.sides import INITIAL_TTLS

_LATER: Final = 0.000_002
"""Seconds that a round trip must be longer to tell two points apart: times are rounded."""

KEY: Final = ("from_h", "to_h", "from_n", "to_n")
_BETWEEN: Final = ("point", "point_2")


def order_of_sides(pairs: pl.DataFrame) -> pl.DataFrame:
    """Add ``before`` to pairs of one side at two points: 1 if it passed ``point`` first, -1 if last, 0 where nothing tells."""
    ttl = pl.col("ttl").cast(pl.Int16) - pl.col("ttl_2").cast(pl.Int16)
    by_ttl = pl.when((pl.col("ttl") > 0) & (pl.col("ttl_2") > 0)).then(ttl.sign()).otherwise(0)
    rtt = (pl.col("rtt") - pl.col("rtt_2")).fill_null(0.0)
    nearer = pl.when(rtt.abs() > _LATER).then(rtt.sign()).otherwise(0.0).cast(pl.Int16)
    by_rtt = pl.when("from_orig").then(nearer).otherwise(-nearer)
    return pairs.with_columns(before=pl.when(by_ttl != 0).then(by_ttl).otherwise(by_rtt).cast(pl.Int8))


class Order:
    """The order of points between any two hosts that were seen."""

    def __init__(self, ordered: pl.DataFrame, near: pl.DataFrame, points: int) -> None:
        """Take ``order_of_sides``, and ``near`` (``point``, ``host``)."""
        self._points = points
        self._near = near
        mine = ordered.filter(pl.col("before") != 0)
        # Where one point shows translated addresses, the order holds for these too.
        also = mine.filter((pl.col("from_h") != pl.col("from_h_2")) | (pl.col("to_h") != pl.col("to_h_2")))
        there = pl.concat(
            [
                mine.select(*KEY, *_BETWEEN, "before"),
                also.select(*(pl.col(f"{name}_2").alias(name) for name in KEY), *_BETWEEN, "before"),
            ]
        )
        back = there.rename({"point": "point_2", "point_2": "point"}).with_columns(before=-pl.col("before"))
        told = pl.concat([there, back.select(there.columns)])
        self._hosts = _votes(told, ["from_h", "to_h"])
        self._networks = _votes(told, ["from_n", "to_n"])

    def between(self, ends: pl.DataFrame) -> pl.DataFrame:
        """Return each of ``ends`` (KEY) with every two points and ``before``: 1, -1, or null where nothing tells."""
        every = pl.DataFrame({"point": list(range(self._points))}, schema={"point": pl.UInt32})
        asked = (
            ends.select(KEY).unique(maintain_order=True).join(every, how="cross").join(every.rename({"point": "point_2"}), how="cross")
            .filter(pl.col("point") != pl.col("point_2"))
        )  # fmt: skip
        known = _told(_told(asked, self._hosts, "h", "by_hosts"), self._networks, "n", "by_networks")
        for end, name in (("to_h", "to"), ("from_h", "from")):
            for point in _BETWEEN:
                known = known.join(
                    self._near.select(pl.col("point").alias(point), pl.col("host").alias(end), pl.lit(value=True).alias(f"{name}_{point}")),
                    on=[point, end], how="left", maintain_order="left",
                )  # fmt: skip
        at = {
            name: pl.col(name).fill_null(value=False).cast(pl.Int8)
            for name in ("to_point", "to_point_2", "from_point", "from_point_2")
        }
        by_near = (at["to_point_2"] - at["to_point"] + at["from_point"] - at["from_point_2"]).sign()
        told = pl.coalesce("by_hosts", pl.when(by_near != 0).then(by_near), "by_networks")
        return known.select(*KEY, *_BETWEEN, before=told.cast(pl.Int8))

    def ranks(self, ends: pl.DataFrame) -> pl.DataFrame:
        """Return each of ``ends`` with each point and ``rank``: how many points are known to come before it, less those after."""
        placed = self.between(ends).group_by(*KEY, "point", maintain_order=True)
        return placed.agg(rank=-pl.col("before").cast(pl.Int32).sum())


def _votes(told: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    votes = told.group_by(*key, *_BETWEEN).agg(before=pl.col("before").cast(pl.Int64).sum().sign())
    return votes.filter(pl.col("before") != 0)


def _told(asked: pl.DataFrame, votes: pl.DataFrame, which: str, name: str) -> pl.DataFrame:
    """Add what the packets of these ends tell, else what those of the other direction do."""
    ends = [f"from_{which}", f"to_{which}"]
    there = asked.join(votes.rename({"before": "there"}), on=[*ends, *_BETWEEN], how="left", maintain_order="left")
    turned = votes.select(
        pl.col(ends[1]).alias(ends[0]), pl.col(ends[0]).alias(ends[1]), *_BETWEEN, back=-pl.col("before")
    )
    both = there.join(turned, on=[*ends, *_BETWEEN], how="left", maintain_order="left")
    return both.with_columns(pl.coalesce("there", "back").alias(name)).drop("there", "back")


def near_hosts(sides: pl.DataFrame, neighbours: pl.DataFrame) -> pl.DataFrame:
    """Return at which point a host's own segment is captured: ``point``, ``host``.

    Its packets come there with an initial TTL, or it took part in ARP or neighbour discovery (``neighbours`` with ``point``).
    """
    by_ttl = sides.filter(pl.col("ttl").is_in(INITIAL_TTLS)).select("point", host="from_h")
    asked = neighbours.filter(pl.col("requests") > 0).select("point", host="asker")
    answered = neighbours.filter(pl.col("replies") > 0).select("point", host="target")
    return pl.concat([by_ttl, asked, answered]).unique(maintain_order=True)
