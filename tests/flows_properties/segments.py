"""TCP segments as nobody sends them: any flags, numbers that fit nothing, and all that in conversations that begin well.

``traffic`` tells what networks do; this tells what a capture may hold. Every choice goes through one function, so that
the same conversations can be drawn by hypothesis and, faster, at random.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.flows_properties import packets as p
from tests.flows_properties.traffic import Timed

Choose = Callable[[Sequence[Any]], Any]

FAR = 2_100_000

ENDS = (("192.0.2.1", "192.0.2.9"), ("192.0.2.9", "192.0.2.1"), ("2001:db8::1", "2001:db8::9"))
INITIAL = (1000, 0, 90000, 2**31 - 2, 2**32 - 1, 2**32 - 2, 2**32 - 500)
WAITS = (0, 200, 900, 1000, 1001, 2000, 2000, 2000, 300_000, 6_000_000)
LENGTHS = (0, 1, 1, 2, 4, 60, 200)
TAGS: tuple[tuple[int, ...], ...] = ((), (7,), (7, 8))

TIDY = (
    "syn",
    "syn-ack",
    "ack",
    "data",
    "data",
    "answer",
    "answer",
    "server-ack",
    "lost",
    "server-lost",
    "again",
    "server-again",
)
ENDINGS = ("fin", "server-fin", "rst", "server-rst", "bare-rst", "server-bare-rst")
CLOSED = ("full", "server-full", "alive", "server-alive", "bare-alive", "copy", "tagged", "swap", "anew", "replay")
WILD = ("odd", "odd", "server-odd", "server-odd", "overlap", "server-overlap", "greeting", "server-greeting", "opening")
BEGINNINGS = (
    ("syn", "syn-ack", "ack"), ("syn", "syn-ack", "ack"), ("syn-ack", "syn", "ack"), ("ack", "syn", "syn-ack"), ("syn",),
    ("greeting", "syn-ack"), ("syn", "server-opening"), ("syn", "server-opening", "syn-ack", "server-open"), (),
)  # fmt: skip

FLAGS = {
    "syn": p.SYN, "syn-ack": p.SYN | p.ACK, "server-opening": p.SYN, "server-open": p.SYN | p.ACK, "opening": p.SYN | p.ACK,
    "greeting": p.SYN, "server-greeting": p.SYN | p.ACK, "ack": p.ACK, "server-ack": p.ACK, "full": p.ACK,
    "server-full": p.ACK, "fin": p.FIN | p.ACK, "server-fin": p.FIN | p.ACK, "rst": p.RST | p.ACK,
    "server-rst": p.RST | p.ACK, "bare-rst": p.RST, "server-bare-rst": p.RST,
}  # fmt: skip


@dataclass
class Sender:
    """One end: the number it began with, the next one, and the segments with payload that it sent."""

    isn: int
    next: int = 0
    sent: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.next = self.isn + 1


@dataclass
class Exchange:
    """A conversation in the making: (microseconds to wait, route, segment)."""

    choose: Choose
    ends: tuple[str, str]
    ports: tuple[int, int]
    senders: tuple[Sender, Sender]
    out: list[tuple[int, p.Route, bytes]] = field(default_factory=list)
    ipid: int = 0

    def emit(self, side: int, flags: int, seq: int, ack: int, length: int, *, window: int = 8192) -> None:
        """Add a segment; its payload tells the number of each byte, as a true sender's repeats do."""
        self.ipid += 1
        payload = bytes((seq + n) % 251 for n in range(length))
        ports = self.ports if side == 0 else self.ports[::-1]
        segment = p.tcp(*ports, seq, ack if flags & p.ACK else self.choose((0, 0, ack)), flags, payload, window)
        src, dst = self.ends if side == 0 else self.ends[::-1]
        route = p.Route(src, dst, vlans=(7,) if self.ends[0] == ENDS[2][0] else (), ttl=64 - side, ipid=self.ipid)
        self.out.append((self.choose(WAITS), route, segment))

    def send(self, side: int, flags: int, length: int = 0, *, seq: int | None = None, window: int = 8192) -> None:
        """Add a segment that acknowledges all that the other end has sent."""
        mine = self.senders[side]
        at = mine.next if seq is None else seq
        if length:
            mine.sent.append((at, length))
        self.emit(side, flags, at, self.senders[1 - side].next, length, window=window)


def step(talk: Exchange, action: str) -> None:
    """Let one thing happen."""
    choose = talk.choose
    side = 1 if action.startswith("server-") or action in ("syn-ack", "answer") else 0
    mine = talk.senders[side]
    name = action.removeprefix("server-")
    if action in ("syn", "syn-ack", "opening", "server-opening", "server-open") or name == "greeting":
        length = choose(LENGTHS) if name == "greeting" else 0
        talk.emit(side, FLAGS[action], mine.isn, talk.senders[1 - side].isn + 1, length)
        mine.next = max(mine.next, mine.isn + 1 + length)
    elif name in ("data", "answer"):
        talk.send(side, p.PSH | p.ACK, choose(LENGTHS[1:]))
        mine.next += mine.sent[-1][1]
    elif name == "lost":
        mine.next += choose(LENGTHS[1:])
    elif name == "fin":
        talk.send(side, FLAGS[action], choose((0, 0, 0, 5)))
        mine.next += 1
    elif name in ("again", "overlap") and mine.sent:
        seq, length = choose(mine.sent)
        if name == "overlap":
            seq, length = seq + choose((-2, -1, 0, 1, 3)), max(length + choose((-2, -1, 0, 1, 5)), 1)
            mine.next = max(mine.next, seq + length)
        talk.emit(side, p.PSH | p.ACK, seq, talk.senders[1 - side].next, length)
    elif name in ("alive", "bare-alive"):
        talk.emit(side, p.ACK, mine.next - 1, talk.senders[1 - side].next, int(name == "alive"))
    elif name == "odd":
        odd(talk, side)
    elif action in FLAGS:
        talk.send(side, FLAGS[action], window=0 if name == "full" else 8192)
    elif talk.out:
        once_more(talk, action)


def odd(talk: Exchange, side: int) -> None:
    """Send any flags with any numbers."""
    choose, mine, theirs = talk.choose, talk.senders[side], talk.senders[1 - side]
    flags = 0
    for bit in (p.FIN, p.SYN, p.RST, p.PSH, p.ACK, 32, 64, 128):
        flags |= bit * choose((0, 0, 1))
    seq = choose(
        (
            mine.next,
            mine.next,
            mine.isn,
            mine.isn + 1,
            mine.isn + 2,
            mine.next - 1,
            mine.next + 1,
            mine.next + 9,
            mine.next + FAR,
        )
    )
    ack = choose(
        (
            theirs.next,
            theirs.isn,
            theirs.isn + 1,
            theirs.isn + 2,
            theirs.next + 1,
            theirs.next + 9,
            theirs.next - 1,
            theirs.next + FAR,
        )
    )
    talk.emit(side, flags, seq, ack, choose((0, 0, *LENGTHS)), window=choose((0, 8192, 8192)))


def once_more(talk: Exchange, action: str) -> None:
    """Show something that was sent before: a copy, as it is or with other tags; all of it; its order changed; other numbers."""
    wait, route, segment = talk.out[-1]
    if action == "copy":
        talk.out.append((talk.choose((100, 1000, 1001)), route, segment))
    elif action == "tagged":
        other = p.Route(route.src, route.dst, vlans=talk.choose(TAGS), ttl=route.ttl - 1, ipid=route.ipid)
        talk.out.append((talk.choose((100, 1000, 1001)), other, segment))
    elif action == "swap" and len(talk.out) > 1:
        talk.out[-2:] = [(talk.out[-2][0], route, segment), (wait, *talk.out[-2][1:])]
    elif action == "replay" and len(talk.out) < 12:
        talk.out += [(talk.choose(WAITS), *rest) for _, *rest in talk.out]
    elif action == "anew":
        for sender, by in zip(
            talk.senders, (talk.choose((5_000_000, 7, 0)), talk.choose((9_000_000, 3, 0))), strict=True
        ):
            sender.isn = sender.next + by
            sender.__post_init__()
            sender.sent.clear()


def exchange(choose: Choose, *, number: int = 0) -> list[tuple[int, bytes]]:
    """Return one conversation as frames with the microseconds to wait before each; ``number`` tells its ports apart."""
    ends = choose(ENDS)
    ports = choose(((40000, 9100), (40000, 443), (80, 40000)))
    talk = Exchange(
        choose, ends, (ports[0] + number, ports[1]), (Sender(choose(INITIAL)), Sender(choose(INITIAL)))
    )  # fmt: skip
    actions = choose((TIDY + ENDINGS, TIDY + ENDINGS + CLOSED, TIDY + ENDINGS + CLOSED + WILD, WILD))
    for action in choose(BEGINNINGS):
        step(talk, action)
    for _ in range(choose(range(13))):
        step(talk, choose(actions))
    return [(wait, p.frame(route, p.ip(route, 6, segment))) for wait, route, segment in talk.out]


def timed(frames: list[tuple[int, bytes]]) -> Timed:
    """Return the frames with their times in ns."""
    t = 1_700_000_000_000_000
    out = []
    for wait, data in frames:
        t += wait
        out.append((t * 1000, data))
    return out
