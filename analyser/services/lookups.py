"""Questions for addresses and how they were answered (RFC 1035, section 4.1; RFC 3596), one row per asker, server, name and outcome.

Knows DNS over UDP as far as header, question and address records; it returns names as they stand in messages, in lower
case, and tells nobody. Which of them matter is not known here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import Final

import numpy as np
import polars as pl

from analyser.model.service import Service
from analyser.services.byterows import Bytes, Index, byte_rows
from analyser.tables import LOOKUPS, empty

CAP: Final = 200_000
"""Rows that are kept; answers that gave an address first, so that what is lost can only hide a failure."""

_HEADER: Final = 12
_LONGEST: Final = 255  # a name with its last, empty label
_CHUNK: Final = 32_768
_TYPES: Final = (1, 28)  # A, AAAA
_RECORDS: Final = ((1, 4), (28, 16))
"""Type and length of the data of an address record; its class is IN."""

OUTCOMES: Final[dict[int, str]] = {2: "server-failure", 3: "no-such-name", 5: "refused"}
"""Response codes (RFC 1035, section 4.1.1) that end a search for an address."""

_QUESTION: Final = ("serial", "id", "name", "kind")


def lookups(
    flows: pl.DataFrame, labels: pl.DataFrame, watched: pl.DataFrame, addresses: Collection[str]
) -> pl.DataFrame:
    """Return LOOKUPS from the tables of the flows stage; ``addresses`` are those whose names are wanted."""
    chosen = flows.select(
        "serial", "proto", "id.resp_p", asker="id.orig_h", asker_port="id.orig_p", server="id.resp_h",
        service=labels["service"],
    ).filter((pl.col("service") == Service.DNS) & (pl.col("proto") == "udp") & (pl.col("id.resp_p") == 53))  # fmt: skip
    if chosen.is_empty():
        return empty(LOOKUPS)
    ends = chosen.select("serial", "asker", "asker_port", "server")
    messages = watched.join(ends.select("serial"), on="serial", how="semi").filter(
        pl.col("data").bin.size() > _HEADER + 4
    )
    parts = [_read(messages.slice(start, _CHUNK)) for start in range(0, messages.height, _CHUNK)]
    if not parts:
        return empty(LOOKUPS)
    read = pl.concat(parts).filter("good").sort("t", "file", "frame")
    questions = read.filter("from_orig", ~pl.col("answers"))
    answers = read.filter(~pl.col("from_orig"), "answers").unique(_QUESTION, keep="first", maintain_order=True)
    told = questions.join(
        answers.select(
            *_QUESTION, "code", "count", "data", "behind", answer_file="file", answer_frame="frame"
        ),
        on=_QUESTION, how="left", suffix="_answer", maintain_order="left",
    )  # fmt: skip
    code = pl.col("code_answer")
    outcome = (
        pl.when(code.is_null()).then(pl.lit("no-answer"))
        .when((code == 0) & (pl.col("count_answer") > 0)).then(pl.lit("found"))
        .otherwise(code.replace_strict(OUTCOMES, default=None, return_dtype=pl.String))
    )  # fmt: skip
    told = told.with_columns(outcome=outcome).filter(pl.col("outcome").is_not_null())
    told = _with_addresses(told, addresses)
    return _summed(told.join(ends, on="serial", how="left", maintain_order="left"))


def _summed(told: pl.DataFrame) -> pl.DataFrame:
    grouped = told.group_by("asker", "server", "name", "outcome", maintain_order=True).agg(
        pl.col("serial", "asker_port", "t", "file", "frame").first(),
        pl.col("answer_file", "answer_frame").first().fill_null(0),
        pl.col("address").drop_nulls().first(),
        last_t=pl.col("t").max(),
        times=pl.len(),
    )
    kept = grouped.sort(pl.col("outcome") != "found", maintain_order=True).head(CAP)
    return _lower(kept).select(pl.col(name).cast(kind) for name, kind in LOOKUPS.items()).sort("t", "file", "frame")


def _lower(rows: pl.DataFrame) -> pl.DataFrame:
    """Write names in lower case: to DNS both are the same (RFC 4343)."""
    return rows.with_columns(pl.Series("name", [name.lower() for name in rows["name"].to_list()], dtype=pl.Binary))


def _read(messages: pl.DataFrame) -> pl.DataFrame:
    """Return messages with ``id``, ``answers``, ``code``, ``count`` of answers, the question's ``name`` and ``kind``, and where it ends."""
    matrix = byte_rows(messages["data"], _HEADER + _LONGEST + 4).matrix
    ending = (matrix[:, _HEADER : _HEADER + _LONGEST] == 0).argmax(axis=1)
    end = _HEADER + ending + 1  # behind the empty label
    every = np.arange(len(matrix))
    kind = _number(matrix, every, end)
    good = (
        (matrix[every, end - 1] == 0)
        & (ending > 0)
        & (_number(matrix, every, np.full(len(matrix), 4)) == 1)  # one question
        & (matrix[:, 2] & 0x78 == 0)  # an ordinary one
        & (_number(matrix, every, end + 2) & 0x7FFF == 1)
        & np.isin(kind, _TYPES)
        & (end + 4 <= messages["data"].bin.size().to_numpy())
    )
    return messages.with_columns(
        pl.Series("good", good),
        pl.Series("answers", matrix[:, 2] >= 0x80),
        pl.Series("id", _number(matrix, every, np.zeros(len(matrix), dtype=np.int64))),
        pl.Series("code", matrix[:, 3] & 0x0F),
        pl.Series("count", _number(matrix, every, np.full(len(matrix), 6))),
        pl.Series("kind", kind),
        pl.Series("behind", end + 4),
    ).with_columns(name=pl.col("data").bin.slice(_HEADER, pl.col("behind") - 4 - _HEADER))


def _number(matrix: Bytes, rows: Index, at: Index) -> Index:
    """Return the two bytes at a place of each row as a number."""
    return matrix[rows, at].astype(np.int64) << 8 | matrix[rows, at + 1]


def _with_addresses(told: pl.DataFrame, addresses: Collection[str]) -> pl.DataFrame:
    """Add ``address``: the first of ``addresses`` that an address record of the answer holds."""
    found: dict[int, str] = {}
    wanted = {ipaddress.ip_address(address).packed: address for address in addresses}
    rows = told.with_row_index("row").filter(pl.col("outcome") == "found")
    data = rows["data_answer"]
    offsets = np.concatenate(([0], np.cumsum(data.bin.size().to_numpy().astype(np.int64))))
    flat = b"".join(data.to_list())
    behind, numbers = rows["behind_answer"].to_numpy().astype(np.int64), rows["row"].to_list()
    for kind, size in _RECORDS:
        mine = {packed for packed in wanted if len(packed) == size}
        for place in _records(flat, kind, size).tolist() if mine else ():
            packed = flat[place + 10 : place + 10 + size]
            if packed not in mine:
                continue
            row = int(np.searchsorted(offsets, place, "right")) - 1
            if place >= offsets[row] + behind[row] and place + 10 + size <= offsets[row + 1]:
                found.setdefault(numbers[row], wanted[packed])
    named = [found.get(row) for row in range(told.height)]
    return told.with_columns(pl.Series("address", named, dtype=pl.String))


def _records(flat: bytes, kind: int, size: int) -> Index:
    """Return where address records may stand, from their type on: type, class IN, a time to live, the length."""
    data = np.frombuffer(flat, dtype=np.uint8)
    if len(data) < 10 + size:
        return np.zeros(0, dtype=np.int64)
    fixed = {0: 0, 1: kind, 2: 0, 3: 1, 8: 0, 9: size}
    places: Index = np.flatnonzero(data[9:] == size)
    for at, value in fixed.items():
        places = places[data[places + at] == value]
    return places
