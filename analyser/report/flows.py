"""The flow table for its readers: the public columns, and the files that hold them.

Knows the schemas of :mod:`analyser.tables` and turns inner conventions (integers of nanoseconds, 0 for "not seen",
numbers of files) into public ones (UTC times, nulls, paths). Column names are Zeek's where Zeek has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from analyser.community import community_id
from analyser.report.escape import as_text
from analyser.tables import FLOWS_PUBLIC, HANDSHAKE_WORDS

_PUBLIC: Final[tuple[str, ...]] = tuple(FLOWS_PUBLIC)
_ENDS: Final[tuple[str, ...]] = ("proto", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")

_EVIDENCE: Final[dict[str, str]] = {
    "orig_syn": "syn",
    "resp_syn": "syn_ack",
    "orig_data": "orig_data",
    "resp_data": "resp_data",
    "orig_rst": "orig_rst",
    "resp_rst": "resp_rst",
    "icmp": "icmp",
    "orig_last": "orig_last",
    "resp_last": "resp_last",
}
"""Frames that a flow remembers: inner name and public name, both followed by ``_frame`` and ``_file``."""


def flow_table(flows: pl.DataFrame, captures: Sequence[str]) -> pl.DataFrame:
    """Return the public flow table, one row per flow, oldest first.

    ``flows`` holds the columns FLOWS and LABELS of :mod:`analyser.tables`, and HANDSHAKE_WORDS if they are wanted;
    ``captures`` are the paths that its file numbers mean. ``ts`` becomes a UTC time of nanoseconds; what was not seen is
    null.
    """
    after_proto = _PUBLIC.index("proto") + 1
    after_tunnels = _PUBLIC.index("tunnel_parents") + 1
    return flows.sort("ts", maintain_order=True).select(
        pl.from_epoch("ts", time_unit="ns").dt.replace_time_zone("UTC"),
        *_PUBLIC[1:after_proto],
        "service",
        *_PUBLIC[after_proto:after_tunnels],
        _community_ids(),
        "basis",
        "tls_version",
        "server_name",
        *_PUBLIC[after_tunnels:],
        "sublabel",
        *(name for name in HANDSHAKE_WORDS if name in flows.columns),
        "icmp_errors",
        *(pl.when(pl.col("icmp_errors") > 0).then(pl.col(name)).alias(name) for name in ("icmp_type", "icmp_code")),
        _seen("icmp_sender", ""),
        *(_seen(f"{side}_ttl_{which}", 0) for side in ("orig", "resp") for which in ("min", "max")),
        *_evidence(captures),
    )


def _seen(column: str, nothing: object) -> pl.Expr:
    return pl.when(pl.col(column) != nothing).then(pl.col(column)).alias(column)


def _community_ids() -> pl.Expr:
    return (
        pl.struct(_ENDS)
        .map_batches(
            lambda ends: pl.Series([community_id(*end) for end in ends.struct.unnest().iter_rows()], dtype=pl.String),
            return_dtype=pl.String,
        )
        .alias("community_id")
    )


def _evidence(captures: Sequence[str]) -> list[pl.Expr]:
    paths = pl.Series("captures", list(map(as_text, captures)), dtype=pl.String)
    columns = []
    for inner, public in _EVIDENCE.items():
        seen = pl.col(f"{inner}_frame") > 0
        columns.append(pl.when(seen).then(pl.col(f"{inner}_frame")).alias(f"{public}_frame"))
        path = pl.lit(paths).gather(pl.col(f"{inner}_file").cast(pl.UInt32))
        columns.append(pl.when(seen).then(path).alias(f"{public}_file"))
    return columns
