"""How far a packet or two carry: a point that does not show a packet may just not have caught it.

Knows what was found between points, and on how many packets each finding rests. It must not know how it was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from analyser.model.crossing import Crossing

ENOUGH: Final = 3
"""Packets that a point does not lack by chance, even if it lacks some."""

TWICE: Final = 2
"""Packets that a point which lacks nothing else does not lack by chance."""

RESTS_ON: Final = {
    Crossing.REQUEST_LOST: "orig_pkts",
    Crossing.ANSWER_LOST: "resp_pkts",
    Crossing.RESPONDER_RESET_MADE: "resp_nrst",
    Crossing.INITIATOR_RESET_MADE: "orig_nrst",
    Crossing.ERROR_MADE: "icmp_errors",
}
"""How many packets one point shows and the other lacks, as a column of FLOWS."""

_RESETS: Final = {Crossing.RESPONDER_RESET_MADE: "resp_nrst", Crossing.INITIATOR_RESET_MADE: "orig_nrst"}
_KEY: Final = ("id.orig_h", "id.resp_h", "id.resp_p", "kind")


def weigh(found: pl.DataFrame, facts: pl.DataFrame, leaks: Sequence[int]) -> pl.DataFrame:
    """Return what of ``found`` (CROSSINGS by ``group``) bears its weight, ``sure`` only where one lost packet would not explain it.

    ``facts``: ``group``, ``point``, ``proto``, ends, and the columns of ``RESTS_ON`` of each row. ``leaks``: points that are known to lack
    packets: they prove nothing with fewer than ``ENOUGH``. Elsewhere a reset between two hosts on one port says nothing while
    there are fewer than so many, and others passed both points.
    """
    counted = found.join(
        facts.select("group", "point", "proto", "id.orig_h", "id.resp_h", "id.resp_p", *RESTS_ON.values()),
        left_on=["group", "near"], right_on=["group", "point"], how="left", maintain_order="left",
    )  # fmt: skip
    packets: pl.Expr = pl.lit(ENOUGH, pl.UInt64)
    for crossing, column in RESTS_ON.items():
        packets = pl.when(pl.col("shown") == int(crossing)).then(column).otherwise(packets)
    reset = pl.col("shown").is_in([int(crossing) for crossing in _RESETS])
    counted = counted.with_columns(
        packets=packets.fill_null(0), kind=pl.when(reset).then(0).otherwise(pl.col("shown")), is_reset=reset
    ).join(_passed(facts), on=_KEY[:3], how="left", maintain_order="left")
    counted = counted.with_columns(total=pl.col("packets").sum().over(_KEY))
    # An initiator that hears an answer acknowledges it: two captures would have to lack a packet each.
    acknowledged = (pl.col("shown") == int(Crossing.ANSWER_LOST)) & (pl.col("proto") == "tcp")
    rests = pl.col("shown").is_in([int(crossing) for crossing in RESTS_ON])
    leaking = pl.col("far").is_in(list(leaks)) & (pl.col("packets") < ENOUGH)
    alone = pl.col("is_reset") & (pl.col("total") < ENOUGH) & pl.col("passed").fill_null(value=False)
    kept = counted.filter(~leaking & ~alone).with_columns(
        sure=pl.col("sure") & (~rests | acknowledged | (pl.col("total") >= TWICE))
    )
    return kept.select(found.columns)


def _passed(facts: pl.DataFrame) -> pl.DataFrame:
    """Between whom, on which port, resets were seen at several points: ``passed`` beside both ends and the port."""
    parts = [
        facts.filter(pl.col(column) > 0).filter(pl.col("point").n_unique().over("group") > 1).select(_KEY[:3])
        for column in _RESETS.values()
    ]
    return pl.concat(parts).unique().with_columns(passed=pl.lit(value=True))
