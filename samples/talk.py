"""Conversations: TCP connections and UDP exchanges told step by step, with the clock running by itself.

Knows how two hosts talk (RFC 9293, RFC 768, RFC 792, RFC 4443), not what they say: payload comes from
``samples.speech``. Times are seconds after the story's start, as the tap of the story sees the packets.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from scapy.layers.inet import ICMP, TCP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6TimeExceeded
from scapy.packet import Packet, Raw

from samples.story import ROUTER, Host, Moment, Story, ip_between

Side = Literal["client", "server"]

MSS: Final = 1460
_THINK: Final = 0.0004
_SYN_OPTIONS: Final[list[tuple[str, Any]]] = [
    ("MSS", MSS),
    ("NOP", None),
    ("WScale", 8),
    ("NOP", None),
    ("NOP", None),
    ("SAckOK", b""),
]


@dataclass(slots=True, kw_only=True)
class Talk:
    """What TCP and UDP conversations share: two ends, two ports, the clock, and the last packet sent."""

    story: Story
    client: Host
    server: Host
    port: int
    at: float
    source_port: int
    last: Moment | None = None

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.at += seconds

    def icmp(self, kind: int, code: int, sender: Host = ROUTER) -> None:
        """Let ``sender`` complain about the last packet, to whoever sent it: ICMP type and code of its version."""
        assert self.last is not None
        target = self.last.sender
        self.at += 2 * sender.delay + _THINK
        error: Packet
        if target.version == 6:
            error = ICMPv6DestUnreach(code=code) if kind == 1 else ICMPv6TimeExceeded(code=code)
        else:
            error = ICMP(type=kind, code=code)
        packet = ip_between(sender, target.address) / error
        # The router has a foot in every segment; it answers from the one it tells.
        speaker = replace(sender, segment=target.segment) if sender.name == ROUTER.name else sender
        self.story.put(self.at, speaker, target, packet, quotes=self.last)

    def _ends(self, side: Side) -> tuple[Host, Host, int, int]:
        if side == "client":
            return self.client, self.server, self.source_port, self.port
        return self.server, self.client, self.port, self.source_port

    def _react(self, side: Side) -> None:
        """Let the clock run until ``side``, having heard the last packet, is seen to answer."""
        self.at += 2 * (self.client if side == "client" else self.server).delay + _THINK


@dataclass(slots=True, kw_only=True)
class Tcp(Talk):
    """One TCP connection; sequence numbers follow from its ends and ports, so they are the same every time."""

    _next: dict[Side, int] = field(default_factory=dict)
    _said: tuple[Side, bytes, int] = ("client", b"", 0)

    def __post_init__(self) -> None:
        """Choose both initial sequence numbers."""
        name = f"{self.client.address} {self.source_port} {self.server.address} {self.port}"
        self._next = {"client": zlib.crc32(name.encode()), "server": zlib.crc32(name[::-1].encode())}

    def knock(self, times: int = 7, first_wait: float = 1.0) -> None:
        """Send a SYN and repeat it unanswered, the wait doubling each time (RFC 6298 section 5.5)."""
        for number in range(times):
            if number:
                self.wait(first_wait * 2 ** (number - 1))
            self.syn()

    def syn(self) -> None:
        """Send (or repeat) the client's SYN."""
        self._send("client", "S", ack=False)

    def syn_ack(self) -> None:
        """Send (or repeat) the server's SYN-ACK."""
        self._react("server")
        self._send("server", "SA", plus=1)

    def refuse(self) -> None:
        """Answer the SYN with a reset, as a host does where nothing listens (RFC 9293 section 3.10.7.1)."""
        self._react("server")
        self._send("server", "RA", plus=1, sequence=0)

    def open(self) -> None:
        """Shake hands: SYN, SYN-ACK, ACK."""
        self.syn()
        self.syn_ack()
        self.established()

    def established(self) -> None:
        """End the handshake with the client's ACK; only then do both sides count their SYN."""
        self._next["client"] += 1
        self._next["server"] += 1
        self._react("client")
        self._send("client", "A")

    def resume(self) -> None:
        """Begin in the middle: the handshake happened before the capture."""
        self._next["client"] += 4711
        self._next["server"] += 1174

    def say(self, data: bytes, *, heard: bool = True) -> None:
        """Send the client's payload in segments; ``heard``: the server acknowledges it."""
        self._speak("client", "server", data, heard)

    def answer(self, data: bytes, *, heard: bool = True) -> None:
        """Send the server's payload in segments; ``heard``: the client acknowledges it."""
        self._speak("server", "client", data, heard)

    def repeat(self, after: float) -> None:
        """Send the last segment once more, ``after`` seconds later, from the same place in the stream."""
        self.wait(after)
        side, data, sequence = self._said
        self._send(side, "PA", data, sequence=sequence)

    def close(self, first: Side = "client") -> None:
        """Close in order: FIN, FIN, ACK."""
        second: Side = "server" if first == "client" else "client"
        self.finish(first)
        self._react(second)
        self.finish(second)
        self._react(first)
        self._send(first, "A")

    def finish(self, side: Side) -> None:
        """Send one side's FIN."""
        self._send(side, "FA")
        self._next[side] += 1

    def reset(self, side: Side = "client") -> None:
        """Let one side end the connection with a reset."""
        self._react(side)
        self._send(side, "RA")

    def forge(self, claims: Side, *, ttl: int, plus: int = 0) -> None:
        """Put a reset on the wire that claims to come from one side; ``ttl`` is what the forger's distance leaves."""
        self._react(claims)
        sender, receiver, _, _ = self._ends(claims)
        packet = self._packet(claims, "RA", b"", plus=plus)
        self.story.put(self.at, sender, receiver, packet, ttl=ttl, counter="device in the path")

    def _speak(self, side: Side, other: Side, data: bytes, heard: bool) -> None:
        self._react(side)
        for start in range(0, len(data), MSS):
            piece = data[start : start + MSS]
            self._said = (side, piece, self._next[side])
            self._send(side, "PA" if start + MSS >= len(data) else "A", piece)
            self._next[side] += len(piece)
            self.at += 0.00002
        if heard:
            self._react(other)
            self._send(other, "A")

    def _send(
        self, side: Side, flags: str, data: bytes = b"", *, ack: bool = True, plus: int = 0, sequence: int | None = None
    ) -> None:
        sender, receiver, _, _ = self._ends(side)
        packet = self._packet(side, flags, data, ack=ack, plus=plus, sequence=sequence)
        self.last = self.story.put(self.at, sender, receiver, packet)

    def _packet(
        self, side: Side, flags: str, data: bytes, *, ack: bool = True, plus: int = 0, sequence: int | None = None
    ) -> Packet:
        """Build a segment; ``plus`` counts a SYN of the other side that the connection has not counted yet."""
        sender, receiver, sport, dport = self._ends(side)
        other: Side = "server" if side == "client" else "client"
        segment = TCP(
            sport=sport,
            dport=dport,
            flags=flags,
            seq=(self._next[side] if sequence is None else sequence) & 0xFFFFFFFF,
            ack=(self._next[other] + plus) & 0xFFFFFFFF if ack else 0,
            window=0 if "R" in flags else (64240 if "S" in flags else 1026),
            options=_SYN_OPTIONS if "S" in flags else [],
        )
        packet = ip_between(sender, receiver.address) / segment
        return packet / Raw(data) if data else packet


@dataclass(slots=True, kw_only=True)
class Udp(Talk):
    """One UDP exchange: what is said and answered between two ports."""

    def say(self, data: bytes) -> None:
        """Send a datagram of the client."""
        self._send("client", data)

    def answer(self, data: bytes) -> None:
        """Send a datagram of the server."""
        self._react("server")
        self._send("server", data)

    def _send(self, side: Side, data: bytes) -> None:
        sender, receiver, sport, dport = self._ends(side)
        datagram = UDP(sport=sport, dport=dport)
        packet = ip_between(sender, receiver.address) / datagram
        self.last = self.story.put(self.at, sender, receiver, packet / Raw(data) if data else packet)


def tcp(story: Story, client: Host, server: Host, port: int, *, at: float, source_port: int | None = None) -> Tcp:
    """Begin a TCP connection ``at`` seconds after the start; nothing is sent yet."""
    chosen = story.port_of(client) if source_port is None else source_port
    return Tcp(story=story, client=client, server=server, port=port, at=at, source_port=chosen)


def udp(story: Story, client: Host, server: Host, port: int, *, at: float, source_port: int | None = None) -> Udp:
    """Begin a UDP exchange ``at`` seconds after the start; nothing is sent yet."""
    chosen = story.port_of(client) if source_port is None else source_port
    return Udp(story=story, client=client, server=server, port=port, at=at, source_port=chosen)


def shout(story: Story, sender: Host, destination: str, port: int, data: bytes, *, at: float, source_port: int) -> None:
    """Send one datagram to a multicast or broadcast address of the sender's own segment."""
    packet = ip_between(sender, destination) / UDP(sport=source_port, dport=port) / Raw(data)
    story.put(at, sender, None, packet)
