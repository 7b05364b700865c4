"""What carries another packet beside UDP: one function per kind that returns what is inside, or raises NotDecoded.

Sources: RFC 2784, 2890, 2637 (GRE); draft-foschiano-erspan;
RFC 2003, 2473, 3378, 3032, 4385, 2516, 1661.
"""

from __future__ import annotations

from tests.reference.packet import Address, Inside, NotDecoded, Tunnel, from_byte, u16, u32

ETHERTYPES = {0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8, 0x8847, 0x8848, 0x8864, 0x8863, 0x88CC}
"""EtherTypes that make a header look like Ethernet."""


def plausible_ip(data: bytes, version: int = 0) -> bool:
    """Say whether an IP packet (of this version, if one is given) begins here."""
    if not data or (version and data[0] >> 4 != version):
        return False
    if data[0] >> 4 == 4:
        header = (data[0] & 15) * 4
        return len(data) >= 20 and header >= 20 and (u16(data, 2) >= header or not u16(data, 2))
    return data[0] >> 4 == 6 and len(data) >= 40


def plausible_ethernet(data: bytes) -> bool:
    """Say whether an Ethernet frame begins here."""
    if len(data) < 14:
        return False
    kind = u16(data, 12)
    if kind in (0x0800, 0x86DD):
        return plausible_ip(data[14:], 4 if kind == 0x0800 else 6)
    return kind in ETHERTYPES or kind < 1536


def names_type(data: bytes) -> bool:
    """Say whether an Ethernet frame with an EtherType, not a length, begins here."""
    return plausible_ethernet(data) and u16(data, 12) >= 1536


def by_protocol(protocol: int, data: bytes, src: Address, dst: Address) -> Inside | None:
    """Return what is inside an IP packet of a tunnel protocol; None if the protocol is none that is opened."""
    if protocol in (4, 41):
        return Inside(0x0800 if protocol == 4 else 0x86DD, data, Tunnel("ipip", src, dst))
    if protocol == 94:
        return Inside("ip", data, Tunnel("ipip", src, dst))
    if protocol == 97:
        if data[:2] != b"\x30\x00":
            raise NotDecoded("etherip")
        return Inside("ethernet", data[2:], Tunnel("etherip", src, dst))
    if protocol == 137:
        return mpls(data, src, dst)
    return gre(data, src, dst) if protocol == 47 else None


def gre(data: bytes, src: Address, dst: Address) -> Inside:
    """Generic Routing Encapsulation: versions 0 and 1 (PPTP), and ERSPAN in it."""
    flags, protocol = u16(data, 0), u16(data, 2)
    version = flags & 7
    if flags & 0x4000 or version > 1:
        raise NotDecoded("gre")
    header, key = 4, 0
    if flags & 0x8000:
        header += 4
    if flags & 0x2000:
        key = u32(data, header)
        header += 4
    if flags & 0x1000:
        header += 4
    if version == 1 and flags & 0x0080:
        header += 4
    body = from_byte(data, header)
    if version == 1:
        if protocol != 0x880B:
            raise NotDecoded("gre")
        return Inside("ppp", body, Tunnel("pptp", src, dst, key & 0xFFFF))
    if protocol in (0x88BE, 0x22EB):
        return _erspan(protocol, bool(flags & 0x1000), body, src, dst)
    return _routed(protocol, body, Tunnel("gre", src, dst, key))


def _routed(protocol: int, body: bytes, tunnel: Tunnel) -> Inside:
    if protocol == 0x883E:  # WCCP: with or without a header of its own
        for at in (0, 4):
            if plausible_ip(body[at:]):
                return Inside("ip", body[at:], tunnel)
    if protocol in (0x6558, 0x880B):
        return Inside("ethernet" if protocol == 0x6558 else "ppp", body, tunnel)
    if protocol in (0x0800, 0x86DD, 0x8847, 0x8848):
        return Inside(protocol, body, tunnel)
    raise NotDecoded("gre")


def _erspan(protocol: int, numbered: bool, body: bytes, src: Address, dst: Address) -> Inside:
    if protocol == 0x88BE and not numbered:
        return Inside("ethernet", body, Tunnel("erspan1", src, dst))
    name, version, header = ("erspan2", 1, 8) if protocol == 0x88BE else ("erspan3", 2, 12)
    session, what = u16(body, 2) & 0x3FF, "ethernet"
    if body[0] >> 4 != version:
        raise NotDecoded("gre")
    if version == 2:
        word = u16(body, 10)
        if word >> 10 & 31 not in (0, 2):
            raise NotDecoded("gre")
        what = "ip" if word >> 10 & 31 == 2 else what
        header += 8 if word & 1 else 0
    return Inside(what, from_byte(body, header), Tunnel(name, src, dst, session))


def mpls(data: bytes, src: Address | None = None, dst: Address | None = None) -> Inside:
    """Take off a stack of labels; what is below is told by its first bits (RFC 4928)."""
    at = 0
    while not u32(data, at) & 0x100:
        at += 4
        if at == 32:
            raise NotDecoded("mpls")
    tunnel, body = Tunnel("mpls", src, dst, u32(data, at) >> 12), from_byte(data, at + 4)
    first = body[0] >> 4
    if first in (4, 6):
        return Inside(0x0800 if first == 4 else 0x86DD, body, tunnel)
    if first == 0 and not _is_bare(body):
        return Inside("ethernet", from_byte(body, 4), tunnel)
    if not plausible_ethernet(body):
        raise NotDecoded("mpls")
    return Inside("ethernet", body, tunnel)


def _is_bare(body: bytes) -> bool:
    """Say whether a frame begins here at once, although its address looks like a control word."""
    tagged = body[12:14] in (b"\x81\x00", b"\x88\xa8")
    return names_type(body) and (tagged or not names_type(body[4:]))


def pppoe(data: bytes) -> Inside:
    """A PPPoE session packet."""
    if len(data) >= 6 and (data[0] != 0x11 or data[1] != 0):
        raise NotDecoded("pppoe")
    return Inside("ppp", from_byte(data, 6), Tunnel("pppoe", id=u16(data, 2)))


def ppp(data: bytes) -> Inside:
    """What a PPP frame holds: an EtherType and bytes."""
    if data[:2] == b"\xff\x03":
        data = data[2:]
    size = 1 if data[0] & 1 else 2
    protocol = data[0] if size == 1 else u16(data, 0)
    found = {0x21: 0x0800, 0x57: 0x86DD, 0x281: 0x8847, 0x283: 0x8848}.get(protocol)
    if found is None:
        raise NotDecoded("ppp control" if protocol >= 0x8000 else "ppp")
    return Inside(found, data[size:])
