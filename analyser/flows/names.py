"""What the kernel counted without decoding it, by name.

Knows numbers of EtherTypes (IEEE), IP protocols (IANA) and link types (tcpdump.org/linktypes.html).
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np

from analyser.flows.layout import (
    S_ARP,
    S_LLC,
    S_MALFORMED,
    S_NEIGHBOURS,
    S_ORPHANS,
    S_RECORDS,
    S_STP,
    S_TRUNCATED,
    S_UNKNOWN_FAMILY,
    S_UNREADABLE,
)
from analyser.flows.memory import Memory

LINK_TYPES: Final = {
    0: "null", 1: "ethernet", 6: "token ring", 7: "arcnet", 8: "slip", 9: "ppp", 10: "fddi", 12: "raw", 14: "raw",
    50: "ppp-hdlc", 51: "pppoe", 100: "atm", 101: "raw", 104: "c-hdlc", 105: "802.11", 107: "frame relay", 108: "loop",
    113: "linux-sll", 117: "pflog", 119: "802.11 prism", 127: "802.11 radiotap", 143: "docsis", 147: "user0",
    187: "bluetooth h4", 189: "usb linux", 192: "ppi", 195: "802.15.4", 201: "bluetooth h4", 220: "usb linux",
    227: "can", 228: "ipv4", 229: "ipv6", 231: "dbus", 239: "nflog", 249: "usbpcap", 252: "upper pdu", 253: "netlink",
    258: "pktap", 271: "vsock", 276: "linux-sll2",
}  # fmt: skip
"""Link types by the names used in reports."""

LINK_LAYER: Final = {
    0x0806: "arp", 0x8035: "rarp", 0x88CC: "lldp", 0x8808: "pause", 0x8809: "lacp", 0x888E: "eapol", 0x9000: "loop",
    0x88A2: "ata over ethernet", 0x8892: "profinet", 0x88F7: "ptp", 0x8902: "cfm", 0x893A: "ieee 1905", 0x8899: "realtek",
    0x88E1: "homeplug", 0x8912: "homeplug", 0x88BF: "mikrotik romon", 0x22F0: "avtp",
}  # fmt: skip
"""EtherTypes of traffic below IP: named and counted, nothing is missing by not decoding it."""

_UNOPENED: Final = {
    0x8847: "mpls", 0x8848: "mpls", 0x8863: "pppoe discovery", 0x8864: "pppoe", 0x88E5: "macsec", 0x8137: "ipx",
    0x809B: "appletalk", 0x88BE: "erspan", 0x6558: "transparent ethernet", 0x8903: "fabricpath", 0x894F: "nsh",
}  # fmt: skip

_IP: Final = {
    4: "ip in ip", 41: "ipv6 in ip", 47: "gre", 50: "esp", 94: "ip in ip (94)", 97: "ethernet in ip", 98: "encap",
    115: "l2tp", 137: "mpls in ip",
}  # fmt: skip

ENCAPSULATIONS: Final = frozenset(
    {*_IP.values(), "mpls", "pppoe", "macsec", "erspan", "transparent ethernet", "fabricpath", "nsh"}
)
"""Names under which :func:`undecoded` counts packets that carry other packets."""


def link_type_name(number: int) -> str:
    """Return the name of a link type (``link-type NN`` where it has none here)."""
    return LINK_TYPES.get(number, f"link-type {number}")


def link_layer(memory: Memory) -> dict[str, int]:
    """Return packets of named traffic below IP (and of IPv6's neighbour discovery, which does the work of ARP)."""
    counts: Counter[str] = Counter()
    for number in np.flatnonzero(memory.eth_counts):
        if name := LINK_LAYER.get(int(number)):
            counts[name] += int(memory.eth_counts[number])
    counts["arp"] += int(memory.st[S_ARP])
    counts["neighbour discovery"] += int(memory.st[S_NEIGHBOURS])
    counts["stp"] += int(memory.st[S_STP])
    counts["llc"] += int(memory.st[S_LLC])
    counts["records that are no packets"] += int(memory.st[S_RECORDS])
    return dict(+counts)


def undecoded(memory: Memory) -> dict[str, int]:
    """Return packets that were counted and not understood, by what they are."""
    counts: Counter[str] = Counter()
    for number in np.flatnonzero(memory.eth_counts):
        if int(number) not in LINK_LAYER:
            counts[_UNOPENED.get(int(number), f"ethertype 0x{int(number):04x}")] += int(memory.eth_counts[number])
    for number in np.flatnonzero(memory.ip_counts):
        counts[_IP[int(number)]] += int(memory.ip_counts[number])
    for number in np.flatnonzero(memory.link_counts):
        counts[link_type_name(int(number))] += int(memory.link_counts[number])
    counts["headers cut off"] += int(memory.st[S_TRUNCATED])
    counts["malformed headers"] += int(memory.st[S_MALFORMED])
    counts["fragments without their first"] += int(memory.st[S_ORPHANS])
    counts["unknown address family"] += int(memory.st[S_UNKNOWN_FAMILY])
    counts["unreadable packet blocks"] += int(memory.st[S_UNREADABLE])
    return dict(+counts)
