"""Beginnings of streams beyond what the flow table keeps, where they were watched.

A job header may be longer than the first bytes of a flow: the language it enters, or the mark of a client, stands behind
them. Knows watched packets; what the bytes mean is known by signatures.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import polars as pl

from analyser.model.service import Service
from analyser.services.byterows import HEAD, PREFIX
from analyser.services.placing import ORIG, PLACED, place

LONG: Final = (Service.RAW_PRINT, Service.LPR, Service.HTTP, Service.IPP)
"""Services whose kind may be told later than in the first bytes."""


TYPE: Final = b"ontent-"
"""The field that says what is posted: both ways of writing it."""


def heads(flows: pl.DataFrame, labels: pl.DataFrame, watched: pl.DataFrame, telling: Collection[bytes]) -> pl.DataFrame:
    """Return (row, head): of which rows of ``flows`` the initiator's stream was watched further than the flow table goes.

    Only those in which one of the strings ``telling`` stands so far behind that the flow table does not hold it; most
    jobs say in their first bytes what they are. Flows whose direction was guessed are left out: the head might be that of
    the responder.
    """
    chosen = (
        flows.select(*PLACED, "proto", "guessed", "orig_bytes", service=labels["service"])
        .with_row_index("row")
        .filter(
            pl.col("service").is_in(LONG),
            pl.col("proto") == "tcp",
            pl.col("orig_bytes") > PREFIX,
            ~pl.col("guessed"),
        )
    )
    rows, found = [], []
    row_of = dict(chosen.select("serial", "row").iter_rows())
    segments = place(watched, chosen)
    for streams in segments.only(segments.side % 2 == ORIG).streams():
        bounds = streams.offsets[streams.run_first].tolist()
        places = zip(streams.run_side.tolist(), streams.run_at.tolist(), bounds, bounds[1:], strict=False)
        for side, at, begin, end in places:
            if at == 0 and end - begin > PREFIX:
                rows.append(row_of[streams.serials[side >> 1]])
                found.append(streams.data[begin : min(end, begin + HEAD)])
    table = pl.DataFrame({"row": rows, "head": found}, schema={"row": pl.UInt32, "head": pl.Binary})
    behind = pl.col("head").bin.slice(PREFIX + 1 - max(map(len, telling), default=1))
    return table.filter(pl.any_horizontal(False, *(behind.bin.contains(item) for item in telling)))
