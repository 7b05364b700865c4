"""Captures in memory for tests: scapy packets to bytes, bytes to a source."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl
from scapy.packet import Packet, Raw

from analyser.flows.memory import Limits
from analyser.flows.reader import read_flows
from analyser.model.capture import CaptureHeader, ReadingFacts
from analyser.tables import FlowTables

START = 1_700_000_000_000_000_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000

Timed = tuple[float, "Packet | bytes"]
"""Seconds after the start, and a packet."""


class Bytes:
    """A pcap or pcapng in memory, given in pieces of ``piece`` bytes."""

    def __init__(
        self, content: bytes, header: CaptureHeader, first_t: int | None, *, piece: int = 1 << 30, path: str = "made"
    ) -> None:
        self.path = path
        self.header = header
        self.first_t = first_t
        self.live = False
        self._content = content
        self._piece = piece
        self._at = 0

    def readinto(self, view: memoryview) -> int:
        """Give the next piece."""
        part = self._content[self._at : self._at + min(self._piece, len(view))]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        """Nothing to close."""


def pcap(
    packets: Sequence[Timed],
    *,
    link: int = 1,
    snaplen: int = 262144,
    piece: int = 1 << 30,
    path: str = "made",
    cut: int = 0,
) -> Bytes:
    """Make a little-endian nanosecond pcap; ``cut`` bytes are missing at its end."""
    content = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, snaplen, link)
    for after, packet in packets:
        data = bytes(packet)
        t = START + round(after * SECOND)
        content += struct.pack("<IIII", t // SECOND, t % SECOND, min(len(data), snaplen), len(data)) + data[:snaplen]
    header = CaptureHeader(format="pcap", swapped=False, nanoseconds=True, link_type=link, snaplen=snaplen, length=24)
    first = START + round(packets[0][0] * SECOND) if packets else None
    return Bytes(content[: len(content) - cut], header, first, piece=piece, path=path)


def read(
    *sources: Bytes,
    ports: Mapping[str, frozenset[int]] | None = None,
    watch: Mapping[tuple[str, int], str] | None = None,
    **limits: int,
) -> tuple[FlowTables, ReadingFacts]:
    """Read made captures."""
    return read_flows(sources, ports=ports, watch=watch, limits=Limits(**limits))


def only_flow(packets: Sequence[Timed], **options: Any) -> dict[str, Any]:
    """Read one capture that holds one flow, and return its row."""
    tables, _ = read(
        pcap(packets, **{key: options.pop(key) for key in ("link", "snaplen") if key in options}), **options
    )
    assert tables.flows.height == 1, tables.flows
    return tables.flows.row(0, named=True)


def payload(data: bytes) -> Packet:
    """Wrap bytes for a packet."""
    return Raw(data)


def column(tables: FlowTables, name: str) -> list[Any]:
    """Return a column of the flow table."""
    values: list[Any] = tables.flows[name].to_list()
    return values


def ends(flows: pl.DataFrame) -> Iterable[tuple[str, int, str, int]]:
    """Return the ends of all flows."""
    return flows.select("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p").iter_rows()
