"""Watched datagrams with what tells requests from answers, and which answer belongs to which request.

Knows where protocols carry an id: SNMP (request-id, msgID), DNS and its relatives (first two bytes). Where there
is none, an answer belongs to the request before it.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import polars as pl

from analyser.model.service import Service
from analyser.services.byterows import byte_rows
from analyser.services.snmp import REPORT, REQUEST_PDUS, RESPONSE, read_snmp

WITH_ID: Final = (Service.DNS, Service.MDNS, Service.NETBIOS)
"""Services whose datagrams begin with an id of two bytes and say in the next bit whether they are an answer."""

_WIDTH: Final = 320
_CHUNK: Final = 32_768

SNMP_COLUMNS: Final[dict[str, pl.DataType]] = {
    "version": pl.Int64(),  # -1: not SNMP
    "pdu": pl.Int64(),
    "request": pl.Int64(),
    "status": pl.Int64(),
    "report": pl.Int64(),
    "credential": pl.UInt64(),
}


def datagrams(flows: pl.DataFrame, labels: pl.DataFrame, watched: pl.DataFrame, key: bytes) -> pl.DataFrame:
    """Return WATCHED of UDP flows in time order, with ``service``, ``match``, ``is_request`` and ``is_answer``.

    ``match`` is equal in a request and its answers within one flow. Datagrams of SNMP also have SNMP_COLUMNS, which
    are null for others. Flows to groups are left out: their answers come in flows of their own. ``key`` makes numbers of names.
    """
    alone = flows.with_columns(labels["service"]).filter(
        (pl.col("proto") == "udp") & ~pl.col("id.resp_h").str.contains(_GROUP_ADDRESS)
    )
    # columns "data" and "t" are looked at again and again, so the few other ones come along
    table = watched.join(alone.select("serial", "service"), on="serial", how="inner").sort("t", "file", "frame")
    table = table.with_row_index("row")
    table = table.join(
        _snmp(table.filter(pl.col("service") == Service.SNMP), key), on="row", how="left", maintain_order="left"
    )
    from_orig, is_snmp = pl.col("from_orig"), pl.col("version") >= 0
    with_id = pl.col("service").is_in(WITH_ID) & (pl.col("data").bin.size() >= 3)
    number = pl.col("data").bin.slice(0, 2).bin.encode("hex").str.to_integer(base=16, strict=False)
    answering = pl.col("data").bin.slice(2, 1).bin.encode("hex") >= "80"
    encrypted = pl.col("pdu") == 0
    asks = pl.col("pdu").is_in(list(REQUEST_PDUS)) | encrypted
    replies = pl.col("pdu").is_in([RESPONSE, REPORT]) | encrypted
    return table.with_columns(
        match=pl.when(is_snmp).then("request").when(with_id).then(number).otherwise(0),
        is_request=from_orig & pl.when(is_snmp).then(asks).when(with_id).then(~answering).otherwise(pl.lit(value=True)),
        is_answer=~from_orig
        & pl.when(is_snmp).then(replies).when(with_id).then(answering).otherwise(pl.lit(value=True)),
    )


_GROUP_ADDRESS: Final = r"^(22[4-9]|23[0-9])\.|\.255$|^[fF]{2}[0-9a-fA-F]{2}:"
"""Multicast, and what is very likely a broadcast."""


def _snmp(table: pl.DataFrame, key: bytes) -> pl.DataFrame:
    parts = [_snmp_part(table.slice(start, _CHUNK)) for start in range(0, table.height, _CHUNK)]
    empty = pl.DataFrame(schema={"row": table.schema["row"], **SNMP_COLUMNS})
    found = pl.concat([empty, *parts])
    return found.with_columns(credential=_credentials(table, found, key))


def _snmp_part(part: pl.DataFrame) -> pl.DataFrame:
    rows = byte_rows(part["data"], _WIDTH)
    read = read_snmp(rows, np.arange(part.height, dtype=np.int64))
    # until it is hashed, the column says where the name stands
    place = (read.name_at.astype(np.uint64) << np.uint64(32)) | read.name_length.astype(np.uint64)
    columns = (read.version, read.pdu, read.request, read.status, read.report, place)
    return pl.DataFrame(
        {"row": part["row"], **dict(zip(SNMP_COLUMNS, columns, strict=True))},
        schema={"row": part.schema["row"], **SNMP_COLUMNS},
    )


def _credentials(table: pl.DataFrame, found: pl.DataFrame, key: bytes) -> pl.Series:
    """Hash version and name of each datagram with ``key``, which nobody keeps; 0 where there is no name.

    Equal credentials are equal numbers within this run, and no number can be turned back or compared with others'.
    """
    names = pl.DataFrame({"version": found["version"], "data": table["data"], "place": found["credential"]}).select(
        "version",
        name=pl.col("data").bin.slice(pl.col("place") // 2**32, pl.col("place") % 2**32),
        known=(pl.col("place") % 2**32 > 0) & (pl.col("version") >= 0),
    )
    distinct = names.filter("known").select("version", "name").unique()
    hashes = [
        int.from_bytes(hashlib.blake2b(bytes([version]) + name, digest_size=8, key=key).digest(), "big") or 1
        for version, name in distinct.iter_rows()
    ]
    hashed = distinct.with_columns(pl.Series("credential", hashes, dtype=pl.UInt64))
    joined = names.join(hashed, on=["version", "name"], how="left", maintain_order="left")
    return joined.select(pl.when("known").then("credential").otherwise(0).fill_null(0).alias("credential"))[
        "credential"
    ]
