"""One frame to one packet: through links, tags and tunnels to the innermost IPv4 or IPv6, TCP, UDP, ICMP or ARP.

Sources: IEEE 802.3 and 802.1Q, RFC 791, 8200, 9293, 768, 792, 4443, 826, 4861.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from tests.reference.container import Frame
from tests.reference.datagrams import QUOTED, in_datagram
from tests.reference.links import link_header
from tests.reference.packet import Address, Inside, NotDecoded, Packet, Place, Tunnel, u16, u32
from tests.reference.tunnels import by_protocol, mpls, ppp, pppoe

ENCRYPTED = {50, 98, 115}
"""IP protocols with another packet inside that is not opened; not flows of their own."""

OPENED = {4, 41, 47, 94, 97, 137}
"""IP protocols that are opened."""

DEEPEST = 8

Fragments = dict[tuple[Address, Address, int, int], tuple[int, int]]
"""The ports in the first fragment, by source, destination, identification and protocol."""


class AboutTunnel(NotDecoded):
    """An ICMP error quotes a tunnel's packet: whose flow it is about cannot be told."""


@dataclass(frozen=True)
class Where:
    """How the layer at hand was reached: MAC addresses and tags of the last Ethernet header, and all tunnels."""

    frame: Frame
    src_mac: int
    dst_mac: int
    tags: tuple[int, ...] = ()
    tunnel: tuple[Tunnel, ...] = ()

    def within(self, tunnel: Tunnel | None) -> Where:
        """Return the same inside one more tunnel."""
        if tunnel is None:
            return self
        if len(self.tunnel) == DEEPEST:
            raise NotDecoded("nested too deep")
        return replace(self, tunnel=(*self.tunnel, tunnel))

    def packet(self, kind: str, proto: int, src: Address, dst: Address) -> Packet:
        """Return a packet that was found here."""
        vlan = self.tags[0] << 12 | self.tags[1] if len(self.tags) > 1 else sum(self.tags)
        outer = self.tags[0] if self.tags else 0
        place = Place(vlan, self.src_mac, self.dst_mac)
        return Packet(self.frame, place, kind, proto, src, dst, outer_vlan=outer, tunnel=self.tunnel)


def decode(frame: Frame, fragments: Fragments) -> Packet:
    """Return the packet in ``frame``. Raises :class:`NotDecoded`."""
    try:
        link = link_header(frame)
        packet = _layer(link.inside, Where(frame, link.place.src_mac, link.place.dst_mac), fragments)
    except (struct.error, IndexError) as error:
        raise NotDecoded("headers cut off") from error
    itself = packet.kind not in ("ask", "reply") and (packet.src == packet.dst or packet.src.is_loopback)
    return replace(packet, loopback=link.loopback or itself)


def _layer(inside: Inside, where: Where, fragments: Fragments) -> Packet:
    what, data, where = inside.what, inside.data, where.within(inside.tunnel)
    if what == "ip":
        if data[0] >> 4 not in (4, 6):
            raise NotDecoded("malformed")
        return _ip(data, data[0] >> 4, where, fragments)
    if what == "ppp":
        return _layer(ppp(data), where, fragments)
    if what == "ethernet":
        where = replace(where, src_mac=int.from_bytes(data[6:12]), dst_mac=int.from_bytes(data[:6]), tags=())
        what, data = u16(data, 12), data[14:]
    assert isinstance(what, int)
    return _ethertype(what, data, where, fragments)


def _ethertype(ethertype: int, data: bytes, where: Where, fragments: Fragments) -> Packet:
    while ethertype in (0x8100, 0x88A8, 0x9100, 0x9200) and len(where.tags) < 8:
        where = replace(where, tags=(*where.tags, u16(data, 0) & 0xFFF))
        ethertype, data = u16(data, 2), data[4:]
    if ethertype < 1536:  # a length: IEEE 802.2 follows
        if data[:6] != b"\xaa\xaa\x03\x00\x00\x00":
            raise NotDecoded("llc")
        ethertype, data = u16(data, 6), data[8:]
    if ethertype == 0x0806:
        return _arp(data, where)
    if ethertype in (0x0800, 0x86DD):
        return _ip(data, 4 if ethertype == 0x0800 else 6, where, fragments)
    if ethertype in (0x8847, 0x8848):
        return _layer(mpls(data), where, fragments)
    if ethertype == 0x8864:
        return _layer(pppoe(data), where, fragments)
    if ethertype == 0x8903:
        return _layer(Inside("ethernet", data[2:], Tunnel("fabricpath")), where, fragments)
    if ethertype == 0x6558:
        return _layer(Inside("ethernet", data, Tunnel("bridged")), where, fragments)
    raise NotDecoded(f"ethertype {ethertype:#06x}")


def _arp(data: bytes, where: Where) -> Packet:
    if len(data) < 28 or data[2:6] != b"\x08\x00\x06\x04":
        raise NotDecoded("arp")
    sender, target = IPv4Address(data[14:18]), IPv4Address(data[24:28])
    if u16(data, 6) == 1:
        return replace(where.packet("ask", 0, sender, target), version=4)
    if u16(data, 6) == 2:
        return replace(where.packet("reply", 0, sender, target), version=4)
    raise NotDecoded("arp")


def _ip(data: bytes, version: int, where: Where, fragments: Fragments, *, quoted: bool = False) -> Packet:
    if version == 4:
        base, protocol, offset, more, identification = _ipv4(data, where)
    else:
        base, protocol, offset, more, identification = _ipv6(data, where)
    header, end = base.length, base.ip_bytes  # for now: length of the headers, and where the packet ends
    body = data[header : min(end, len(data))]
    base = replace(base, proto=protocol, length=max(end - header, 0))
    key = (base.src, base.dst, identification, protocol)
    if offset:
        if key not in fragments:
            raise NotDecoded("fragment without its first")
        sport, dport = fragments[key]
        return replace(base, kind="fragment", sport=sport, dport=dport, checksum=offset & 0xFFFF, payload=b"")
    inside = _inside(base, body, quoted=quoted, more=more)
    if inside is not None:
        return _layer(inside, where, fragments)
    packet = _transport(base, body, version, quoted=quoted, more=more)
    if packet.kind == "error":
        try:
            return replace(packet, quoted=_ip(packet.payload, version, where, dict(fragments), quoted=True))
        except AboutTunnel:
            raise
        except (NotDecoded, struct.error, IndexError):
            return _typed(packet)  # it quotes nothing that can be a flow
    if more:
        fragments[key] = (packet.sport, packet.dport)
    return packet


def _inside(base: Packet, body: bytes, *, quoted: bool, more: bool) -> Inside | None:
    """Return what is in a packet that is a tunnel's; None if it is none."""
    if base.proto in ENCRYPTED:
        raise NotDecoded("tunnel")
    ports = (u16(body, 0), u16(body, 2)) if base.proto == 17 else ()
    if quoted and (base.proto in OPENED or QUOTED.intersection(ports[1:])):
        raise AboutTunnel("icmp about a tunnel")
    if ports and not quoted:
        told = u16(body, 4) if len(body) >= 8 and not more else 0  # of a datagram in pieces the first has less
        return in_datagram(*ports, body[8 : told if told >= 8 else None], base.src, base.dst)
    return by_protocol(base.proto, body, base.src, base.dst)


def _ipv4(data: bytes, where: Where) -> tuple[Packet, int, int, bool, int]:
    if len(data) < 20:
        raise NotDecoded("headers cut off")
    header, total = (data[0] & 15) * 4, u16(data, 2)
    total = total or len(data)
    if data[0] >> 4 != 4 or header < 20 or total < header:
        raise NotDecoded("malformed")
    if header > len(data):
        raise NotDecoded("headers cut off")
    word, ipid = u16(data, 6), u16(data, 4)
    base = where.packet("datagram", 0, IPv4Address(data[12:16]), IPv4Address(data[16:20]))
    base = replace(base, ip_bytes=total, length=header, ttl=data[8], ipid=ipid, version=4)
    return base, data[9], (word & 0x1FFF) * 8, bool(word & 0x2000), ipid


def _ipv6(data: bytes, where: Where) -> tuple[Packet, int, int, bool, int]:
    if len(data) < 40:
        raise NotDecoded("headers cut off")
    if data[0] >> 4 != 6:
        raise NotDecoded("malformed")
    total = 40 + u16(data, 4) if u16(data, 4) else len(data)
    protocol, at, offset, more, identification = data[6], 40, 0, False, 0
    for _ in range(12):
        if protocol not in (0, 43, 44, 51, 60, 135, 139, 140) or offset:
            break
        if at + 8 > len(data):
            raise NotDecoded("headers cut off")
        if protocol == 44:
            word, identification = u16(data, at + 2), u32(data, at + 4)
            offset, more = word & 0xFFF8, bool(word & 1)
            size = 8
        else:
            size = (data[at + 1] + 2) * 4 if protocol == 51 else (data[at + 1] + 1) * 8
        protocol, at = data[at], at + size
    base = where.packet("datagram", 0, IPv6Address(data[8:24]), IPv6Address(data[24:40]))
    base = replace(base, ip_bytes=total, length=at, ttl=data[7], version=6)
    return base, protocol, offset, more, identification


def _transport(base: Packet, body: bytes, version: int, *, quoted: bool, more: bool) -> Packet:
    if base.proto == 6:
        return _tcp(base, body, quoted=quoted)
    if base.proto == 17:
        sport, dport = u16(body, 0), u16(body, 2)
        length, checksum = max(base.length - 8, 0), 0
        if len(body) >= 8:
            checksum = u16(body, 6)
            told = u16(body, 4) - 8
            if 0 <= told < length and not more:
                length = told
        return replace(base, sport=sport, dport=dport, length=length, checksum=checksum, payload=body[8 : 8 + length])
    if base.proto == (1 if version == 4 else 58):
        return _icmp(base, body, version, quoted=quoted, more=more)
    return replace(base, payload=body)


def _tcp(base: Packet, body: bytes, *, quoted: bool) -> Packet:
    sport, dport = u16(body, 0), u16(body, 2)
    if len(body) < 20:
        if quoted:
            return replace(base, sport=sport, dport=dport, length=0)
        raise NotDecoded("headers cut off")
    header = (body[12] >> 4) * 4
    if header < 20 or header > base.length:
        raise NotDecoded("malformed")
    return replace(
        base, kind="tcp", sport=sport, dport=dport, seq=u32(body, 4), ack=u32(body, 8), flags=body[13],
        window=u16(body, 14), checksum=u16(body, 16), length=base.length - header, payload=body[header:],
    )  # fmt: skip


def _icmp(base: Packet, body: bytes, version: int, *, quoted: bool, more: bool) -> Packet:
    kind, code, checksum = body[0], body[1], u16(body, 2)
    base = replace(
        base, icmp_type=kind, icmp_code=code, checksum=checksum, length=max(base.length - 8, 0), payload=body[8:]
    )
    errors = (3, 11, 12) if version == 4 else (1, 2, 3, 4)
    requests = (8, 13, 17) if version == 4 else (128,)
    answers = (0, 14, 18) if version == 4 else (129,)
    if kind in errors and not quoted and not more and len(body) > 8:
        return replace(base, kind="error")
    if version == 6 and kind in (135, 136) and len(body) >= 24 and not quoted:
        target = IPv6Address(body[8:24])
        if kind == 135:
            return replace(base, kind="ask", dst=target)
        return replace(base, kind="reply", src=target)
    if kind in (*requests, *answers) and len(body) >= 8:
        return replace(
            base, kind="request" if kind in requests else "answer", sport=u16(body, 4), dport=u16(body, 4),
            seq=u16(body, 6),
        )  # fmt: skip
    return _typed(base)


def _typed(base: Packet) -> Packet:
    """Return an ICMP packet that makes a flow by its type and code."""
    word = base.icmp_type << 8 | base.icmp_code
    return replace(base, kind="datagram", sport=word, dport=word, quoted=None)
