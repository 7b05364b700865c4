"""Each conversation told from the same initiator at all points.

Where a point lacks the beginning, who asked whom is a guess, and two points may guess differently. Knows which columns of FLOWS
come in pairs; must not know what they mean.
"""

from __future__ import annotations

import polars as pl

from analyser.tables import SIDE_COLUMNS

_PAIRS = (*SIDE_COLUMNS, "bytes", "pkts", "ip_bytes")


def told_alike(flows: pl.DataFrame) -> pl.DataFrame:
    """Return ``flows`` with ``turned``: rows that were told from the other end than the row of their group that knows best.

    These rows are turned round. ``flows`` has ``group``, ``point`` and ``translated``.
    """
    told = flows.select(
        "group", "point", "translated", "by_syn", "guessed", "id.orig_h", "id.orig_p",
        packets=(pl.col("orig_pkts") + pl.col("resp_pkts")).cast(pl.Int64),
    )  # fmt: skip
    several = told.filter(pl.len().over("group") > 1, ~pl.col("translated"))
    lead = several.sort("group", ~pl.col("by_syn"), "guessed", -pl.col("packets"), "point").unique(
        "group", keep="first", maintain_order=True
    )
    known = told.join(
        lead.select("group", lead_h="id.orig_h", lead_p="id.orig_p"), on="group", how="left", maintain_order="left"
    )
    other = (pl.col("id.orig_h") != pl.col("lead_h")) | (pl.col("id.orig_p") != pl.col("lead_p"))
    marked = flows.with_columns(known.select(turned=other.fill_null(value=False))["turned"])
    if not marked["turned"].any():
        return marked
    pairs = [("id.orig_h", "id.resp_h"), ("id.orig_p", "id.resp_p")]
    pairs += [(f"orig_{name}", f"resp_{name}") for name in _PAIRS]
    swapped = {
        name: pl.when("turned").then(other_name).otherwise(name)
        for one, two in pairs
        for name, other_name in ((one, two), (two, one))
    }
    about = pl.when("turned").then(~pl.col("icmp_about_orig")).otherwise("icmp_about_orig")
    return marked.with_columns(**swapped, icmp_about_orig=about)
