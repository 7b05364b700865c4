"""Dialogues that may announce ports and of which the capture lacks something: what they announced is not all known.

Knows sides, gaps and cut packets of watched flows; what a line announces is known by each protocol's module.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from analyser.model.service import Service
from analyser.services.placing import ORIG, PLACED, RESP, place

_SIDES: Final = ((ORIG, "orig"), (RESP, "resp"))


def partly_heard(flows: pl.DataFrame, labels: pl.DataFrame, watched: pl.DataFrame) -> pl.DataFrame:
    """Return (serial, partly_heard) of FTP's control flows and of questions to SQL Server Browsers.

    A dialogue is heard whole if both sides were seen from their SYN on, every byte of them was captured, and none was
    left out for its length. One in which nobody said anything announced nothing. An answer of a browser may be cut; whether
    one was given that the capture lacks is not known here.

    Args:
        flows: FLOWS.
        labels: ``service`` of the same rows.
        watched: WATCHED.
    """
    facts = [f"{side}_{name}" for _, side in _SIDES for name in ("bytes", "data_last_t")]
    chosen = flows.select(*PLACED, "proto", "missed_bytes", *facts, service=labels["service"])
    control = chosen.filter((pl.col("service") == Service.FTP) & (pl.col("proto") == "tcp"))
    browser = chosen.filter((pl.col("service") == Service.SQL_BROWSER) & (pl.col("proto") == "udp"))
    heard = watched.join(pl.concat([control, browser]), on="serial", how="semi", maintain_order="left")
    short = heard.filter(pl.col("length") > pl.col("data").bin.size())["serial"].unique()
    cut = browser.select("serial", partly_heard=pl.col("serial").is_in(short.implode()))
    return pl.concat([_dialogues(control, heard, short), cut])


def _dialogues(control: pl.DataFrame, watched: pl.DataFrame, short: pl.Series) -> pl.DataFrame:
    segments = place(watched, control.select(PLACED))
    ends = segments.at + segments.size
    first, _ = segments.ends()
    before = np.where(first, 0, np.concatenate((np.zeros(min(len(ends), 1), dtype=np.int64), ends[:-1])))
    holes = np.bincount(segments.side[segments.at != before], minlength=2 * control.height) > 0
    latest = watched.group_by("serial", "from_orig").agg(pl.col("t").max())
    lacking = pl.col("serial").is_in(short.implode()) | (pl.col("missed_bytes") > 0)
    for side, name in _SIDES:
        heard = latest.filter(pl.col("from_orig") == (side == ORIG)).select(
            "serial", pl.col("t").alias(f"{name}_heard")
        )
        control = control.join(heard, on="serial", how="left", maintain_order="left")
        control = control.with_columns(pl.Series(f"{name}_holes", holes[side::2], dtype=pl.Boolean))
        begun = (pl.col(f"{name}_nsyn") + pl.col(f"{name}_nsynack")) > 0
        all_of_it = (pl.col(f"{name}_bytes") == 0) | (pl.col(f"{name}_heard") == pl.col(f"{name}_data_last_t"))
        lacking |= ~begun | pl.col(f"{name}_holes") | ~all_of_it.fill_null(value=False)
    said = pl.col("orig_bytes") + pl.col("resp_bytes") > 0
    return control.select("serial", partly_heard=said & lacking)
