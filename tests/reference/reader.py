"""Captures to flows as dictionaries with the columns of the flow table: slow, plain, and right on purpose.

Left out are names that only the kernel can give (``uid``, ``serial``, numbers of paths) and Community IDs.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.reference.container import FileReading, Frame, read_file
from tests.reference.conversation import (
    Conversation,
    Side,
    ahead,
    conn_state,
    datagrams_again,
    first_bytes,
    history,
    missed,
    stream_of,
    stuck,
)
from tests.reference.layers import Fragments, decode
from tests.reference.packet import ACK, RST, SYN, Address, NotDecoded, Packet

DUPLICATE_WINDOW = 10**6
Row = dict[str, Any]
NAMES = {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 58: "icmp6", 89: "ospf", 103: "pim", 112: "vrrp", 132: "sctp"}


@dataclass
class Reading:
    """What was read: one dictionary per flow, per asker and target, and per ICMP error, and what every file held."""

    flows: list[Row]
    neighbours: list[Row]
    icmp_errors: list[Row]
    files: list[FileReading]
    duplicates: int
    undecoded: Counter[str]
    decapsulated: int


def read(files: Sequence[bytes], ports: Mapping[str, frozenset[int]] | None = None) -> Reading:
    """Read captures, each given whole, as one timeline. ``ports`` as in the flows stage."""
    readings = [read_file(data, number) for number, data in enumerate(files)]
    tracker = Tracker()
    for frame in _timeline([reading.frames for reading in readings]):
        tracker.take(frame)
    shown = [Shown(flow, ports or {}) for flow in tracker.conversations]
    flows = [one.row() for one in shown]
    errors = sorted((error for one in shown for error in one.errors()), key=lambda row: (row["t"], row["frame"]))
    neighbours = tracker.neighbour_rows()
    return Reading(flows, neighbours, errors, readings, tracker.duplicates, tracker.undecoded, tracker.decapsulated)


def _timeline(files: Sequence[Sequence[Frame]]) -> list[Frame]:
    """Merge the files by time; each keeps its own order."""
    waiting = [(frames[0].t, n, 0) for n, frames in enumerate(files) if frames]
    heapq.heapify(waiting)
    out = []
    while waiting:
        _, n, at = heapq.heappop(waiting)
        out.append(files[n][at])
        if at + 1 < len(files[n]):
            heapq.heappush(waiting, (files[n][at + 1].t, n, at + 1))
    return out


class Tracker:
    """Gives every packet to its conversation."""

    def __init__(self) -> None:
        self.conversations: list[Conversation] = []
        self.duplicates = 0
        self.undecoded: Counter[str] = Counter()
        self.decapsulated = 0
        self._current: dict[Any, Conversation] = {}
        self._fragments: Fragments = {}
        self._seen: dict[Any, int] = {}
        self._neighbours: dict[tuple[Address, Address], list[Packet]] = {}

    def take(self, frame: Frame) -> None:
        """Account for one frame."""
        try:
            packet = decode(frame, self._fragments)
        except NotDecoded as reason:
            self.undecoded[str(reason)] += 1
            return
        self.decapsulated += bool(packet.tunnel)
        about = packet.quoted or packet
        copy = self._is_copy(packet, about)
        if packet.kind in ("ask", "reply"):
            if not copy:
                pair = (packet.src, packet.dst) if packet.kind == "ask" else (packet.dst, packet.src)
                self._neighbours.setdefault(pair, []).append(packet)
            return
        flow = self._conversation(about, opening=packet.quoted is None and not copy)
        side = self._side(flow, about)
        if copy:
            mine = flow.sides[side]
            mine.dups += packet.quoted is None
            if packet.quoted is None and mine.copy is None and not (packet.kind == "tcp" and packet.flags & RST):
                mine.copy = packet
        elif packet.quoted is not None:
            flow.errors.append((side, packet))
        else:
            flow.sides[side].packets.append(packet)
            other = flow.sides[1 - side]
            if packet.kind == "tcp" and packet.flags & (ACK | SYN | RST) == ACK and other.heard is None:
                other.heard = len(other.packets)
            flow.order.append((side, packet))

    def neighbour_rows(self) -> list[Row]:
        """Return one row per asker and target."""
        rows = []
        for (asker, target), packets in self._neighbours.items():
            asks = [p for p in packets if p.kind == "ask"]
            times = [p.frame.t for p in packets]
            rows.append(
                {
                    "asker": str(asker), "target": str(target), "requests": len(asks), "replies": len(packets) - len(asks),
                    "first_t": min(times), "last_t": max(times),
                    "frame": asks[0].frame.number if asks else 0, "file": asks[0].frame.file if asks else 0,
                }
            )  # fmt: skip
        return rows

    def _is_copy(self, packet: Packet, about: Packet) -> bool:
        p = about
        key = (
            packet.kind, p.kind, p.proto, p.src, p.dst, p.sport, p.dport, p.ipid, p.seq, p.ack, p.flags, p.window,
            p.checksum, p.length,
        )  # fmt: skip
        t = packet.frame.t
        if key in self._seen and abs(t - self._seen[key]) <= DUPLICATE_WINDOW:
            self.duplicates += 1
            return True
        self._seen[key] = t
        return False

    def _conversation(self, p: Packet, *, opening: bool) -> Conversation:
        kind = "exchange" if p.kind in ("request", "answer") else "typed" if p.proto in (1, 58) else ""
        one, other = (p.src, p.sport), (p.dst, p.dport)
        key = (p.proto, kind, frozenset([one, other]))
        flow = self._current.get(key)
        new_connection = (
            flow is not None
            and opening
            and p.kind == "tcp"
            and p.flags & (SYN | ACK | RST) == SYN
            and _starts_anew(p.seq, flow.sides[self._side(flow, p)], flow.sides[1 - self._side(flow, p)])
        )
        if flow is None or new_connection:
            flow = Conversation((one, other), p.proto, kind, p.outer_vlan)
            self._current[key] = flow
            self.conversations.append(flow)
        return flow

    @staticmethod
    def _side(flow: Conversation, p: Packet) -> int:
        return 0 if flow.ends[0] == (p.src, p.sport) and flow.ends[1] == (p.dst, p.dport) else 1


def _starts_anew(isn: int, mine: Side, other: Side) -> bool:
    """Say whether a SYN opens another connection than the one its ends had before."""
    if mine.packets:
        return not mine.asks or mine.isn != isn
    if not other.packets or other.asks:
        return False
    if not other.syns:
        return True
    acks = [p.ack for p in other.having(ACK, without=RST)]
    furthest = acks[0]
    for ack in acks:
        furthest = ack if ahead(ack, furthest) > 0 else furthest
    return (isn + 1) % 2**32 not in {acks[0], furthest}


class Shown:
    """A conversation told from its initiator to its responder."""

    def __init__(self, flow: Conversation, ports: Mapping[str, frozenset[int]]) -> None:
        self.flow = flow
        self.first_opened, self.by_syn, self.guessed = _orient(flow, ports)
        self.o = 0 if self.first_opened else 1
        self.orig, self.resp = flow.sides[self.o], flow.sides[1 - self.o]
        self.order = [("orig" if side == self.o else "resp", p) for side, p in flow.order]

    def row(self) -> Row:
        """Return the columns of the flow table."""
        flow = self.flow
        packets = [p for _, p in self.order]
        times = [p.frame.t for p in packets] or [flow.errors[0][1].frame.t]
        (orig_h, orig_p), (resp_h, resp_p) = flow.ends[self.o], flow.ends[1 - self.o]
        if flow.kind == "exchange":
            ask, answer = (8, 0) if flow.proto == 1 else (128, 129)
            orig_p, resp_p = ask if any(p.kind == "request" for p in self.orig.packets) else answer, 0
        elif flow.kind == "typed":
            orig_p, resp_p = orig_p >> 8, orig_p & 255
        row: Row = {
            "ts": min(times),
            "last_t": max(times) if packets else flow.errors[0][1].frame.t,
            "id.orig_h": str(orig_h), "id.orig_p": orig_p, "id.resp_h": str(resp_h), "id.resp_p": resp_p,
            "proto": NAMES.get(flow.proto, f"ip-{flow.proto}"),
            "duration": (max(times) - min(times)) / 1e9,
            "conn_state": self._state(),
            "history": history(self.orig, self.resp, self.order, guessed=self.guessed),
            "missed_bytes": missed(self.orig, self.resp) + missed(self.resp, self.orig),
            "rtt": self._rtt(),
            "by_syn": self.by_syn, "guessed": self.guessed, "vlan": flow.vlan,
            "loopback": any(p.loopback for p in packets),
            "icmp_errors": len(flow.errors),
            "tunnel_parents": _tunnels(self.orig) or _tunnels(self.resp),
        }  # fmt: skip
        row |= {f"icmp_{name}": value for name, value in self._first_error().items()}
        for name, mine, other in (("orig", self.orig, self.resp), ("resp", self.resp, self.orig)):
            row |= {f"{name}_{key}": value for key, value in _side_columns(mine, other, flow.proto).items()}
        streams = [stream_of(side) for side in (self.orig, self.resp)] if flow.proto == 6 else []
        row["holes_at_once"] = max((s.holes_at_once for s in streams if s), default=0)
        row["partly_old"] = any(s.partly_old for s in streams if s)
        syn = [p.opens for p in packets]
        row["late_syn"] = any(syn) and not all(syn[: max(n for n, s in enumerate(syn) if s)])
        one_answer = not self.resp.asks and self.resp.having(ACK, without=RST)[:1] == self.resp.agreements
        row["unsure_answer"] = len(self.orig.syns) > 1 or not one_answer
        row["repeats_mixed"] = any(len({p.start for p in s.again}) > 1 for s in streams if s)
        return row

    def errors(self) -> list[Row]:
        """Return the ICMP errors about this flow."""
        return [
            {
                "t": p.frame.t, "file": p.frame.file, "frame": p.frame.number, "sender": str(p.src), "version": p.version,
                "type": p.icmp_type, "code": p.icmp_code, "about_orig": side == self.o,
            }
            for side, p in self.flow.errors
        ]  # fmt: skip

    def _first_error(self) -> Row:
        names = ("type", "code", "sender", "t", "frame", "file", "about_orig")
        errors = self.errors()
        if not errors:
            return {name: 0 if name in ("t", "frame", "file") else None for name in names}
        return {name: errors[0][name] for name in names}

    def _state(self) -> str:
        if self.flow.proto == 6:
            return conn_state(self.order)
        if self.flow.proto == 17 and self.order:
            return "SF" if self.orig.packets and self.resp.packets else "S0" if self.orig.packets else "SHR"
        return "OTH"

    def _rtt(self) -> float | None:
        """Return the seconds from the last SYN before it to the first SYN-ACK that acknowledges it (RFC 9293, 3.10.7.3)."""
        isn = self.orig.asks[0].seq if self.orig.asks else 0
        sent = max((ahead(p.start + p.length, isn) for p in self.orig.asks + self.orig.data), default=0)
        answer = next((p for p in self.resp.agreements if 1 <= ahead(p.ack, isn) <= max(sent, 1)), None)
        before = [p for p in self.orig.asks if answer and p.frame.t <= answer.frame.t]
        return (answer.frame.t - before[-1].frame.t) / 1e9 if answer and before else None


def _orient(flow: Conversation, ports: Mapping[str, frozenset[int]]) -> tuple[bool, bool, bool]:
    """Return whether the first packet's sender opened the flow, whether a SYN proves it, and whether it is a guess."""
    asked = [side for side, p in flow.order if p.kind == "request" or (p.opens and not p.flags & ACK)]
    answered = [side for side, p in flow.order if p.kind == "answer" or p.opens]
    proved = flow.proto == 6 and bool(asked or answered)
    if asked:
        return asked[0] == 0, proved, False
    if answered:
        return answered[0] == 1, proved, False
    known = ports.get({6: "tcp", 17: "udp"}.get(flow.proto, ""), frozenset())
    first, second = (port in known for _, port in flow.ends)
    by_first = not (first and not second)
    return by_first, False, flow.proto == 6 or not by_first


def _side_columns(side: Side, other: Side, proto: int) -> Row:
    packets, data, resets, calm = side.packets, side.data, side.resets, side.calm
    stream = stream_of(side) if proto == 6 else None
    again, vain = (stream.again if stream else [], 0) if proto == 6 else datagrams_again(side, other)
    row: Row = {
        "pkts": len(packets), "bytes": sum(p.length for p in packets),
        "ip_bytes": sum(p.ip_bytes for p in packets), "dups": side.dups,
        "first_t": min((p.frame.t for p in packets), default=0),
        "nsyn": len(side.asks), "nsynack": len(side.agreements),
        "nfin": len(side.fins), "nrst": len(resets), "isn": side.isn or 0,
        "rst_ttl": resets[0].ttl if resets else 0, "rst_ipid": resets[0].ipid if resets else 0,
        "rst_win": resets[0].window if resets else 0,
        "after_rst": sum(p.frame.t >= resets[0].frame.t for p in _behind(resets[0], packets) if p in data) if resets else 0,
        "rtx": len(again), "repeat_after_answer": vain, "stuck": stuck(side, other) if proto == 6 else 0,
        "acks": bool(side.having(ACK, without=SYN | RST)), "ack_span": _ack_span(side),
        "acks_payload": _acks_payload(side, other),
        "zero_window": sum(p.window == 0 for p in packets if p.kind == "tcp" and not p.flags & (SYN | RST)),
        "ttl_min": min((p.ttl for p in calm), default=0), "ttl_max": max((p.ttl for p in calm), default=0),
        "ipid_last": calm[-1].ipid if calm else 0,
        "path": _place(calm[:1]), "copy_path": _place([side.copy] if side.copy else []),
        "copy_ttl": side.copy.ttl if side.copy else 0, "rst_path": _place(resets[:1]), "payload": first_bytes(side),
    }  # fmt: skip
    latest = sorted(packets, key=lambda p: p.frame.t)  # equal times stay in order
    for name, ones in (("last", latest), ("data_last", data), ("syn_last", side.syns), ("rtx_last", again)):
        row |= _mark(name, ones[-1:])
    for name, ones in (("syn", side.syns), ("fin", side.fins), ("rst", resets), ("data", data)):
        row |= _mark(name, ones[:1])
    return row


def _behind(one: Packet, packets: list[Packet]) -> list[Packet]:
    """Return the packets captured later than one of them."""
    return packets[packets.index(one) + 1 :]


def _mark(name: str, packets: list[Packet]) -> Row:
    frame = packets[0].frame if packets else None
    return {
        f"{name}_t": frame.t if frame else 0, f"{name}_frame": frame.number if frame else 0,
        f"{name}_file": frame.file if frame else 0,
    }  # fmt: skip


def _place(packets: list[Packet]) -> tuple[int, int, int] | None:
    return (packets[0].place.vlan, packets[0].place.src_mac, packets[0].place.dst_mac) if packets else None


def _tunnels(side: Side) -> str | None:
    """Return the tunnels around the packet that gives a side its path, outermost first."""
    return ", ".join(map(str, side.calm[0].tunnel)) or None if side.calm else None


def _ack_span(side: Side) -> int:
    acks = [p.ack for p in side.having(ACK, without=RST)]
    return max((ahead(ack, acks[0]) for ack in acks), default=0)


def _acks_payload(side: Side, other: Side) -> bool:
    """Say whether this side acknowledged payload; a SYN and a FIN take one number each and are none."""
    if not side.having(ACK, without=SYN | RST) or side.highest_ack is None:
        return False
    if other.isn is None:  # the other side's beginning was not seen; one number may be its FIN
        return _ack_span(side) > 1
    numbers = ahead(side.highest_ack, other.isn) - 1
    ends = [ahead(p.start + p.length, other.isn) for p in other.fins]
    if ends and 0 < ends[0] <= numbers:  # what two FINs say differently, the first has said
        numbers -= 1
    return numbers > 0
