"""What a switch wraps a mirrored frame in before it sends it to whoever captures.

Knows outer headers (RFC 2784, draft-foschiano-erspan, RFC 7348); the frame inside is bytes to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import GRE, Ether
from scapy.packet import Raw

SWITCH: Final = "203.0.113.1"
COLLECTOR: Final = "203.0.113.2"
SESSION: Final = 7
NETWORK: Final = 4711

Mirror = Callable[[bytes, int], bytes]
"""Wraps a frame; the number counts the frames of a capture from 1."""


def _outer(protocol: int, number: int) -> Ether:
    ethernet = Ether(src="00:00:5e:00:53:f1", dst="00:00:5e:00:53:f2")
    return ethernet / IP(src=SWITCH, dst=COLLECTOR, proto=protocol, ttl=254, id=number & 0xFFFF)


def erspan(frame: bytes, number: int) -> bytes:
    """ERSPAN type II: GRE with a sequence number, then eight bytes with version 1 and the session."""
    header = (0x1000 << 16 | SESSION).to_bytes(4, "big") + bytes(4)
    gre = GRE(proto=0x88BE, seqnum_present=1, sequence_number=number)
    return bytes(_outer(47, number) / gre / Raw(header + frame))


def vxlan(frame: bytes, number: int) -> bytes:
    """VXLAN: UDP to port 4789, then flags and the network's number."""
    header = b"\x08\x00\x00\x00" + (NETWORK << 8).to_bytes(4, "big")
    return bytes(_outer(17, number) / UDP(sport=49152 + number % 100, dport=4789) / Raw(header + frame))
