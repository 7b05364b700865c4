"""The shapes of the kernel's memory: numpy record types, the state vector, and why the kernel stops.

Knows how many bytes stand where and what each field means. It must not know numba, files or tables.

A flow is one row of ``FLOW`` and two of ``SIDE`` (rows ``2*n`` and ``2*n + 1``): the end with the lower
(address, port) is side 0. Who opened the flow is read from the record later (``flows.states``). Facts
that only flows with payload have stand in a ``PAYLOAD`` row per side, allocated when the first payload
comes, so that a scan of a million ports stays small.

What makes a flow: addresses, ports and protocol, *without* VLAN (a mirror that tags one direction, or
shows both sides of a router, would split one conversation into two halves that look one-sided). A SYN
without ACK whose sequence number differs from what this side sent before starts a new flow. UDP has no
time-out: requests are told apart in the services stage.
"""

from __future__ import annotations

from typing import Final

import numpy as np

FIRST_BYTES: Final = 128
"""Bytes of each side's stream that are kept for signatures."""

WATCH_STREAM_LIMIT: Final = 16384
"""Bytes a side of a stream that are kept for the services stage."""

WATCH_ASKING_LIMIT: Final = 1024
"""Bytes of the side that asks, where a port is watched for what it answers."""

WATCH_CONTROL_LIMIT: Final = 131072
"""Bytes a side of a control dialogue, of one flow's datagrams, or of its HTTP status lines, that are kept."""

WATCH_DATAGRAM_LIMIT: Final = 512
"""Bytes of one datagram that are kept for the services stage."""

WATCH_HTTP_LIMIT: Final = 256
"""Bytes of a segment that begins with an HTTP status line: mostly its header as far as it tells the length."""

WATCH_IPP_SHORTEST: Final = 64
"""Behind the header of an IPP answer, segments as short as this may be more of the header: the next one is kept as well."""

RESEND: Final = 200_000_000
"""Nanoseconds within which nobody sends a SYN or a datagram again: retries begin after a second (RFC 6298), the quickest after 250 ms."""

RETRY_WINDOW: Final = 130_000_000_000
"""Nobody repeats a SYN or a request for longer than this (ns): the same packet later is another record of it."""

DUPLICATE_WINDOW: Final = 1_000_000
"""Two equal packets within so many nanoseconds are copies of one."""

ANSWER_WINDOW: Final = 5_000_000_000
"""A request sent again within so many nanoseconds after an answer was answered in vain."""

MAX_RECORD: Final = 1 << 24
"""A record that claims more bytes than this is damage, not a packet."""

MOST_PADDING: Final = 1 << 10
"""Bytes that a snoop record may have behind its packet; a few are usual."""

USUAL_RECORD: Final = 1 << 18
"""A packet has no more bytes than this (libpcap's own bound) unless the file's snap length is larger."""

# Watch classes, per transport and port.
WATCH_NONE: Final = 0
WATCH_STREAM: Final = 1  # the head of what is answered, and the very beginning of what is asked
WATCH_DATAGRAM: Final = 2  # every datagram
WATCH_CONTROL: Final = 3  # a dialogue of lines, far into it
WATCH_CLASSES: Final = {"stream": WATCH_STREAM, "datagram": WATCH_DATAGRAM, "control": WATCH_CONTROL}

FLOW: Final = np.dtype(
    [
        ("a0", "u8"), ("a1", "u8"), ("b0", "u8"), ("b1", "u8"),  # addresses, IPv4 as ::ffff:a.b.c.d
        ("k4", "u8"),  # port a << 48 | port b << 32 | kind << 8 | protocol
        ("serial", "u8"),  # number of the flow in the run, from 1
        ("history", "u8"),  # up to 16 nibbles: side << 3 | letter, the first in the lowest nibble
        ("vlan", "u4"), ("watched0", "u4"), ("watched1", "u4"),  # watched bytes a side
        ("letters", "u2"),  # which of the 16 letters are in the history
        ("icmp", "u2"),  # ICMP errors that quote this flow
        ("other_file", "u2"),  # file + 1 that holds the same traffic once more; 0 if none
        ("n_letters", "u1"), ("flags", "u1"), ("first_side", "u1"),
        ("other_point", "u1"),  # point + 1 that shows the same traffic once more; 0 if none
        ("part", "u1"),  # told by both addresses: what they said to each other is looked at together
    ],
    align=True,
)  # fmt: skip

FLOW_LOOPBACK: Final = 1
FLOW_SUPERSEDED: Final = 2  # a later flow has the same key: no packet can find this one any more
FLOW_TLS_DONE0: Final = 4  # side 0 has sent application data: its handshake is over
FLOW_TLS_DONE1: Final = 8
FLOW_IPP0: Final = 16  # the header of an IPP answer came from side 0: what the printer says stands behind it
FLOW_IPP1: Final = 32

OPENED_HIGH: Final = 1  # side 1 opened the flow
OPENED_BY_SYN: Final = 2  # a SYN or SYN-ACK (of an echo: request or answer) tells so
OPENED_GUESSED: Final = 4

PARTS: Final = 254
"""Into so many parts flows are dealt once they have to leave the table; with the next one, and none, they are told in one byte."""

NEIGHBOUR_PART: Final = PARTS
"""The part of ARP and neighbour discovery."""

SIDE: Final = np.dtype(
    [
        ("first_t", "i8"), ("last_t", "i8"), ("ip_bytes", "u8"), ("bytes", "u8"),
        ("syn_t", "i8"), ("syn_last_t", "i8"), ("fin_t", "i8"), ("rst_t", "i8"),
        ("pkts", "u4"), ("dups", "u4"), ("isn", "u4"), ("ack_first", "u4"), ("ack_max", "u4"),
        ("last_frame", "u4"), ("syn_frame", "u4"), ("syn_last_frame", "u4"), ("fin_frame", "u4"), ("rst_frame", "u4"),
        ("path", "u4"), ("rst_path", "u4"), ("copy_path", "u4"), ("payload", "i4"),  # row of PAYLOAD, -1 without
        ("last_file", "u2"), ("syn_file", "u2"), ("syn_last_file", "u2"), ("fin_file", "u2"), ("rst_file", "u2"),
        ("nsyn", "u2"), ("nsynack", "u2"), ("nfin", "u2"), ("nrst", "u2"), ("zero_window", "u2"),
        ("ipid_last", "u2"), ("syn_ipid", "u2"), ("rst_ipid", "u2"), ("rst_win", "u2"), ("fin_seq", "u2"),
        ("ttl_min", "u1"), ("ttl_max", "u1"), ("rst_ttl", "u1"), ("copy_ttl", "u1"), ("acks", "u1"), ("point", "u1"),
    ],
    align=True,
)  # fmt: skip
"""``nsyn`` and ``nsynack`` count requests and answers for echo and neighbour discovery. ``ttl_min`` is 255 and
``ttl_max`` 0 while only RSTs were seen. ``copy_path`` and ``copy_ttl`` are of its first packet, RSTs aside, that came once more elsewhere. ``fin_seq``: the lower half of the first FIN's own number. ``acks``: bits, below."""

SIGHT: Final = np.dtype(
    [
        ("a0", "u8"), ("a1", "u8"), ("b0", "u8"), ("b1", "u8"),
        *[(f"{side}_{name}", "u4") for side in ("low", "high") for name in ("path", "rst_path", "copy_path")],
        *[(f"{side}_{name}", "u1") for side in ("low", "high") for name in ("spoke", "ttl_min", "ttl_max", "copy_ttl")],
        ("opened", "u1"),  # by the side that is high
        ("tcp", "u1"), ("loopback", "u1"),
        ("flows", "u8"), ("packets", "u8"),  # how many there are; all before it is alike
    ],
    align=True,
)  # fmt: skip
"""Flows that differ in nothing but what is not asked where hosts are located. ``ttl_min`` is 0 while only RSTs were seen."""

SIGHT_WORDS: Final = SIGHT.itemsize // 8 - 2
"""Words of a SIGHT that tell it from others: all but the last two, which count."""

ACKS_ANY: Final = 1  # it acknowledged a number (no RST): ``ack_first`` and ``ack_max`` are known
ACKS_LATER: Final = 2  # it did so in a packet that is no SYN
ACKS_SYN: Final = 4  # ``ack_first`` is what its first SYN-ACK acknowledges
OPENED_LATE: Final = 8  # its first SYN-ACK came when something was acknowledged or sent already

PAYLOAD: Final = np.dtype(
    [
        ("data_t", "i8"), ("data_last_t", "i8"), ("rtx_last_t", "i8"), ("gap", "u8"), ("digest", "u8"),
        ("covered0", "u8"), ("covered1", "u8"),  # which of the first bytes are there, bit by bit
        ("base", "u4"), ("seq_end", "u4"), ("hole_low", "u4"), ("hole_high", "u4"),
        ("data_pkts", "u4"), ("rtx", "u4"), ("rtx_seq", "u4"), ("after_rst", "u4"),
        ("data_frame", "u4"), ("data_last_frame", "u4"), ("rtx_last_frame", "u4"),
        ("data_file", "u2"), ("data_last_file", "u2"), ("rtx_last_file", "u2"),
        ("rtx_run", "u2"), ("rtx_runs", "u2"), ("repeats", "u2"),
        ("bytes", "u1", (FIRST_BYTES,)),
    ],
    align=True,
)  # fmt: skip
"""``rtx_run`` counts how often the segment at ``rtx_seq`` was sent again, ``rtx_runs`` how many such runs there
were. ``digest`` is of the last datagram (UDP), whose first one's IP ID and length stand in ``base`` and ``hole_low``. ``repeats``: datagrams repeated although they had been answered."""

PACKET: Final = np.dtype(
    [
        ("a0", "u8"), ("a1", "u8"), ("b0", "u8"), ("b1", "u8"), ("k4", "u8"), ("hash", "u8"), ("print", "u8"),
        ("sender0", "u8"), ("sender1", "u8"), ("t", "i8"), ("offset", "i8"),
        ("ip_bytes", "i4"), ("length", "i4"), ("caught", "i4"),  # payload on the wire, and in the capture
        ("seq", "u4"), ("ack", "u4"), ("frame", "u4"), ("path", "u4"), ("vlan", "u4"),
        ("file", "u2"), ("ipid", "u2"), ("window", "u2"), ("checksum", "u2"),
        ("flags", "u1"), ("ttl", "u1"), ("side", "u1"), ("kind", "u1"),
        ("type", "u1"), ("code", "u1"), ("version", "u1"), ("loopback", "u1"), ("point", "u1"),
    ],
    align=True,
)  # fmt: skip

KIND_TCP: Final = 1
KIND_DATAGRAM: Final = 2
KIND_FRAGMENT: Final = 3
KIND_QUOTE: Final = 4
KIND_EXCHANGE: Final = 5  # echo and neighbour discovery: `flags` is 1 for a request, 2 for an answer

KEY_ECHO: Final = 1  # kind bits of k4: the ports are an echo identifier
KEY_TYPE: Final = 2  # the ports are ICMP type << 8 | code
KEY_NEIGHBOUR: Final = 3  # ARP or neighbour discovery
PROTOCOL_NEIGHBOUR: Final = 255

WATCH: Final = np.dtype(
    [
        ("serial", "u8"), ("t", "i8"), ("start", "i8"), ("frame", "u4"), ("seq", "u4"), ("ack", "u4"),
        ("length", "u4"), ("caught", "u4"), ("file", "u2"), ("side", "u1"), ("part", "u1"),
    ],
    align=True,
)  # fmt: skip

QUOTE: Final = np.dtype(
    [
        ("serial", "u8"), ("t", "i8"), ("sender0", "u8"), ("sender1", "u8"), ("frame", "u4"), ("file", "u2"),
        ("side", "u1"), ("version", "u1"), ("type", "u1"), ("code", "u1"), ("part", "u1"),
    ],
    align=True,
)  # fmt: skip

PATH: Final = np.dtype(
    [("src_mac", "u8"), ("dst_mac", "u8"), ("interface", "u4"), ("vlan", "u4"), ("tunnel", "u4")], align=True
)

TUNNEL: Final = np.dtype(
    [
        ("src0", "u8"), ("src1", "u8"), ("dst0", "u8"), ("dst1", "u8"),  # zeros where it has no addresses
        ("number", "u8"),  # key, VNI, session, label …; 0 where it has none
        ("parent", "u4"), ("kind", "u4"),
    ],
    align=True,
)  # fmt: skip
"""A tunnel in one direction. ``parent``: the tunnel around it; row 0 is none."""

(
    T_IPIP, T_GRE, T_ERSPAN1, T_ERSPAN2, T_ERSPAN3, T_PPTP, T_ETHERIP, T_VXLAN, T_VXLAN_GPE, T_GENEVE, T_GTP, T_TEREDO, T_L2TP,
    T_MPLS, T_PPPOE, T_TZSP, T_FABRICPATH, T_BRIDGED,
) = range(1, 19)  # fmt: skip
MOST_TUNNELS: Final = 8
"""Tunnels within one another that are opened."""

# Why a frame of a rarer link type holds no packet that can be decoded.
LINK_LLC: Final = -2
LINK_UNKNOWN: Final = -3
WLAN_MANAGEMENT: Final = -4
WLAN_PROTECTED: Final = -5
WLAN_AGGREGATED: Final = -6
WLAN_FRAGMENT: Final = -7

FRAGMENT: Final = np.dtype([("key", "u8"), ("ports", "u8")], align=True)
SEEN_ROW: Final = 4
"""Packets that are remembered for copies side by side, a power of two."""

SEEN: Final = np.dtype([("print", "u8"), ("t", "i8")], align=True)

# The state vector of a run (int64).
S_FLOWS: Final = 0  # rows of FLOW in use
S_PAYLOADS: Final = 1  # rows of PAYLOAD in use
S_SERIAL: Final = 2  # flows ever made
S_WATCHED: Final = 3  # rows of WATCH in use
S_WATCHED_BYTES: Final = 4
S_QUOTES: Final = 5
S_PATHS: Final = 6
S_DUPLICATES: Final = 7
S_OVERFLOW: Final = 8  # packets that were to be watched and were not
S_SAME_TRAFFIC: Final = 9  # packets that another file holds too, further apart
S_SEED: Final = 10
S_WATCH_OFF: Final = 11  # 1: the budget for watched bytes is spent
S_TRUNCATED: Final = 12  # packets whose headers were cut off
S_MALFORMED: Final = 13
S_ORPHANS: Final = 14  # later fragments whose first was not seen
S_LLC: Final = 15
S_STP: Final = 16
S_UNKNOWN_FAMILY: Final = 17
S_QUOTES_OFF: Final = 18
S_RECORDS: Final = 19  # records of pcapng that have a frame number but are no packets
S_UNREADABLE: Final = 20  # packet blocks that name no interface or overrun themselves
S_ICMP_ERRORS: Final = 21  # ICMP errors that were joined to the flow they quote
S_ARP: Final = 22  # ARP that asks or answers for an address
S_NEIGHBOURS: Final = 23  # neighbour discovery of IPv6 that does
S_TUNNELS: Final = 24  # rows of TUNNEL in use
S_DECAPSULATED: Final = 25  # packets whose flow was found inside a tunnel
S_TOO_DEEP: Final = 26
S_ABOUT_TUNNEL: Final = 27  # ICMP errors that quote a packet of a tunnel
S_PPP_CONTROL: Final = 28
S_PPP: Final = 29  # PPP that carries neither IP nor its own control protocols
S_UNKNOWN_LINK: Final = 30  # link headers that say they are something else
S_WLAN_MANAGEMENT: Final = 31
S_WLAN_PROTECTED: Final = 32
S_WLAN_AGGREGATED: Final = 33
S_WLAN_FRAGMENTS: Final = 34  # all but the first of a frame
S_SIZE: Final = 40

# The state vector of one source (int64).
F_POS: Final = 0  # bytes of the buffer that are done
F_FORMAT: Final = 1  # FORMAT_…
F_SWAPPED: Final = 2
F_FRAME: Final = 3  # packets so far
F_FILE: Final = 4
F_INTERFACES: Final = 5
F_FIRST_T: Final = 6
F_LAST_T: Final = 7
F_DROPPED: Final = 8  # as the statistics blocks say; -1 while they say nothing
F_LOST_PACKETS: Final = 9  # packet blocks that name an unknown interface or overrun their block
F_NEED: Final = 10  # bytes that the next record needs
F_SECTIONS: Final = 11
F_POINT: Final = 13  # which of the captures that run at the same time
F_TIMED: Final = 12  # packets so far that have a time of their own
F_SNAPLEN: Final = 14  # the smallest of all interfaces that set one; 0 while none did
F_DROPPED_BETWEEN: Final = 15  # as packet blocks say, of themselves and the one before; -1 while they say nothing
F_LINKS: Final = 16  # eight words: which link types below 512 packets came with, bit by bit
F_LIMIT: Final = 24  # most bytes that a record may have caught: more is damage
F_FRACTION: Final = 25  # below it is a fraction of a second
F_TRUST: Final = 26  # records that begin before this byte of the buffer were looked at more closely already
F_PREVIOUS: Final = 27  # where the record before `F_POS` begins in the buffer; -1 where it is gone
# Where a record's header (pcap, snoop) has what, in bytes: its own length, time, caught and original length.
F_RECORD: Final = 28
F_TIME_AT: Final = 29
F_CAUGHT_AT: Final = 30
F_LENGTH_AT: Final = 31
F_SIZE: Final = 32

FORMAT_PCAP: Final = 0
FORMAT_PCAPNG: Final = 1
FORMAT_SNOOP: Final = 2
FORMATS: Final = {"pcap": FORMAT_PCAP, "pcapng": FORMAT_PCAPNG, "snoop": FORMAT_SNOOP}

# One interface of a source (int64): link type, multiplier, divisor, offset (ns), snap length, packets dropped.
I_LINK: Final = 0
I_MULTIPLIER: Final = 1
I_DIVISOR: Final = 2
I_OFFSET: Final = 3
I_SNAPLEN: Final = 4
I_DROPPED: Final = 5
I_SIZE: Final = 6
MAX_INTERFACES: Final = 65536

# Why `fill` stops.
FILL_MORE: Final = 0  # the buffer is used up
FILL_BATCH: Final = 1  # the batch is full
FILL_LOST: Final = 2  # no record can stand here, or only an odd one: `resync` looks more closely
FILL_CLOSED: Final = 3  # the next packet has to be opened, and nobody said by whom

# What `resync` found.
RESYNC_FOUND: Final = 0  # records go on there
RESYNC_MORE: Final = 1  # more bytes are needed to say; those before the place are done with
RESYNC_NONE: Final = 2  # nothing until the end of the file

# Why `update` stops.
UPDATE_DONE: Final = 0
UPDATE_TABLE: Final = 1  # FLOW, PAYLOAD or the index has no room
UPDATE_WATCH: Final = 2
UPDATE_QUOTES: Final = 3
