"""One frame to one decoded record: link layer, VLAN tags, ARP, and where the frame came from.

Knows IEEE 802.3 and 802.1Q, LINKTYPE_LINUX_SLL and SLL2, LINKTYPE_NULL, RFC 826. It must not know flows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.kernel.ip import MAPPED, decode_ip, hash_key, set_key
from analyser.flows.kernel.loads import be16, be32, inner, le32, u8
from analyser.flows.layout import (
    KEY_NEIGHBOUR,
    KIND_EXCHANGE,
    KIND_QUOTE,
    PROTOCOL_NEIGHBOUR,
    S_LLC,
    S_MALFORMED,
    S_ORPHANS,
    S_PATHS,
    S_SEED,
    S_STP,
    S_TRUNCATED,
    S_UNKNOWN_FAMILY,
)

U = np.uint64


@inner
def path_of(paths: Any, path_index: Any, st: Any, interface: Any, vlan: Any, src_mac: Any, dst_mac: Any) -> Any:
    """Return the number of a path, a new one if it is the first packet from there; 0 when there are too many."""
    mask = np.int64(path_index.shape[0] - 1)
    i = np.int64(hash_key(src_mac, dst_mac, U(interface), U(vlan), U(0), U(st[S_SEED])) >> U(40)) & mask
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
            path_index[i] = np.int32(n)
            return n
        r = paths[n]
        if r.src_mac == src_mac and r.dst_mac == dst_mac and r.vlan == vlan and r.interface == interface:
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
def decode(
    buf: Any, p: Any, e: Any, link: Any, interface: Any, k: Any, fragments: Any, paths: Any, path_index: Any,
    eth_counts: Any, ip_counts: Any, st: Any,
) -> Any:  # fmt: skip
    """Decode the frame ``buf[p:e]`` of link type ``link`` into ``k``; say whether ``k`` now holds a record."""
    vlan = np.int64(0)
    tags = np.int64(0)
    src_mac = U(0)
    dst_mac = U(0)
    loopback = False
    ethertype = np.int64(0)
    if link == 1:
        if e - p < 14:
            st[S_TRUNCATED] += 1
            return False
        dst_mac = U(be32(buf, p)) << U(16) | U(be16(buf, p + 4))
        src_mac = U(be32(buf, p + 6)) << U(16) | U(be16(buf, p + 10))
        ethertype = be16(buf, p + 12)
        p += 14
    elif link == 113:
        if e - p < 16:
            st[S_TRUNCATED] += 1
            return False
        loopback = be16(buf, p + 2) == 772
        if be16(buf, p + 4) == 6:
            src_mac = U(be32(buf, p + 6)) << U(16) | U(be16(buf, p + 10))
        ethertype = be16(buf, p + 14)
        p += 16
    elif link == 276:
        if e - p < 20:
            st[S_TRUNCATED] += 1
            return False
        loopback = be16(buf, p + 8) == 772
        interface |= be32(buf, p + 4) & 0xFFFF
        if u8(buf, p + 11) == 6:
            src_mac = U(be32(buf, p + 12)) << U(16) | U(be16(buf, p + 16))
        ethertype = be16(buf, p)
        p += 20
    elif link == 0 or link == 108:
        if e - p < 4:
            st[S_TRUNCATED] += 1
            return False
        loopback = True
        family = be32(buf, p)
        if family > 0xFFFF:
            family = le32(buf, p)  # written in the order of the machine that captured
        p += 4
        if family == 2:
            ethertype = np.int64(0x0800)
        elif family == 10 or family == 24 or family == 28 or family == 30:
            ethertype = np.int64(0x86DD)
        else:
            st[S_UNKNOWN_FAMILY] += 1
            return False
    elif link == 228 or link == 229:
        ethertype = np.int64(0x0800 if link == 228 else 0x86DD)
    else:  # raw IP: the caller lets no other link type in
        if e - p < 1:
            st[S_TRUNCATED] += 1
            return False
        version = u8(buf, p) >> 4
        if version != 4 and version != 6:
            st[S_MALFORMED] += 1
            return False
        ethertype = np.int64(0x0800 if version == 4 else 0x86DD)
    while (ethertype == 0x8100 or ethertype == 0x88A8 or ethertype == 0x9100 or ethertype == 0x9200) and tags < 8:
        if e - p < 4:
            st[S_TRUNCATED] += 1
            return False
        if tags < 2:
            vlan = vlan << 12 | (be16(buf, p) & 0xFFF)
        ethertype = be16(buf, p + 2)
        p += 4
        tags += 1
    if ethertype < 1536 and (link == 1 or tags > 0 or ethertype == 4):
        if e - p < 3:
            st[S_TRUNCATED] += 1
            return False
        if u8(buf, p) == 0x42:
            st[S_STP] += 1
            return False
        if be16(buf, p) != 0xAAAA or e - p < 8 or be16(buf, p + 3) != 0 or u8(buf, p + 5) != 0:
            st[S_LLC] += 1
            return False
        ethertype = be16(buf, p + 6)
        p += 8
    k.vlan = np.uint32(vlan)
    found = False
    if ethertype == 0x0800 or ethertype == 0x86DD:
        start = p
        version = np.int64(4 if ethertype == 0x0800 else 6)
        truncated = malformed = orphans = np.int64(0)
        kind = np.int64(0)
        for depth in range(3):
            kind = decode_ip(buf, start, e, version, k, fragments, ip_counts, st, depth)
            if kind == 2:
                start = k.offset
                version = np.int64(k.version)
                truncated = st[S_TRUNCATED]
                malformed = st[S_MALFORMED]
                orphans = st[S_ORPHANS]
                continue
            if depth == 1:
                st[S_TRUNCATED] = truncated
                st[S_MALFORMED] = malformed
                st[S_ORPHANS] = orphans
                if kind == 1:
                    k.kind = np.uint8(KIND_QUOTE)
                else:  # it quotes nothing that can be a flow: then it is a flow of its own
                    start = p
                    version = np.int64(4 if ethertype == 0x0800 else 6)
                    continue
            break
        found = kind == 1
    elif ethertype == 0x0806:
        found = decode_arp(buf, p, e, k, eth_counts, st)
    else:
        eth_counts[ethertype] += 1
    if found:
        if loopback:
            k.loopback = np.uint8(1)
        k.path = np.uint32(path_of(paths, path_index, st, interface, vlan, src_mac, dst_mac))
    return found
