"""A wire with capture points along it: what each of them sees of a packet follows from where it stands.

A client stands at one end, a server at the other, routers between. A packet is told once, with where it is lost or made; its TTL,
MAC addresses and time at each point follow, as does its address behind a translation. Nothing here knows what is judged.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypedDict, Unpack

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Packet, Raw

from analyser.model.finding import PortFinding, ReportDocument, VerdictEntry
from analyser.pipeline import judging
from samples import files

T0: Final = 1_772_438_400_000_000_000
MS: Final = 1_000_000
CLIENT: Final = "192.0.2.10"
SERVERS: Final = ("198.51.100.21", "198.51.100.22")

SITE: Final = """
name = "a wire"
rules = ["ysoft-safeq-6", "infrastructure"]
features = ["server-spooling", "online-accounting", "print-lpr"]
[[host]]
name = "print-server"
addresses = ["192.0.2.10"]
roles = ["flexispooler"]
[[host]]
name = "mfd-1"
addresses = ["198.51.100.21"]
roles = ["mfd"]
terminal = "none"
[[host]]
name = "mfd-2"
addresses = ["198.51.100.22"]
roles = ["mfd"]
terminal = "none"
"""

Side = Literal["client", "server"]


class Fate(TypedDict, total=False):
    """What becomes of a packet: arguments of ``Wire.send``."""

    lost: str | None
    made: str | None
    ttl: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A capture point: its name, the routers between the client and it, milliseconds from the client, its clock's error (ms)."""

    name: str
    hops: int
    away: float
    clock: float = 0.0
    gains: float = 0.0
    """Parts per million that its clock is too fast."""
    begins: float = -1.0
    """Milliseconds of the story before which it does not capture."""
    ends: float = 1e12
    deaf: bool = False
    """It misses what goes to the client."""


TWO: Final = (Place(name="a", hops=0, away=0.1), Place(name="b", hops=2, away=2.0))
THREE: Final = (*TWO[:1], Place(name="m", hops=1, away=1.0), *TWO[1:])


@dataclass(slots=True)
class Wire:
    """Points along a wire, from the client's side to the server's; ``translated`` is the client's address from ``behind`` on."""

    places: Sequence[Place] = TWO
    hops: int = 2
    long: float = 2.1
    translated: str | None = None
    behind: str = "b"
    seen: dict[str, list[files.Frame]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def send(
        self,
        at: float,
        sender: Side,
        packet: Packet,
        *,
        lost: str | None = None,
        made: str | None = None,
        ttl: int = 64,
    ) -> None:
        """Send an IP packet ``at`` milliseconds.

        ``lost``: the last point that sees it. ``made``: the first point that does, for what a device in the path makes; its own
        TTL is then ``ttl`` at that point.
        """
        packet = packet.copy()
        packet.id = next(self._numbers) & 0xFFFF
        way = list(self.places) if sender == "client" else list(reversed(self.places))
        passing = made is None
        for place in way:
            passing = passing or place.name == made
            if not passing:
                continue
            gone = place.hops if sender == "client" else self.hops - place.hops
            took = place.away if sender == "client" else self.long - place.away
            if place.begins <= at + took <= place.ends and not (place.deaf and sender == "server"):
                moved = self._as_seen(packet, place)
                moved.ttl = ttl if made == place.name else ttl - gone
                link = files.Addressing(
                    source=_mac(sender if gone == 0 else "router"),
                    target=_mac(
                        ("server" if sender == "client" else "client") if self._last(place, sender) else "router"
                    ),
                    ethertype=files.ETHERTYPE_IPV4,
                )
                data = files.link_header("ethernet", link) + bytes(moved)
                time = T0 + round(((at + took) * (1 + place.gains / 1e6) + place.clock) * MS)
                self.seen.setdefault(place.name, []).append(files.Frame(time=time, data=data))
            if place.name == lost:
                return

    def _last(self, place: Place, sender: Side) -> bool:
        return (self.hops - place.hops if sender == "client" else place.hops) == 0

    def _as_seen(self, packet: Packet, place: Place) -> Packet:
        names = [item.name for item in self.places]
        moved = packet.copy()
        if self.translated is not None and names.index(place.name) >= names.index(self.behind):
            for part, port in (("src", "sport"), ("dst", "dport")):
                if getattr(moved, part) == CLIENT:
                    setattr(moved, part, self.translated)
                    setattr(moved.payload, port, getattr(moved.payload, port) ^ 0x1000)
        return moved

    def save(self, folder: Path) -> list[str]:
        """Write one capture for each point; return their paths in the order of points."""
        paths = []
        for place in self.places:
            path = folder / f"{place.name}.pcap"
            frames = sorted(self.seen.get(place.name, []), key=lambda frame: frame.time)
            path.write_bytes(files.pcap(frames, link="ethernet"))
            paths.append(str(path))
        return paths


def _mac(who: str) -> bytes:
    return bytes.fromhex("00005e0053") + bytes([{"client": 1, "server": 2, "router": 9}[who]])


@dataclass(slots=True)
class Tcp:
    """One TCP connection over a wire; each step is one packet, ``at`` milliseconds."""

    wire: Wire
    port: int = 9100
    server: str = SERVERS[0]
    source: int = 50_000
    isn: int = 0x1234_0000
    answer: int = 0x5678_0000

    def syn(self, at: float, **fate: Unpack[Fate]) -> None:
        """Send the SYN."""
        self._send(at, "client", "S", self.isn, 0, **fate)

    def syn_ack(self, at: float, **fate: Unpack[Fate]) -> None:
        """Answer it."""
        self._send(at, "server", "SA", self.answer, self.isn + 1, **fate)

    def ack(self, at: float, **fate: Unpack[Fate]) -> None:
        """End the handshake."""
        self._send(at, "client", "A", self.isn + 1, self.answer + 1, **fate)

    def say(self, at: float, data: bytes, offset: int = 0, **fate: Unpack[Fate]) -> None:
        """Send payload of the client."""
        self._send(at, "client", "PA", self.isn + 1 + offset, self.answer + 1, data, **fate)

    def heard(self, at: float, octets: int, **fate: Unpack[Fate]) -> None:
        """Acknowledge payload of the client."""
        self._send(at, "server", "A", self.answer + 1, self.isn + 1 + octets, **fate)

    def reset(self, at: float, side: Side, **fate: Unpack[Fate]) -> None:
        """Send a reset that claims one side."""
        mine, other = (self.isn, self.answer) if side == "client" else (self.answer, self.isn)
        self._send(at, side, "RA", mine + 1, other + 1, **fate)

    def refuse(self, at: float, **fate: Unpack[Fate]) -> None:
        """Answer the SYN with a reset."""
        self._send(at, "server", "RA", 0, self.isn + 1, **fate)

    def job(self, at: float, data: bytes = b"%-12345X@PJL \r\n" * 4) -> None:
        """Open, send a job, close: all of it arrives."""
        n = len(data)
        self.syn(at)
        self.syn_ack(at + 5)
        self.ack(at + 10)
        self.say(at + 11, data)
        self.heard(at + 16, n)
        self._send(at + 20, "client", "FA", self.isn + 1 + n, self.answer + 1)
        self._send(at + 25, "server", "FA", self.answer + 1, self.isn + 2 + n)
        self._send(at + 30, "client", "A", self.isn + 2 + n, self.answer + 2)

    def prohibited(self, at: float, *, seen_until: str = "a", router: str = "192.0.2.1") -> None:
        """Let the router before point ``b`` say that the SYN is prohibited; the client's side hears it."""
        about = self._packet("client", "S", self.isn, 0)
        error = IP(src=router, dst=CLIENT) / ICMP(type=3, code=13) / Raw(bytes(about)[:28])
        self.wire.send(at, "server", error, made=seen_until, ttl=255)

    def _send(
        self, at: float, side: Side, flags: str, seq: int, ack: int, data: bytes = b"", **fate: Unpack[Fate]
    ) -> None:
        self.wire.send(at, side, self._packet(side, flags, seq, ack, data), **fate)

    def _packet(self, side: Side, flags: str, seq: int, ack: int, data: bytes = b"") -> Packet:
        ends = (CLIENT, self.server, self.source, self.port)
        src, dst, sport, dport = ends if side == "client" else (ends[1], ends[0], ends[3], ends[2])
        window = 0 if "R" in flags else 64240
        segment = TCP(sport=sport, dport=dport, flags=flags, seq=seq & 0xFFFFFFFF, ack=ack & 0xFFFFFFFF, window=window)
        packet = IP(src=src, dst=dst, flags="DF") / segment
        return packet / Raw(data) if data else packet


def datagram(
    wire: Wire,
    at: float,
    side: Side,
    data: bytes,
    *,
    port: int = 161,
    source: int = 51_000,
    server: str = SERVERS[0],
    **fate: Unpack[Fate],
) -> None:
    """Send a datagram of one side."""
    ends = (CLIENT, server, source, port)
    src, dst, sport, dport = ends if side == "client" else (ends[1], ends[0], ends[3], ends[2])
    wire.send(at, side, IP(src=src, dst=dst) / UDP(sport=sport, dport=dport) / Raw(data), **fate)


def life(wire: Wire, until: float = 60_000, server: str = SERVERS[0]) -> None:
    """Let jobs go through every second: packets of the same two hosts in both directions."""
    for number, at in enumerate(range(0, int(until), 1000)):
        Tcp(
            wire, source=40_000 + number, isn=7_000_000 * (number + 1), answer=9_000_000 * (number + 1), server=server
        ).job(at)


def judged(wire: Wire, folder: Path, order: Sequence[int] | None = None) -> ReportDocument:
    """Judge the captures of a wire, each as a point of its own; ``order``: in which they are named."""
    site = folder / "site.toml"
    site.write_text(SITE, encoding="utf-8")
    paths = wire.save(folder)
    named = paths if order is None else [paths[place] for place in order]
    return judging.check(named, site=site, vantage=True, workers=1).document


def entry(document: ReportDocument, rule: str, responder: str | None = "mfd-1") -> VerdictEntry:
    """Return the verdict of a rule on a printer."""
    (found,) = (
        item
        for item in document.verdicts
        if item.rule.endswith(rule) and item.responder is not None and item.responder.name == responder
    )
    return found


def port(document: ReportDocument, rule: str = "lpr-delivery", responder: str = "mfd-1") -> PortFinding:
    """Return the finding of the only port of a rule on a printer."""
    (found,) = entry(document, rule, responder).ports
    return found
