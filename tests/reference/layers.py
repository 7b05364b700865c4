"""One frame to one packet: Ethernet, cooked, raw and loopback links, VLAN tags, IPv4, IPv6, TCP, UDP, ICMP, ARP.

Sources: IEEE 802.3 and 802.1Q, tcpdump.org/linktypes.html, RFC 791, 8200, 9293, 768, 792, 4443, 826, 4861.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from tests.reference.container import Frame

Address = IPv4Address | IPv6Address

FIN, SYN, RST, ACK = 1, 2, 4, 16
ARPHRD_LOOPBACK = 772
TUNNELS = {4, 41, 47, 50, 94, 97, 98, 115, 137}
"""IP protocols with another packet inside (or an encrypted one); not flows of their own."""


class NotDecoded(Exception):  # noqa: N818 - an outcome, no error
    """The frame holds no packet that makes a flow."""


@dataclass(frozen=True)
class Place:
    """Where a packet came from."""

    vlan: int
    src_mac: int
    dst_mac: int


@dataclass(frozen=True)
class Packet:
    """One decoded packet.

    ``kind``: "tcp", "datagram", "fragment" (not the first of its packet), "request" and "answer" (ICMP echo and
    the like; ``sport`` is then the identifier), "ask" and "reply" (ARP and neighbour discovery; ``src`` asks for
    ``dst`` or answers it), "error" (ICMP; ``quoted`` is the packet that caused it).
    """

    frame: Frame
    place: Place
    kind: str
    proto: int
    src: Address
    dst: Address
    sport: int = 0
    dport: int = 0
    ip_bytes: int = 0
    length: int = 0
    payload: bytes = b""
    ttl: int = 0
    ipid: int = 0
    checksum: int = 0
    seq: int = 0
    ack: int = 0
    flags: int = 0
    window: int = 0
    outer_vlan: int = 0
    loopback: bool = False
    version: int = 0
    icmp_type: int = 0
    icmp_code: int = 0
    quoted: Packet | None = None


Fragments = dict[tuple[Address, Address, int, int], tuple[int, int]]
"""The ports in the first fragment, by source, destination, identification and protocol."""


def decode(frame: Frame, fragments: Fragments) -> Packet:
    """Return the packet in ``frame``. Raises :class:`NotDecoded`."""
    try:
        return _link(frame, fragments)
    except (struct.error, IndexError) as error:
        raise NotDecoded("headers cut off") from error


def _u16(data: bytes, at: int) -> int:
    return int(struct.unpack_from(">H", data, at)[0])


def _u32(data: bytes, at: int) -> int:
    return int(struct.unpack_from(">I", data, at)[0])


def _link(frame: Frame, fragments: Fragments) -> Packet:
    ethertype, rest, place, loopback = _link_header(frame)
    tags: list[int] = []
    while ethertype in (0x8100, 0x88A8, 0x9100, 0x9200) and len(tags) < 8:
        tags.append(_u16(rest, 0) & 0xFFF)
        ethertype, rest = _u16(rest, 2), rest[4:]
    if ethertype < 1536:  # a length: IEEE 802.2 follows
        if rest[:6] != b"\xaa\xaa\x03\x00\x00\x00":
            raise NotDecoded("llc")
        ethertype, rest = _u16(rest, 6), rest[8:]
    place = replace(place, vlan=tags[0] << 12 | tags[1] if len(tags) > 1 else sum(tags))
    if ethertype == 0x0806:
        packet = _arp(rest, frame, place)
    elif ethertype in (0x0800, 0x86DD):
        packet = _ip(rest, 4 if ethertype == 0x0800 else 6, frame, place, fragments)
    else:
        raise NotDecoded(f"ethertype {ethertype:#06x}")
    itself = packet.kind not in ("ask", "reply") and (packet.src == packet.dst or packet.src.is_loopback)
    outer = tags[0] if tags else 0
    quoted = replace(packet.quoted, outer_vlan=outer) if packet.quoted else None
    return replace(packet, loopback=loopback or itself, outer_vlan=outer, quoted=quoted)


def _link_header(frame: Frame) -> tuple[int, bytes, Place, bool]:
    """Return EtherType, the rest, where the frame came from, and whether it passed a loopback interface."""
    data, link = frame.data, frame.link
    if link == 1:
        return _u16(data, 12), data[14:], Place(0, int.from_bytes(data[6:12]), int.from_bytes(data[0:6])), False
    if link == 113:
        mac = int.from_bytes(data[6:12]) if _u16(data, 4) == 6 else 0
        return _u16(data, 14), data[16:], Place(0, mac, 0), _u16(data, 2) == ARPHRD_LOOPBACK
    if link == 276:
        mac = int.from_bytes(data[12:18]) if data[11] == 6 else 0
        if len(data) < 20:
            raise NotDecoded("headers cut off")
        return _u16(data, 0), data[20:], Place(0, mac, 0), _u16(data, 8) == ARPHRD_LOOPBACK
    if link in (0, 108):
        family = _u32(data, 0)
        if family > 0xFFFF:  # written in the order of the machine that captured
            (family,) = struct.unpack_from("<I", data)
        if family not in (2, 10, 24, 28, 30):
            raise NotDecoded("unknown address family")
        return 0x0800 if family == 2 else 0x86DD, data[4:], Place(0, 0, 0), True
    versions = {228: 4, 229: 6, **dict.fromkeys((12, 14, 101), data[0] >> 4)}
    if link not in versions:
        raise NotDecoded(f"link type {link}")
    if versions[link] not in (4, 6):
        raise NotDecoded("malformed")
    return 0x0800 if versions[link] == 4 else 0x86DD, data, Place(0, 0, 0), False


def _arp(data: bytes, frame: Frame, place: Place) -> Packet:
    if len(data) < 28 or data[2:6] != b"\x08\x00\x06\x04":
        raise NotDecoded("arp")
    sender, target = IPv4Address(data[14:18]), IPv4Address(data[24:28])
    if _u16(data, 6) == 1:
        return Packet(frame, place, "ask", 0, sender, target, version=4)
    if _u16(data, 6) == 2:
        return Packet(frame, place, "reply", 0, sender, target, version=4)
    raise NotDecoded("arp")


def _ip(data: bytes, version: int, frame: Frame, place: Place, fragments: Fragments, *, quoted: bool = False) -> Packet:
    if version == 4:
        base, protocol, offset, more, identification = _ipv4(data, frame, place)
    else:
        base, protocol, offset, more, identification = _ipv6(data, frame, place)
    header, end = base.length, base.ip_bytes  # for now: length of the headers, and where the packet ends
    body = data[header : min(end, len(data))]
    base = replace(base, proto=protocol, length=max(end - header, 0))
    key = (base.src, base.dst, identification, protocol)
    if offset:
        if key not in fragments:
            raise NotDecoded("fragment without its first")
        sport, dport = fragments[key]
        return replace(base, kind="fragment", sport=sport, dport=dport, checksum=offset & 0xFFFF, payload=b"")
    if protocol in TUNNELS:
        raise NotDecoded("tunnel")
    packet = _transport(base, body, version, quoted=quoted, more=more)
    if packet.kind == "error":
        try:
            return replace(packet, quoted=_ip(packet.payload, version, frame, place, dict(fragments), quoted=True))
        except (NotDecoded, struct.error, IndexError):
            return _typed(packet)  # it quotes nothing that can be a flow
    if more:
        fragments[key] = (packet.sport, packet.dport)
    return packet


def _ipv4(data: bytes, frame: Frame, place: Place) -> tuple[Packet, int, int, bool, int]:
    if len(data) < 20:
        raise NotDecoded("headers cut off")
    header, total = (data[0] & 15) * 4, _u16(data, 2)
    total = total or len(data)
    if data[0] >> 4 != 4 or header < 20 or total < header:
        raise NotDecoded("malformed")
    if header > len(data):
        raise NotDecoded("headers cut off")
    word, ipid = _u16(data, 6), _u16(data, 4)
    base = Packet(
        frame, place, "datagram", 0, IPv4Address(data[12:16]), IPv4Address(data[16:20]),
        ip_bytes=total, length=header, ttl=data[8], ipid=ipid, version=4,
    )  # fmt: skip
    return base, data[9], (word & 0x1FFF) * 8, bool(word & 0x2000), ipid


def _ipv6(data: bytes, frame: Frame, place: Place) -> tuple[Packet, int, int, bool, int]:
    if len(data) < 40:
        raise NotDecoded("headers cut off")
    if data[0] >> 4 != 6:
        raise NotDecoded("malformed")
    total = 40 + _u16(data, 4) if _u16(data, 4) else len(data)
    protocol, at, offset, more, identification = data[6], 40, 0, False, 0
    for _ in range(12):
        if protocol not in (0, 43, 44, 51, 60, 135, 139, 140) or offset:
            break
        if at + 8 > len(data):
            raise NotDecoded("headers cut off")
        if protocol == 44:
            word, identification = _u16(data, at + 2), _u32(data, at + 4)
            offset, more = word & 0xFFF8, bool(word & 1)
            size = 8
        else:
            size = (data[at + 1] + 2) * 4 if protocol == 51 else (data[at + 1] + 1) * 8
        protocol, at = data[at], at + size
    base = Packet(
        frame, place, "datagram", 0, IPv6Address(data[8:24]), IPv6Address(data[24:40]),
        ip_bytes=total, length=at, ttl=data[7], version=6,
    )  # fmt: skip
    return base, protocol, offset, more, identification


def _transport(base: Packet, body: bytes, version: int, *, quoted: bool, more: bool) -> Packet:
    if base.proto == 6:
        return _tcp(base, body, quoted=quoted)
    if base.proto == 17:
        sport, dport = _u16(body, 0), _u16(body, 2)
        length, checksum = max(base.length - 8, 0), 0
        if len(body) >= 8:
            checksum = _u16(body, 6)
            told = _u16(body, 4) - 8
            if 0 <= told < length and not more:
                length = told
        return replace(base, sport=sport, dport=dport, length=length, checksum=checksum, payload=body[8 : 8 + length])
    if base.proto == (1 if version == 4 else 58):
        return _icmp(base, body, version, quoted=quoted, more=more)
    return replace(base, payload=body)


def _tcp(base: Packet, body: bytes, *, quoted: bool) -> Packet:
    sport, dport = _u16(body, 0), _u16(body, 2)
    if len(body) < 20:
        if quoted:
            return replace(base, sport=sport, dport=dport, length=0)
        raise NotDecoded("headers cut off")
    header = (body[12] >> 4) * 4
    if header < 20 or header > base.length:
        raise NotDecoded("malformed")
    return replace(
        base, kind="tcp", sport=sport, dport=dport, seq=_u32(body, 4), ack=_u32(body, 8), flags=body[13],
        window=_u16(body, 14), checksum=_u16(body, 16), length=base.length - header, payload=body[header:],
    )  # fmt: skip


def _icmp(base: Packet, body: bytes, version: int, *, quoted: bool, more: bool) -> Packet:
    kind, code, checksum = body[0], body[1], _u16(body, 2)
    base = replace(
        base, icmp_type=kind, icmp_code=code, checksum=checksum, length=max(base.length - 8, 0), payload=body[8:]
    )
    errors = (3, 11, 12) if version == 4 else (1, 2, 3, 4)
    requests = (8, 13, 17) if version == 4 else (128,)
    answers = (0, 14, 18) if version == 4 else (129,)
    if kind in errors and not quoted and not more and len(body) > 8:
        return replace(base, kind="error")
    if version == 6 and kind in (135, 136) and len(body) >= 24:
        target = IPv6Address(body[8:24])
        if kind == 135:
            return replace(base, kind="ask", dst=target)
        return replace(base, kind="reply", src=target)
    if kind in (*requests, *answers) and len(body) >= 8:
        return replace(
            base, kind="request" if kind in requests else "answer", sport=_u16(body, 4), dport=_u16(body, 4),
            seq=_u16(body, 6),
        )  # fmt: skip
    return _typed(base)


def _typed(base: Packet) -> Packet:
    """Return an ICMP packet that makes a flow by its type and code."""
    word = base.icmp_type << 8 | base.icmp_code
    return replace(base, kind="datagram", sport=word, dport=word, quoted=None)
