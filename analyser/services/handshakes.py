"""TLS facts of flows as columns: from watched packets, and where a side was not watched from its first bytes.

Knows tables; how TLS reads is known in ``tls``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import polars as pl

from analyser.model.service import Service
from analyser.services.streams import Mark, Run, conversations
from analyser.services.talks import Talk
from analyser.services.tls import TlsFacts, read_tls
from analyser.tables import LABELS

COLUMNS: Final = (
    "tls_version",
    "tls_offered",
    "server_name",
    "tls_client_hello_t",
    "tls_server_hello_t",
    "tls_client_next_t",
    "tls_alert",
    "tls_alert_from_orig",
    "tls_alert_frame",
    "tls_alert_file",
)

SCHEMA: Final[dict[str, pl.DataType]] = {"serial": pl.UInt64(), **{name: LABELS[name] for name in COLUMNS}}

_SIDES: Final = ("orig", "resp")
_FIRST: Final = [f"{side}_{name}" for side in _SIDES for name in ("payload", "data_t", "data_file", "data_frame")]


def tls_facts(flows: pl.DataFrame, labels: pl.DataFrame, watched: pl.DataFrame, talks: Iterable[Talk]) -> pl.DataFrame:
    """Return the TLS columns (SCHEMA) of every TCP flow of which a side speaks TLS, from its first byte or by agreement."""
    speaks = (labels["orig_says"] == Service.TLS) | (labels["resp_says"] == Service.TLS)
    chosen = flows.filter(
        (speaks | (labels["service"] == Service.TLS)).fill_null(value=False), pl.col("proto") == "tcp"
    )
    changed = ((talk.serial, talk.tls) for talk in talks if talk.tls is not None)
    return facts_frame([*_facts(chosen, watched), *changed]).unique("serial", keep="first", maintain_order=True)


def facts_frame(facts: Iterable[tuple[int, TlsFacts]]) -> pl.DataFrame:
    """Return facts by serial as a table of SCHEMA."""
    rows: list[tuple[Any, ...]] = [
        (
            serial,
            item.version,
            item.offered,
            item.server_name,
            item.client_hello_t,
            item.server_hello_t,
            item.client_next_t,
            item.alert,
            item.alert_from_orig,
            item.alert_mark.frame,
            item.alert_mark.file,
        )
        for serial, item in facts
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _facts(chosen: pl.DataFrame, watched: pl.DataFrame) -> Iterator[tuple[int, TlsFacts]]:
    """Read flows one by one; only one conversation is held in memory at a time."""
    heads = {
        serial: first
        for serial, *first in chosen.filter(~_watched_whole(chosen, watched)).select("serial", *_FIRST).iter_rows()
    }
    for conversation in conversations(watched, chosen):
        serial, orig, resp = conversation
        head = heads.pop(serial, None)
        yield (
            serial,
            read_tls(orig, resp)
            if head is None
            else read_tls(orig or _first_bytes(head[:4]), resp or _first_bytes(head[4:])),
        )
    for serial, head in heads.items():
        yield serial, read_tls(_first_bytes(head[:4]), _first_bytes(head[4:]))


def _watched_whole(chosen: pl.DataFrame, watched: pl.DataFrame) -> pl.Series:
    """Say of which flows both sides were watched."""
    sides = watched.select("serial", "from_orig").unique().group_by("serial").len()
    whole = sides.filter(pl.col("len") == 2)["serial"]
    return chosen["serial"].is_in(whole.implode())


def _first_bytes(facts: list[Any]) -> list[Run]:
    payload, t, file, frame = facts
    if not payload:
        return []
    run = Run(start=0)
    run.add(payload, Mark(t, file, frame))
    return [run]
