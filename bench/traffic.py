"""Made traffic: conversations that follow scripts, laid on one timeline and written as a pcap file.

Everything is arrays: a step of a script is a row of a table, a packet is a pointer into it. That makes millions of packets in
seconds. Ethernet, IPv4, TCP and UDP; lengths and IP checksums are right, TCP and UDP checksums are zero, as a sender's
capture shows them when the network card fills them in. Knows neither hosts nor what applications say.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
TCP, UDP = 6, 17
START: Final = 1_772_438_400
VARIANTS: Final = 16
"""How many wordings of one message there are."""

MSS: Final = 1460
NOISE: Final = 1 << 20
SYN_OPTIONS: Final = bytes.fromhex("020405b4 0402 080a 0012d687 00000000 01 030307")
AT_ONCE: Final = 50_000
"""Packets in memory as bytes at a time."""

PCAP_HEADER: Final = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
RECORD: Final = np.dtype(
    [
        ("seconds", "<u4"), ("micros", "<u4"), ("captured", "<u4"), ("length", "<u4"),
        ("target_mac", "u1", 6), ("source_mac", "u1", 6), ("ethertype", ">u2"),
        ("version", "u1"), ("tos", "u1"), ("total", ">u2"), ("ipid", ">u2"), ("fragment", ">u2"),
        ("ttl", "u1"), ("protocol", "u1"), ("checksum", ">u2"), ("source", ">u4"), ("target", ">u4"),
        ("sport", ">u2"), ("dport", ">u2"), ("seq", ">u4"), ("ack", ">u4"),
        ("offset", "u1"), ("flags", "u1"), ("window", ">u2"), ("tcpsum", ">u2"), ("urgent", ">u2"),
    ]
)  # fmt: skip
_PCAP_RECORD, _LINK, _IP = 16, 14, 20
_TRANSPORT: Final = {TCP: 20, UDP: 8}

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One packet of a script. ``side`` 0 is the initiator; ``gap`` seconds pass before it, give or take half.

    ``advance``: what it takes of the sender's sequence numbers besides its data; ``answers``: what its acknowledgement
    adds to that of a sender whose SYN did not count yet (a refused one); ``fresh``: its sequence number is zero.
    """

    side: int
    flags: int = PSH | ACK
    says: Sequence[bytes] = (b"",)
    options: bytes = b""
    gap: float = 0.002
    advance: int = 0
    answers: int = 0
    fresh: bool = False


OPENING: Final = (
    Step(side=0, flags=SYN, options=SYN_OPTIONS, advance=1),
    Step(side=1, flags=SYN | ACK, options=SYN_OPTIONS, advance=1, gap=0.001),
    Step(side=0, flags=ACK, gap=0.0005),
)
CLOSING: Final = (
    Step(side=0, flags=FIN | ACK, advance=1),
    Step(side=1, flags=FIN | ACK, advance=1, gap=0.001),
    Step(side=0, flags=ACK, gap=0.0005),
)


@dataclass(slots=True)
class Book:
    """The table of steps: per wording of a step one row, and the bytes that follow the headers in one pool.

    ``shortest`` is the least number of octets of a frame; shorter ones are padded with zeros.
    """

    seed: int
    shortest: int
    pool: bytearray = field(default_factory=bytearray)
    rows: list[tuple[Any, ...]] = field(default_factory=list)

    FIELDS = np.dtype(
        [
            ("at", "i4"), ("tail", "i4"), ("data", "i4"), ("options", "u1"), ("protocol", "u1"), ("side", "u1"),
            ("flags", "u1"), ("gap", "f4"), ("advance", "u1"), ("answers", "u1"), ("fresh", "?"),
        ]
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Begin the pool with what bulk data is cut from."""
        self.pool += np.random.default_rng(self.seed).bytes(NOISE)

    def write(self, steps: Sequence[Step], protocol: int = TCP) -> int:
        """Add a script and return the number of its first row; each step has VARIANTS rows."""
        first = len(self.rows)
        headers = _LINK + _IP + _TRANSPORT[protocol]
        for step in steps:
            for variant in range(VARIANTS):
                says = step.says[variant % len(step.says)]
                tail = step.options + says
                tail += bytes(max(0, self.shortest - headers - len(tail)))
                self.rows.append(
                    (
                        len(self.pool), len(tail), len(says), len(step.options), protocol, step.side, step.flags,
                        step.gap, step.advance, step.answers, step.fresh,
                    )
                )  # fmt: skip
                self.pool += tail
        return first

    def write_bulk(self) -> int:
        """Add, per sender, a full segment of noise and the answer's bare acknowledgement; return the first row."""
        first = len(self.rows)
        for side in (0, 1):
            padding = max(0, self.shortest - _LINK - _IP - 20)
            self.rows.append((0, MSS, MSS, 0, TCP, side, ACK, 1.0, 0, 0, False))
            self.rows.append((len(self.pool), padding, 0, 0, TCP, 1 - side, ACK, 0.2, 0, 0, False))
            self.pool += bytes(padding)
        return first

    def table(self) -> Array:
        """Return the rows."""
        return np.array(self.rows, dtype=self.FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """One element per conversation in each array. ``ends``: addresses and ports, initiator's first, shape (n, 2)."""

    addresses: Array
    ports: Array
    ttl: Array
    first_row: Array
    opening: Array
    closing: Array
    """First row and number of steps of the script, and how many of its last steps come after the bulk."""
    bulk: Array
    bulk_side: Array
    period: Array
    """Packets of bulk data, who sends them, and after how many of them (itself counted) comes an acknowledgement."""
    pace: Array
    """Mean seconds between packets of bulk."""


def lay_out(flows: Flows, book: Book, bulk_row: int, *, seconds: float, seed: int) -> tuple[Array, Array, Array]:
    """Return conversation, row and time (µs since the start) of every packet, in conversations' order."""
    rng = np.random.default_rng(seed)
    table = book.table()
    count = flows.opening + flows.closing + flows.bulk
    begin = np.cumsum(count) - count
    flow = np.repeat(np.arange(len(count), dtype=np.int32), count)
    step = np.arange(len(flow), dtype=np.int32) - begin.astype(np.int32)[flow]
    into = step - flows.opening.astype(np.int32)[flow]
    bulk = flows.bulk.astype(np.int32)[flow]
    in_bulk = (into >= 0) & (into < bulk)
    scripted = np.where(into < 0, step, step - bulk)
    variant = rng.integers(0, VARIANTS, len(count), dtype=np.int32)
    period = flows.period.astype(np.int32)[flow]
    acknowledges = (into % period) == period - 1
    row = np.where(
        in_bulk,
        bulk_row + 2 * flows.bulk_side.astype(np.int32)[flow] + acknowledges,
        flows.first_row.astype(np.int32)[flow] + scripted * VARIANTS + variant[flow],
    ).astype(np.int32)
    gap = table["gap"][row] * rng.uniform(0.5, 1.5, len(row)).astype(np.float32)
    gap[in_bulk] *= flows.pace.astype(np.float32)[flow[in_bulk]]
    gap[begin] = 0
    passed = np.cumsum(np.maximum(gap * 1e6, 20), dtype=np.int64)
    passed -= passed[begin][flow]
    lasts = passed[begin + count - 1]
    starts = (rng.uniform(0, 1, len(count)) * np.maximum(seconds * 1e6 - lasts, 0)).astype(np.int64)
    return flow, row, passed + starts[flow]


def write_pcap(path: Path, flows: Flows, book: Book, packets: tuple[Array, Array, Array], *, seed: int) -> None:
    """Write packets in order of time."""
    rng = np.random.default_rng(seed)
    table = book.table()
    flow, row, moment = packets
    seq, ack = _numbers(flow, row, table, rng)
    ipid = (rng.integers(0, 65536, (len(flows.opening), 2))[flow, table["side"][row]] + np.arange(len(row))).astype(
        "u2"
    )
    shift = np.where(table["tail"][row] == MSS, rng.integers(0, NOISE - MSS, len(row)), 0).astype(np.int32)
    shift[table["at"][row] != 0] = 0
    order = np.argsort(moment, kind="stable")
    pool = bytes(book.pool)
    with path.open("wb") as file:
        file.write(PCAP_HEADER)
        for begin in range(0, len(order), AT_ONCE):
            picked = order[begin : begin + AT_ONCE]
            facts = table[row[picked]]
            heads = _heads(flows, flow[picked], facts, moment[picked])
            is_tcp = facts["protocol"] == TCP
            heads["ipid"] = ipid[picked]
            heads["seq"] = np.where(is_tcp, seq[picked], (facts["data"] + 8) << 16)
            heads["ack"] = ack[picked]
            heads["checksum"] = _checksum(heads)
            file.write(_joined(heads, facts, facts["at"] + shift[picked], pool))


def _numbers(flow: Array, row: Array, table: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return sequence and acknowledgement numbers of every packet, in conversations' order."""
    side = table["side"][row]
    takes = (table["data"] + table["advance"])[row].astype(np.int64)
    first = np.flatnonzero(np.diff(flow, prepend=-1))
    initial = rng.integers(0, 1 << 32, (len(first), 2))
    sent = []
    for who in (0, 1):
        before = np.cumsum(np.where(side == who, takes, 0))
        before -= np.where(side == who, takes, 0)
        sent.append(before - before[first][flow] + initial[flow, who])
    seq = np.where(side == 0, sent[0], sent[1])
    ack = np.where(side == 0, sent[1], sent[0]) + table["answers"][row]
    seq[table["fresh"][row]] = 0
    ack[(table["flags"][row] & ACK) == 0] = 0
    return (seq & 0xFFFFFFFF).astype("u4"), (ack & 0xFFFFFFFF).astype("u4")


def _heads(flows: Flows, flow: Array, facts: Array, moment: Array) -> Array:
    """Return the records' headers without sequence numbers and checksums."""
    heads = np.zeros(len(flow), dtype=RECORD)
    sender = facts["side"].astype(np.intp)
    transport = np.where(facts["protocol"] == TCP, 20, 8)
    heads["seconds"], heads["micros"] = START + moment // 1_000_000, moment % 1_000_000
    heads["captured"] = heads["length"] = _LINK + _IP + transport + facts["tail"]
    heads["source_mac"][:, 0] = heads["target_mac"][:, 0] = 2
    heads["source_mac"][:, 5], heads["target_mac"][:, 5] = 1 + sender, 2 - sender
    heads["ethertype"], heads["version"], heads["fragment"] = 0x0800, 0x45, 0x4000
    heads["total"] = _IP + transport + facts["options"] + facts["data"]
    heads["ttl"], heads["protocol"] = flows.ttl[flow, sender], facts["protocol"]
    heads["source"], heads["target"] = flows.addresses[flow, sender], flows.addresses[flow, 1 - sender]
    heads["sport"], heads["dport"] = flows.ports[flow, sender], flows.ports[flow, 1 - sender]
    heads["offset"], heads["flags"], heads["window"] = (20 + facts["options"]) // 4 << 4, facts["flags"], 8192
    return heads


def _checksum(heads: Array) -> Array:
    """Return the IP header checksums (RFC 791), where the field is still zero."""
    octets = heads.view(np.uint8).reshape(len(heads), RECORD.itemsize)
    words = np.ascontiguousarray(octets[:, _PCAP_RECORD + _LINK : _PCAP_RECORD + _LINK + _IP]).view(">u2")
    total = words.sum(axis=1, dtype=np.uint32)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    checksum: Array = 0xFFFF - total
    return checksum


def _joined(heads: Array, facts: Array, at: Array, pool: bytes) -> bytes:
    """Return whole records: each header and, behind it, its piece of the pool."""
    head_bytes = heads.tobytes()
    size = RECORD.itemsize
    ends = (np.arange(len(heads)) * size + np.where(facts["protocol"] == TCP, size, size - 12)).tolist()
    froms = at.tolist()
    tos = (at + facts["tail"]).tolist()
    begins = range(0, len(head_bytes), size)
    parts = [
        part
        for begin, end, first, last in zip(begins, ends, froms, tos, strict=True)
        for part in (head_bytes[begin:end], pool[first:last])
    ]
    return b"".join(parts)
