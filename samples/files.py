"""Capture files, written byte for byte the same on every machine.

Knows pcap and pcapng framing and the headers that a link type puts before IP. It does not know hosts or
conversations. Written out here, rather than through scapy's writers, because the stories keep integer
nanoseconds, both byte orders and several pcapng interfaces. Sources: draft-ietf-opsawg-pcap,
draft-ietf-opsawg-pcapng, and the LINKTYPE_ pages of tcpdump.org.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LINK_TYPES: Final[dict[str, int]] = {"null": 0, "ethernet": 1, "raw": 101, "sll": 113, "sll2": 276}
"""The LINKTYPE_ numbers of the link layers that a story can be captured on."""

ETHERTYPE_ARP: Final = 0x0806
ETHERTYPE_IPV4: Final = 0x0800
ETHERTYPE_IPV6: Final = 0x86DD
_SNAPLEN: Final = 262144


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One captured packet: time in ns since 1970, its bytes, pcapng interface, and bytes on the wire."""

    time: int
    data: bytes
    interface: int = 0
    wire_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """What a link header says: hardware addresses (6 bytes each), VLAN tags outermost first, EtherType, direction.

    ``outgoing`` and ``loopback`` are told by cooked headers only: the capturing host sent the packet itself, and
    the packet was seen on its loopback interface.
    """

    source: bytes
    target: bytes
    ethertype: int
    vlans: tuple[int, ...] = ()
    outgoing: bool = False
    loopback: bool = False


def link_header(link: str, addressing: Addressing) -> bytes:
    """Return the bytes of a link header of type ``link`` (a key of :data:`LINK_TYPES`)."""
    match link:
        case "ethernet":
            return _ethernet(addressing)
        case "sll":
            head = struct.pack(">HHH", _packet_type(addressing), _hardware(addressing), 6)
            return head + addressing.source + b"\0\0" + _type(addressing)
        case "sll2":
            interface = 1 if addressing.loopback else 2
            head = struct.pack(">HIHBB", 0, interface, _hardware(addressing), _packet_type(addressing), 6)
            return _type(addressing) + head + addressing.source + b"\0\0"
        case "null":
            family = 2 if addressing.ethertype == ETHERTYPE_IPV4 else 30
            return struct.pack("<I", family)
        case _:
            return b""


def _ethernet(addressing: Addressing) -> bytes:
    """Return an Ethernet II header; with two tags the outer one is a service tag (IEEE 802.1ad)."""
    header = addressing.target + addressing.source
    for depth, vlan in enumerate(addressing.vlans):
        outer_of_two = depth == 0 and len(addressing.vlans) > 1
        header += struct.pack(">HH", 0x88A8 if outer_of_two else 0x8100, vlan)
    return header + _type(addressing)


def _packet_type(addressing: Addressing) -> int:
    """Return 4 for a packet that the capturing host sent, 0 for one sent to it (LINUX_SLL)."""
    return 4 if addressing.outgoing else 0


def _hardware(addressing: Addressing) -> int:
    """Return the ARPHRD_ number: 772 is the loopback interface, 1 Ethernet."""
    return 772 if addressing.loopback else 1


def _type(addressing: Addressing) -> bytes:
    return struct.pack(">H", addressing.ethertype)


def pcap(frames: Sequence[Frame], *, link: str, order: str = "<", nanoseconds: bool = False) -> bytes:
    """Return a classic pcap file; ``order`` is "<" or ">" as in :mod:`struct`."""
    magic, unit = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, _SNAPLEN, LINK_TYPES[link])]
    for frame in frames:
        seconds, rest = divmod(frame.time, 1_000_000_000)
        length = len(frame.data) if frame.wire_length is None else frame.wire_length
        out.append(struct.pack(order + "IIII", seconds, rest // unit, len(frame.data), length))
        out.append(frame.data)
    return b"".join(out)


def pcapng(frames: Sequence[Frame], *, link: str, order: str = "<", interfaces: Sequence[str] = ("eth0",)) -> bytes:
    """Return a pcapng file of one section, one interface description per name, times in nanoseconds."""
    section = _block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    out = [section]
    for name in interfaces:
        body = struct.pack(order + "HHI", LINK_TYPES[link], 0, _SNAPLEN)
        body += _option(order, 2, name.encode()) + _option(order, 9, b"\x09") + _option(order, 0, b"")
        out.append(_block(order, 1, body))
    for frame in frames:
        length = len(frame.data) if frame.wire_length is None else frame.wire_length
        head = (frame.interface, frame.time >> 32, frame.time & 0xFFFFFFFF, len(frame.data), length)
        out.append(_block(order, 6, struct.pack(order + "IIIII", *head) + _padded(frame.data)))
    return b"".join(out)


def _block(order: str, kind: int, body: bytes) -> bytes:
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def _option(order: str, code: int, value: bytes) -> bytes:
    return struct.pack(order + "HH", code, len(value)) + _padded(value)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
