"""Made flows: dictionaries with the columns of FLOWS and LABELS, filled with "nothing seen" unless told.

``flow`` knows the columns; the small stories (``unanswered``, ``refused``, ``opened`` …) know what a
conversation of that kind leaves behind; ``observed`` turns them into the tables that compliance reads.
Times are seconds after ``T0``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from analyser.tables import FLOWS, ICMP_ERRORS, LABELS, NEIGHBOURS, PATHS, PROMISES, REQUESTS, Observed

T0: Final = 1_772_438_400_000_000_000
"""2026-03-02T08:00:00Z in nanoseconds."""
SECOND: Final = 1_000_000_000

OUT: Final = 1
"""Path of packets from the near side (where the capture stands) through the router."""
BACK: Final = 2
"""Path of packets that come back from the router to the near side."""
NEAR_MAC: Final = 0x00005E005301
ROUTER_MAC: Final = 0x00005E0053FE
ROUTED: Final = (
    {"path": OUT, "interface": 1, "vlan": 0, "src_mac": NEAR_MAC, "dst_mac": ROUTER_MAC},
    {"path": BACK, "interface": 1, "vlan": 0, "src_mac": ROUTER_MAC, "dst_mac": NEAR_MAC},
)
"""A capture beside the initiators: everybody else is behind one router."""

CLIENT: Final = "192.0.2.10"
SERVER: Final = "198.51.100.21"

_COLUMNS: Final = {**FLOWS, **LABELS}


def _nothing(name: str, kind: pl.DataType) -> Any:
    if name in LABELS or name in ("rtt", "tunnel_parents", "icmp_sender"):
        return None
    if kind == pl.String():
        return ""
    if kind == pl.Boolean():
        return False
    if kind == pl.Binary():
        return b""
    return 0


NOTHING: Final[dict[str, Any]] = {name: _nothing(name, kind) for name, kind in _COLUMNS.items()}
"""A flow of which nothing was seen."""


def at(seconds: float) -> int:
    """Nanoseconds since the epoch of a moment of the story."""
    return T0 + round(seconds * SECOND)


def flow(**facts: Any) -> dict[str, Any]:
    """One flow: the given columns over ``NOTHING``. ``orig``, ``resp``, ``port`` are short for the key columns."""
    short = {"orig": "id.orig_h", "resp": "id.resp_h", "port": "id.resp_p", "sport": "id.orig_p"}
    given = {short.get(name, name): value for name, value in facts.items()}
    unknown = set(given) - set(_COLUMNS)
    assert not unknown, f"no such column: {sorted(unknown)}"
    key = {"id.orig_h": CLIENT, "id.resp_h": SERVER, "id.orig_p": 50000, "id.resp_p": 443, "proto": "tcp"}
    made = {**NOTHING, **key, **given}
    made["ts"] = made["ts"] or T0
    made["last_t"] = made["last_t"] or max(made["ts"], made["orig_last_t"], made["resp_last_t"])
    for side in ("orig", "resp"):
        if made[f"{side}_pkts"]:
            made[f"{side}_first_t"] = made[f"{side}_first_t"] or made["ts"]
            made[f"{side}_last_t"] = made[f"{side}_last_t"] or made["last_t"]
    return made


def _near(first: float, last: float, packets: int) -> dict[str, Any]:
    return {
        "ts": at(first), "orig_first_t": at(first), "orig_last_t": at(last), "orig_pkts": packets,
        "orig_path": OUT, "orig_ttl_min": 64, "orig_ttl_max": 64, "orig_ipid_last": 100,
    }  # fmt: skip


def _far(first: float, last: float, packets: int) -> dict[str, Any]:
    return {
        "resp_first_t": at(first), "resp_last_t": at(last), "resp_pkts": packets,
        "resp_path": BACK, "resp_ttl_min": 60, "resp_ttl_max": 60, "resp_ipid_last": 900,
    }  # fmt: skip


def unanswered(*, start: Any = 0.0, span: Any = 63.0, syns: Any = 7, **facts: Any) -> dict[str, Any]:
    """A TCP attempt of ``syns`` SYNs over ``span`` seconds that nobody answers."""
    return flow(**{
        **_near(start, start + span, syns), "by_syn": True, "conn_state": "S0", "history": "S",
        "orig_nsyn": syns, "orig_isn": 1, "orig_syn_t": at(start), "orig_syn_frame": 1,
        "orig_syn_last_t": at(start + span), "orig_syn_last_frame": syns, **facts,
    })  # fmt: skip


def handshake(*, start: Any = 0.0, **facts: Any) -> dict[str, Any]:
    """A TCP connection that was opened and left alone: SYN, SYN-ACK, ACK."""
    return flow(**{
        **_near(start, start + 0.002, 2), **_far(start + 0.001, start + 0.001, 1),
        "by_syn": True, "conn_state": "S1", "history": "ShA", "rtt": 0.001,
        "orig_nsyn": 1, "orig_isn": 1, "orig_syn_t": at(start), "orig_syn_frame": 1,
        "orig_syn_last_t": at(start), "orig_syn_last_frame": 1, "orig_acks": True,
        "resp_nsynack": 1, "resp_isn": 2, "resp_syn_t": at(start + 0.001), "resp_syn_frame": 2,
        "resp_syn_last_t": at(start + 0.001), "resp_syn_last_frame": 2, **facts,
    })  # fmt: skip


def asked(*, start: Any = 0.0, **facts: Any) -> dict[str, Any]:
    """A TCP connection whose initiator sent payload that was acknowledged and not yet answered."""
    return handshake(**{
        "start": start, "conn_state": "S1", "history": "ShADa", "orig_pkts": 3, "orig_bytes": 100,
        "orig_data_t": at(start + 0.003), "orig_data_frame": 4, "orig_data_last_t": at(start + 0.003),
        "orig_data_last_frame": 4, "orig_last_t": at(start + 0.003), "resp_acks": True, "resp_acks_payload": True,
        "resp_ack_span": 100, "resp_pkts": 2, "resp_last_t": at(start + 0.004), **facts,
    })  # fmt: skip


def opened(*, start: Any = 0.0, service: Any = "http", basis: Any = "payload", **facts: Any) -> dict[str, Any]:
    """A TCP conversation with payload both ways, closed by both ends."""
    return asked(**{
        "start": start, "conn_state": "SF", "history": "ShADadFf", "orig_pkts": 5, "resp_pkts": 4,
        "resp_bytes": 200, "resp_data_t": at(start + 0.01), "resp_data_frame": 6, "resp_data_last_t": at(start + 0.01),
        "resp_data_last_frame": 6, "orig_acks_payload": True, "orig_ack_span": 200,
        "orig_nfin": 1, "orig_fin_t": at(start + 0.02), "orig_fin_frame": 7, "orig_last_t": at(start + 0.03),
        "resp_nfin": 1, "resp_fin_t": at(start + 0.025), "resp_fin_frame": 8, "resp_last_t": at(start + 0.025),
        "service": service, "basis": basis if service else None, **facts,
    })  # fmt: skip


def refused(*, start: Any = 0.0, ttl: Any = 60, **facts: Any) -> dict[str, Any]:
    """A SYN that is answered by a reset with ``ttl``."""
    return unanswered(**{
        "start": start, "span": 0.0, "syns": 1, "conn_state": "REJ", "history": "Sr", "resp_pkts": 1, "resp_nrst": 1,
        "resp_first_t": at(start + 0.001), "resp_last_t": at(start + 0.001),
        "resp_rst_t": at(start + 0.001), "resp_rst_frame": 2, "resp_rst_ttl": ttl, "resp_rst_path": BACK, **facts,
    })  # fmt: skip


def icmp(kind: int, code: int, sender: str = "192.0.2.1", *, seconds: float = 0.001, **facts: Any) -> dict[str, Any]:
    """The columns of an ICMP error that quotes the initiator's packet, to lay over another story."""
    return {
        "icmp_errors": 1, "icmp_type": kind, "icmp_code": code, "icmp_sender": sender, "icmp_t": at(seconds),
        "icmp_frame": 9, "icmp_about_orig": True, **facts,
    }  # fmt: skip


def request(*, start: Any = 0.0, span: Any = 0.0, sent: Any = 1, **facts: Any) -> dict[str, Any]:
    """A UDP flow of one request, ``sent`` times over ``span`` seconds, that nobody answers."""
    return flow(**{
        **_near(start, start + span, sent), "proto": "udp", "port": 161, "conn_state": "S0", "history": "D",
        "orig_bytes": 40 * sent, "orig_data_t": at(start), "orig_data_frame": 1, "orig_data_last_t": at(start + span),
        "orig_data_last_frame": sent, "orig_rtx": sent - 1, **facts,
    })  # fmt: skip


def replied(*, start: Any = 0.0, **facts: Any) -> dict[str, Any]:
    """A UDP flow of one request and its answer."""
    return request(**{
        "start": start, **_far(start + 0.002, start + 0.002, 1), "conn_state": "SF", "history": "Dd", "resp_bytes": 60,
        "resp_data_t": at(start + 0.002), "resp_data_frame": 2, "resp_data_last_t": at(start + 0.002),
        "resp_data_last_frame": 2, **facts,
    })  # fmt: skip


def table(schema: dict[str, pl.DataType], rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """A table of ``schema``; columns that a row leaves out are null."""
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def observed(
    *flows: dict[str, Any],
    paths: Sequence[dict[str, Any]] = ROUTED,
    neighbours: Sequence[dict[str, Any]] = (),
    icmp_errors: Sequence[dict[str, Any]] = (),
    promises: Sequence[dict[str, Any]] = (),
    requests: Sequence[dict[str, Any]] = (),
    ended: float = 600.0,
    **facts: Any,
) -> Observed:
    """What the capture showed: the flows get their position as ``serial``; the capture ends at ``ended`` seconds."""
    rows = [{**row, "serial": number, "uid": f"C{number}"} for number, row in enumerate(flows)]
    return Observed(
        flows=table(_COLUMNS, rows),
        paths=table(PATHS, paths),
        neighbours=table(NEIGHBOURS, neighbours),
        icmp_errors=table(ICMP_ERRORS, icmp_errors),
        promises=table(PROMISES, promises),
        requests=table(REQUESTS, requests),
        **{"capture_paths": ("made.pcap",), "started": T0, "ended": at(ended), **facts},
    )
