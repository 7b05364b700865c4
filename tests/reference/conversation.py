"""What one side of a conversation did, and the two sides together: the columns of the flow table, computed plainly.

Every byte of sequence space that was seen is remembered, so nothing here is an approximation.
Sources: RFC 9293; Zeek's conn.log (`conn_state`, `history`) and its endpoint states.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from tests.reference.packet import ACK, FIN, RST, SYN, Address, Packet

FIRST_BYTES = 128
ANSWER_WINDOW = 5 * 10**9
FAR = 1 << 20
"""First payload so far from a SYN does not belong to it."""


def ahead(a: int, b: int) -> int:
    """Return how far sequence number ``a`` is beyond ``b``, modulo 2**32."""
    return (a - b + 2**31) % 2**32 - 2**31


@dataclass
class Side:
    """The packets of one side that are no copies, in the order of time, how many copies there were, and the first that is no RST.

    ``heard``: how many there were when the other side first acknowledged something, in a packet that is no SYN.
    """

    packets: list[Packet] = field(default_factory=list)
    dups: int = 0
    copy: Packet | None = None
    heard: int | None = None

    def having(self, flags: int, without: int = 0) -> list[Packet]:
        """Return the TCP packets that have all of ``flags`` and none of ``without``."""
        return [p for p in self.packets if p.kind == "tcp" and p.flags & flags == flags and not p.flags & without]

    @property
    def syns(self) -> list[Packet]:
        """SYN and SYN-ACK packets."""
        return self.having(SYN, without=RST)

    @property
    def fins(self) -> list[Packet]:
        """FIN packets."""
        return self.having(FIN, without=RST)

    @property
    def asks(self) -> list[Packet]:
        """SYN packets."""
        return self.having(SYN, without=ACK | RST)

    @property
    def agreements(self) -> list[Packet]:
        """SYN-ACK packets."""
        return self.having(SYN | ACK, without=RST)

    @property
    def resets(self) -> list[Packet]:
        """RST packets."""
        return self.having(RST)

    @property
    def calm(self) -> list[Packet]:
        """All packets that are no RST: those that tell a side's path."""
        return [p for p in self.packets if not (p.kind == "tcp" and p.flags & RST)]

    @property
    def data(self) -> list[Packet]:
        """Packets that carry payload; a datagram counts even if it is empty."""
        return [
            p for p in self.packets
            if (p.kind == "tcp" and p.length > 0 and not p.flags & RST) or p.kind == "datagram"
        ]  # fmt: skip

    @property
    def isn(self) -> int | None:
        """The number of the SYN or SYN-ACK that the stream follows.

        A SYN-ACK may come again with another number, as long as nobody has taken up the one before: the other side has
        acknowledged nothing, and this one has sent nothing.
        """
        if self.asks or not self.syns:
            return self.syns[0].seq if self.syns else None
        until = len(self.packets) if self.heard is None else self.heard
        if self.data:
            until = min(until, self.packets.index(self.data[0]) + 1)
        free = [p.seq for p in self.packets[:until] if p.opens]
        return free[-1] if free else self.syns[0].seq

    @property
    def highest_ack(self) -> int | None:
        """The furthest acknowledgement; those in resets do not count."""
        acks = [p.ack for p in self.having(ACK, without=RST)]
        if not acks:
            return None
        return max(acks, key=lambda ack: ahead(ack, acks[0]))


class Ranges:
    """Which numbers were seen, as disjoint ranges in order."""

    def __init__(self) -> None:
        self.ranges: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return sum(end - start for start, end in self.ranges)

    def add(self, start: int, end: int) -> int:
        """Add the numbers from ``start`` up to ``end``; return how many of them are new."""
        before = len(self)
        if end > start:
            apart = [r for r in self.ranges if r[1] < start or r[0] > end]
            touching = [*(r for r in self.ranges if r not in apart), (start, end)]
            self.ranges = sorted([*apart, (min(r[0] for r in touching), max(r[1] for r in touching))])
        return len(self) - before

    def holes(self) -> int:
        """Return how many gaps lie between 0 and the last number."""
        return len(self.ranges) - (1 if self.ranges and self.ranges[0][0] == 0 else 0)


@dataclass
class Stream:
    """The payload of one TCP side: what was seen of it from its beginning, and what was sent again.

    ``holes_at_once``: the most gaps that were open at one time. ``partly_old``: a segment held old and new bytes.
    """

    base: int
    seen: Ranges = field(default_factory=Ranges)
    first: dict[int, int] = field(default_factory=dict)
    again: list[Packet] = field(default_factory=list)
    holes_at_once: int = 0
    partly_old: bool = False


def stream_of(side: Side) -> Stream | None:
    """Follow the payload of a TCP side."""
    data = [p for p in side.data if p.kind == "tcp"]
    if not data:
        return None
    before = side.packets[: side.packets.index(data[0]) + 1]
    start = (side.isn or 0) + 1
    begun = any(p.opens for p in before) and -1 <= ahead(data[0].seq, start) < FAR
    stream = Stream(start if begun else data[0].seq)
    for p in data:
        at = ahead(p.start, stream.base)
        # What lies before the first byte seen was sent before the capture began: it is old.
        fresh = stream.seen.add(max(at, 0), at + p.length)
        if not fresh and p is not data[0]:  # a first payload repeats nothing (a keep-alive lies before the beginning)
            stream.again.append(p)
        elif fresh < p.length:
            stream.partly_old = True
        for n in range(max(at, 0), min(at + len(p.payload), FIRST_BYTES)):
            stream.first.setdefault(n, p.payload[n - at])
        stream.holes_at_once = max(stream.holes_at_once, stream.seen.holes())
    return stream


def first_bytes(side: Side) -> bytes:
    """Return the unbroken beginning of the stream, or of the first datagram."""
    if any(p.kind == "datagram" for p in side.data):
        return side.data[0].payload[:FIRST_BYTES]
    stream = stream_of(side)
    out = bytearray()
    while stream and len(out) in stream.first:
        out.append(stream.first[len(out)])
    return bytes(out)


def missed(side: Side, other: Side) -> int:
    """Return how many payload bytes of ``side`` the other side acknowledged although the capture lacks them.

    One number beyond the last byte seen is taken for a FIN. Without a beginning nothing can be said.
    """
    stream, reached = stream_of(side), other.highest_ack
    if reached is None or (stream is None and side.isn is None):
        return 0
    base = stream.base if stream else (side.isn or 0) + 1
    seen = stream.seen.ranges if stream else []
    last = max((stop for _, stop in seen), default=0)
    end = ahead(reached, base)
    held = sum(max(min(stop, end) - start, 0) for start, stop in seen)
    return min(end, last) - held + max(end - last - 1, 0) if end > 0 else 0


def stuck(side: Side, other: Side) -> int:
    """Return how often the oldest payload was sent again that the other side never acknowledged."""
    stream, reached = stream_of(side), other.highest_ack
    if stream is None:
        return 0
    # Where the first byte of a segment was acknowledged, it arrived.
    waiting = [p for p in stream.again if reached is None or ahead(p.start, reached) >= 0]
    if not waiting:
        return 0
    oldest = min((p.start for p in waiting), key=lambda start: ahead(start, stream.base))
    return sum(p.start == oldest for p in waiting)


def datagrams_again(side: Side, other: Side) -> tuple[list[Packet], int]:
    """Return the datagrams that repeat the one before them, and how many of those had been answered shortly before."""
    again, vain = [], 0
    data = [p for p in side.data if p.kind == "datagram"]
    for before, p in pairwise(data):
        if (before.length, before.payload[:FIRST_BYTES]) != (p.length, p.payload[:FIRST_BYTES]):
            continue
        again.append(p)
        answers = [a.frame.t for a in other.packets if before.frame.t <= a.frame.t <= p.frame.t]
        vain += bool(answers) and p.frame.t - max(answers) <= ANSWER_WINDOW
    return again, vain


def history(orig: Side, resp: Side, packets: list[tuple[str, Packet]], *, guessed: bool) -> str | None:
    """Return the history letters for packets in order of time; ``packets`` say "orig" or "resp"."""
    streams = [stream_of(side) for side in (orig, resp)]
    again = {id(p) for stream in streams if stream for p in stream.again}
    letters = []
    for whose, p in packets:
        shown = "d" if p.kind == "datagram" else _letters(p) if p.kind == "tcp" else ""
        shown += "t" if id(p) in again else ""
        letters += [letter.upper() if whose == "orig" else letter for letter in shown]
    word = ("^" if guessed else "") + "".join(dict.fromkeys(letters))
    return word or None


def _letters(p: Packet) -> str:
    pure = p.flags & ACK and not p.flags & (SYN | FIN | RST) and not p.length
    return "".join(
        letter
        for letter, shown in (
            ("h", p.opens and p.flags & ACK),
            ("s", p.opens and not p.flags & ACK),
            ("a", pure),
            ("d", p.length),
            ("f", p.ends),
            ("r", p.flags & RST),
            ("w", p.window == 0 and not p.flags & (SYN | RST)),
        )
        if shown
    )


class Endpoints:
    """Zeek's view of the two ends: inactive, syn-sent, syn-ack-sent, partial, established, closed, reset.

    But a RST that says SYN or FIN too is a RST here (RFC 9293, 3.10.7), where Zeek takes it for both.
    """

    def __init__(self) -> None:
        self.state = {"orig": "inactive", "resp": "inactive"}
        self.before = dict(self.state)
        self.answered = False

    def take(self, whose: str, p: Packet) -> None:
        """Let one packet change the state of its sender, and sometimes of the peer."""
        self.answered |= whose == "resp" and p.opens
        walk = {
            "inactive": self._wake,
            "syn-sent": self._end,
            "syn-ack-sent": self._end,
            "established": self._run,
            "partial": self._run,
            "closed": self._close,
        }.get(self.state[whose])
        if walk:
            walk(whose, "resp" if whose == "orig" else "orig", p)

    def _become(self, whose: str, new: str) -> None:
        self.before[whose], self.state[whose] = self.state[whose], new

    def _wake(self, whose: str, peer: str, p: Packet) -> None:
        if p.opens and whose == "orig":
            reversed_order = self.state[peer] == "established"  # the SYN-ACK was captured before its SYN
            asked = "established" if reversed_order else "syn-sent"
            self._become(whose, "syn-ack-sent" if p.flags & ACK else asked)
        elif p.opens:
            if self.state[peer] == "syn-sent":
                self._become(peer, "established")
            self._become(whose, "established")
        self._end(whose, peer, p)
        early_ack = whose == "resp" and not p.length and self.state["orig"] == "syn-sent"
        if self.state[whose] == "inactive" and not early_ack:
            # Zeek asks whether the peer is established still; one that said SYN-ACK and is gone by now was joined too.
            joined = p.flags & ACK and (self.state[peer] == "established" or (whose == "orig" and self.answered))
            self._become(whose, "established" if joined else "partial")

    def _end(self, whose: str, peer: str, p: Packet) -> None:
        if p.ends:
            self._become(whose, "closed")
            if (self.state[peer], self.before[peer]) == ("reset", "closed"):
                self._become(peer, "closed")  # FIN and RST of the peer, then our FIN: a normal end
        if p.flags & RST:
            self._become(whose, "reset")

    def _run(self, whose: str, peer: str, p: Packet) -> None:
        if p.opens and not p.flags & ACK and (self.state[whose], self.state[peer]) == ("partial", "inactive"):
            self._become(whose, "syn-sent")
        elif p.flags & ACK and whose == "orig" and self.state[whose] == "partial" and self.answered:
            self._become(whose, "established")  # what it sent before said no ACK: its receiver dropped that
        self._end(whose, peer, p)

    def _close(self, whose: str, peer: str, p: Packet) -> None:
        if p.flags & RST and self.state[peer] != "closed":
            self._become(whose, "reset")


def conn_state(packets: list[tuple[str, Packet]]) -> str:
    """Return Zeek's connection state of a TCP conversation."""
    ends = Endpoints()
    tcp = [(whose, p) for whose, p in packets if p.kind == "tcp"]
    for whose, p in tcp:
        ends.take(whose, p)
    return _word(ends.state["orig"], ends.state["resp"], nothing_said=not any(p.length for _, p in tcp))


def _word(orig: str, resp: str, *, nothing_said: bool) -> str:
    quiet = ("inactive", "partial")
    if resp == "reset":
        if orig in ("syn-sent", "syn-ack-sent") or (orig == "reset" and nothing_said):
            return "REJ"
        return "RSTRH" if orig in quiet else "RSTR"
    if orig == "reset":
        return "RSTOS0" if resp in quiet else "RSTO"
    if orig == "closed":
        return "SF" if resp == "closed" else "SH" if resp in quiet else "S2"
    if resp == "closed":
        return "SHR" if orig in quiet else "S3"
    if orig == "syn-sent" and resp == "inactive":
        return "S0"
    return "S1" if orig == resp == "established" else "OTH"


@dataclass
class Conversation:
    """One flow: its two ends, the packets of each in order of time, and the ICMP errors about it."""

    ends: tuple[tuple[Address, int], tuple[Address, int]]  # the sender of the first packet first
    proto: int
    kind: str
    vlan: int
    sides: tuple[Side, Side] = field(default_factory=lambda: (Side(), Side()))
    order: list[tuple[int, Packet]] = field(default_factory=list)
    errors: list[tuple[int, Packet]] = field(default_factory=list)
