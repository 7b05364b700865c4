"""Flow records to tables, each flow told from its initiator to its responder.

Knows the record layout and the table schemas. It must not know packets, services or sites.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analyser.flows.addresses import address_texts
from analyser.flows.layout import ACKS_SYN, FLOW_LOOPBACK, KEY_ECHO, KEY_NEIGHBOUR, KEY_TYPE, WATCH
from analyser.flows.memory import Memory, Part
from analyser.flows.records import Records, joined
from analyser.flows.sides import ahead, binary, payload_end, side_columns
from analyser.flows.states import conn_states, histories, orientation_of
from analyser.flows.tunnels import Tunnels
from analyser.model.flow import protocol_name
from analyser.tables import FLOWS, ICMP_ERRORS, NEIGHBOURS, PATHS, WATCHED, FlowTables

Array = NDArray[Any]

_AT_ONCE: Final = 1 << 16


def flow_tables(memory: Memory, part: Part, ports: Mapping[str, frozenset[int]]) -> FlowTables:
    """Return all tables of one part of a run.

    ``ports``: responder ports per transport, to orient flows that were running already.
    """
    records = part.records
    flows = records.flows
    low, high = records.sides[0::2], records.sides[1::2]
    high_opened, by_syn, guessed = orientation_of(records, ports)
    protocol = (flows["k4"] & np.uint64(0xFF)).astype(np.int64)
    # Not told by the protocol: a packet may say 255 too.
    neighbour = ((flows["k4"] >> np.uint64(8)) & np.uint64(0xFF)) == KEY_NEIGHBOUR
    orientation = pl.DataFrame({"serial": flows["serial"], "high_opened": high_opened})
    quotes = memory.quoted_errors(part)
    icmp_errors = _icmp_errors(quotes, orientation)
    quoted = _first_quotes(flows["serial"], icmp_errors)
    started = np.where(is_unseen(low, high), quoted["t"].to_numpy(), began(low, high))
    rows = np.flatnonzero(~neighbour)
    rows = rows[np.lexsort((flows["serial"][rows], started[rows]))]
    # Columns are taken from records by the slice, as many rows as stay in the processor's cache.
    tunnels = Tunnels(memory)
    slices = [
        _flows(
            records,
            some,
            protocol[some],
            started[some],
            high_opened[some],
            by_syn[some],
            guessed[some],
            quoted[some],
            tunnels,
        )
        for some in np.split(rows, range(_AT_ONCE, rows.size, _AT_ONCE))
    ]
    return FlowTables(
        flows=pl.concat(slices, rechunk=True),
        paths=path_table(memory.known_paths()),
        neighbours=_neighbours(records, np.flatnonzero(neighbour), high_opened),
        watched=_watched(memory, part, orientation),
        icmp_errors=icmp_errors,
    )


def whole(parts: Iterable[FlowTables]) -> FlowTables:
    """Return the tables of all parts of a run as one, in the order of time."""
    several = list(parts)
    if len(several) == 1:
        return several[0]

    def together(name: str, *order: str) -> pl.DataFrame:
        frames: list[pl.DataFrame] = [getattr(part, name) for part in several]
        return pl.concat(frames).sort(order, maintain_order=True)

    return FlowTables(
        flows=together("flows", "ts", "serial"),
        paths=several[0].paths,
        neighbours=together("neighbours", "first_t", "frame"),
        watched=together("watched", "t", "file", "frame"),
        icmp_errors=together("icmp_errors", "t", "file", "frame"),
    )


def _first_quotes(serials: Array, errors: pl.DataFrame) -> pl.DataFrame:
    """Return the first of ``errors`` about each flow of ``serials``: no time, file and frame (0) where there is none."""
    first = errors.group_by("serial", maintain_order=True).first()
    quoted = pl.DataFrame({"serial": serials}).join(first, on="serial", how="left", maintain_order="left")
    return quoted.with_columns(pl.col("t", "frame", "file").fill_null(0))


def _flows(
    records: Records,
    rows: Array,
    protocol: Array,
    started: Array,
    flipped: Array,
    by_syn: Array,
    guessed: Array,
    quoted: pl.DataFrame,
    tunnels: Tunnels,
) -> pl.DataFrame:
    """Return the rows of FLOWS for some flows; all arrays and ``quoted`` have one row for each of them."""
    flows = records.flows.take(rows)
    orig = records.sides.take(2 * rows + flipped)
    resp = records.sides.take(2 * rows + 1 - flipped)
    n = rows.size
    low_h = address_texts(flows["a0"], flows["a1"])
    high_h = address_texts(flows["b0"], flows["b1"])
    flip = pl.Series(flipped, dtype=pl.Boolean)
    orig_p, resp_p = _ports(flows, protocol, flipped, orig)
    o = side_columns(orig, resp, records.payloads, protocol)
    r = side_columns(resp, orig, records.payloads, protocol)
    ended = np.where(is_unseen(orig, resp), started, np.maximum(orig["last_t"], resp["last_t"]))
    rtt = _rtt(orig, resp, records.payloads)
    names = {number: protocol_name(number) for number in np.unique(protocol).tolist()}
    columns: dict[str, Any] = {
        "ts": started,
        "uid": _uids(flows, started),
        "id.orig_h": pl.select(pl.when(flip).then(high_h).otherwise(low_h)).to_series() if n else low_h,
        "id.orig_p": orig_p,
        "id.resp_h": pl.select(pl.when(flip).then(low_h).otherwise(high_h)).to_series() if n else low_h,
        "id.resp_p": resp_p,
        "proto": pl.Series(protocol).replace_strict(names, return_dtype=pl.String) if n else [],
        "duration": (ended - started) / 1e9,
        "orig_bytes": orig["bytes"],
        "resp_bytes": resp["bytes"],
        "conn_state": conn_states(protocol, orig, resp, orig["bytes"] > 0, resp["bytes"] > 0),
        "history": histories(flows, flipped, guessed),
        "missed_bytes": o.pop("missed") + r.pop("missed"),
        "orig_pkts": orig["pkts"],
        "orig_ip_bytes": orig["ip_bytes"],
        "resp_pkts": resp["pkts"],
        "resp_ip_bytes": resp["ip_bytes"],
        "tunnel_parents": tunnels.of(orig["path"], resp["path"]),
        "rtt": pl.Series(rtt).set(pl.Series((protocol != 6) | (rtt < 0)), None) if n else [],
        **{f"orig_{name}": values for name, values in o.items()},
        **{f"resp_{name}": values for name, values in r.items()},
        "serial": flows["serial"],
        "last_t": ended,
        "by_syn": by_syn & (protocol == 6),
        "guessed": guessed,
        "icmp_errors": flows["icmp"],
        "icmp_type": quoted["type"],
        "icmp_code": quoted["code"],
        "icmp_sender": quoted["sender"],
        "icmp_t": quoted["t"],
        "icmp_frame": quoted["frame"],
        "icmp_file": quoted["file"],
        "icmp_about_orig": quoted["about_orig"],
        "vlan": np.where(flows["vlan"] > 4095, flows["vlan"] >> 12, flows["vlan"]),
        "loopback": (flows["flags"] & FLOW_LOOPBACK) != 0,
    }
    return pl.DataFrame({name: pl.Series(columns[name]).cast(kind) for name, kind in FLOWS.items()})


def _rtt(orig: Array, resp: Array, payloads: Array) -> Array:
    """Return the seconds from the last SYN before it to the SYN-ACK; below 0 where a record does not tell them."""
    answered = (orig["nsyn"] > 0) & (resp["nsynack"] > 0)
    # The SYN-ACK acknowledges the SYN, at most with payload that came early.
    answered &= (resp["nsyn"] == 0) & ((resp["acks"] & ACKS_SYN) > 0)
    beyond, sent = ahead(resp["ack_first"], orig["isn"]), ahead(payload_end(orig, payloads), orig["isn"])
    answered &= (beyond > 0) & (beyond <= np.maximum(sent, 1))
    # Only the first and the last opening are known, of which the last may be an initiator's own SYN-ACK.
    last = orig["syn_last_t"] <= resp["syn_t"]
    answered &= (orig["nsyn"] == 1) | ((orig["nsynack"] == 0) & (last | (orig["nsyn"] == 2)))
    asked = np.where(last & (orig["nsynack"] == 0), orig["syn_last_t"], orig["syn_t"])
    return np.where(answered, (resp["syn_t"] - asked) / 1e9, -1.0)


def is_unseen(one: Array, other: Array) -> Array:
    """Say of which flows only an ICMP error tells."""
    return np.asarray((one["pkts"] == 0) & (other["pkts"] == 0))


def began(one: Array, other: Array) -> Array:
    """Return the time (ns) of the first packet of either side of each flow."""
    first = np.minimum(one["first_t"], other["first_t"])
    return np.where(one["pkts"] == 0, other["first_t"], np.where(other["pkts"] == 0, one["first_t"], first))


def _ports(flows: Array, protocol: Array, flipped: Array, orig: Array) -> tuple[Array, Array]:
    """Return ports of initiator and responder; for ICMP its type and code, as Zeek shows them."""
    low = (flows["k4"] >> np.uint64(48)).astype(np.int64)
    high = ((flows["k4"] >> np.uint64(32)) & np.uint64(0xFFFF)).astype(np.int64)
    kind = ((flows["k4"] >> np.uint64(8)) & np.uint64(0xFF)).astype(np.int64)
    orig_p = np.where(flipped, high, low)
    resp_p = np.where(flipped, low, high)
    echo = kind == KEY_ECHO
    request = np.where(protocol == 1, 8, 128)
    answer = np.where(protocol == 1, 0, 129)
    orig_p = np.where(echo, np.where(orig["nsyn"] > 0, request, answer), orig_p)
    resp_p = np.where(echo, 0, resp_p)
    typed = kind == KEY_TYPE
    return np.where(typed, low >> 8, orig_p), np.where(typed, low & 255, resp_p)


def _uids(flows: Array, started: Array) -> pl.Series:
    """Name each flow by a hash of its key and first packet: the same in every run, in the manner of Zeek's uid."""
    h = started.astype(np.uint64)
    for name in ("a0", "a1", "b0", "b1", "k4"):
        h = (h ^ flows[name]) * np.uint64(0x9E3779B97F4A7C15)
        h = (h ^ (h >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        h = h ^ (h >> np.uint64(32))
    octets = binary(h.astype(">u8").view(np.uint8).reshape(-1, 8))
    return "C" + octets.bin.encode("hex")


def path_table(paths: Array) -> pl.DataFrame:
    """Return rows of PATH as PATHS."""
    return pl.DataFrame(
        {
            "path": np.arange(paths.shape[0], dtype=np.uint32),
            **{name: paths[name] for name in ("interface", "vlan", "src_mac", "dst_mac")},
        },
        schema=PATHS,
    )


def _neighbours(records: Records, rows: Array, high_opened: Array) -> pl.DataFrame:
    flows = records.flows.take(rows)
    flipped = high_opened[rows].astype(np.int64)
    ask = records.sides.take(2 * rows + flipped)
    answer = records.sides.take(2 * rows + 1 - flipped)
    low, high = address_texts(flows["a0"], flows["a1"]), address_texts(flows["b0"], flows["b1"])
    flip = pl.Series(flipped == 1, dtype=pl.Boolean)
    frame = pl.DataFrame({"low": low, "high": high, "flip": flip})
    return pl.DataFrame(
        {
            "asker": frame.select(pl.when("flip").then("high").otherwise("low")).to_series(),
            "target": frame.select(pl.when("flip").then("low").otherwise("high")).to_series(),
            "requests": ask["nsyn"].astype(np.uint32),
            "replies": answer["nsynack"].astype(np.uint32),
            "first_t": began(ask, answer),
            "last_t": np.maximum(ask["last_t"], answer["last_t"]),
            "frame": ask["syn_frame"],
            "file": ask["syn_file"],
        },
        schema=NEIGHBOURS,
    ).sort("first_t", "frame")


def _icmp_errors(quotes: Array, orientation: pl.DataFrame) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "serial": quotes["serial"],
            "t": quotes["t"],
            "file": quotes["file"],
            "frame": quotes["frame"],
            "sender": address_texts(quotes["sender0"], quotes["sender1"]),
            "version": quotes["version"],
            "type": quotes["type"],
            "code": quotes["code"],
            "high": quotes["side"] == 1,
        }
    )
    sided = frame.join(orientation, on="serial", how="left", maintain_order="left")
    return (
        sided.with_columns(about_orig=pl.col("high") == pl.col("high_opened"))
        .select(*ICMP_ERRORS)
        .cast(pl.Schema(ICMP_ERRORS))
    )


def _watched(memory: Memory, part: Part, orientation: pl.DataFrame) -> pl.DataFrame:
    told, data = [np.zeros(0, WATCH)], []
    for mine, octets in memory.watched_packets(part):
        told.append(mine)
        ends = (mine["start"] + mine["caught"]).tolist()
        data += [octets[start:end] for start, end in zip(mine["start"].tolist(), ends, strict=True)]
    watched = joined(told)
    frame = pl.DataFrame(
        {
            **{name: watched[name] for name in ("serial", "t", "file", "frame", "seq", "ack", "length")},
            "high": watched["side"] == 1,
            "data": pl.Series(data, dtype=pl.Binary),
        }
    )
    sided = frame.join(orientation, on="serial", how="left", maintain_order="left")
    return (
        sided.with_columns(from_orig=pl.col("high") == pl.col("high_opened")).select(*WATCHED).cast(pl.Schema(WATCHED))
    )
