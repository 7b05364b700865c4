"""Which flows are attempts of which rules, by their ends, transport, port and proved service.

Knows located flows and applied rules; judges nothing. Everything here is a join: one million flows cost a
second, however many rules there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import polars as pl

from analyser.compliance.applying import Applied
from analyser.compliance.labels import fit
from analyser.compliance.parties import CAST, LOOPBACK

FITS: Final[dict[str, pl.DataType]] = {
    "number": pl.Int32(),
    "serial": pl.UInt64(),
    "ini": pl.Int32(),
    "ini_place": pl.String(),
    "res": pl.Int32(),
    "res_place": pl.String(),
    "orig": pl.String(),
    "resp": pl.String(),
    "family": pl.String(),
    "port": pl.Int32(),
    "ts": pl.Int64(),
    "translated": pl.Boolean(),
    "note": pl.String(),
    "uncertain": pl.Boolean(),
}
"""One row per rule and flow that counts for it.

``note`` is a fact for the port's detail. ``uncertain``: attributed to the rule without proof.
"""


def match_ports(located: pl.DataFrame, applied: Sequence[Applied], shared: pl.DataFrame) -> pl.DataFrame:
    """Return FITS of all rules with ports of their own.

    ``shared`` lists further initiators (``orig``, ``ini``) of translated addresses.
    """
    rules = rule_ports(applied)
    wanted = located.join(rules.select("proto", "port").unique(), on=["proto", "port"], how="semi")
    more = wanted.drop("ini").join(shared, on="orig", how="inner").select(wanted.columns)
    candidates = (
        pl.concat([wanted, more])
        .join(rules, on=["proto", "port"], how="inner")
        .join(members(applied, "initiator"), on=["number", "ini"], how="semi")
        .join(members(applied, "responder"), on=["number", "res"], how="semi")
        .filter(
            pl.col("local") | ~pl.col("rule_local"),
            pl.col("destination").is_null() | (pl.col("destination") == pl.col("resp")),
        )
    )
    chosen = _best_labels(candidates, applied)
    return chosen.select(
        *(name for name in FITS if name not in ("note", "uncertain")),
        note=pl.lit(None, pl.String),
        uncertain=pl.lit(value=False),
    ).cast(pl.Schema(FITS))


def members(applied: Iterable[Applied], end: str) -> pl.DataFrame:
    """Return which party can stand at ``end`` of which rule: columns ``number`` and ``ini`` or ``res``."""
    first = end == "initiator"
    rows: list[tuple[int, int]] = []
    for rule in applied:
        parties = rule.initiators if first else rule.responders
        rows += [(rule.number, party) for party in sorted(parties)]
        if rule.local:
            rows.append((rule.number, LOOPBACK))
        if rule.cast and not first:
            rows.append((rule.number, CAST))
    return pl.DataFrame(rows, schema={"number": pl.Int32, "ini" if first else "res": pl.Int32}, orient="row")


def rule_ports(applied: Iterable[Applied]) -> pl.DataFrame:
    """Return the ports of rules: number, proto, port, rule_local, destination."""
    rows = [
        (rule.number, str(rule.rule.transport), port, rule.local, rule.destination)
        for rule in applied
        for port in rule.ports
        if not rule.negotiated
    ]
    return pl.DataFrame(
        rows,
        schema={
            "number": pl.Int32,
            "proto": pl.String,
            "port": pl.Int32,
            "rule_local": pl.Boolean,
            "destination": pl.String,
        },
        orient="row",
    )


def _best_labels(candidates: pl.DataFrame, applied: Sequence[Applied]) -> pl.DataFrame:
    """Keep, of the rules that one flow could count for, those that its proved label agrees with best.

    A flow without a proved label counts for all of them, and so does one that agrees with none.
    """
    pairs = candidates.select("number", "label").unique().drop_nulls("label")
    scores = pl.DataFrame(
        [(number, label, int(fit(applied[number].rule.service, label))) for number, label in pairs.iter_rows()],
        schema={"number": pl.Int32, "label": pl.String, "score": pl.Int8},
        orient="row",
    )
    scored = candidates.join(scores, on=["number", "label"], how="left").with_columns(pl.col("score").fill_null(0))
    best = pl.col("score").max().over("serial", "ini", "port")
    return scored.filter(pl.col("score") == best)
