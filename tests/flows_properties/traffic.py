"""Small random conversations as captures: what networks do, in all the orders in which they do it."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from hypothesis import strategies as st

from tests.flows_properties import packets as p
from tests.flows_properties.links import HEADERS

EXAMPLES = int(os.environ.get("ANALYSER_EXAMPLES", "1"))
"""How many times more examples than usual the properties try; a long search at night sets it to 100."""

PORTS = {"tcp": frozenset({80, 443}), "udp": frozenset({161})}
"""Responder ports that are told to both readers."""

HOSTS = [
    ("192.0.2.1", "192.0.2.9"),
    ("192.0.2.9", "10.0.0.1"),
    ("127.0.0.1", "127.0.0.1"),
    ("2001:db8::1", "2001:db8::9"),
]

TCP_ACTIONS = [
    "ask", "ask", "answer", "answer", "ack", "server-ack", "again", "server-again", "lost", "server-lost", "fin", "server-fin",
    "rst", "server-rst", "full", "alive", "syn", "syn-ack", "new", "copy", "late", "unreachable", "part",
]  # fmt: skip
UDP_ACTIONS = ["ask", "answer", "again", "other", "empty", "copy", "unreachable", "pieces"]
ICMP_ACTIONS = ["ping", "pong", "router", "arp", "arp-answer", "arp-back", "igmp", "gre"]

BEGINNINGS = [["syn", "syn-ack", "ack"], ["syn", "syn-ack", "ack"], ["syn"], ["syn", "syn"], ["syn-ack", "ack"], []]


@dataclass
class End:
    """One TCP end: its next sequence number, and how far it has acknowledged the other one."""

    seq: int
    isn: int
    last: tuple[int, bytes] = (0, b"")
    finished: bool = False


def end_at(isn: int) -> End:
    """Return an end that has sent its SYN and nothing else."""
    return End(isn + 1, isn)


@dataclass
class Talk:
    """One conversation in the making; ``out`` holds (seconds to wait, frame)."""

    client: str
    server: str
    sport: int
    dport: int
    link: int
    vlans: tuple[int, ...]
    extended: bool
    numbers: list[int]
    ends: list[End]
    out: list[tuple[int, bytes]] = field(default_factory=list)
    ipid: int = 1

    def route(self, side: int) -> p.Route:
        """Return the way from one side to the other; every packet has an IP ID of its own."""
        src, dst = (self.client, self.server) if side == 0 else (self.server, self.client)
        self.ipid += 1
        return p.Route(src, dst, self.link, self.vlans, 64 - side, self.extended, self.ipid)

    def number(self, limit: int) -> int:
        """Return the next drawn number, below ``limit``."""
        self.numbers.append(self.numbers.pop(0))
        return self.numbers[-1] % limit

    def emit(self, data: bytes) -> None:
        """Add a frame some time after the one before it."""
        self.out.append(((2000, 300_000, 3_000_000, 7_000_000)[self.number(4)], data))

    def send(self, side: int, flags: int, payload: bytes = b"", seq: int | None = None, window: int = 8192) -> None:
        """Add a TCP segment."""
        mine, theirs = self.ends[side], self.ends[1 - side]
        ports = (self.sport, self.dport) if side == 0 else (self.dport, self.sport)
        acked = theirs.seq if flags & p.ACK else 0
        segment = p.tcp(*ports, mine.seq if seq is None else seq, acked, flags, payload, window)
        route = self.route(side)
        self.emit(p.frame(route, p.ip(route, 6, segment)))


def payload_of(talk: Talk) -> bytes:
    """Return some payload, from one byte to a full segment."""
    return bytes([talk.number(250)]) * (1, 9, 60, 700)[talk.number(4)]


def tcp_action(talk: Talk, action: str) -> None:
    """Let one thing happen in a TCP conversation."""
    side = 1 if action.startswith("server-") or action in ("answer", "syn-ack") else 0
    mine = talk.ends[side]
    name = action.removeprefix("server-")
    if mine.finished and name in ("ask", "answer", "lost", "part"):
        return  # nothing new after a FIN
    if name in ("ask", "answer", "lost"):
        mine.last = (mine.seq, payload_of(talk))
        if name != "lost":
            talk.send(side, p.PSH | p.ACK, mine.last[1])
        mine.seq += len(mine.last[1])
    elif name in ("again", "part", "alive") and mine.last[1]:
        repeat(talk, side, name)
    elif name == "new":
        talk.ends = [end_at(end.seq + 5_000_000) for end in talk.ends]
        talk.send(0, p.SYN, seq=talk.ends[0].isn)
    elif name in FLAGS:
        opening = name in ("syn", "syn-ack")
        seq = mine.isn if opening else mine.seq - (mine.finished and name == "fin")
        talk.send(side, FLAGS[name], seq=seq, window=0 if name == "full" else 8192)
        if name == "fin" and not mine.finished:
            mine.finished = True
            mine.seq += 1
    else:
        common_action(talk, action)


FLAGS = {
    "ack": p.ACK,
    "fin": p.FIN | p.ACK,
    "rst": p.RST | p.ACK,
    "full": p.ACK,
    "syn": p.SYN,
    "syn-ack": p.SYN | p.ACK,
}


def repeat(talk: Talk, side: int, name: str) -> None:
    """Send payload again: the last segment, the last segment with new bytes, or one old byte to keep the line alive."""
    mine = talk.ends[side]
    seq, payload = mine.last
    if name == "alive":
        seq, payload = mine.seq - 1, b"\0"
    elif name == "part":
        payload += b"more"
        mine.last = (seq, payload)
        mine.seq = max(mine.seq, seq + len(payload))
    talk.send(side, p.PSH | p.ACK, payload, seq)


def udp_action(talk: Talk, action: str) -> None:
    """Let one thing happen in a UDP conversation."""
    body = {"ask": b"question", "answer": b"answer", "again": b"question", "other": payload_of(talk), "empty": b""}
    side = 1 if action == "answer" else 0
    ports = (talk.sport, talk.dport) if side == 0 else (talk.dport, talk.sport)
    if action in body:
        route = talk.route(side)
        talk.emit(p.frame(route, p.ip(route, 17, p.udp(*ports, body[action]))))
    elif action == "pieces" and ":" not in talk.client:
        route = talk.route(0)
        whole = p.udp(*ports, bytes(range(64)))
        first, second = p.ip(route, 17, whole[:40], more=True), p.ip(route, 17, whole[40:], fragment=40)
        for piece in (first, second) if talk.number(4) else (second, first):
            talk.emit(p.frame(route, piece))
    else:
        common_action(talk, action)


def icmp_action(talk: Talk, action: str) -> None:
    """Let one thing happen around the conversations: echo, router messages, ARP and neighbours, other protocols."""
    six = ":" in talk.client
    side = 1 if action in ("pong", "arp-answer", "arp-back") else 0
    route = talk.route(side)
    if action in ("ping", "pong"):
        kind = (128 if action == "ping" else 129) if six else (8 if action == "ping" else 0)
        rest = struct.pack(">HH", 7, talk.number(3)) + b"echo"
        talk.emit(p.frame(route, p.ip(route, 58 if six else 1, p.icmp(kind, 0, rest))))
    elif action == "router":
        talk.emit(p.frame(route, p.ip(route, 58 if six else 1, p.icmp(134 if six else 9, 0, bytes(12)))))
    elif action.startswith("arp") and six:
        target = ip_address(route.src if action == "arp-answer" else route.dst).packed
        body = p.icmp(136 if action == "arp-answer" else 135, 0, bytes(4) + target)
        talk.emit(p.frame(route, p.ip(route, 58, body)))
    elif action.startswith("arp"):
        if talk.link == 1:
            talk.emit(p.frame(route, p.arp(route, 2 if action == "arp-answer" else 1), 0x0806))
    else:
        talk.emit(p.frame(route, p.ip(route, 2 if action == "igmp" else 47, bytes(8))))


def common_action(talk: Talk, action: str) -> None:
    """Copy the last frame, or let somebody complain about it."""
    if not talk.out:
        return
    last = talk.out[-1][1]
    six = ":" in talk.client
    if action == "copy":
        if len(talk.out) < 2 or talk.out[-2][1] != last:  # once: a mirror gives two, not a dozen
            talk.out.append((200, last))
    elif action == "unreachable":
        at = len(p.frame(talk.route(0), b""))
        router = replace(talk.route(0), src="2001:db8::ff" if six else "192.0.2.254", dst=talk.client)
        body = p.icmp(1 if six else 3, talk.number(5), bytes(4) + last[at : at + (60 if six else 28)])
        talk.emit(p.frame(router, p.ip(router, 58 if six else 1, body)))


@st.composite
def talks(draw: st.DrawFn, link: int, number: int, without: frozenset[str]) -> Talk:
    """One conversation with everything that happened in it."""
    client, server = draw(st.sampled_from(HOSTS))
    talk = Talk(
        client=client,
        server=server,
        sport=draw(st.sampled_from([40000, 80, 161])) + number,
        dport=draw(st.sampled_from([443, 80, 5000, 161])) - (client == server),  # never a socket to itself
        link=link,
        vlans=draw(st.sampled_from([(), (), (7,), (7, 8)])) if link == 1 else (),
        extended=draw(st.booleans()),
        numbers=draw(st.lists(st.integers(0, 999), min_size=5, max_size=12)),
        ends=[end_at(draw(st.sampled_from([1000, 2**32 - 500]))), end_at(90000)],
        ipid=draw(st.integers(1, 60000)),
    )
    kind = draw(st.sampled_from(["tcp", "tcp", "tcp", "udp", "icmp"]))
    actions = {"tcp": TCP_ACTIONS, "udp": UDP_ACTIONS, "icmp": ICMP_ACTIONS}[kind]
    names = [name for name in actions if name not in without]
    beginning = draw(st.sampled_from(BEGINNINGS)) if kind == "tcp" else []
    step = {"tcp": tcp_action, "udp": udp_action, "icmp": icmp_action}[kind]
    for action in [*beginning, *draw(st.lists(st.sampled_from(names), max_size=14))]:
        step(talk, action)
    return talk


Timed = list[tuple[int, bytes]]
"""Frames with their times in ns, whole microseconds, strictly increasing."""

LINKS = st.sampled_from([*[1] * len(HEADERS), *HEADERS])


@st.composite
def traffic(draw: st.DrawFn, *, link: int, swaps: int = 3, without: frozenset[str] = frozenset()) -> Timed:
    """Several conversations woven into one, with some packets out of order; ``without`` names actions left out."""
    woven: Timed = []
    t = 1_700_000_000_000_000  # us
    queues = [draw(talks(link, number, without)).out for number in range(draw(st.integers(1, 3)))]
    while any(queues):
        busy = [queue for queue in queues if queue]
        wait, data = busy[draw(st.integers(0, len(busy) - 1))].pop(0)
        t += wait
        woven.append((t, data))
    contents = [data for _, data in woven]
    for at in draw(st.lists(st.integers(0, max(len(woven) - 2, 0)), max_size=swaps)):
        if at + 1 < len(contents):
            contents[at], contents[at + 1] = contents[at + 1], contents[at]
    return [(time * 1000, data) for (time, _), data in zip(woven, contents, strict=True)]


def pcap(frames: Timed, link: int, *, order: str = "<", nanoseconds: bool = False, snaplen: int = 65535) -> bytes:
    """Return a pcap of the frames, each cut to ``snaplen``."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link)]
    for t, data in frames:
        fraction = t % 10**9 // (1 if nanoseconds else 1000)
        out.append(struct.pack(order + "IIII", t // 10**9, fraction, len(data[:snaplen]), len(data)) + data[:snaplen])
    return b"".join(out)


def pcapng(frames: Timed, link: int, *, order: str = "<", resolution: int = 6, offset: int = 0) -> bytes:
    """Return a pcapng of the frames, alternating between two interfaces, with blocks in between that are no packets."""

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        length = struct.pack(order + "I", len(body) + 12)
        return struct.pack(order + "I", kind) + length + body + length

    options = struct.pack(order + "HHB3x", 9, 1, resolution) + struct.pack(order + "HHq", 14, 8, offset)
    interface = block(1, struct.pack(order + "HHI", link, 0, 0) + options)
    out = [block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)), interface, interface]
    for n, (t, data) in enumerate(frames):
        ticks = (t - offset * 10**9) * 10**resolution // 10**9
        head = struct.pack(order + "IIIII", n % 2, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
        out.append(block(6, head + data))
        if n % 5 == 4:
            out.append(block(4, bytes(8)))
    return b"".join(out)
