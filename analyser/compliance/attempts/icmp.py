"""ICMP errors as causes: which error means what, and which of a flow's errors counts.

Types and codes: RFC 792, RFC 1122 (3.2.2.1), RFC 1812 (5.2.7.1), RFC 4443 (3.1). Fragmentation needed
(3/4, ICMPv6 type 2) stops no conversation and is in no row.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from analyser.model.finding import Cause

CAUSES: Final[dict[tuple[int, int, int], Cause]] = {
    (4, 3, 9): Cause.ICMP_ADMIN_PROHIBITED,
    (4, 3, 10): Cause.ICMP_ADMIN_PROHIBITED,
    (4, 3, 13): Cause.ICMP_ADMIN_PROHIBITED,
    (6, 1, 1): Cause.ICMP_ADMIN_PROHIBITED,
    (6, 1, 5): Cause.ICMP_ADMIN_PROHIBITED,
    (6, 1, 6): Cause.ICMP_ADMIN_PROHIBITED,
    (4, 3, 1): Cause.ICMP_HOST_UNREACHABLE,
    (4, 3, 7): Cause.ICMP_HOST_UNREACHABLE,
    (4, 3, 12): Cause.ICMP_HOST_UNREACHABLE,
    (6, 1, 3): Cause.ICMP_HOST_UNREACHABLE,
    (4, 3, 0): Cause.ICMP_NET_UNREACHABLE,
    (4, 3, 6): Cause.ICMP_NET_UNREACHABLE,
    (4, 3, 11): Cause.ICMP_NET_UNREACHABLE,
    (6, 1, 0): Cause.ICMP_NET_UNREACHABLE,
    (4, 3, 3): Cause.ICMP_PORT_UNREACHABLE,
    (6, 1, 4): Cause.ICMP_PORT_UNREACHABLE,
    (4, 3, 2): Cause.ICMP_OTHER,
    (4, 11, 0): Cause.ICMP_OTHER,
}
"""(IP version, type, code) → cause."""

_TABLE: Final = pl.DataFrame(
    [(version, kind, code, str(cause)) for (version, kind, code), cause in CAUSES.items()],
    schema={"version": pl.UInt8, "type": pl.UInt8, "code": pl.UInt8, "icmp_cause": pl.String},
    orient="row",
)

_ERROR: Final = ("serial", "t", "file", "frame", "sender", "version", "type", "code", "about_orig")


def causes(flows: pl.DataFrame, errors: pl.DataFrame) -> pl.DataFrame:
    """Return the first error of each flow that stops a conversation.

    Takes FLOWS (its ``icmp_*`` columns: the first error) and ICMP_ERRORS (all of them). Gives one row per flow
    that has such an error: ``serial``, ``icmp_cause``, ``icmp_by``, ``icmp_at``, ``icmp_until`` (the last one of
    the flow), ``icmp_frame_at``, ``icmp_file_at``, ``icmp_of_orig``.
    """
    first = flows.filter(pl.col("icmp_errors") > 0).select(
        "serial",
        t="icmp_t",
        file="icmp_file",
        frame="icmp_frame",
        sender="icmp_sender",
        version=pl.when(pl.col("id.orig_h").str.contains(":", literal=True)).then(6).otherwise(4).cast(pl.UInt8),
        type="icmp_type",
        code="icmp_code",
        about_orig="icmp_about_orig",
    )
    return (
        pl.concat([first.select(_ERROR), errors.select(_ERROR)], how="vertical_relaxed")
        .join(_TABLE, on=["version", "type", "code"], how="inner")
        .sort("t", maintain_order=True)
        .group_by("serial", maintain_order=True)
        .agg(
            pl.col("icmp_cause").first(),
            pl.col("sender").first().alias("icmp_by"),
            pl.col("t").first().alias("icmp_at"),
            pl.col("t").last().alias("icmp_until"),
            pl.col("frame").first().alias("icmp_frame_at"),
            pl.col("file").first().alias("icmp_file_at"),
            pl.col("about_orig").first().fill_null(value=True).alias("icmp_of_orig"),
        )
    )
