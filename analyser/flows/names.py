"""What the kernel counted without decoding it, by name.

Knows numbers of EtherTypes (IEEE), IP protocols (IANA) and link types (tcpdump.org/linktypes.html).
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np

from analyser.flows.layout import (
    S_ABOUT_TUNNEL,
    S_ARP,
    S_LLC,
    S_MALFORMED,
    S_NEIGHBOURS,
    S_ORPHANS,
    S_PPP,
    S_PPP_CONTROL,
    S_RECORDS,
    S_STP,
    S_TOO_DEEP,
    S_TRUNCATED,
    S_UNKNOWN_FAMILY,
    S_UNKNOWN_LINK,
    S_UNREADABLE,
    S_WLAN_AGGREGATED,
    S_WLAN_FRAGMENTS,
    S_WLAN_MANAGEMENT,
    S_WLAN_PROTECTED,
)
from analyser.flows.memory import Memory

LINK_TYPES: Final = {
    0: "null", 1: "ethernet", 3: "ax.25", 6: "token ring", 7: "arcnet", 8: "slip", 9: "ppp", 10: "fddi", 12: "raw", 14: "raw",
    50: "ppp-hdlc", 51: "pppoe", 99: "symantec firewall", 100: "atm", 101: "raw", 104: "c-hdlc", 105: "802.11", 106: "atm clip",
    107: "frame relay", 108: "loop", 109: "enc", 113: "linux-sll", 114: "localtalk", 117: "pflog", 119: "802.11 prism",
    122: "ip over fibre channel", 123: "sunatm", 127: "802.11 radiotap", 129: "arcnet linux", 138: "ip over firewire",
    139: "mtp2 pseudo-header", 140: "mtp2", 141: "mtp3", 142: "sccp", 143: "docsis", 144: "linux irda", 147: "user0",
    148: "user1", 149: "user2", 150: "user3", 151: "user4", 152: "user5", 153: "user6", 154: "user7", 155: "user8",
    156: "user9", 157: "user10", 158: "user11", 159: "user12", 160: "user13", 161: "user14", 162: "user15",
    163: "802.11 avs", 165: "bacnet ms/tp", 166: "ppp pppd", 169: "gprs llc", 170: "gpf-t", 171: "gpf-f", 177: "linux lapd",
    182: "multi-link frame relay", 187: "bluetooth h4", 189: "usb linux", 192: "ppi", 195: "802.15.4", 196: "sita",
    197: "erf", 199: "ipmb", 201: "bluetooth h4", 202: "ax.25 kiss", 203: "lapd", 204: "ppp with direction",
    205: "c-hdlc with direction", 206: "frame relay with direction", 209: "ipmb linux", 210: "flexray", 212: "lin",
    215: "802.15.4", 220: "usb linux", 224: "fibre channel", 225: "fibre channel", 226: "solaris ipnet", 227: "can",
    228: "ipv4", 229: "ipv6", 230: "802.15.4", 231: "dbus", 235: "dvb-ci", 236: "mux27010", 237: "stanag 5066", 239: "nflog",
    240: "netanalyzer", 241: "netanalyzer", 242: "ip over infiniband", 243: "mpeg-2 ts", 244: "ng40", 245: "nfc llcp",
    247: "infiniband", 248: "sctp", 249: "usbpcap", 250: "rtac serial", 251: "bluetooth le", 252: "upper pdu",
    253: "netlink", 254: "bluetooth linux", 255: "bluetooth br/edr", 256: "bluetooth le", 257: "profibus", 258: "pktap",
    259: "epon", 260: "ipmi hpm.2", 261: "z-wave", 262: "z-wave", 263: "wattstopper", 264: "iso 14443", 265: "rds",
    266: "usb darwin", 268: "sdlc", 270: "lora", 271: "vsock", 272: "nordic ble", 273: "docsis 3.1", 274: "ethernet mpacket",
    275: "displayport", 276: "linux-sll2", 278: "openvizsla", 279: "elektrobit", 280: "vpp", 281: "broadcom tag",
    282: "broadcom tag", 283: "802.15.4 tap", 284: "marvell dsa", 285: "marvell edsa", 286: "elee", 287: "z-wave serial",
    288: "usb 2.0", 289: "atsc alp", 290: "etw", 291: "netanalyzer", 292: "zboss", 293: "usb 2.0", 294: "usb 2.0",
    295: "usb 2.0",
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
    {
        *_IP.values(),
        "mpls",
        "pppoe",
        "macsec",
        "erspan",
        "transparent ethernet",
        "fabricpath",
        "nsh",
        "ppp",
        "802.11 protected",
        "802.11 aggregated",
        "nested too deep",
    }
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
    counts["ppp control"] += int(memory.st[S_PPP_CONTROL])
    counts["802.11 management"] += int(memory.st[S_WLAN_MANAGEMENT])
    counts["icmp about a tunnel"] += int(memory.st[S_ABOUT_TUNNEL])
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
    counts["unknown link header"] += int(memory.st[S_UNKNOWN_LINK])
    counts["ppp"] += int(memory.st[S_PPP])
    counts["802.11 protected"] += int(memory.st[S_WLAN_PROTECTED])
    counts["802.11 aggregated"] += int(memory.st[S_WLAN_AGGREGATED])
    counts["802.11 later fragments"] += int(memory.st[S_WLAN_FRAGMENTS])
    counts["nested too deep"] += int(memory.st[S_TOO_DEEP])
    counts["unreadable packet blocks"] += int(memory.st[S_UNREADABLE])
    return dict(+counts)
