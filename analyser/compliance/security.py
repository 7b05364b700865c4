"""One side secured, the other not: clients of one port of which some speak TLS and others clear text.

The vendor's unpublished protocols are secured at every participant by hand; where one was forgotten, connections open and
end at once. Knows flows and rules; what is found is a note beside the state of a port, never a state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from analyser.compliance.applying import Applied
from analyser.model.flow import Transport
from analyser.model.service import UNPUBLISHED, Basis, Service

_SOON: Final = 2_000_000_000
"""Nanoseconds from the first word of the initiator to the end of a conversation that was cut short."""

_BY_ROLE: Final = UNPUBLISHED | {Service.OPAQUE}
_PORT: Final = ("number", "res", "res_place", "port")

_ENDS: Final = ("orig_fin", "orig_rst", "resp_fin", "resp_rst")
_COLUMNS: Final = (
    "serial",
    "service",
    "basis",
    "orig_nsyn",
    "orig_bytes",
    "orig_data_t",
    *(f"{end}_t" for end in _ENDS),
)

OTHERS: Final = {True: "others speak clear text on this port", False: "others speak TLS on this port"}
CUT_SHORT: Final = "closed right after the first exchange: is security switched on at one side only?"


def note_security(fits: pl.DataFrame, flows: pl.DataFrame, applied: Sequence[Applied]) -> pl.DataFrame:
    """Return FITS with a note at the flows of ports on which some clients speak TLS only and others clear text only.

    Where all flows of one of the two kinds are closed right after the first exchange, and some of the other kind are not,
    theirs say so too. Only rules of protocols without public framing are looked at; ``flows`` are FLOWS and LABELS.
    """
    numbers = [
        rule.number
        for rule in applied
        if rule.rule.transport is Transport.TCP and rule.rule.service and set(rule.rule.service) <= _BY_ROLE
    ]
    asked = fits.filter(pl.col("number").is_in(numbers)).select("serial", "orig", *_PORT)
    if asked.is_empty():
        return fits
    ended = pl.min_horizontal(pl.when(pl.col(f"{end}_t") > 0).then(f"{end}_t") for end in _ENDS)
    spoken = (
        flows.select(_COLUMNS)
        .filter(pl.col("orig_nsyn") > 0, pl.col("orig_bytes") > 0)  # in the middle TLS need not look like it
        .join(asked, on="serial", how="inner")
        .with_columns(
            tls=((pl.col("service") == Service.TLS) & (pl.col("basis") == Basis.PAYLOAD)).fill_null(value=False),
            short=(ended - pl.col("orig_data_t") <= _SOON).fill_null(value=False),
        )
    )
    clients = spoken.group_by(*_PORT, "orig").agg(only_tls=pl.col("tls").all(), only_clear=(~pl.col("tls")).all())
    mixed = clients.group_by(_PORT).agg(pl.col("only_tls", "only_clear").any()).filter("only_tls", "only_clear")
    kinds = spoken.join(mixed, on=_PORT, how="semi").with_columns(cut=pl.col("short").all().over(*_PORT, "tls"))
    notes = kinds.with_columns(suspect=pl.col("cut") & ~pl.col("cut").all().over(_PORT)).select(
        "number",
        "serial",
        security=pl.concat_str(
            pl.col("tls").replace_strict(OTHERS, return_dtype=pl.String),
            pl.when("suspect").then(pl.lit(CUT_SHORT)),
            separator="; ",
            ignore_nulls=True,
        ),
    )
    noted = fits.join(notes.unique(), on=["number", "serial"], how="left", maintain_order="left")
    return noted.with_columns(note=pl.coalesce("note", "security")).select(fits.columns)
