"""The columns of one side of a flow, computed for all flows at once.

Knows SIDE and PAYLOAD rows. It must not know which side opened the flow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analyser.flows.layout import ACKS_ANY, ACKS_LATER, PAYLOAD

Array = NDArray[Any]

_TCP_COUNTS = ("nsyn", "nsynack", "nfin", "nrst")
_AS_THEY_ARE = (
    "first_t", "last_t", "last_frame", "last_file", "dups", "isn", "syn_t", "syn_frame", "syn_file", "syn_last_t",
    "syn_last_frame", "syn_last_file", "fin_t", "fin_frame", "fin_file", "rst_t", "rst_frame", "rst_file", "rst_ttl",
    "rst_ipid", "rst_win", "rst_path", "zero_window", "ttl_max", "ipid_last", "path", "copy_path", "copy_ttl",
)  # fmt: skip
_OF_PAYLOAD = (
    "data_t", "data_frame", "data_file", "data_last_t", "data_last_frame", "data_last_file", "rtx", "rtx_last_t",
    "rtx_last_frame", "rtx_last_file", "after_rst",
)  # fmt: skip
_OF_SYN = ("isn", "syn_t", "syn_frame", "syn_file", "syn_last_t", "syn_last_frame", "syn_last_file")


def side_columns(mine: Array, other: Array, payloads: Array, protocol: Array) -> dict[str, Any]:
    """Return the columns of tables.SIDE_COLUMNS for the SIDE rows ``mine``, and ``missed``.

    ``missed``: payload bytes of this side that the other side acknowledged but the capture does not hold.
    """
    tcp = protocol == 6
    has = mine["payload"] >= 0
    data = _rows_or_zeros(payloads, mine["payload"], has)
    columns: dict[str, Any] = {name: mine[name] for name in _AS_THEY_ARE}
    columns.update({name: data[name] for name in _OF_PAYLOAD})
    for name in _TCP_COUNTS + _OF_SYN:  # echo requests are counted in the same fields, but are no SYNs
        columns[name] = np.where(tcp, mine[name], 0)
    acked = (other["acks"] & ACKS_ANY) > 0
    reached = ahead(other["ack_max"], data["rtx_seq"])
    columns["stuck"] = np.where(tcp & (data["rtx_run"] > 0) & ~(acked & (reached > 0)), data["rtx_run"], 0)
    columns["repeat_after_answer"] = np.where(tcp, 0, data["repeats"])
    acks = columns["acks"] = (mine["acks"] & ACKS_LATER) > 0
    span = np.where(tcp, ahead(mine["ack_max"], mine["ack_first"]), 0)
    columns["ack_span"] = np.maximum(span, 0)
    opened = (other["nsyn"] > 0) | (other["nsynack"] > 0)
    beyond = np.where(opened, ahead(mine["ack_max"], other["isn"]) - 1, span)
    # A FIN takes a number too: the first one if nothing was sent, some one if the beginning was not seen.
    bare = (other["nfin"] > 0) & (other["fin_seq"] == (other["isn"] + np.uint32(1)).astype(np.uint16))
    columns["acks_payload"] = tcp & acks & (beyond > np.where(opened, bare, 1))
    columns["ttl_min"] = np.where(mine["ttl_max"] == 0, 0, mine["ttl_min"])
    columns["payload"] = _first_bytes(data)
    columns["missed"] = np.where(tcp, _missed(mine, other, data), 0)
    return columns


def _rows_or_zeros(payloads: Array, places: Array, has: Array) -> Array:
    """Return the PAYLOAD rows at ``places``, zeros where a side has none."""
    if not payloads.size:
        return np.zeros(places.shape[0], PAYLOAD)
    rows = payloads.take(np.where(has, places, 0))
    rows[~has] = np.zeros((), PAYLOAD)
    return rows


def payload_end(side: Array, payloads: Array) -> Array:
    """Return the sequence number behind the payload that was seen, or behind the SYN."""
    end = side["isn"] + np.uint32(1)
    has = side["payload"] >= 0
    end[has] = payloads["seq_end"][side["payload"][has]]
    return end


def _missed(mine: Array, other: Array, data: Array) -> Array:
    """Return payload bytes of ``mine`` that ``other`` acknowledged but the capture lacks: in holes and behind the end."""
    has = mine["payload"] >= 0
    begun = has | (mine["nsyn"] > 0) | (mine["nsynack"] > 0)
    acked = begun & ((other["acks"] & ACKS_ANY) > 0)
    reached = other["ack_max"]
    latest_hole = np.maximum(ahead(data["hole_high"], data["hole_low"]), 0)
    not_acked = np.clip(ahead(data["hole_high"], reached), 0, latest_hole)
    most = np.maximum(ahead(reached, data["base"]), 0)  # earlier holes are only known by their sum
    holes = np.clip(data["gap"].astype(np.int64) - not_acked, 0, most)
    seen_to = np.where(has, data["seq_end"], mine["isn"] + np.uint32(1))
    tail = np.maximum(ahead(reached, seen_to) - 1, 0)  # one number may be a FIN
    return np.where(acked, holes + tail, 0)


def ahead(a: Array, b: Array) -> Array:
    """Return how far sequence number ``a`` is beyond ``b``, modulo 2**32."""
    return (a.astype(np.uint32) - b.astype(np.uint32)).astype(np.int32).astype(np.int64)


def _first_bytes(data: Array) -> pl.Series:
    """Return the unbroken beginning of the first bytes that were kept."""
    counts = _leading_ones(data["covered0"])
    counts = np.where(counts == 64, 64 + _leading_ones(data["covered1"]), counts)
    kept = pl.DataFrame({"octets": binary(data["bytes"]), "count": counts})
    return kept.select(pl.col("octets").bin.slice(0, pl.col("count"))).to_series()


def binary(octets: Array) -> pl.Series:
    """Return the rows of a matrix of bytes as values."""
    return (
        pl.Series(np.ascontiguousarray(octets), dtype=pl.Array(pl.UInt8, octets.shape[1]))
        .cast(pl.List(pl.UInt8))
        .cast(pl.Binary)
    )


def _leading_ones(words: Array) -> Array:
    """Count the unbroken run of ones from the lowest bit."""
    lowest_zero = ~words & (words + np.uint64(1))
    bits = np.full(words.shape[0], 64, np.int64)
    some = lowest_zero != 0
    bits[some] = np.round(np.log2(lowest_zero[some].astype(np.float64))).astype(np.int64)
    return bits
