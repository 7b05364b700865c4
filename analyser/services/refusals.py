"""Applications that say no: for each flow the last answer, if it is a refusal, as columns of LABELS.

Knows HTTP status lines (RFC 9110, section 15) and SNMP errors (RFC 3414, section 3.2; RFC 3416, section 3) in
watched packets, many at once; refusals inside dialogues come from ``talks``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import polars as pl

from analyser.model.service import Service
from analyser.services import http
from analyser.services.talks import Talk
from analyser.tables import LABELS

COLUMNS: Final = ("refused_code", "refused_frame", "refused_file")
SCHEMA: Final[dict[str, pl.DataType]] = {"serial": pl.UInt64(), **{name: LABELS[name] for name in COLUMNS}}

OVER_HTTP: Final = (Service.HTTP, Service.IPP, Service.WEBDAV, Service.WEBSOCKET, Service.ETCD)

_FEW: Final = 1024
"""An answer of so many bytes, whose status line is cut by segments, is read from the first bytes of the flow."""

_THREE_DIGITS: Final = r"^3(\d)3(\d)3(\d)$"
"""A status code, its octets written as hexadecimal numbers."""

USM_REPORTS: Final[dict[int, str]] = {
    1: "unsupportedSecLevels",
    2: "notInTimeWindows",
    3: "unknownUserNames",
    4: "unknownEngineIDs",
    5: "wrongDigests",
    6: "decryptionErrors",
}
_UNSUPPORTED, _NOT_IN_TIME, _UNKNOWN_USER, _UNKNOWN_ENGINE, _WRONG_DIGEST, _DECRYPTION = USM_REPORTS
_TURNED_DOWN: Final = (_UNSUPPORTED, _UNKNOWN_USER, _WRONG_DIGEST, _DECRYPTION)
_INTRODUCING: Final = (_NOT_IN_TIME, _UNKNOWN_ENGINE)

SNMP_ERRORS: Final[dict[int, str]] = {6: "noAccess", 16: "authorizationError"}
"""Values of error-status that mean "you may not"; the others answer the question."""


def from_talks(talks: Iterable[Talk]) -> pl.DataFrame:
    """Return SCHEMA from dialogues."""
    rows = [
        (talk.serial, talk.refusal.code, talk.refusal.mark.frame, talk.refusal.mark.file)
        for talk in talks
        if talk.refusal is not None
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def notes_of(talks: Iterable[Talk]) -> pl.DataFrame:
    """Return (serial, answer_note) of dialogues that have a note."""
    rows = [(talk.serial, talk.note) for talk in talks if talk.note is not None]
    return pl.DataFrame(rows, schema={"serial": pl.UInt64, "answer_note": pl.String}, orient="row")


def kinds_of(talks: Iterable[Talk]) -> pl.DataFrame:
    """Return (serial, kind_of_talk) of dialogues that tell a sub-label."""
    rows = [(talk.serial, talk.kind) for talk in talks if talk.kind is not None]
    return pl.DataFrame(rows, schema={"serial": pl.UInt64, "kind_of_talk": pl.String}, orient="row")


def together(notes: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return (serial, answer_note) with one row per flow: what is told of one flow stands in one line."""
    return pl.concat(notes).group_by("serial", maintain_order=True).agg(pl.col("answer_note").str.join("; "))


def from_http(flows: pl.DataFrame, labels: pl.DataFrame, watched: pl.DataFrame) -> pl.DataFrame:
    """Return SCHEMA of flows whose last HTTP answer is 401, 403, 407 or a server error; 1xx are no answers."""
    chosen = flows.filter((labels["service"].is_in(OVER_HTTP) & (flows["proto"] == "tcp")).fill_null(value=False))
    lines = (
        watched.filter(~pl.col("from_orig"))
        .join(chosen.select("serial"), on="serial", how="semi")
        .filter(pl.col("data").bin.starts_with(b"HTTP/1."))
        .with_columns(status=_status("data"))
        .filter(pl.col("status").is_between(100, 599))
        .sort("t", "file", "frame")
    )
    # where one segment holds several answers, or a refusal stands beside other lines, some may belong to bodies
    several = pl.col("data").bin.slice(http.SHORTEST).bin.contains(b"HTTP/1.").any()
    doubtful = several | ((pl.len() > 1) & _refusing().any())
    lines = lines.with_columns(doubtful=doubtful.over("serial"))
    simple = lines.filter(~pl.col("doubtful"), pl.col("status") >= 200).group_by("serial").last()
    cut = (
        chosen.filter(pl.col("resp_bytes") <= _FEW, pl.col("resp_payload").bin.starts_with(b"HTTP/1."))
        .join(lines, on="serial", how="anti")
        .select("serial", status=_status("resp_payload"), frame="resp_data_frame", file="resp_data_file")
    )
    columns = ("serial", "status", "frame", "file")
    found = [simple.select(columns), _looked_into(lines.filter("doubtful")).select(columns), cut.select(columns)]
    refused = pl.concat(found, how="vertical_relaxed").filter(_refusing())
    return refused.select(
        "serial", refused_code=pl.format("HTTP {}", "status"), refused_frame="frame", refused_file="file"
    ).cast(pl.Schema(SCHEMA))


def _status(column: str) -> pl.Expr:
    """Return the status of answers that begin with a version, null where it is no number."""
    octets = pl.col(column).bin.slice(9, 3).bin.encode("hex")  # as text it need not be UTF-8
    digits = octets.str.replace(_THREE_DIGITS, "${1}${2}${3}")
    return pl.when(octets.str.contains(_THREE_DIGITS)).then(digits).str.to_integer(strict=False)


def _refusing() -> pl.Expr:
    return pl.col("status").is_in([401, 403, 407]) | pl.col("status").is_between(500, 599)


def _looked_into(lines: pl.DataFrame) -> pl.DataFrame:
    """Return of each flow the line of its last final status, with that status; ``lines`` are in the order of time."""
    rows: list[int] = []
    statuses: list[int] = []
    numbered = lines.with_row_index("number").group_by("serial", maintain_order=True)
    for numbers, *told in numbered.agg("number", "seq", "ack", "data").drop("serial").iter_rows():
        last = http.last_status([http.Segment(*segment) for segment in zip(*told, strict=True)])
        if last is not None:
            statuses.append(last[0])
            rows.append(numbers[last[1]])
    return lines[rows].with_columns(status=pl.Series(statuses, dtype=pl.Int64))


def from_snmp(datagrams: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return SCHEMA of SNMP flows whose last answer is a refusal, and (serial, answer_note) of those that only began.

    A v3 engine that is asked for its id or its clock answers with a Report: that is an introduction, unless the
    clock is asked for again and again and nothing else comes.
    """
    answers = datagrams.filter(pl.col("is_answer") & (pl.col("version") >= 0))
    told = pl.col("report")
    last = answers.group_by("serial", maintain_order=True).agg(
        pl.col("report", "status", "frame", "file", "row").last(),
        responses=(told == 0).sum(),
        out_of_time=(told == _NOT_IN_TIME).sum(),
    )
    ended = datagrams.group_by("serial").agg(end=pl.col("row").max())
    last = last.join(ended, on="serial", how="left", maintain_order="left")
    stuck = (told == _NOT_IN_TIME) & (pl.col("out_of_time") >= 2) & (pl.col("responses") == 0)
    named = told.replace_strict(USM_REPORTS, default=None, return_dtype=pl.String)
    error = pl.col("status").replace_strict(SNMP_ERRORS, default=None, return_dtype=pl.String)
    refused = last.select(
        "serial",
        refused_code=pl.format("SNMP {}", pl.when(told.is_in(_TURNED_DOWN) | stuck).then(named).otherwise(error)),
        refused_frame="frame",
        refused_file="file",
    ).filter(pl.col("refused_code").is_not_null())
    only = last.filter(
        told.is_in(_INTRODUCING) & ~stuck & (pl.col("responses") == 0) & (pl.col("row") == pl.col("end"))
    )
    return refused.cast(pl.Schema(SCHEMA)), only.select("serial", answer_note=pl.lit("discovery only"))
