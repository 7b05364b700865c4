"""The schemas of the tables that the stages hand to one another: the only place that spells column names.

Times inside the house are integers: nanoseconds since 1970-01-01T00:00:00Z (``*_t``), 0 where nothing
was seen. ``*_frame`` is a frame number from 1 (Wireshark's), 0 where nothing was seen, and ``*_file`` an
index into the captures of the run. A flow is always told from its initiator (``orig``) to its responder
(``resp``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from analyser.model.times import Period

# --------------------------------------------------------------------------------------------------
# FLOWS: one row per flow, as `flows` makes it. Zeek's names where Zeek has one.

FLOWS_PUBLIC: Final[dict[str, pl.DataType]] = {
    "ts": pl.Int64(),  # first packet, ns (shown as a UTC time at the edge)
    "uid": pl.String(),  # stable name of the flow
    "id.orig_h": pl.String(),
    "id.orig_p": pl.UInt16(),
    "id.resp_h": pl.String(),
    "id.resp_p": pl.UInt16(),  # ICMP: type in id.orig_p, code in id.resp_p
    "proto": pl.String(),  # tcp, udp, icmp, icmp6, igmp … (model.flow.PROTOCOL_NAMES)
    "duration": pl.Float64(),  # seconds, last packet minus first
    "orig_bytes": pl.UInt64(),  # payload bytes as sent (snap length does not lower them)
    "resp_bytes": pl.UInt64(),
    "conn_state": pl.String(),
    "history": pl.String(),
    "missed_bytes": pl.UInt64(),  # payload bytes that the other side acknowledged but the capture lacks
    "orig_pkts": pl.UInt64(),
    "orig_ip_bytes": pl.UInt64(),
    "resp_pkts": pl.UInt64(),
    "resp_ip_bytes": pl.UInt64(),
    "tunnel_parents": pl.String(),  # "erspan2 198.51.100.1>198.51.100.2 id 5", outermost first, ", " between; null: none
    "rtt": pl.Float64(),  # seconds from (last) SYN to the SYN-ACK that acknowledges it; null where not both are known
}
"""Columns that `analyser flows` prints before those of the services stage."""

SIDE_COLUMNS: Final[dict[str, pl.DataType]] = {
    "first_t": pl.Int64(),  # first and last packet of this side
    "last_t": pl.Int64(),
    "last_frame": pl.UInt32(),
    "last_file": pl.UInt16(),
    "dups": pl.UInt32(),  # copies of packets that were removed
    "nsyn": pl.UInt16(),  # SYN without ACK, retransmissions included; a RST counts as nothing else, whatever flags it has
    "nsynack": pl.UInt16(),
    "nfin": pl.UInt16(),
    "nrst": pl.UInt16(),
    "isn": pl.UInt32(),  # sequence number of the first SYN or SYN-ACK of this side; of SYN-ACKs that differ, the one taken up
    "syn_t": pl.Int64(),  # first SYN or SYN-ACK of this side
    "syn_frame": pl.UInt32(),
    "syn_file": pl.UInt16(),
    "syn_last_t": pl.Int64(),  # last repetition of it
    "syn_last_frame": pl.UInt32(),
    "syn_last_file": pl.UInt16(),
    "fin_t": pl.Int64(),  # first FIN
    "fin_frame": pl.UInt32(),
    "fin_file": pl.UInt16(),
    "rst_t": pl.Int64(),  # first RST
    "rst_frame": pl.UInt32(),
    "rst_file": pl.UInt16(),
    "rst_ttl": pl.UInt8(),
    "rst_ipid": pl.UInt16(),
    "rst_win": pl.UInt16(),
    "rst_path": pl.UInt32(),  # where the RST came from: index into PATHS
    "after_rst": pl.UInt32(),  # payload packets of this side later than its own first RST (a forged RST does not stop the true sender)
    "data_t": pl.Int64(),  # first packet with payload (UDP and ICMP: first packet, even if empty)
    "data_frame": pl.UInt32(),
    "data_file": pl.UInt16(),
    "data_last_t": pl.Int64(),  # last packet with payload
    "data_last_frame": pl.UInt32(),
    "data_last_file": pl.UInt16(),
    "rtx": pl.UInt32(),  # TCP: payload segments sent again; UDP: the request before it sent again
    "rtx_last_t": pl.Int64(),  # time and frame of the last of them
    "rtx_last_frame": pl.UInt32(),
    "rtx_last_file": pl.UInt16(),
    "stuck": pl.UInt16(),  # TCP: how often the oldest payload was sent again that the other side never acknowledged
    "repeat_after_answer": pl.UInt16(),  # UDP: same payload sent again within 5 s after an answer to it
    "acks": pl.Boolean(),  # TCP: sent an acknowledgement (no SYN, no RST)
    "ack_span": pl.UInt32(),  # TCP: how many bytes of the other side it acknowledged beyond its first acknowledgement
    "acks_payload": pl.Boolean(),  # its acknowledgements cover payload of the other side (seen or unseen)
    "zero_window": pl.UInt16(),
    "ttl_min": pl.UInt8(),  # of packets that are not RST; 0 if none
    "ttl_max": pl.UInt8(),
    "ipid_last": pl.UInt16(),  # IP ID of its last packet that is not RST (IPv4)
    "path": pl.UInt32(),  # of its first packet that is not RST: index into PATHS; 0 = unknown
    "copy_path": pl.UInt32(),  # of its first packet that is not RST and came once more elsewhere (a copy that was removed): 0 = none
    "copy_ttl": pl.UInt8(),
    "payload": pl.Binary(),  # first bytes of its stream by sequence number (UDP: of its first datagram), ≤ 128
}
"""Facts of one side; the table holds them twice, as ``orig_…`` and ``resp_…``."""

FLOW_EXTRA: Final[dict[str, pl.DataType]] = {
    "serial": pl.UInt64(),  # joins FLOWS, WATCHED and ICMP_ERRORS
    "last_t": pl.Int64(),
    "by_syn": pl.Boolean(),  # direction proved by SYN or SYN-ACK
    "guessed": pl.Boolean(),  # direction taken from a port or the first packet of a stream already running
    "icmp_errors": pl.UInt16(),  # ICMP errors that quote this flow; the first of them:
    "icmp_type": pl.UInt8(),
    "icmp_code": pl.UInt8(),
    "icmp_sender": pl.String(),
    "icmp_t": pl.Int64(),
    "icmp_frame": pl.UInt32(),
    "icmp_file": pl.UInt16(),
    "icmp_about_orig": pl.Boolean(),  # the quoted packet was the initiator's
    "vlan": pl.UInt32(),  # outermost tag of the first packet, 0 if untagged
    "loopback": pl.Boolean(),  # 127/8, ::1, a host to itself, or seen on a loopback interface
}

FLOWS: Final[dict[str, pl.DataType]] = {
    **FLOWS_PUBLIC,
    **{f"orig_{name}": kind for name, kind in SIDE_COLUMNS.items()},
    **{f"resp_{name}": kind for name, kind in SIDE_COLUMNS.items()},
    **FLOW_EXTRA,
}

# SIGHTS: who was seen speaking to whom and where from, each way once: a projection of FLOWS without repetitions.
SIGHTS: Final[dict[str, pl.DataType]] = {
    "id.orig_h": pl.String(),
    "id.resp_h": pl.String(),
    **{
        f"{side}_{name}": kind
        for side in ("orig", "resp")
        for name, kind in (
            ("spoke", pl.Boolean()),  # sent packets
            ("path", pl.UInt32()),
            ("rst_path", pl.UInt32()),
            ("ttl_min", pl.UInt8()),
            ("ttl_max", pl.UInt8()),
            ("copy_path", pl.UInt32()),
            ("copy_ttl", pl.UInt8()),
        )
    },
    "tcp": pl.Boolean(),
    "loopback": pl.Boolean(),
}


def sights_of(flows: pl.DataFrame) -> pl.DataFrame:
    """Return SIGHTS of rows of FLOWS."""
    spoke = {f"{side}_spoke": pl.col(f"{side}_pkts") > 0 for side in ("orig", "resp")}
    return flows.lazy().with_columns(tcp=pl.col("proto") == "tcp", **spoke).select(*SIGHTS).unique().collect()


# PATHS: where a packet came from, as seen by the capture. Index 0 is "unknown".
PATHS: Final[dict[str, pl.DataType]] = {
    "path": pl.UInt32(),
    "interface": pl.UInt32(),  # (file format, section, interface) counted over the run
    "vlan": pl.UInt32(),
    "src_mac": pl.UInt64(),  # 0 where the link type has none
    "dst_mac": pl.UInt64(),
}

# NEIGHBOURS: ARP and IPv6 neighbour discovery, one row per asker and target.
NEIGHBOURS: Final[dict[str, pl.DataType]] = {
    "asker": pl.String(),
    "target": pl.String(),
    "requests": pl.UInt32(),
    "replies": pl.UInt32(),
    "first_t": pl.Int64(),
    "last_t": pl.Int64(),
    "frame": pl.UInt32(),  # first request
    "file": pl.UInt16(),
}

# WATCHED: chosen packets whose bytes the services stage reads (architecture.md, engine 9).
WATCHED: Final[dict[str, pl.DataType]] = {
    "serial": pl.UInt64(),
    "t": pl.Int64(),
    "file": pl.UInt16(),
    "frame": pl.UInt32(),
    "from_orig": pl.Boolean(),
    "seq": pl.UInt32(),  # TCP sequence number of the first byte; 0 for UDP
    "ack": pl.UInt32(),  # TCP: what it acknowledges; 0 for UDP
    "length": pl.UInt32(),  # payload length on the wire
    "data": pl.Binary(),  # what was captured of it, cut at the watch limit
}

# ICMP_ERRORS: every ICMP error that quotes a flow.
ICMP_ERRORS: Final[dict[str, pl.DataType]] = {
    "serial": pl.UInt64(),
    "t": pl.Int64(),
    "file": pl.UInt16(),
    "frame": pl.UInt32(),
    "sender": pl.String(),
    "version": pl.UInt8(),  # 4 or 6
    "type": pl.UInt8(),
    "code": pl.UInt8(),
    "about_orig": pl.Boolean(),
}

# --------------------------------------------------------------------------------------------------
# LABELS: what the services stage adds to each flow (same rows and order as FLOWS).

LABELS: Final[dict[str, pl.DataType]] = {
    "service": pl.String(),  # model.service.Service or null
    "basis": pl.String(),  # model.service.Basis or null
    "sublabel": pl.String(),  # raw-print language, etcd flavour … or null
    "wrong_side": pl.Boolean(),  # bytes of both sides contradict: TLS asked, clear text answered
    "tls_version": pl.String(),  # chosen ("TLS 1.2") or, without ServerHello, null
    "tls_offered": pl.String(),  # the highest version that the client offered
    "server_name": pl.String(),
    "tls_client_hello_t": pl.Int64(),
    "tls_server_hello_t": pl.Int64(),
    "tls_client_next_t": pl.Int64(),  # first record of the client after the ServerHello
    "tls_alert": pl.String(),  # name of the first fatal alert in clear, e.g. "unknown_ca"
    "tls_alert_from_orig": pl.Boolean(),
    "tls_alert_frame": pl.UInt32(),
    "tls_alert_file": pl.UInt16(),
    "tls_certificate": pl.String(),  # a line about the certificate that the alert is about, where it was in clear; null
    "refused_code": pl.String(),  # the application's last answer when it is a refusal: "HTTP 401", "FTP 530" …
    "refused_frame": pl.UInt32(),
    "refused_file": pl.UInt16(),
    "answer_note": pl.String(),  # e.g. "discovery only" for SNMPv3, "password sent in clear text" for LDAP
    "negotiated_by": pl.UInt64(),  # serial of the control flow that announced this one's port; null
    "partly_heard": pl.Boolean(),  # a dialogue that may announce ports, and of which the capture lacks something
}

# HANDSHAKES: what TLS handshakes show in clear besides, as it stands there; one row per flow of which LABELS has TLS facts.
HANDSHAKES: Final[dict[str, pl.DataType]] = {
    "serial": pl.UInt64(),
    "cipher": pl.Int32(),  # number of the suite that the server chose; -1: not seen
    "alpn": pl.Binary(),  # the client's list of protocols (RFC 7301); null
    "next_protocol": pl.Binary(),  # the server's, a list of one; null
    "certificate": pl.UInt32(),  # number of the server's certificate among those of the run; null
}

# HANDSHAKE_WORDS: the same for readers, beside FLOWS and LABELS; Zeek's names of ssl.log where it has one.
HANDSHAKE_WORDS: Final[dict[str, pl.DataType]] = {
    "cipher": pl.String(),  # the suite's name with IANA, "0x1a1a" where it has none
    "alpn": pl.String(),  # protocols that the client offered, ", " between
    "next_protocol": pl.String(),  # the one that the server chose (TLS 1.2 and before)
    "cert_subject": pl.String(),  # of the server's certificate (TLS 1.2 and before); a client's is never told
    "cert_issuer": pl.String(),
    "cert_names": pl.String(),  # host names and addresses that it is made out to, ", " between
    "cert_not_before": pl.Datetime("us", "UTC"),
    "cert_not_after": pl.Datetime("us", "UTC"),
}

# PROMISES: ports announced in a control flow (FTP data, SQL Browser, RMI registry, port mapper).
PROMISES: Final[dict[str, pl.DataType]] = {
    "control": pl.UInt64(),  # serial of the control flow
    "t": pl.Int64(),
    "file": pl.UInt16(),
    "frame": pl.UInt32(),
    "kind": pl.String(),  # "ftp-active", "ftp-passive", "sql-browser", "rmi-stub", "portmapper"
    "initiator": pl.String(),  # who will open the announced flow
    "responder": pl.String(),  # the control peer that will be opened to
    "announced": pl.String(),  # the address in the line, which may differ from the control peer
    "port": pl.UInt16(),
    "kept_by": pl.UInt64(),  # serial of the flow that kept the promise; null if none did
}

# REQUESTS: requests and answers of datagram services (SNMP, SQL Browser, Time, DNS …), one row per request with its repeats.
REQUESTS: Final[dict[str, pl.DataType]] = {
    "serial": pl.UInt64(),
    "t": pl.Int64(),  # first and last sending
    "last_t": pl.Int64(),
    "file": pl.UInt16(),
    "frame": pl.UInt32(),
    "last_frame": pl.UInt32(),
    "last_file": pl.UInt16(),
    "sent": pl.UInt32(),  # how often it was sent
    "answer_t": pl.Int64(),  # 0 if never answered
    "answer_frame": pl.UInt32(),
    "answer_file": pl.UInt16(),
    "repeat_after_answer": pl.UInt32(),
    "credential": pl.UInt64(),  # keyed hash of version and community (never the words); 0 where none
}

# CROSSINGS: what several capture points show together of a flow, at most one row each. Points by their place in `Observed.points`.
CROSSINGS: Final[dict[str, pl.DataType]] = {
    "serial": pl.UInt64(),
    "shown": pl.UInt8(),  # model.crossing.Crossing
    "near": pl.UInt32(),  # the point that saw it; of what passed, the first
    "far": pl.UInt32(),  # the point that did not, and would have; of what passed, the last
    "sure": pl.Boolean(),  # packets between the same two hosts prove that it would have, and one lost by the capture explains nothing
    "elsewhere": pl.Boolean(),  # the responder's own segment is captured at points that did not see the request
    "seen_as": pl.String(),  # the initiator, or responder, as another point shows it: "203.0.113.7:61234"; null: alike
    "seen_at": pl.UInt32(),  # the point that shows it so
    "other_files": pl.List(pl.UInt16()),  # packets of it at other points, under the same addresses
    "other_frames": pl.List(pl.UInt32()),
}


# LOOKUPS: questions for the addresses of names, one row per asker, server, name and outcome.
LOOKUPS: Final[dict[str, pl.DataType]] = {
    "asker": pl.String(),
    "asker_port": pl.UInt16(),
    "server": pl.String(),
    "serial": pl.UInt64(),  # of the flow with the first question
    "name": pl.Binary(),  # in wire format, lower case; the names of a site's hosts are told, no others
    "outcome": pl.String(),  # "found", "no-such-name", "server-failure", "refused", "no-answer"
    "address": pl.String(),  # one of the wanted addresses that the answer holds; null
    "t": pl.Int64(),  # first and last question
    "last_t": pl.Int64(),
    "file": pl.UInt16(),
    "frame": pl.UInt32(),
    "answer_file": pl.UInt16(),
    "answer_frame": pl.UInt32(),  # 0 without an answer
    "times": pl.UInt32(),
}


def empty(schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Return a table of ``schema`` without rows."""
    return pl.DataFrame(schema=schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTables:
    """What the flows stage hands on."""

    flows: pl.DataFrame  # FLOWS
    paths: pl.DataFrame  # PATHS
    neighbours: pl.DataFrame  # NEIGHBOURS
    watched: pl.DataFrame  # WATCHED, in time order
    icmp_errors: pl.DataFrame  # ICMP_ERRORS, in time order


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTables:
    """What the services stage hands on."""

    labels: pl.DataFrame  # LABELS: the rows and order of FLOWS
    promises: pl.DataFrame  # PROMISES
    requests: pl.DataFrame  # REQUESTS
    handshakes: pl.DataFrame  # HANDSHAKES
    certificates: tuple[bytes, ...]  # in DER, by the numbers in HANDSHAKES


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """All that compliance may look at: the tables and the period that the captures cover.

    ``flows`` is FLOWS and LABELS side by side. ``capture_paths`` are the names for evidence, by ``*_file``.
    ``ended`` is the time of the last packet of the run (ns), ``started`` of the first.
    ``periods`` are first and last packet of each capture, where there are several.
    ``capture_host`` is the host named by ``--at``, or None. ``encapsulations`` names what carried packets that could
    not be decoded: conversations may hide there. ``sights`` are SIGHTS of all flows of the run and ``icmp_said`` (``speaker``,
    ``listener``) who sent ICMP errors about flows to whom, where ``flows`` are only some of them; None: ``flows`` are all.
    """

    flows: pl.DataFrame
    paths: pl.DataFrame
    neighbours: pl.DataFrame
    icmp_errors: pl.DataFrame
    promises: pl.DataFrame
    requests: pl.DataFrame
    capture_paths: tuple[str, ...]
    started: int
    ended: int
    periods: tuple[Period, ...] = ()
    capture_host: str | None = None
    encapsulations: tuple[str, ...] = ()
    sights: pl.DataFrame | None = None
    icmp_said: pl.DataFrame | None = None
    lookups: pl.DataFrame | None = None  # LOOKUPS; None: not looked at
    points: tuple[str, ...] = ()
    point_periods: tuple[tuple[int, tuple[Period, ...]], ...] = ()
    crossings: pl.DataFrame | None = None
