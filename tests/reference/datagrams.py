"""Tunnels in UDP: a datagram to or from a tunnel's port is one only if all of it, and what is inside, looks like one.

Sources: RFC 7348, 8926 (VXLAN, Geneve), draft-ietf-nvo3-vxlan-gpe, 3GPP TS 29.281, RFC 4380, 2661, 7510; TZSP.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from tests.reference.packet import Address, Inside, NotDecoded, Tunnel, u16, u24, u32
from tests.reference.tunnels import mpls, plausible_ethernet, plausible_ip

QUOTED = {4789, 8472, 4790, 6081, 2152, 6635}
"""Ports to which datagrams are taken for a tunnel's where an ICMP error quotes them, too short to be looked into."""


def in_datagram(sport: int, dport: int, data: bytes, src: Address, dst: Address) -> Inside | None:
    """Return what is inside a UDP datagram, or None if it is an ordinary one. The destination's port goes first."""
    for port in (dport, sport):
        found = None
        try:
            if port == 6635:
                found = mpls(data, src, dst)
            elif port in BY_PORT:
                found = BY_PORT[port](data)
        except (NotDecoded, struct.error, IndexError):
            continue
        if found is not None and _is_plausible(found):
            return found._replace(tunnel=found.tunnel and found.tunnel._replace(src=src, dst=dst))
    return None


def _is_plausible(inside: Inside) -> bool:
    if inside.what == "ethernet":
        return plausible_ethernet(inside.data)
    return plausible_ip(inside.data, 4 if inside.what == 0x0800 else 6 if inside.what == 0x86DD else 0)


def _vxlan(data: bytes) -> Inside | None:
    if not data[0] & 0x08 or data[0] & 0x37 or data[7]:
        return None
    return Inside("ethernet", data[8:], Tunnel("vxlan", id=u24(data, 4)))


def _vxlan_gpe(data: bytes) -> Inside | None:
    if data[0] & 0x0C != 0x0C or data[3] not in (1, 2, 3):
        return None
    return Inside((0x0800, 0x86DD, "ethernet")[data[3] - 1], data[8:], Tunnel("vxlan-gpe", id=u24(data, 4)))


def _geneve(data: bytes) -> Inside | None:
    what = u16(data, 2)
    if data[0] >> 6 or what not in (0x6558, 0x0800, 0x86DD):
        return None
    return Inside(
        "ethernet" if what == 0x6558 else what, data[8 + (data[0] & 63) * 4 :], Tunnel("geneve", id=u24(data, 4))
    )


def _gtp(data: bytes) -> Inside | None:
    """GTP-U, version 1: user data only."""
    if data[0] & 0xF0 != 0x30 or data[1] != 0xFF:
        return None
    at = 12 if data[0] & 7 else 8
    if data[0] & 4:
        extensions = 0
        while data[at - 1]:
            extensions += 1
            if extensions > 8 or not data[at]:
                return None
            at += data[at] * 4
    return Inside("ip", data[at:], Tunnel("gtp", id=u32(data, 4)))


def _teredo(data: bytes) -> Inside:
    if u16(data, 0) == 1:  # authentication (RFC 4380, 5.1.1), then perhaps an origin indication
        data = data[13 + data[2] + data[3] :]
    return Inside(0x86DD, data[0 if u16(data, 0) else 8 :], Tunnel("teredo"))


def _l2tp(data: bytes) -> Inside | None:
    """L2TP version 2: data messages with IP in PPP."""
    flags = u16(data, 0)
    if flags & 0x8000 or flags & 15 != 2:
        return None
    at = 4 if flags & 0x4000 else 2
    session, at = u16(data, at + 2), at + 4
    if flags & 0x0800:
        at += 4
    if flags & 0x0200:
        at += 2 + u16(data, at)
    if data[at : at + 2] == b"\xff\x03":
        at += 2
    what = {0x0021: 0x0800, 0x0057: 0x86DD}.get(u16(data, at))
    return None if what is None else Inside(what, data[at + 2 :], Tunnel("l2tp", id=session))


def _tzsp(data: bytes) -> Inside | None:
    if data[0] != 1 or data[1] > 1 or u16(data, 2) != 1:
        return None
    at = 4
    while data[at] != 1:
        at += 1 if data[at] == 0 else 2 + data[at + 1]
    return Inside("ethernet", data[at + 1 :], Tunnel("tzsp"))


BY_PORT: dict[int, Callable[[bytes], Inside | None]] = {
    4789: _vxlan, 8472: _vxlan, 4790: _vxlan_gpe, 6081: _geneve, 2152: _gtp, 3544: _teredo, 1701: _l2tp, 37008: _tzsp,
}  # fmt: skip
