"""Link types that captures seldom have: where the packet stands in their frames, and what it is.

Knows tcpdump.org/linktypes.html: PPP, Cisco HDLC, IEEE 802.11 with its capture headers, FDDI, token ring, frame relay,
and the records of firewalls. It must not know packets.

Each function returns what stands in the frame as ``tunnels`` tells it (an EtherType, ``ETHERNET``, ``PPP``, ``ANY_IP``), at
``k.offset`` and up to ``k.length``; or a number below zero: NOTHING (cut off), or a reason of ``layout.WLAN_…``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.flows.kernel.tunnels import ANY_IP, ETHERNET, NOTHING, PPP, U
from analyser.flows.layout import (
    LINK_LLC,
    LINK_UNKNOWN,
    WLAN_AGGREGATED,
    WLAN_FRAGMENT,
    WLAN_MANAGEMENT,
    WLAN_PROTECTED,
)
from analyser.machine.loads import be16, be32, inner, le16, le32, u8


@inner
def snap(buf: Any, p: Any, e: Any, k: Any) -> Any:
    """Return the EtherType behind an LLC/SNAP header (IEEE 802.2)."""
    if e - p < 8:
        return NOTHING
    vendor = be16(buf, p + 3) << 8 | u8(buf, p + 5)
    if be16(buf, p) != 0xAAAA or u8(buf, p + 2) != 3 or (vendor != 0 and vendor != 0xF8):
        return np.int64(LINK_LLC)
    k.offset = p + 8
    return be16(buf, p + 6)


@inner
def wlan(buf: Any, p: Any, e: Any, padded: Any, k: Any) -> Any:
    """Step into an IEEE 802.11 data frame; its receiver and transmitter stand in for MAC addresses.

    ``padded``: its body begins at a multiple of four bytes from its beginning.
    """
    if e - p < 24:
        return NOTHING
    control = le16(buf, p)
    subtype = (control >> 4) & 15
    if (control >> 2) & 3 != 2 or subtype & 4:
        return np.int64(WLAN_MANAGEMENT)
    if control & 0x4000:
        return np.int64(WLAN_PROTECTED)
    if u8(buf, p + 22) & 15:  # the middle or the end of a frame, whose LLC header is in its first fragment
        return np.int64(WLAN_FRAGMENT)
    q = p + 24
    if control & 0x0300 == 0x0300:
        q += 6
    if subtype & 8:
        if q + 2 > e:
            return NOTHING
        if u8(buf, q) & 0x80:
            return np.int64(WLAN_AGGREGATED)
        q += 2
        if control & 0x8000:
            q += 4
    if padded:
        q = p + ((q - p + 3) & ~3)
    k.sender0 = U(be32(buf, p + 4)) << U(16) | U(be16(buf, p + 8))
    k.sender1 = U(be32(buf, p + 10)) << U(16) | U(be16(buf, p + 14))
    return snap(buf, q, e, k)


@inner
def radiotap(buf: Any, p: Any, e: Any) -> Any:
    """Return where the 802.11 frame behind a radiotap header begins, and whether its header is padded to four bytes."""
    if e - p < 8:
        return NOTHING, False
    length = le16(buf, p + 2)
    q = p + 4
    present = le32(buf, q)
    while le32(buf, q) & 0x80000000:
        q += 4
        if q + 4 > e or q + 4 > p + length:
            return NOTHING, False
    q += 4
    if present & 1:
        q = p + ((q - p + 7) & ~7) + 8
    padded = present & 2 != 0 and q < min(e, p + length) and u8(buf, q) & 0x20 != 0
    return p + length, padded


@inner
def wireless(buf: Any, p: Any, e: Any, link: Any, k: Any) -> Any:
    """Step over what the capturing card wrote before an IEEE 802.11 frame."""
    padded = False
    if link == 127:
        p, padded = radiotap(buf, p, e)
        if p < 0:
            return NOTHING
    elif link != 105:
        if e - p < 8:
            return NOTHING
        if link == 192:
            inner_link = le32(buf, p + 4)
            p += le16(buf, p + 2)
            if inner_link == 1:
                k.offset = p
                return ETHERNET
            if inner_link != 105:
                return np.int64(LINK_UNKNOWN)
        elif link == 163 or (le32(buf, p + 4) >= 4096 and be32(buf, p + 4) < 4096):
            p += be32(buf, p + 4)
        else:
            p += le32(buf, p + 4) if le32(buf, p + 4) < 4096 else np.int64(144)
    if p >= e:
        return NOTHING
    return wlan(buf, p, e, padded, k)


@inner
def frame_relay(buf: Any, p: Any, e: Any, k: Any) -> Any:
    """Step over a frame relay header (RFC 2427, or Cisco's with an EtherType)."""
    if e - p < 4:
        return NOTHING
    k.offset = p + 4
    if u8(buf, p + 2) != 3:
        return be16(buf, p + 2)
    nlpid = u8(buf, p + 3)
    q = p + 4
    if nlpid == 0 and q < e:
        nlpid = u8(buf, q)
        q += 1
    if nlpid == 0xCC or nlpid == 0x8E:
        k.offset = q
        return ANY_IP
    if nlpid != 0x80:
        return np.int64(LINK_LLC)
    if q + 5 > e:
        return NOTHING
    if be16(buf, q) != 0 or u8(buf, q + 2) != 0:
        return np.int64(LINK_LLC)
    k.offset = q + 5
    return be16(buf, q + 3)


@inner
def nflog(buf: Any, p: Any, e: Any, k: Any) -> Any:
    """Find the packet among the attributes of a record of Linux' firewall."""
    q = p + 4
    for _ in range(64):
        if q + 4 > e:
            return NOTHING
        length = le16(buf, q)
        if length < 4:
            return NOTHING
        if le16(buf, q + 2) & 0x7FFF == 9:
            k.offset = q + 4
            k.length = np.int32(min(e, q + length))
            return ANY_IP
        q += (length + 3) & ~3
    return NOTHING


@inner
def enter(buf: Any, p: Any, e: Any, link: Any, k: Any) -> Any:
    """Return what stands in a frame of one of these link types."""
    k.sender0 = U(0)
    k.sender1 = U(0)
    k.length = np.int32(e)
    if link == 105 or link == 127 or link == 119 or link == 163 or link == 192:
        return wireless(buf, p, e, link, k)
    if e - p < 4:
        return NOTHING
    k.offset = p
    if link == 51:
        return np.int64(0x8864)
    if link == 104 or link == 50 or link == 9:
        if link != 104 and be16(buf, p) != 0x0F00 and be16(buf, p) != 0x8F00:
            return PPP
        k.offset = p + 4
        return be16(buf, p + 2)
    if link == 107:
        return frame_relay(buf, p, e, k)
    if link == 239:
        return nflog(buf, p, e, k)
    if link == 10:
        return snap(buf, p + 13, e, k)
    if link == 6:
        if e - p < 15:
            return NOTHING
        route = u8(buf, p + 14) & 31 if u8(buf, p + 8) & 0x80 else np.int64(0)
        return snap(buf, p + 14 + route, e, k)
    if link == 138:
        if e - p < 18:
            return NOTHING
        k.offset = p + 18
        return be16(buf, p + 16)
    if link == 109 or link == 117:
        k.offset = p + 12 if link == 109 else p + ((u8(buf, p) + 3) & ~3)
        return ANY_IP
    if link == 258:
        if e - p < 12:
            return NOTHING
        real = le32(buf, p + 8)
        k.offset = p + le32(buf, p)
        if real == 1:
            return ETHERNET
        if real == 12 or real == 14 or real == 101:
            return ANY_IP
        k.offset += 4
        return ANY_IP if real == 0 or real == 108 else np.int64(LINK_UNKNOWN)
    return np.int64(LINK_UNKNOWN)
