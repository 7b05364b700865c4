"""Ethernet frames put into tunnels: what a mirror, an overlay, a provider or a mobile network makes of them.

A wrap takes a frame and returns a frame. Tunnels that carry IP keep the frame's own Ethernet header and tags; those
that carry Ethernet get a new one. Sources as in the plain reader's modules on tunnels.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial

from hypothesis import strategies as st

from tests.flows_properties.links import ppp
from tests.flows_properties.packets import Route, icmp, ip, udp

Wrap = partial[bytes]
ENDS = {4: ("198.51.100.1", "198.51.100.2"), 6: ("2001:db8:ff::1", "2001:db8:ff::2")}
OUTSIDE = b"\x02\x11\x00\x00\x00\x01\x02\x11\x00\x00\x00\x02"
NUMBER = 77


def split(frame: bytes) -> tuple[bytes, int, bytes]:
    """Return MAC addresses and tags, the EtherType and what follows of a frame."""
    at = 12
    while frame[at : at + 2] == b"\x81\x00":
        at += 4
    return frame[:at], int.from_bytes(frame[at : at + 2]), frame[at + 2 :]


def outer(version: int, protocol: int, body: bytes) -> tuple[int, bytes]:
    """Return the EtherType and the packet between the tunnel's ends."""
    return 0x0800 if version == 4 else 0x86DD, ip(Route(*ENDS[version]), protocol, body)


def in_datagram(version: int, port: int, body: bytes, *, back: bool = False) -> tuple[int, bytes]:
    """Return the same with a UDP datagram to a tunnel's port (or from it)."""
    ports = (port, 50123) if back else (50123, port)
    return outer(version, 17, udp(*ports, body))


def gre(protocol: int, body: bytes, flags: int) -> bytes:
    """Return a GRE packet with the fields that ``flags`` announce (checksum, key, number)."""
    head = struct.pack(">HH", flags, protocol)
    head += bytes(4) if flags & 0x8000 else b""
    head += struct.pack(">I", NUMBER) if flags & 0x2000 else b""
    return head + (struct.pack(">I", 1) if flags & 0x1000 else b"") + body


def labels(count: int, body: bytes) -> bytes:
    """Return a stack of MPLS labels; the last one is the tunnel's number."""
    stack = [(NUMBER + n) << 12 | (0x100 if n == 0 else 0) | 64 for n in reversed(range(count))]
    return struct.pack(f">{count}I", *stack) + body


def carries_frames(kind: str, version: int, variant: int, frame: bytes) -> bytes:
    """Put a whole frame into a tunnel."""
    vni = struct.pack(">I", NUMBER << 8)
    makers: dict[str, Callable[[], tuple[int, bytes]]] = {
        "teb": lambda: outer(version, 47, gre(0x6558, frame, (0, 0x2000, 0x3000, 0x8000)[variant])),
        "erspan1": lambda: outer(version, 47, gre(0x88BE, frame, 0)),
        "erspan2": lambda: outer(version, 47, gre(0x88BE, struct.pack(">HHI", 0x1007, NUMBER, 5) + frame, 0x1000)),
        "erspan3": lambda: outer(version, 47, gre(0x22EB, erspan3(variant & 1, 0) + frame, 0x1000)),
        "etherip": lambda: outer(version, 97, b"\x30\x00" + frame),
        "vxlan": lambda: in_datagram(version, (4789, 8472)[variant & 1], b"\x08\0\0\0" + vni + frame, back=variant > 1),
        "vxlan-gpe": lambda: in_datagram(version, 4790, b"\x0c\0\0\x03" + vni + frame),
        "geneve": lambda: in_datagram(
            version, 6081, struct.pack(">BBH", variant, 0, 0x6558) + vni + bytes(4 * variant) + frame
        ),
        "tzsp": lambda: in_datagram(version, 37008, b"\x01\x00\x00\x01\x0a\x01\xc4\x00\x01" + frame),
        "wire": lambda: (0x8847, labels(1 + variant % 3, bytes(4) + frame)),
        "bare wire": lambda: (0x8847, labels(1 + variant % 3, frame)),
        "wire over udp": lambda: in_datagram(version, 6635, labels(1, bytes(4 * (variant & 1)) + frame)),
        "wire over ip": lambda: outer(version, 137, labels(1, bytes(4) + frame)),
        "fabricpath": lambda: (0x8903, b"\x00\x40" + frame),
        "bridged": lambda: (0x6558, frame),
    }
    kind_outside, packet = makers[kind]()
    return OUTSIDE + kind_outside.to_bytes(2) + packet


def erspan3(more: int, content: int) -> bytes:
    """Return an ERSPAN III header, with a platform's part if ``more``."""
    return struct.pack(">HHIHH", 0x2007, NUMBER, 12345, 0, content << 10 | more) + bytes(8 * more)


def carries_packets(kind: str, version: int, variant: int, frame: bytes) -> bytes:
    """Put the IP packet of a frame into a tunnel; frames with something else stay as they are."""
    head, ethertype, packet = split(frame)
    if ethertype not in (0x0800, 0x86DD) or (kind == "teredo" and ethertype == 0x0800):
        return frame
    vni = struct.pack(">I", NUMBER << 8)
    makers: dict[str, Callable[[], tuple[int, bytes]]] = {
        "gre": lambda: outer(version, 47, gre(ethertype, packet, (0, 0x2000, 0xB000, 0x1000)[variant])),
        "wccp": lambda: outer(version, 47, gre(0x883E, bytes(4 * (variant & 1)) + packet, 0)),
        "gre ppp": lambda: outer(version, 47, gre(0x880B, b"\xff\x03" + ppp(ethertype) + packet, 0)),
        "pptp": lambda: outer(
            version, 47, struct.pack(">HHHHI", 0x3001, 0x880B, len(packet), NUMBER, 1) + ppp(ethertype)[1:] + packet
        ),
        "erspan3": lambda: outer(version, 47, gre(0x22EB, erspan3(variant & 1, 2) + packet, 0x1000)),
        "ipip": lambda: outer(version, 4 if ethertype == 0x0800 else 41, packet),
        "ipip by nibble": lambda: outer(version, 94, packet),
        "vxlan-gpe": lambda: in_datagram(
            version, 4790, b"\x0c\0\0" + (b"\x01" if ethertype == 0x0800 else b"\x02") + vni + packet
        ),
        "geneve": lambda: in_datagram(
            version, 6081, struct.pack(">BBH", variant, 0, ethertype) + vni + bytes(4 * variant) + packet
        ),
        "gtp": lambda: in_datagram(version, 2152, gtp(variant) + packet),
        "teredo": lambda: in_datagram(version, 3544, bytes(8 * (variant & 1)) + packet, back=variant > 1),
        "l2tp": lambda: in_datagram(version, 1701, l2tp(variant) + ppp(ethertype) + packet),
        "mpls": lambda: (0x8847 + (variant & 1), labels(1 + variant % 3, packet)),
        "mpls over udp": lambda: in_datagram(version, 6635, labels(1 + variant % 3, packet)),
        "mpls over gre": lambda: outer(version, 47, gre(0x8847, labels(2, packet), 0)),
        "pppoe": lambda: (0x8864, struct.pack(">BBHH", 0x11, 0, NUMBER, len(packet) + 2) + ppp(ethertype) + packet),
        "mpls over pppoe": lambda: (0x8864, struct.pack(">BBHHH", 0x11, 0, NUMBER, 0, 0x281) + labels(1, packet)),
    }
    kind_outside, inside = makers[kind]()
    return head + kind_outside.to_bytes(2) + inside


def gtp(variant: int) -> bytes:
    """Return a GTP-U header: bare, with a sequence number, or with one or two extension headers."""
    head = struct.pack(">BBHI", 0x30 | (0, 2, 4, 4)[variant], 0xFF, 0, NUMBER)
    extensions = (b"", b"\0\0\0\0", b"\0\0\0\x85\x01\0\0\0", b"\0\0\0\x85\x01\0\0\x85\x02" + bytes(7))
    return head + extensions[variant]


def l2tp(variant: int) -> bytes:
    """Return an L2TP data header with some of its optional fields."""
    ids = struct.pack(">HH", 3, NUMBER)
    return (
        b"\x00\x02" + ids,
        b"\x40\x02\x00\x00" + ids + b"\xff\x03",
        b"\x48\x02\x00\x00" + ids + bytes(4),
        b"\x02\x02" + ids + b"\x00\x03abc",
    )[variant]


FRAMES = (
    "teb", "erspan1", "erspan2", "erspan3", "etherip", "vxlan", "vxlan-gpe", "geneve", "tzsp", "wire", "wire over ip",
    "bare wire", "wire over udp",
    "fabricpath", "bridged",
)  # fmt: skip
PACKETS = (
    "gre", "wccp", "gre ppp", "pptp", "erspan3", "ipip", "ipip by nibble", "vxlan-gpe", "geneve", "gtp", "teredo", "l2tp",
    "mpls", "mpls over udp", "mpls over gre", "pppoe", "mpls over pppoe",
)  # fmt: skip
VERSIONS, VARIANTS = st.sampled_from([4, 6]), st.integers(0, 3)
WRAPS: st.SearchStrategy[Wrap] = st.one_of(
    st.builds(partial, st.just(carries_frames), st.sampled_from(FRAMES), VERSIONS, VARIANTS),
    st.builds(partial, st.just(carries_packets), st.sampled_from(PACKETS), VERSIONS, VARIANTS),
)


def wrapped(frame: bytes, wraps: list[Wrap]) -> bytes:
    """Put a frame into tunnels, the innermost first."""
    for wrap in wraps:
        frame = wrap(frame)
    return frame


def complaint(frame: bytes) -> bytes | None:
    """Return a router's message that the IP packet of a frame cannot be delivered; None if there is no IP packet."""
    _, ethertype, packet = split(frame)
    if ethertype not in (0x0800, 0x86DD):
        return None
    six = ethertype == 0x86DD
    router = Route("2001:db8::fe" if six else "192.0.2.254", ENDS[6 if six else 4][0])
    message = icmp(1 if six else 3, 1, bytes(4) + packet[: 1200 if six else 28])
    return OUTSIDE + ethertype.to_bytes(2) + ip(router, 58 if six else 1, message)
