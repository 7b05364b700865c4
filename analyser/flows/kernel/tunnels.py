"""What carries another packet: which layer stands inside, where, and by which name the tunnel is remembered.

Knows GRE (RFC 2784, 2890, 2637), ERSPAN (draft-foschiano-erspan), IP in IP (RFC 2003, 4213), EtherIP (RFC 3378), VXLAN (RFC 7348,
draft-ietf-nvo3-vxlan-gpe), Geneve (RFC 8926), GTP-U (3GPP TS 29.281), Teredo (RFC 4380), L2TP (RFC 2661), MPLS (RFC 3032,
4385), PPPoE (RFC 2516), PPP (RFC 1661, 1662), TZSP. It must not know flows.

Each function returns what stands inside: an EtherType, ``ETHERNET``, ``PPP`` or ``ANY_IP``, at ``k.offset`` and up to
``k.length``; or ``NOTHING``. The tunnel's kind and number are then in ``k.type`` and ``k.k4``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.layout import (
    T_BRIDGED,
    T_ERSPAN1,
    T_ERSPAN2,
    T_ERSPAN3,
    T_ETHERIP,
    T_FABRICPATH,
    T_GENEVE,
    T_GRE,
    T_GTP,
    T_IPIP,
    T_L2TP,
    T_MPLS,
    T_PPPOE,
    T_PPTP,
    T_TEREDO,
    T_TZSP,
    T_VXLAN,
    T_VXLAN_GPE,
)
from analyser.machine.loads import be16, be32, inner, u8

U = np.uint64
NOTHING = np.int64(-1)
ETHERNET = np.int64(0x10000)
PPP = np.int64(0x20000)
ANY_IP = np.int64(0x30000)
IPV4 = np.int64(0x0800)
IPV6 = np.int64(0x86DD)
MPLS = np.int64(0x8847)


@inner
def inside(k: Any, what: Any, p: Any, e: Any, kind: Any, number: Any) -> Any:
    """Note where the inside stands and by which tunnel; return ``what``."""
    k.offset = p
    k.length = np.int32(e)
    k.type = np.uint8(kind)
    k.k4 = U(number)
    return what


@inner
def is_plausible_ip(buf: Any, p: Any, e: Any) -> Any:
    """Say whether an IP header may stand at ``p``."""
    if e - p < 20:
        return False
    first = u8(buf, p)
    if first >> 4 == 4:
        header = (first & 15) * 4
        total = be16(buf, p + 2)
        return header >= 20 and (total >= header or total == 0)  # 0: a segment that a network card will cut up
    return first >> 4 == 6 and e - p >= 40


@inner
def ip_by_nibble(buf: Any, p: Any, e: Any) -> Any:
    """Return the EtherType of the IP packet that may stand at ``p``, else NOTHING."""
    if not is_plausible_ip(buf, p, e):
        return NOTHING
    return IPV4 if u8(buf, p) >> 4 == 4 else IPV6


@inner
def is_plausible_ethernet(buf: Any, p: Any, e: Any) -> Any:
    """Say whether an Ethernet frame may stand at ``p``."""
    if e - p < 14:
        return False
    ethertype = be16(buf, p + 12)
    if ethertype == IPV4 or ethertype == IPV6:
        return ip_by_nibble(buf, p + 14, e) == ethertype
    return (
        ethertype < 1536 or ethertype == 0x0806 or ethertype == 0x8100 or ethertype == 0x88A8 or ethertype == MPLS
        or ethertype == 0x8848 or ethertype == 0x8864 or ethertype == 0x8863 or ethertype == 0x88CC
    )  # fmt: skip


@inner
def names_type(buf: Any, p: Any, e: Any) -> Any:
    """Say whether an Ethernet frame with an EtherType, not a length, may stand at ``p``."""
    return is_plausible_ethernet(buf, p, e) and be16(buf, p + 12) >= 1536


@inner
def has_control_word(buf: Any, p: Any, e: Any) -> Any:
    """Say whether the four bits of zeros at ``p`` begin a control word, not the MAC address of a frame without one.

    Without one only an EtherType where it belongs tells so. A frame with a tag looks like one behind a control word too.
    """
    if not names_type(buf, p, e):
        return True
    tag = be16(buf, p + 12)
    return tag != 0x8100 and tag != 0x88A8 and names_type(buf, p + 4, e)


@inner
def open_mpls(buf: Any, p: Any, e: Any, k: Any) -> Any:
    """Step over a stack of labels: IP, or a pseudo wire with or without its control word."""
    label = np.int64(0)
    for _ in range(8):
        if p + 4 > e:
            return NOTHING
        label = be32(buf, p)
        p += 4
        if label & 0x100:
            break
    if label & 0x100 == 0 or p >= e:
        return NOTHING
    nibble = u8(buf, p) >> 4
    what = NOTHING
    if nibble == 4:
        what = IPV4
    elif nibble == 6:
        what = IPV6
    elif nibble == 0:
        what = ETHERNET
        if has_control_word(buf, p, e):
            p += 4
    elif is_plausible_ethernet(buf, p, e):
        what = ETHERNET
    return inside(k, what, p, e, T_MPLS, label >> 12)


@inner
def open_gre(buf: Any, p: Any, e: Any, k: Any) -> Any:
    """Step over a GRE header, and over an ERSPAN header behind it."""
    if p + 4 > e:
        return NOTHING
    flags = be16(buf, p)
    protocol = be16(buf, p + 2)
    version = flags & 7
    key = np.int64(0)
    q = p + 4
    if flags & 0x4000 or version > 1:
        return NOTHING
    if flags & 0x8000:
        q += 4
    if flags & 0x2000:
        if q + 4 > e:
            return NOTHING
        key = be32(buf, q)
        q += 4
    if flags & 0x1000:
        q += 4
    if version == 1:
        if flags & 0x80:
            q += 4
        return inside(k, PPP if protocol == 0x880B else NOTHING, q, e, T_PPTP, key & 0xFFFF)
    if protocol == 0x88BE:
        if flags & 0x1000 == 0:
            return inside(k, ETHERNET, q, e, T_ERSPAN1, 0)
        if q + 8 > e or u8(buf, q) >> 4 != 1:
            return NOTHING
        return inside(k, ETHERNET, q + 8, e, T_ERSPAN2, be16(buf, q + 2) & 0x3FF)
    if protocol == 0x22EB:
        if q + 12 > e or u8(buf, q) >> 4 != 2:
            return NOTHING
        word = be16(buf, q + 10)
        frame = (word >> 10) & 31
        what = ETHERNET if frame == 0 else ANY_IP if frame == 2 else NOTHING
        return inside(k, what, q + 12 + (word & 1) * 8, e, T_ERSPAN3, be16(buf, q + 2) & 0x3FF)
    what = NOTHING
    if protocol == 0x883E:  # what a router redirects to a cache (WCCP), with its header of four bytes or without
        what = ip_by_nibble(buf, q, e)
        if what < 0:
            q += 4
            what = ip_by_nibble(buf, q, e)
    elif protocol == 0x6558:
        what = ETHERNET
    elif protocol == 0x880B:
        what = PPP
    elif protocol == IPV4 or protocol == IPV6 or protocol == MPLS or protocol == 0x8848:
        what = protocol
    return inside(k, what, q, e, T_GRE, key)


@inner
def open_ip(buf: Any, p: Any, e: Any, protocol: Any, k: Any) -> Any:
    """Open what an IP packet of a tunnel's protocol carries."""
    if protocol == 47:
        return open_gre(buf, p, e, k)
    if protocol == 137:
        return open_mpls(buf, p, e, k)
    what = NOTHING
    kind = T_IPIP
    if protocol == 4:
        what = IPV4
    elif protocol == 41:
        what = IPV6
    elif protocol == 94:
        what = ANY_IP
    elif protocol == 97 and p + 2 <= e and be16(buf, p) == 0x3000:
        what = ETHERNET
        kind = T_ETHERIP
        p += 2
    return inside(k, what, p, e, kind, 0)


@inner
def open_gtp(buf: Any, p: Any, e: Any, k: Any) -> Any:
    """Step over a GTP-U header of a packet, with its extension headers."""
    flags = u8(buf, p)
    if flags & 0xF0 != 0x30 or u8(buf, p + 1) != 0xFF:
        return NOTHING
    number = be32(buf, p + 4)
    q = p + 8
    if flags & 7:
        q += 4
        if flags & 4:
            for _ in range(8):
                if q > e or u8(buf, q - 1) == 0:
                    break
                if q >= e:
                    return NOTHING
                length = u8(buf, q) * 4
                if length == 0:
                    return NOTHING
                q += length
    return inside(k, ip_by_nibble(buf, q, e), q, e, T_GTP, number)


@inner
def open_l2tp(buf: Any, p: Any, e: Any, k: Any) -> Any:
    """Step over the header of an L2TP data message."""
    flags = be16(buf, p)
    if flags & 0x8000 or flags & 15 != 2:
        return NOTHING
    q = p + 2
    if flags & 0x4000:
        q += 2
    if q + 4 > e:
        return NOTHING
    session = be16(buf, q + 2)
    q += 4
    if flags & 0x0800:
        q += 4
    if flags & 0x0200:
        if q + 2 > e:
            return NOTHING
        q += 2 + be16(buf, q)
    if q + 4 <= e and be16(buf, q) == 0xFF03:
        q += 2
    if q + 2 > e:
        return NOTHING
    protocol = be16(buf, q)
    what = ip_by_nibble(buf, q + 2, e)
    if (protocol != 0x21 or what != IPV4) and (protocol != 0x57 or what != IPV6):
        what = NOTHING
    return inside(k, what, q + 2, e, T_L2TP, session)


@inner
def open_tzsp(buf: Any, p: Any, e: Any, k: Any) -> Any:
    """Step over a TZSP header and its tags."""
    if u8(buf, p) != 1 or u8(buf, p + 1) > 1 or be16(buf, p + 2) != 1:
        return NOTHING
    q = p + 4
    for _ in range(64):
        if q >= e:
            return NOTHING
        tag = u8(buf, q)
        q += 1
        if tag == 1:
            break
        if tag > 1:
            if q >= e:
                return NOTHING
            q += 1 + u8(buf, q)
    what = ETHERNET if is_plausible_ethernet(buf, q, e) else NOTHING
    return inside(k, what, q, e, T_TZSP, 0)


@inner
def is_tunnel_port(port: Any) -> Any:
    """Say whether a UDP port is one of those that tunnels are looked for on."""
    return (
        port == 4789 or port == 8472 or port == 4790 or port == 6081 or port == 2152 or port == 6635 or port == 3544
        or port == 1701 or port == 37008
    )  # fmt: skip


@inner
def open_udp(buf: Any, p: Any, e: Any, port: Any, k: Any) -> Any:
    """Open the datagram at ``p`` as the tunnel that usually has ``port``; NOTHING where header or inside are not plausible."""
    if e - p < 8:
        return NOTHING
    first = u8(buf, p)
    what = NOTHING
    if port == 4789 or port == 8472:
        if first & 0x08 and first & 0x37 == 0 and u8(buf, p + 7) == 0 and is_plausible_ethernet(buf, p + 8, e):
            what = ETHERNET
        return inside(k, what, p + 8, e, T_VXLAN, be32(buf, p + 4) >> 8)
    if port == 4790:
        following = u8(buf, p + 3)
        if first & 0x0C == 0x0C:
            if following == 3 and is_plausible_ethernet(buf, p + 8, e):
                what = ETHERNET
            elif following == 1 or following == 2:
                what = ip_by_nibble(buf, p + 8, e)
        return inside(k, what, p + 8, e, T_VXLAN_GPE, be32(buf, p + 4) >> 8)
    if port == 6081:
        q = p + 8 + (first & 63) * 4
        protocol = be16(buf, p + 2)
        if first >> 6 == 0:
            if protocol == 0x6558 and is_plausible_ethernet(buf, q, e):
                what = ETHERNET
            elif (protocol == IPV4 or protocol == IPV6) and ip_by_nibble(buf, q, e) == protocol:
                what = protocol
        return inside(k, what, q, e, T_GENEVE, be32(buf, p + 4) >> 8)
    if port == 2152:
        return open_gtp(buf, p, e, k)
    if port == 1701:
        return open_l2tp(buf, p, e, k)
    if port == 37008:
        return open_tzsp(buf, p, e, k)
    if port == 3544:
        q = p
        if be16(buf, q) == 1:  # authentication, then perhaps where the client was seen
            q += 13 + u8(buf, q + 2) + u8(buf, q + 3)
        if q + 2 <= e and be16(buf, q) == 0:
            q += 8
        if ip_by_nibble(buf, q, e) == IPV6:
            what = IPV6
        return inside(k, what, q, e, T_TEREDO, 0)
    what = open_mpls(buf, p, e, k)
    if what < 0:
        return NOTHING  # then ``k`` holds what it held before
    plausible = is_plausible_ethernet(buf, k.offset, e) if what == ETHERNET else ip_by_nibble(buf, k.offset, e) == what
    return what if plausible else NOTHING


@inner
def may_carry(what: Any) -> Any:
    """Say whether an EtherType is one of those that carry another packet."""
    return what == MPLS or what == 0x8848 or what == 0x8864 or what == 0x8903 or what == 0x6558


@inner
def open_link(buf: Any, p: Any, e: Any, what: Any, k: Any) -> Any:
    """Open what an EtherType other than IP and ARP carries; ``k.type`` is 0 where this is no tunnel."""
    if what == MPLS or what == 0x8848:
        return open_mpls(buf, p, e, k)
    if what == 0x8864 and p + 6 <= e and be16(buf, p) == 0x1100:
        return inside(k, PPP, p + 6, e, T_PPPOE, be16(buf, p + 2))
    if what == 0x8903:
        return inside(k, ETHERNET, p + 2, e, T_FABRICPATH, 0)
    if what == 0x6558:
        return inside(k, ETHERNET, p, e, T_BRIDGED, 0)
    return NOTHING


@inner
def open_ppp(buf: Any, p: Any, e: Any, k: Any) -> Any:
    """Return what a PPP frame carries: an EtherType, or the PPP protocol's number below zero where that is not IP."""
    if p + 2 <= e and be16(buf, p) == 0xFF03:
        p += 2
    if p >= e:
        return NOTHING
    protocol = u8(buf, p)
    p += 1
    if protocol & 1 == 0:
        if p >= e:
            return NOTHING
        protocol = protocol << 8 | u8(buf, p)
        p += 1
    k.offset = p
    if protocol == 0x21:
        return IPV4
    if protocol == 0x57:
        return IPV6
    if protocol == 0x281 or protocol == 0x283:
        return MPLS
    return -1 - protocol
