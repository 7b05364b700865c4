"""Beginnings of streams beyond what the flow table keeps, where they were watched.

A job header may be longer than the first bytes of a flow: the language it enters, or the mark of a client, stands behind
them. So may the header of an answer on the web: what kind of content it has stands anywhere in it. Knows watched packets;
what the bytes mean is known by signatures.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import polars as pl

from analyser.model.service import Service
from analyser.services.byterows import HEAD, PREFIX
from analyser.services.placing import ORIG, PLACED, RESP, place

LONG: Final = (Service.RAW_PRINT, Service.LPR, Service.HTTP, Service.IPP)
"""Services whose kind may be told later than in the first bytes."""

ANSWERED: Final = (Service.HTTP,)
"""Of these the answer may tell it as well: of the others it tells something else, or nothing."""

TYPE: Final = b"ontent-"
"""The field that says what is posted: both ways of writing it."""


def heads(
    flows: pl.DataFrame,
    labels: pl.DataFrame,
    watched: pl.DataFrame,
    telling: Collection[bytes],
    answering: Collection[bytes],
) -> pl.DataFrame:
    """Return (row, side, head): of which rows of ``flows`` a side's stream was watched further than the flow table goes.

    ``side``: ORIG, or of services in ANSWERED also RESP. Only those in which one of the strings ``telling`` stands so far
    behind that the flow table does not hold it (most jobs say in their first bytes what they are), and answers in whose first
    segment one of ``answering`` stands. Flows whose direction was guessed are left out: the head might be that of the other
    side.
    """
    chosen = (
        flows.select(*PLACED, "proto", "guessed", "orig_bytes", service=labels["service"])
        .with_row_index("row")
        .filter(
            pl.col("service").is_in(LONG),
            pl.col("proto") == "tcp",
            (pl.col("orig_bytes") > PREFIX) | pl.col("service").is_in(ANSWERED),
            ~pl.col("guessed"),
        )
    )
    rows, sides, found = [], [], []
    row_of = dict(chosen.select("serial", "row").iter_rows())
    segments = place(watched, chosen)
    wanted = segments.side % 2 == ORIG
    answers = chosen["service"].is_in(ANSWERED).to_numpy()[segments.side >> 1] & ~wanted & segments.ends()[0]
    wanted[answers] = _holding(segments.source["data"].gather(segments.row[answers]), answering).to_numpy()
    for streams in segments.only(wanted).streams():
        bounds = streams.offsets[streams.run_first].tolist()
        places = zip(streams.run_side.tolist(), streams.run_at.tolist(), bounds, bounds[1:], strict=False)
        for side, at, begin, end in places:
            if at == 0 and end - begin > PREFIX:
                rows.append(row_of[streams.serials[side >> 1]])
                sides.append(side & 1)
                found.append(streams.data[begin : min(end, begin + HEAD)])
    table = pl.DataFrame(
        {"row": rows, "side": sides, "head": found}, schema={"row": pl.UInt32, "side": pl.UInt8, "head": pl.Binary}
    )
    behind = table["head"].bin.slice(PREFIX + 1 - max(map(len, telling), default=1))
    return table.filter((table["side"] == RESP) | _holding(behind, telling))


def _holding(column: pl.Series, needles: Collection[bytes]) -> pl.Series:
    """Say in which bytes one of ``needles`` stands."""
    data = pl.col(column.name)
    told = pl.any_horizontal(pl.lit(value=False), *(data.bin.contains(item) for item in needles))
    return column.to_frame().select(told.fill_null(value=False)).to_series()
