"""Frames built field by field: links, tags, IP, TCP, UDP, ICMP, ARP. Checksums are stand-ins: nobody here verifies them."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from ipaddress import ip_address

from tests.flows_properties.links import header

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


@dataclass(frozen=True)
class Route:
    """Where a packet travels: both addresses, the link it is seen on, tags, TTL, and a IPv6 extension header."""

    src: str
    dst: str
    link: int = 1
    vlans: tuple[int, ...] = ()
    ttl: int = 64
    extended: bool = False
    ipid: int = 1


def check(*parts: bytes) -> int:
    """Return a number that depends on all bytes, in place of a checksum."""
    return zlib.crc32(b"".join(parts)) & 0xFFFF


def tcp(sport: int, dport: int, seq: int, ack: int, flags: int, payload: bytes, window: int = 8192) -> bytes:
    """Return a TCP segment."""
    head = struct.pack(">HHIIBBH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, window)
    return head + struct.pack(">HH", check(head, payload), 0) + payload


def udp(sport: int, dport: int, payload: bytes) -> bytes:
    """Return a UDP datagram."""
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), check(payload)) + payload


def icmp(kind: int, code: int, rest: bytes) -> bytes:
    """Return an ICMP message; ``rest`` begins with the four bytes after the checksum."""
    return struct.pack(">BBH", kind, code, check(rest)) + rest


def ip(route: Route, protocol: int, body: bytes, *, fragment: int = 0, more: bool = False) -> bytes:
    """Return an IP packet; ``fragment`` is the offset in bytes (IPv4)."""
    src, dst = ip_address(route.src), ip_address(route.dst)
    if src.version == 4:
        word = fragment // 8 | (0x2000 if more else 0)
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), route.ipid & 0xFFFF, word, route.ttl, protocol, 0)
        return head + src.packed + dst.packed + body
    if route.extended:  # a hop-by-hop header with nothing but padding
        body, protocol = bytes([protocol, 0, 1, 4, 0, 0, 0, 0]) + body, 0
    head = struct.pack(">IHBB", 6 << 28, len(body), protocol, route.ttl)
    return head + src.packed + dst.packed + body


def mac(address: str) -> bytes:
    """Return a MAC address of its own for every host."""
    return b"\x02\x00" + zlib.crc32(address.encode()).to_bytes(4)


def frame(route: Route, packet: bytes, ethertype: int | None = None) -> bytes:
    """Return the packet on its link: Ethernet with tags, or another link type."""
    version = 4 if ip_address(route.src).version == 4 else 6
    kind = ethertype or (0x0800 if version == 4 else 0x86DD)
    tags = b"".join(struct.pack(">HH", 0x8100, tag) for tag in route.vlans)
    if route.link == 1:
        return mac(route.dst) + mac(route.src) + tags + struct.pack(">H", kind) + packet
    return header(route.link, mac(route.src), mac(route.dst), kind, len(packet)) + packet


def arp(route: Route, operation: int) -> bytes:
    """Return an ARP request for, or the answer to, the other end."""
    src, dst = ip_address(route.src).packed, ip_address(route.dst).packed
    return struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation) + mac(route.src) + src + mac(route.dst) + dst
