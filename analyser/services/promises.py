"""Announced ports as a table, and which flows kept what was announced.

Knows tables, announcements of FTP and RMI, the SQL Server Browser's answer (MC-SQLR 2.2.5), and which flows are a port
mapper's; must not know rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import polars as pl

from analyser.model.service import Service
from analyser.services.ftp import ACTIVE
from analyser.services.portmapper import given_port
from analyser.services.rmi import STUB
from analyser.services.talks import Talk
from analyser.tables import PROMISES

SQL_BROWSER: Final = "sql-browser"
PORTMAPPER: Final = "portmapper"
"""Kind of the promise, and the sub-label of the flow that announces it."""

_LASTING: Final = (SQL_BROWSER, STUB, PORTMAPPER)
"""Where something was said to live, as opposed to a port that is opened for one transfer."""

CAP: Final = 100_000
"""Announcements that are kept; a capture of an attack must not fill the memory."""

CAP_OF_DIALOGUE: Final = 1000
"""Announcements of one dialogue that are kept, the first ones: what is watched of it has hardly room for as many transfers."""

EXPIRY: Final = 300 * 1_000_000_000
"""An announced data port of FTP is opened within five minutes (ns), or never."""

SLACK: Final = 1_000_000_000
"""Two capture points may disagree on the time by so much (ns)."""

_ANSWER: Final = ("resp_payload", "resp_data_t", "resp_data_file", "resp_data_frame")
_TCP_PORT: Final = re.compile(rb";tcp;(\d{1,5});", re.IGNORECASE)


def promises(talks: Iterable[Talk], flows: pl.DataFrame, labels: pl.DataFrame, watched: pl.DataFrame) -> pl.DataFrame:
    """Return PROMISES in time order, ``kept_by`` still empty."""
    announcing = [talk for talk in talks if talk.announcements]
    control = flows.filter(pl.col("serial").is_in([talk.serial for talk in announcing]))
    ends = {row[0]: row[1:] for row in control.select("serial", "id.orig_h", "id.resp_h", "id.resp_p").iter_rows()}
    rows = [*_from_talks(announcing, ends), *_from_browser(flows, watched), *_from_port_mapper(flows, labels)]
    table = pl.DataFrame(rows, schema=PROMISES, orient="row")
    return table.unique(maintain_order=True).sort("t", "file", "frame", maintain_order=True).head(CAP)


def _from_talks(talks: Iterable[Talk], ends: dict[int, tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for talk in talks:
        for item in talk.announcements[:CAP_OF_DIALOGUE]:
            client, server, own_port = ends[talk.serial]
            if item.kind == STUB and item.port == own_port:
                continue  # an object beside its registry: its port needs no announcement
            # in active mode the server opens to the client
            initiator, responder = (server, client) if item.kind == ACTIVE else (client, server)
            announced = item.address or responder
            yield (talk.serial, *item.mark, item.kind, initiator, responder, announced, item.port, None)


def _from_browser(flows: pl.DataFrame, watched: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    asked = flows.filter((pl.col("proto") == "udp") & (pl.col("id.resp_p") == 1434))
    answers = (
        watched.filter(~pl.col("from_orig"))
        .join(asked.select("serial", "id.orig_h", "id.resp_h"), on="serial", how="inner", maintain_order="left")
        .filter(pl.col("data").bin.starts_with(b"\x05"))
    )
    columns = ("serial", "t", "file", "frame", "data", "id.orig_h", "id.resp_h")
    for serial, t, file, frame, data, client, server in answers.select(columns).head(CAP).iter_rows():
        for found in _TCP_PORT.finditer(data, 3):
            port = int(found[1])
            if 0 < port <= 65535:
                yield (serial, t, file, frame, SQL_BROWSER, client, server, server, port, None)


def _from_port_mapper(flows: pl.DataFrame, labels: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    asked = flows.filter((labels["sublabel"] == PORTMAPPER) & (flows["resp_data_frame"] > 0)).select(
        "serial", "proto", "id.orig_h", "id.resp_h", "orig_payload", *_ANSWER
    )
    for serial, proto, client, server, call, reply, t, file, frame in asked.head(CAP).iter_rows():
        found = given_port(call or b"", reply or b"", stream=proto == "tcp")
        if found is not None:
            yield (serial, t, file, frame, PORTMAPPER, client, server, found.address or server, found.port, None)


def keep(table: pl.DataFrame, flows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Find the flows that use announced ports.

    A flow keeps the latest fitting announcement before it. FTP's expire; an instance behind the SQL Browser stays where the
    browser last said, a remote object where its stub says, a program where the port mapper says. The announced address
    counts beside that of the control peer: the line may have been written by a host that does not know how its address
    is translated.

    Returns:
        PROMISES with ``kept_by`` (the first flow that used it), and (serial, negotiated_by, kind) of all of them.
    """
    if not table.height:
        return table, pl.DataFrame(schema={"serial": pl.UInt64, "negotiated_by": pl.UInt64, "kind": pl.String})
    numbered = table.drop("kept_by").with_row_index("promise")
    opened = flows.filter(pl.col("proto") == "tcp").select(
        "serial", "ts", pl.col("id.orig_h").alias("initiator"), pl.col("id.resp_h").alias("opened"), port="id.resp_p"
    )
    opened = opened.join(numbered, on=["initiator", "port"], how="semi").sort("ts")
    uses = [
        opened.join_asof(
            numbered.filter(pl.col("kind").is_in(_LASTING) == lasting)
            .with_columns(ts=pl.col("t") - SLACK, opened=pl.col(end))
            .sort("ts"),
            on="ts",
            by=["initiator", "opened", "port"],
            strategy="backward",
            tolerance=None if lasting else EXPIRY + SLACK,
            check_sortedness=False,
        ).with_columns(pl.lit(rank).alias("rank"))
        for lasting, rank_of in ((False, 0), (True, 1))
        for rank, end in ((2 * rank_of, "responder"), (2 * rank_of + 1, "announced"))
    ]
    used = (
        pl.concat(uses)
        .filter(pl.col("promise").is_not_null() & (pl.col("serial") != pl.col("control")))
        .sort("ts", "serial", "rank", maintain_order=True)
        .unique("serial", keep="first", maintain_order=True)
    )
    first = used.unique("promise", keep="first", maintain_order=True).select("promise", kept_by="serial")
    kept = numbered.join(first, on="promise", how="left", maintain_order="left").drop("promise")
    return kept.select(list(PROMISES)), used.select("serial", "kind", negotiated_by="control")


def announced_service(kind: pl.Expr) -> pl.Expr:
    """Return the service that an announcement of this kind promises."""
    words = {SQL_BROWSER: str(Service.TDS), STUB: str(Service.RMI), PORTMAPPER: str(Service.OPAQUE)}
    return kind.replace_strict(words, default=str(Service.FTP_DATA), return_dtype=pl.String)
