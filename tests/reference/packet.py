"""What every layer of the plain reader speaks of: a packet, where it was seen, the tunnels around it, and why there is none."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from tests.reference.container import Frame

Address = IPv4Address | IPv6Address

FIN, SYN, RST, ACK = 1, 2, 4, 16


class NotDecoded(Exception):  # noqa: N818 - an outcome, no error
    """The frame holds no packet that makes a flow."""


@dataclass(frozen=True)
class Place:
    """Where a packet came from."""

    vlan: int
    src_mac: int
    dst_mac: int


class Tunnel(NamedTuple):
    """One tunnel around a packet: its kind, the ends of the outer packet (none below IP), and its number or 0."""

    kind: str
    src: Address | None = None
    dst: Address | None = None
    id: int = 0

    def __str__(self) -> str:
        ends = f" {self.src}>{self.dst}" if self.src is not None else ""
        return self.kind + ends + (f" id {self.id}" if self.id else "")


class Inside(NamedTuple):
    """What a layer holds: an EtherType or a name ("ethernet", "ppp", "ip"), its bytes, and the tunnel it is in, if any."""

    what: int | str
    data: bytes
    tunnel: Tunnel | None = None


@dataclass(frozen=True)
class Packet:
    """One decoded packet.

    ``kind``: "tcp", "datagram", "fragment" (not the first of its packet), "request" and "answer" (ICMP echo and
    the like; ``sport`` is then the identifier), "ask" and "reply" (ARP and neighbour discovery; ``src`` asks for
    ``dst`` or answers it), "error" (ICMP; ``quoted`` is the packet that caused it). ``tunnel``: outermost first.
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
    tunnel: tuple[Tunnel, ...] = ()

    @property
    def opens(self) -> bool:
        """Say whether this is a SYN or a SYN-ACK. A reset is nothing else, whatever it says."""
        return self.kind == "tcp" and self.flags & (SYN | RST) == SYN

    @property
    def ends(self) -> bool:
        """Say whether this is a FIN."""
        return self.kind == "tcp" and self.flags & (FIN | RST) == FIN

    @property
    def start(self) -> int:
        """The number of the first byte of payload, which follows a SYN."""
        return self.seq + self.opens


def u16(data: bytes, at: int) -> int:
    """Return a big-endian number of two bytes. Raises struct.error where they are not there."""
    return int(struct.unpack_from(">H", data, at)[0])


def u24(data: bytes, at: int) -> int:
    """Return a big-endian number of three bytes. Raises struct.error where they are not there."""
    return u16(data, at) << 8 | data[at + 2]


def u32(data: bytes, at: int) -> int:
    """Return a big-endian number of four bytes. Raises struct.error where they are not there."""
    return int(struct.unpack_from(">I", data, at)[0])


def from_byte(data: bytes, at: int) -> bytes:
    """Return what follows a header of ``at`` bytes. Raises NotDecoded if the header is cut off."""
    if at > len(data):
        raise NotDecoded("headers cut off")
    return data[at:]
