"""Requests of datagram services with their repeats and answers, one row per request.

Knows only when a datagram is the same request again: same flow, same bytes, soon enough.
"""

from __future__ import annotations

import secrets
from typing import Final

import polars as pl

from analyser.tables import REQUESTS

ANSWER_WINDOW: Final = 5_000_000_000
"""A request repeated within so many ns after its answer was answered in vain; later it is a new one."""

PATIENCE: Final = 60_000_000_000
"""Without an answer, the same bytes after so many ns are a new request."""


def requests(datagrams: pl.DataFrame) -> pl.DataFrame:
    """Return REQUESTS in time order from :func:`analyser.services.datagrams.datagrams`."""
    rows = (
        datagrams.filter(pl.col("is_request") | pl.col("is_answer"))
        .with_columns(body=pl.struct("data", "length").hash(secrets.randbits(63)))
        .with_columns(asked=pl.when("is_request").then("body"))
        # an answer belongs to the request of its id (or, without ids, of its flow) that was sent last before it
        .with_columns(asked=pl.col("asked").forward_fill().over("serial", "match"))
        .filter(pl.col("asked").is_not_null())
    )
    group = ["serial", "match", "asked"]
    sent, answered = pl.when("is_request").then("t"), pl.when("is_answer").then("t")
    rows = rows.with_columns(
        sent_before=sent.forward_fill().shift(1).over(group),
        answered_before=answered.forward_fill().shift(1).over(group),
    )
    again = pl.col("t") - pl.col("answered_before")
    late = (again > ANSWER_WINDOW) | (
        (pl.col("answered_before").is_null() | (pl.col("answered_before") < pl.col("sent_before")))
        & (pl.col("t") - pl.col("sent_before") > PATIENCE)
    )
    rows = rows.with_columns(
        new=pl.col("is_request") & (pl.col("sent_before").is_null() | late.fill_null(value=False))
    ).with_columns(number=pl.col("new").cast(pl.UInt32).cum_sum().over(group))
    in_vain = pl.col("is_request") & ~pl.col("new") & (again <= ANSWER_WINDOW).fill_null(value=False)
    asked, replied = pl.col("is_request"), pl.col("is_answer")
    table = rows.group_by([*group, "number"], maintain_order=True).agg(
        pl.col("t").filter(asked).first(),
        pl.col("t").filter(asked).last().alias("last_t"),
        pl.col("file").filter(asked).first(),
        pl.col("frame").filter(asked).first(),
        pl.col("frame").filter(asked).last().alias("last_frame"),
        pl.col("file").filter(asked).last().alias("last_file"),
        asked.sum().alias("sent"),
        pl.col("t").filter(replied).first().fill_null(0).alias("answer_t"),
        pl.col("frame").filter(replied).first().fill_null(0).alias("answer_frame"),
        pl.col("file").filter(replied).first().fill_null(0).alias("answer_file"),
        in_vain.sum().alias("repeat_after_answer"),
        pl.col("credential").filter(asked).first().fill_null(0),
    )
    return table.select(pl.col(name).cast(kind) for name, kind in REQUESTS.items()).sort("t", "frame")
