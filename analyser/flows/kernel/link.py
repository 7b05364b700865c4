"""One frame to one decoded record: link layer, VLAN tags, tunnels, ARP, and where the frame came from.

Knows IEEE 802.3 and 802.1Q, LINKTYPE_LINUX_SLL and SLL2, LINKTYPE_NULL, RFC 826, and how layers follow one another; what
tunnels and rarer links look like is known behind ``opening``. It must not know flows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.kernel.ip import MAPPED, decode_ip, hash_key, mix, set_key
from analyser.flows.kernel.opening import BY_ETHERTYPE, BY_LINK, BY_PPP
from analyser.flows.kernel.tunnels import ANY_IP, ETHERNET, IPV4, IPV6, NOTHING, PPP, may_carry
from analyser.flows.layout import (
    KEY_NEIGHBOUR,
    KIND_EXCHANGE,
    KIND_QUOTE,
    LINK_LLC,
    LINK_UNKNOWN,
    MOST_TUNNELS,
    PROTOCOL_NEIGHBOUR,
    S_ABOUT_TUNNEL,
    S_DECAPSULATED,
    S_LLC,
    S_MALFORMED,
    S_ORPHANS,
    S_PATHS,
    S_PPP,
    S_PPP_CONTROL,
    S_SEED,
    S_STP,
    S_TOO_DEEP,
    S_TRUNCATED,
    S_TUNNELS,
    S_UNKNOWN_FAMILY,
    S_UNKNOWN_LINK,
    S_WLAN_AGGREGATED,
    S_WLAN_FRAGMENTS,
    S_WLAN_MANAGEMENT,
    S_WLAN_PROTECTED,
    WLAN_AGGREGATED,
    WLAN_FRAGMENT,
    WLAN_MANAGEMENT,
    WLAN_PROTECTED,
)
from analyser.machine.frames import call_at
from analyser.machine.loads import be16, be32, inner, le32, u8

U = np.uint64

NO_RECORD = np.int64(0)
RECORD = np.int64(1)
CLOSED = np.int64(2)  # it would have to be opened, and there is no opener


@inner
def path_of(
    paths: Any, path_index: Any, st: Any, interface: Any, vlan: Any, tunnel: Any, src_mac: Any, dst_mac: Any
) -> Any:
    """Return the number of a path, a new one if it is the first packet from there; 0 when there are too many."""
    mask = np.int64(path_index.shape[0] - 1)
    place = hash_key(src_mac, dst_mac, U(interface), U(vlan) << U(32) | U(tunnel), U(0), U(st[S_SEED]))
    i = np.int64(place >> U(40)) & mask
    while True:
        n = np.int64(path_index[i])
        if n == 0:
            n = st[S_PATHS]
            if n >= paths.shape[0]:
                return np.int64(0)
            st[S_PATHS] = n + 1
            r = paths[n]
            r.src_mac = src_mac
            r.dst_mac = dst_mac
            r.interface = np.uint32(interface)
            r.vlan = np.uint32(vlan)
            r.tunnel = np.uint32(tunnel)
            path_index[i] = np.int32(n)
            return n
        r = paths[n]
        if (
            r.src_mac == src_mac
            and r.dst_mac == dst_mac
            and r.vlan == vlan
            and r.interface == interface
            and r.tunnel == tunnel
        ):
            return n
        i = (i + 1) & mask


@inner
def tunnel_of(tunnels: Any, tunnel_index: Any, st: Any, parent: Any, k: Any) -> Any:
    """Return the number of the tunnel that ``k`` tells of, within ``parent``; 0 when there are too many."""
    mask = np.int64(tunnel_index.shape[0] - 1)
    place = hash_key(k.sender0, k.sender1, k.a0, k.a1, mix(k.k4, U(parent) << U(8) | U(k.type)), U(st[S_SEED]))
    i = np.int64(place >> U(40)) & mask
    while True:
        n = np.int64(tunnel_index[i])
        if n == 0:
            n = st[S_TUNNELS]
            if n >= tunnels.shape[0]:
                return np.int64(0)
            st[S_TUNNELS] = n + 1
            r = tunnels[n]
            r.src0 = k.sender0
            r.src1 = k.sender1
            r.dst0 = k.a0
            r.dst1 = k.a1
            r.number = k.k4
            r.parent = np.uint32(parent)
            r.kind = np.uint32(k.type)
            tunnel_index[i] = np.int32(n)
            return n
        r = tunnels[n]
        if (
            r.src1 == k.sender1
            and r.dst1 == k.a1
            and r.number == k.k4
            and r.parent == parent
            and r.kind == k.type
            and r.src0 == k.sender0
            and r.dst0 == k.a0
        ):
            return n
        i = (i + 1) & mask


@inner
def decode_arp(buf: Any, p: Any, e: Any, k: Any, eth_counts: Any, st: Any) -> Any:
    """Decode ARP for IPv4 over Ethernet (RFC 826). Returns whether ``k`` holds a record; what is none is counted here."""
    if e - p < 28:
        st[S_TRUNCATED] += 1
        return False
    operation = be16(buf, p + 6)
    plain = be16(buf, p + 2) == 0x0800 and u8(buf, p + 4) == 6 and u8(buf, p + 5) == 4
    if not plain or (operation != 1 and operation != 2):
        eth_counts[0x0806] += 1
        return False
    asks = operation == 1
    sender = MAPPED | U(be32(buf, p + 14))
    target = MAPPED | U(be32(buf, p + 24))
    set_key(  # a 1 in place of the asker's port: what the target asks the asker is another exchange
        k, U(0), sender, U(0), target, np.int64(asks), np.int64(not asks), np.int64(KEY_NEIGHBOUR),
        np.int64(PROTOCOL_NEIGHBOUR), st,
    )  # fmt: skip
    k.kind = np.uint8(KIND_EXCHANGE)
    k.flags = np.uint8(1 if asks else 2)
    k.length = np.int32(0)
    k.caught = np.int32(0)
    k.ip_bytes = np.int32(0)
    k.ttl = np.uint8(0)
    k.ipid = np.uint16(0)
    k.checksum = np.uint16(0)
    k.seq = np.uint32(0)
    k.ack = np.uint32(0)
    k.window = np.uint16(0)
    k.offset = p
    k.loopback = np.uint8(0)
    return True


@inner
def count_link(reason: Any, st: Any) -> Any:
    """Count a frame of a rarer link type that holds no packet, by its reason."""
    if reason == LINK_LLC:
        st[S_LLC] += 1
    elif reason == LINK_UNKNOWN:
        st[S_UNKNOWN_LINK] += 1
    elif reason == WLAN_MANAGEMENT:
        st[S_WLAN_MANAGEMENT] += 1
    elif reason == WLAN_PROTECTED:
        st[S_WLAN_PROTECTED] += 1
    elif reason == WLAN_AGGREGATED:
        st[S_WLAN_AGGREGATED] += 1
    elif reason == WLAN_FRAGMENT:
        st[S_WLAN_FRAGMENTS] += 1
    else:
        st[S_TRUNCATED] += 1


@inner
def decode(
    buf: Any, p: Any, e: Any, link: Any, interface: Any, k: Any, fragments: Any, paths: Any, path_index: Any,
    tunnels: Any, tunnel_index: Any, eth_counts: Any, ip_counts: Any, st: Any, opener: Any,
) -> Any:  # fmt: skip
    """Decode the frame ``buf[p:e]`` of link type ``link`` into ``k``; say whether ``k`` now holds a record (RECORD).

    ``opener`` is the address of ``opening.opened`` or 0; a packet that needs it is CLOSED then, and nothing is counted.

    A frame is a chain of layers. Each turn of the loop steps into one of them, until an IP packet is no tunnel.
    """
    vlan = np.int64(0)
    tags = np.int64(0)
    src_mac = U(0)
    dst_mac = U(0)
    loopback = False
    what = ETHERNET
    if link == 113:
        if e - p < 16:
            st[S_TRUNCATED] += 1
            return NO_RECORD
        loopback = be16(buf, p + 2) == 772
        if be16(buf, p + 4) == 6:
            src_mac = U(be32(buf, p + 6)) << U(16) | U(be16(buf, p + 10))
        what = be16(buf, p + 14)
        p += 16
    elif link == 276:
        if e - p < 20:
            st[S_TRUNCATED] += 1
            return NO_RECORD
        loopback = be16(buf, p + 8) == 772
        interface |= be32(buf, p + 4) & 0xFFFF
        if u8(buf, p + 11) == 6:
            src_mac = U(be32(buf, p + 12)) << U(16) | U(be16(buf, p + 16))
        what = be16(buf, p)
        p += 20
    elif link == 0 or link == 108:
        if e - p < 4:
            st[S_TRUNCATED] += 1
            return NO_RECORD
        loopback = True
        family = be32(buf, p)
        if family > 0xFFFF:
            family = le32(buf, p)  # written in the order of the machine that captured
        p += 4
        if family == 2:
            what = IPV4
        elif family == 10 or family == 24 or family == 28 or family == 30:
            what = IPV6
        else:
            st[S_UNKNOWN_FAMILY] += 1
            return NO_RECORD
    elif link == 12 or link == 14 or link == 101 or link == 228 or link == 229:
        what = ANY_IP
    elif link != 1:
        if opener == 0:
            return CLOSED
        what = call_at(opener, buf, p, e, np.int64(BY_LINK), link, k)
        if what < 0:
            count_link(what, st)
            return NO_RECORD
        p = k.offset
        e = np.int64(k.length)
        dst_mac = k.sender0
        src_mac = k.sender1
    found = False
    tunnel = np.int64(0)
    depth = np.int64(0)
    mode = np.int64(0)  # 1: the packet that an ICMP error quotes; 2: an ICMP error whose quote is of no use
    outer = np.int64(0)
    quote_end = np.int64(0)
    outer_what = IPV4
    truncated = malformed = orphans = np.int64(0)
    length_follows = link == 1
    while True:
        if what == ETHERNET:
            if e - p < 14:
                st[S_TRUNCATED] += 1
                break
            dst_mac = U(be32(buf, p)) << U(16) | U(be16(buf, p + 4))
            src_mac = U(be32(buf, p + 6)) << U(16) | U(be16(buf, p + 10))
            what = be16(buf, p + 12)
            p += 14
            vlan = np.int64(0)
            tags = np.int64(0)
            length_follows = True
        while (what == 0x8100 or what == 0x88A8 or what == 0x9100 or what == 0x9200) and tags < 8:
            if e - p < 4:
                what = NOTHING
                break
            if tags < 2:
                vlan = vlan << 12 | (be16(buf, p) & 0xFFF)
            what = be16(buf, p + 2)
            p += 4
            tags += 1
            length_follows = True
        if what == NOTHING:
            st[S_TRUNCATED] += 1
            break
        if what < 1536 and (length_follows or what == 4):
            if e - p < 3:
                st[S_TRUNCATED] += 1
                break
            if u8(buf, p) == 0x42:
                st[S_STP] += 1
                break
            if be16(buf, p) != 0xAAAA or e - p < 8 or be16(buf, p + 3) != 0 or u8(buf, p + 5) != 0:
                st[S_LLC] += 1
                break
            what = be16(buf, p + 6)
            p += 8
        length_follows = False
        if what == ANY_IP:
            if p >= e:
                st[S_TRUNCATED] += 1
                break
            nibble = u8(buf, p) >> 4
            if nibble != 4 and nibble != 6:
                st[S_MALFORMED] += 1
                break
            what = IPV4 if nibble == 4 else IPV6
        if what == IPV4 or what == IPV6:
            if mode == 0:
                outer = p
                outer_what = what
            end = quote_end if mode == 1 else e
            kind = decode_ip(buf, p, end, np.int64(4 if what == IPV4 else 6), k, fragments, ip_counts, st, mode, opener)
            if kind == 5:
                return CLOSED
            if kind == 2:
                p = k.offset
                quote_end = np.int64(k.length)
                what = IPV4 if k.version == 4 else IPV6
                mode = np.int64(1)
                truncated = st[S_TRUNCATED]
                malformed = st[S_MALFORMED]
                orphans = st[S_ORPHANS]
                continue
            if mode == 1:
                st[S_TRUNCATED] = truncated
                st[S_MALFORMED] = malformed
                st[S_ORPHANS] = orphans
                if kind == 1:
                    k.kind = np.uint8(KIND_QUOTE)
                    found = True
                    break
                if kind == 4:
                    st[S_ABOUT_TUNNEL] += 1
                    break
                mode = np.int64(2)  # it quotes nothing that can be a flow: then it is a flow of its own
                p = outer
                what = outer_what
                continue
            if kind != 3:
                found = kind == 1
                break
            what = np.int64(k.ip_bytes)
        elif what == 0x0806:
            found = decode_arp(buf, p, e, k, eth_counts, st)
            break
        elif what != PPP and not may_carry(what):
            eth_counts[what] += 1
            break
        elif opener == 0:
            return CLOSED
        else:
            k.sender0 = U(0)
            k.sender1 = U(0)
            k.a0 = U(0)
            k.a1 = U(0)
            layer = what
            what = call_at(opener, buf, p, e, np.int64(BY_PPP if layer == PPP else BY_ETHERTYPE), layer, k)
            if layer == PPP:
                if what < 0:
                    st[S_PPP_CONTROL if what <= -0x8001 else S_PPP] += 1
                    break
                p = k.offset
                continue
            if what < 0:
                eth_counts[layer] += 1
                break
        depth += 1
        if depth > MOST_TUNNELS:
            st[S_TOO_DEEP] += 1
            break
        tunnel = tunnel_of(tunnels, tunnel_index, st, tunnel, k)
        p = k.offset
        e = np.int64(k.length)
        mode = np.int64(0)
    if found:
        if loopback:
            k.loopback = np.uint8(1)
        if depth > 0:
            st[S_DECAPSULATED] += 1
        k.vlan = np.uint32(vlan)
        k.path = np.uint32(path_of(paths, path_index, st, interface, vlan, tunnel, src_mac, dst_mac))
    return RECORD if found else NO_RECORD
