"""Who really sent a reset: the end whose address it carries, or a device on the way.

A reset is compared only with packets of the claimed sender that came the same way (interface, VLAN, MAC pair: one
row of PATHS) and are no resets themselves. A device in the path stands at another distance, so its TTL differs; and
a true sender that goes on sending payload after "its" reset never sent it. IP IDs only corroborate: many stacks
number resets apart. Weaver, Sommer and Paxson, "Detecting Forged TCP Reset Packets" (NDSS 2009), describe the idea.
"""

from __future__ import annotations

from typing import Final

import polars as pl

GENUINE: Final = 1
"""The reset looks like the other packets of its sender."""
UNCOMPARED: Final = 2
"""Nothing to compare it with, or what there is contradicts itself."""
PERHAPS_FORGED: Final = 3
FORGED: Final = 4

REORDERED: Final = 1_000_000
"""Payload at most this many nanoseconds after the reset may have been overtaken on its way to the capture."""
ROUTE_JITTER: Final = 2
"""Hops by which genuine packets may differ when routes change."""
IP_ID_STEP: Final = 2048
"""A counter that advanced by more between two packets of one connection is another machine's."""

_FOUND: Final = {
    "serial": pl.UInt64,
    "{}_reset": pl.UInt8,
    "{}_reset_ttl": pl.Int32,
    "{}_true_ttl": pl.Int32,
    "{}_reset_hops": pl.Int32,
}
"""What is found of one side's resets."""


def initial_ttl(ttl: pl.Expr) -> pl.Expr:
    """Return the initial TTL that a packet most likely started with."""
    return pl.when(ttl <= 32).then(32).when(ttl <= 64).then(64).when(ttl <= 128).then(128).otherwise(255)


def hops(ttl: pl.Expr) -> pl.Expr:
    """Return how many routers away the sender of a packet with this TTL most likely is."""
    return initial_ttl(ttl) - ttl.cast(pl.Int32)


def _resets(flows: pl.DataFrame, side: str, sender: str) -> pl.DataFrame:
    both_closed = (
        (pl.col("orig_nfin") > 0)
        & (pl.col("resp_nfin") > 0)
        & (pl.col(f"{side}_rst_t") >= pl.max_horizontal("orig_fin_t", "resp_fin_t"))
    )
    last, reset = pl.col(f"{side}_ipid_last").cast(pl.Int32), pl.col(f"{side}_rst_ipid").cast(pl.Int32)
    apart = (reset - last).abs()
    return (
        flows.lazy()
        .filter((pl.col("proto") == "tcp") & (pl.col(f"{side}_nrst") > 0))
        .select(
            "serial",
            sender=sender,
            path=f"{side}_rst_path",
            ttl=pl.col(f"{side}_rst_ttl").cast(pl.Int32),
            # A reset after both ends have closed stops nothing, whoever sent it.
            harmless=both_closed,
            went_on=(pl.col(f"{side}_after_rst") > 0)
            & (pl.col(f"{side}_data_last_t") > pl.col(f"{side}_rst_t") + REORDERED),
            other_counter=(last > 0) & (reset > 0) & (pl.min_horizontal(apart, 65536 - apart) > IP_ID_STEP),
        )
        .collect()
    )


def _genuine(sights: pl.DataFrame) -> pl.LazyFrame:
    # Where both sides of a router are captured, the second sight of a packet is a copy, and the one that a reset beside it meets.
    sides = [
        sights.lazy()
        .filter((pl.col(f"{side}_{high}") > 0) & (pl.col(f"{side}_{path}") > 0))
        .select(
            sender=sender,
            path=f"{side}_{path}",
            tcp="tcp",
            low=pl.col(f"{side}_{low}").cast(pl.Int32),
            high=pl.col(f"{side}_{high}").cast(pl.Int32),
        )
        for side, sender in (("orig", "id.orig_h"), ("resp", "id.resp_h"))
        for path, low, high in (("path", "ttl_min", "ttl_max"), ("copy_path", "copy_ttl", "copy_ttl"))
    ]
    return pl.concat(sides).unique()


def compare(flows: pl.DataFrame, side: str, sights: pl.DataFrame) -> pl.DataFrame:
    """Judge the first reset of one side (``"orig"`` or ``"resp"``) of every flow that has one.

    ``sights`` are SIGHTS of all flows of the run, from which genuine packets are known.

    Gives ``serial``, ``<side>_reset`` (GENUINE … FORGED), ``<side>_reset_ttl``, ``<side>_true_ttl`` (the nearest
    genuine one, null without any) and ``<side>_reset_hops`` (distance of the reset's sender).
    """
    resets = _resets(flows, side, "id.orig_h" if side == "orig" else "id.resp_h")
    if resets.is_empty():
        return pl.DataFrame(schema={name.format(side): kind for name, kind in _FOUND.items()})
    # Without a genuine packet there is no nearest one: min_horizontal would take the reset's own TTL.
    nearest = (
        pl.when(pl.col("low").is_null()).then(None)
        .when(pl.col("ttl") < pl.col("low")).then("low")
        .otherwise(pl.min_horizontal("high", "ttl"))
    )  # fmt: skip
    judged = (
        resets.lazy()
        .join(_genuine(sights), on=["sender", "path"], how="left")
        .with_columns(nearest=nearest)
        .with_columns(gap=(pl.col("ttl") - pl.col("nearest")).abs())
        # TCP answers are the fair comparison; other packets of a host may start at another TTL.
        .sort("tcp", "gap", descending=[True, False], nulls_last=True)
        .group_by("serial")
        .agg(
            pl.first("ttl", "harmless", "went_on", "other_counter", "nearest", "gap", "tcp"),
            any_gap=pl.col("gap").min(),
        )
    )
    differs = pl.col("gap") > 0
    same_distance = hops(pl.col("ttl")) == hops(pl.col("nearest"))
    unsure = ~pl.col("other_counter") & ((pl.col("gap") <= ROUTE_JITTER) | same_distance)
    verdict = (
        pl.when("harmless").then(GENUINE)
        .when(pl.col("went_on") & differs.fill_null(value=False)).then(FORGED)
        .when("went_on").then(PERHAPS_FORGED)
        .when(pl.col("gap").is_null() | (pl.col("ttl") == 0)).then(UNCOMPARED)
        .when(~differs).then(GENUINE)
        .when(pl.col("tcp") & (pl.col("any_gap") == 0)).then(UNCOMPARED)
        .when(unsure).then(PERHAPS_FORGED)
        .otherwise(FORGED)
    )  # fmt: skip
    return judged.select(
        "serial",
        verdict.cast(pl.UInt8).alias(f"{side}_reset"),
        pl.col("ttl").alias(f"{side}_reset_ttl"),
        pl.col("nearest").alias(f"{side}_true_ttl"),
        hops(pl.col("ttl")).alias(f"{side}_reset_hops"),
    ).collect()
