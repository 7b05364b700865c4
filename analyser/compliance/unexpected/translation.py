"""Flows from addresses outside the site that look like ordered traffic: perhaps a network behind one address.

Knows located flows and applied rules; claims nothing, since a stranger may do the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import polars as pl

from analyser.compliance.applying import Applied
from analyser.compliance.labels import Fit, fit
from analyser.compliance.matching import members, rule_ports
from analyser.compliance.parties import UNLISTED

MOST_TARGETS: Final = 20
"""More ports or hosts than this of one initiator are a scan, and no translated client."""


def find_translated(
    located: pl.DataFrame, applied: Sequence[Applied], probes: Collection[str], targets: pl.DataFrame
) -> pl.DataFrame:
    """Return ``serial``, ``number`` (of the rule) and ``res`` of flows from unlisted addresses that fit a rule.

    ``probes`` are addresses known to send health probes: they stand for nobody. ``targets``: all that unlisted addresses
    asked of the site (``orig``, ``proto``, ``port``, ``res``, ``res_place``).
    """
    strangers = located.filter(pl.col("ini") == UNLISTED, pl.col("res") >= 0, ~pl.col("orig").is_in(sorted(probes)))
    modest = (
        targets.group_by("orig")
        .agg(ports=pl.struct("proto", "port").n_unique(), hosts=pl.struct("res", "res_place").n_unique())
        .filter(pl.col("ports") <= MOST_TARGETS, pl.col("hosts") <= MOST_TARGETS)
    )
    outward = [rule for rule in applied if not rule.local and not rule.cast]
    candidates = (
        strangers.join(modest, on="orig", how="semi")
        .join(rule_ports(outward), on=["proto", "port"], how="inner")
        .join(members(outward, "responder"), on=["number", "res"], how="semi")
        .select("serial", "number", "res", "label")
    )
    contradicted = [
        (number, label)
        for number, label in candidates.select("number", "label").drop_nulls().unique().iter_rows()
        if fit(applied[number].rule.service, label) is Fit.NO
    ]
    wrong = pl.DataFrame(contradicted, schema={"number": pl.Int32, "label": pl.String}, orient="row")
    return candidates.join(wrong, on=["number", "label"], how="anti").select("serial", "number", "res")
