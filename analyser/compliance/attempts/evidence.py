"""Evidence: which frames show how an attempt ended, and how to find them again.

Knows the evidence slots of FLOWS and REQUESTS, Wireshark's filter syntax and Community ID; judges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from analyser.community import community_id
from analyser.compliance.attempts.outcomes import QUIET, Outcome
from analyser.model.finding import Evidence

MOST_FRAMES: Final = 8
"""Frames that one piece of evidence names at most."""

_ASKED: Final = ("orig_syn", "orig_syn_last", "orig_data", "orig_data_last")
_ICMP: Final = ("orig_syn", "orig_data", "icmp")
_MET: Final = ("orig_syn", "resp_syn", "orig_data", "resp_data")
_ANYTHING: Final = ("orig_data", "resp_data", "orig_last", "resp_last", "orig_rst", "resp_rst", "orig_fin", "resp_fin")

SLOTS: Final[dict[Outcome, tuple[str, ...]]] = {
    Outcome.OPEN: _MET,
    Outcome.MID_STREAM: ("orig_data", "resp_data", "orig_last", "resp_last"),
    Outcome.INFERRED: (*_MET, "orig_last", "resp_last"),
    Outcome.SENT: ("orig_data", "orig_data_last"),
    Outcome.PROBE: ("orig_syn", "resp_syn", "orig_rst"),
    Outcome.UNFINISHED: ("orig_syn", "resp_syn", "orig_syn_last", "resp_syn_last"),
    Outcome.RESET_IN_PATH: ("orig_syn", "resp_syn", "resp_data", "orig_rst", "resp_rst"),
    Outcome.RESET_PERHAPS_IN_PATH: ("orig_syn", "resp_syn", "resp_data", "orig_rst", "resp_rst"),
    Outcome.ICMP_ADMIN_PROHIBITED: _ICMP,
    Outcome.ICMP_HOST_UNREACHABLE: _ICMP,
    Outcome.ICMP_NET_UNREACHABLE: _ICMP,
    Outcome.ICMP_PORT_UNREACHABLE: _ICMP,
    Outcome.ICMP_PORT_UNREACHABLE_OWN: _ICMP,
    Outcome.ICMP_OTHER: _ICMP,
    Outcome.REFUSED: ("orig_syn", "resp_rst"),
    Outcome.REFUSED_UNCOMPARED: ("orig_syn", "resp_rst"),
    Outcome.RETURN_PATH: ("orig_syn", "resp_syn", "resp_syn_last", "orig_data", "resp_data", "orig_rtx_last"),
    Outcome.DROPPED_AFTER_HANDSHAKE: (
        "resp_syn", "orig_data", "orig_rtx_last", "orig_data_last", "resp_data", "resp_rtx_last", "resp_data_last",
    ),
    Outcome.TLS_ALERT: ("orig_data", "resp_data", "tls_alert"),
    Outcome.TLS_STALLED: ("orig_data", "resp_data", "orig_fin", "orig_rst", "resp_fin", "resp_rst"),
    Outcome.CLOSED_BY_FIN: ("orig_data", "resp_fin"),
    Outcome.CLOSED_BY_RESET: ("resp_syn", "orig_data", "resp_rst"),
    Outcome.CLOSED_BY_UNCOMPARED_RESET: ("resp_syn", "orig_data", "resp_rst"),
    Outcome.APPLICATION_REFUSED: ("orig_data", "refused"),
    Outcome.WRONG_PROTOCOL: ("orig_data", "resp_data"),
    **dict.fromkeys(QUIET, _ASKED),
}  # fmt: skip
"""Which packets of a flow show its ending, by the names of their slots in FLOWS and LABELS."""

_COLUMNS: Final = {
    slot: (f"{slot}_frame", f"{slot}_file")
    for slot in sorted({slot for slots in (*SLOTS.values(), _ANYTHING) for slot in slots})
}
FRAME_COLUMNS: Final = tuple(column for columns in _COLUMNS.values() for column in columns)
"""The columns of FLOWS and LABELS that evidence reads, next to the flow's key."""

Place = tuple[int, int]
"""A file (index into the captures) and a frame number."""


def _slot(facts: Mapping[str, Any], slot: str) -> Place | None:
    frame_column, file_column = _COLUMNS[slot]
    frame = facts[frame_column]
    return (facts[file_column] or 0, frame) if frame else None


def places(outcome: Outcome, flow: Mapping[str, Any], request: Mapping[str, Any] | None) -> list[Place]:
    """Return the packets that show ``outcome``: the request's own where it is known, else the slots of its flow."""
    slots = SLOTS.get(outcome, _ANYTHING)
    found: list[Place | None] = []
    if request is not None:
        sendings = (("file", "frame"), ("last_file", "last_frame"), ("answer_file", "answer_frame"))
        found += [(request[file] or 0, number) for file, frame in sendings if (number := request[frame])]
        slots = tuple(slot for slot in slots if slot in ("icmp", "refused"))
    found += [_slot(flow, slot) for slot in slots]
    shown = [place for place in found if place is not None]
    return shown or [place for slot in _ANYTHING if (place := _slot(flow, slot)) is not None]


def display_filter(flow: Mapping[str, Any]) -> str:
    """Return a Wireshark display filter for the conversation between both ends on the responder's port.

    It also shows ICMP errors, because they quote the addresses and ports of the packet they are about.
    """
    orig, resp, proto = flow["id.orig_h"], flow["id.resp_h"], flow["proto"]
    field = "ipv6.addr" if ":" in f"{orig}{resp}" else "ip.addr"
    ends = f"{field}=={orig} && {field}=={resp}"
    if proto in ("tcp", "udp", "sctp"):
        return f"{ends} && {proto}.port=={flow['id.resp_p']}"
    named = {"icmp": "icmp", "icmp6": "icmpv6", "igmp": "igmp"}.get(proto)
    return f"{ends} && {named}" if named else ends


def of_flow(flow: Mapping[str, Any], shown: Sequence[Place], captures: Sequence[str]) -> list[Evidence]:
    """Return the evidence in one flow, one entry per capture file, frames in their order."""
    files = sorted({file for file, _ in shown if file < len(captures)})
    if not files:
        return []
    name = community_id(flow["proto"], flow["id.orig_h"], flow["id.orig_p"], flow["id.resp_h"], flow["id.resp_p"])
    found_by = display_filter(flow)
    return [
        Evidence(
            capture=captures[file],
            frames=tuple(sorted({frame for other, frame in shown if other == file})[:MOST_FRAMES]),
            filter=found_by,
            community_id=name,
        )
        for file in files
    ]


def of_neighbour(target: str, file: int, frame: int, captures: Sequence[str]) -> list[Evidence]:
    """Return the evidence of an address that ARP or neighbour discovery asked for in vain."""
    if not frame or file >= len(captures):
        return []
    shown = f"icmpv6.nd.ns.target_address=={target}" if ":" in target else f"arp.dst.proto_ipv4=={target}"
    return [Evidence(capture=captures[file], frames=(frame,), filter=shown, community_id=None)]
