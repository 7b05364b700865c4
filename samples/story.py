"""The stage: hosts on segments, the points where a capture is taken, and the timeline that becomes a file.

A story is told in seconds after :data:`START`. Conversations (``samples.talk``) put packets on the timeline; what a
capture point sees of them follows from where it stands: hosts of its own segment appear with their own MAC and
initial TTL, all others behind the router with one hop less. IP IDs count per host in the order of time. Nothing
here knows what a rule or a verdict is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from samples import files
from samples.mirrors import Mirror

START: Final = 1_772_438_400_000_000_000
"""2026-03-02T08:00:00Z, in ns since 1970: every story begins here."""

_MAC_PREFIX: Final = bytes.fromhex("00005e0053")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Somebody who sends packets. ``segment`` is the network it sits on; ``ttl`` its initial TTL.

    ``delay`` is the one-way time to it in seconds, ``hops`` the routers between it and any other segment.
    """

    name: str
    address: str
    segment: str = "servers"
    ttl: int = 64
    delay: float = 0.0002
    hops: int = 1

    def using(self, address: str) -> Host:
        """Return the same machine under another of its addresses."""
        return replace(self, address=address)

    @property
    def version(self) -> int:
        """The IP version of its address, 4 or 6."""
        return ipaddress.ip_address(self.address).version


ROUTER: Final = Host(name="router", address="192.0.2.1", ttl=255, delay=0.0001, hops=0)
"""The router between all segments; it answers for itself with the TTL of a network device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """A place where packets are copied: the segment it watches, the VLAN tags seen there, and the interface.

    ``lag`` is how many seconds lie between the first tap and this one, ``clock`` how many its clock is ahead;
    ``file`` which of the story's captures it writes to, from 1; ``mirror`` what wraps its frames on the way there.
    """

    segment: str = "servers"
    vlans: tuple[int, ...] = ()
    interface: int = 0
    lag: float = 0.0
    clock: float = 0.0
    file: int = 1
    mirror: Mirror | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class Moment:
    """One packet on the timeline.

    ``packet`` is everything from IP (or ARP) upwards; other protocols come with an Ethernet header that names them.

    ``quotes`` is the moment an ICMP error complains about. A forged packet claims another's address, but neither its
    distance nor its numbering: ``ttl`` is then the TTL as the tap sees it, ``counter`` whose IP IDs it takes.
    ``ip_id`` is filled in when the story is rendered.
    """

    time: int
    sender: Host
    receiver: Host | None
    packet: Packet
    quotes: Moment | None = None
    ttl: int | None = None
    counter: str | None = None
    only_tap: int | None = None
    ip_id: int = 0


@dataclass(slots=True, kw_only=True)
class Story:
    """A timeline, and how it was captured.

    ``link`` names a link type of ``samples.files``, ``order`` the byte order, ``container`` "pcap" or "pcapng",
    ``capturer`` the host whose own packets a cooked header calls outgoing, ``cut`` how many bytes the file lacks at
    its end.
    """

    taps: Sequence[Tap] = (Tap(),)
    link: str = "ethernet"
    container: str = "pcap"
    order: str = "<"
    nanoseconds: bool = False
    interfaces: Sequence[str] = ("eth0",)
    capturer: Host | None = None
    cut: int = 0
    moments: list[Moment] = field(default_factory=list)
    _ports: dict[str, int] = field(default_factory=dict)
    _macs: dict[str, int] = field(default_factory=dict)

    def port_of(self, host: Host) -> int:
        """Return the next ephemeral port of ``host`` (RFC 6335 section 6: from 49152)."""
        self._ports[host.name] = self._ports.get(host.name, 49151) + 1
        return self._ports[host.name]

    def put(
        self,
        at: float,
        sender: Host,
        receiver: Host | None,
        packet: Packet,
        *,
        quotes: Moment | None = None,
        ttl: int | None = None,
        counter: str | None = None,
        only_tap: int | None = None,
    ) -> Moment:
        """Put a packet on the timeline, ``at`` seconds after the start, and return its moment."""
        moment = Moment(
            time=START + round(at * 1_000_000) * 1000,
            sender=sender,
            receiver=receiver,
            packet=packet,
            quotes=quotes,
            ttl=ttl,
            counter=counter,
            only_tap=only_tap,
        )
        self.moments.append(moment)
        return moment

    def arp(self, at: float, asker: Host, target: Host, *, answered: bool = True) -> None:
        """Let ``asker`` look for the hardware address of ``target`` on their segment (RFC 826)."""
        own, theirs = self._mac(asker).hex(":"), self._mac(target).hex(":")
        nobody = "00:00:00:00:00:00"
        self.put(at, asker, None, ARP(op=1, hwsrc=own, psrc=asker.address, hwdst=nobody, pdst=target.address))
        if answered:
            reply = ARP(op=2, hwsrc=theirs, psrc=target.address, hwdst=own, pdst=asker.address)
            self.put(at + 2 * target.delay, target, asker, reply)

    def frame(self, at: float, sender: Host, ethertype: int, data: bytes) -> None:
        """Put a frame of another network protocol on the segment's broadcast address."""
        self.put(at, sender, None, Ether(type=ethertype) / Raw(data))

    def render(self, file: int = 1) -> bytes:
        """Return one of the capture files as bytes."""
        counters: dict[str, int] = {}
        frames: list[files.Frame] = []
        for moment in sorted(self.moments, key=lambda item: item.time):
            name = moment.counter or moment.sender.name
            counters[name] = (counters.get(name, 0x1000 * (1 + len(counters) % 15)) + 1) & 0xFFFF
            moment.ip_id = counters[name]
            frames.extend(self._frames(moment, file))
        frames.sort(key=lambda frame: frame.time)
        if self.container == "pcapng":
            data = files.pcapng(frames, link=self.link, order=self.order, interfaces=self.interfaces)
        else:
            data = files.pcap(frames, link=self.link, order=self.order, nanoseconds=self.nanoseconds)
        return data[: len(data) - self.cut]

    def captures(self, script: Path) -> dict[int, Path]:
        """Return where the captures of a story lie: ``case.pcap`` beside the script, further ones as ``case/2.pcap``."""
        numbers = sorted({tap.file for tap in self.taps})
        return {
            n: script.with_suffix(f".{self.container}") if n == 1 else script.with_suffix("") / f"{n}.{self.container}"
            for n in numbers
        }

    def save(self, script: str) -> None:
        """Write the captures beside the script that tells the story."""
        for number, path in self.captures(Path(script)).items():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(self.render(number))

    def _frames(self, moment: Moment, file: int) -> list[files.Frame]:
        """Return what each tap of a capture file sees of a moment."""
        seen: list[files.Frame] = []
        for index, tap in enumerate(self.taps):
            if tap.file != file or moment.only_tap not in (None, index):
                continue
            if tap.segment not in (moment.sender.segment, moment.receiver.segment if moment.receiver else None):
                continue
            data = self._link(moment, tap) + _network_bytes(moment, _hops(moment.sender, tap))
            # A packet passes the tap of its sender's segment before it reaches the first tap.
            before = moment.sender.segment == tap.segment != self.taps[0].segment
            if tap.mirror is not None:
                data = tap.mirror(data, moment.ip_id)
            shift = round(((-tap.lag if before else tap.lag) + tap.clock) * 1_000_000_000)
            seen.append(files.Frame(time=moment.time + shift, data=data, interface=tap.interface))
        return seen

    def _link(self, moment: Moment, tap: Tap) -> bytes:
        loopback = moment.receiver is not None and moment.receiver.name == moment.sender.name
        source = bytes(6) if loopback else self._mac(_next_to(moment.sender, tap))
        target = bytes(6) if loopback else self._target(moment, tap)
        outgoing = self.capturer is not None and self.capturer.name == moment.sender.name
        return files.link_header(
            self.link,
            files.Addressing(
                source=source,
                target=target,
                ethertype=_ethertype(moment.packet),
                vlans=tap.vlans,
                outgoing=outgoing,
                loopback=loopback,
            ),
        )

    def _target(self, moment: Moment, tap: Tap) -> bytes:
        destination = str(moment.packet.dst) if isinstance(moment.packet, IP | IPv6) else ""
        if moment.receiver is None:
            return _group_mac(destination)
        return self._mac(_next_to(moment.receiver, tap))

    def _mac(self, host: Host) -> bytes:
        """Return a MAC of the documentation range (RFC 7042), counted in order of appearance."""
        number = self._macs.setdefault(host.name, len(self._macs) + 1)
        return _MAC_PREFIX + bytes([number])


def ip_between(sender: Host, target: str) -> Packet:
    """Return an IP header from ``sender`` to an address, of the right version; TTL and ID come when it is rendered."""
    if ipaddress.ip_address(target).version == 6:
        return IPv6(src=sender.address, dst=target)
    return IP(src=sender.address, dst=target, flags="DF")


def _ethertype(packet: Packet) -> int:
    """Return what a link header calls a packet; other protocols bring their own number."""
    for kind, number in ((IP, files.ETHERTYPE_IPV4), (IPv6, files.ETHERTYPE_IPV6), (ARP, files.ETHERTYPE_ARP)):
        if isinstance(packet, kind):
            return number
    return int(packet[Ether].type)


def _next_to(host: Host, tap: Tap) -> Host:
    """Return the machine whose MAC stands for ``host`` at ``tap``: itself, or the router before it."""
    return host if host.segment == tap.segment else ROUTER


def _hops(host: Host, tap: Tap) -> int:
    return 0 if host.segment == tap.segment else host.hops


def _group_mac(destination: str) -> bytes:
    """Return the hardware address of a multicast or broadcast destination (RFC 1112, RFC 2464)."""
    if not destination or (":" not in destination and not ipaddress.ip_address(destination).is_multicast):
        return b"\xff" * 6
    packed = ipaddress.ip_address(destination).packed
    if len(packed) == 16:
        return b"\x33\x33" + packed[-4:]
    return b"\x01\x00\x5e" + bytes([packed[1] & 0x7F]) + packed[2:]


def _network_bytes(moment: Moment, hops: int) -> bytes:
    """Return a moment's bytes from IP upwards as they look ``hops`` routers away from its sender."""
    if isinstance(moment.packet, Ether):
        return bytes(moment.packet.payload)
    packet = moment.packet.copy()
    ttl = moment.sender.ttl - hops if moment.ttl is None else moment.ttl
    if moment.quotes is not None:
        packet = packet / Raw(_quotation(moment.quotes, packet))
    if isinstance(packet, IP):
        packet.ttl, packet.id = ttl, moment.ip_id
    elif isinstance(packet, IPv6):
        # Link-local talk keeps the hop limit its own packet asks for (RFC 4861).
        packet.hlim = 255 if packet.fields.get("hlim") == 255 else ttl
    return bytes(packet)


def _quotation(quoted: Moment, error: Packet) -> bytes:
    """Return what an ICMP error carries: the packet as the complaining device got it, cut (RFC 792, RFC 4443)."""
    original = _network_bytes(quoted, 0 if quoted.sender.segment == "router" else 1)
    return original[:1200] if isinstance(error, IPv6) else original[:28]
