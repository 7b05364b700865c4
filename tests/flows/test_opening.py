"""What opens tunnels and rare link types is code of its own, loaded once a packet needs it: nothing may tell when that was."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from analyser.capture.headers import read_header
from analyser.flows import decoder
from analyser.flows.feed import Feed
from analyser.flows.layout import F_DROPPED_BETWEEN, F_FRAME, F_TIMED, PACKET, S_SEED
from analyser.flows.memory import Limits, Memory
from analyser.flows.reader import read_flows
from analyser.machine import cache
from analyser.machine.native import kernel
from analyser.model.capture import CaptureHeader
from tests.flows_properties import packets as p
from tests.flows_properties.compare import MemorySource
from tests.flows_properties.traffic import pcapng
from tests.fuzz.seeds import captures

ROUTE = p.Route("192.0.2.1", "192.0.2.9")
SYN = p.ip(ROUTE, 6, p.tcp(4000, 443, 1, 0, p.SYN, b""))
PLAIN = p.frame(ROUTE, SYN)
TUNNEL = p.frame(ROUTE, p.ip(ROUTE, 47, b"\x00\x00\x08\x00" + SYN))
FIELDS = [name for name in PACKET.names or () if name not in ("sender0", "sender1", "type", "code", "version")]
"""What is set in every record; the others only where an ICMP error is."""


def outcome(data: bytes, opener: int, batch: int) -> list[Any]:
    """Return all that decoding a capture gives: batches of packets, counts, paths and tunnels."""
    memory = Memory(Limits(batch=batch, block=4096), {})
    memory.st[S_SEED] = 1
    feed = Feed(MemorySource(data), 0, 0, memory)
    feed._opener = opener
    told: list[Any] = []
    while feed.refill():
        told.append([feed.packets[name][: feed.count].tolist() for name in FIELDS])
        feed.cursor = feed.count
    counts = [memory.st, memory.eth_counts, memory.ip_counts, memory.link_counts, feed._state]
    rows = [memory.known_paths(), memory.known_tunnels()]
    return [told, [count.tolist() for count in counts], [row.tolist() for row in rows], feed.facts()]


@pytest.mark.parametrize("batch", [3, 64])
def test_it_does_not_matter_when_the_opener_comes(batch: int) -> None:
    """Batches, counts and tables are the same whether code for tunnels was there from the beginning or came in the middle."""
    opener = kernel("opened").address
    read = [data for data in captures() if isinstance(read_header(data), CaptureHeader)]
    assert len(read) > 100
    for data in read:
        assert outcome(data, 0, batch) == outcome(data, opener, batch)


def test_a_packet_that_is_read_twice_counts_once() -> None:
    """The packet at which reading stops for the opener has its number, its time and what was dropped before it only once."""
    data = pcapng([(n * 1000, frame) for n, frame in enumerate([PLAIN, TUNNEL, PLAIN], 1_700_000_000_000)], 1)
    start = data.rindex(TUNNEL) - 28  # its block gets the option "dropped between": 7 packets
    size = struct.unpack_from("<I", data, start + 4)[0]
    block = data[start : start + size]
    options = struct.pack("<HHQ", 4, 8, 7) + bytes(4)
    longer = struct.pack("<I", size + len(options))
    data = data[:start] + block[:4] + longer + block[8:-4] + options + longer + data[start + size :]
    memory = Memory(Limits(), {})
    feed = Feed(MemorySource(data), 0, 0, memory)
    assert feed.refill()
    assert feed.count == 3
    assert feed.packets["frame"][:3].tolist() == [1, 2, 3]
    assert feed._state[[F_FRAME, F_TIMED, F_DROPPED_BETWEEN]].tolist() == [3, 3, 7]
    assert np.count_nonzero(memory.known_paths()["tunnel"]) == 1


def asked_for(frames: list[bytes], warm: bool) -> tuple[list[str], list[str]]:
    """Return which kernel functions decoding asked for, and what the user was told."""
    asked: list[str] = []
    told: list[str] = []

    def asking(name: str) -> Callable[..., Any]:
        asked.append(name)
        return kernel(name)

    data = pcapng([(n * 1000, frame) for n, frame in enumerate(frames, 1_700_000_000_000)], 1)
    with patch.object(decoder, "kernel", asking), patch.object(cache, "is_warm", lambda *_names: warm):
        read_flows([MemorySource(data)], notice=told.append, workers=1)
    return asked, told


def test_an_ordinary_capture_does_not_wait_for_it() -> None:
    """Without tunnels nobody asks for what opens them, whatever is not understood otherwise."""
    unknown = PLAIN[:12] + b"\x88\xcc" + PLAIN[14:]
    asked, told = asked_for([PLAIN, unknown, PLAIN], warm=False)
    assert "opened" not in asked
    assert not [line for line in told if "tunnels" in line]


def test_the_user_is_told_what_is_waited_for() -> None:
    """Where it has to be compiled first, a line says so, once."""
    asked, told = asked_for([PLAIN, TUNNEL, PLAIN, TUNNEL], warm=False)
    assert asked.count("opened") == 1
    assert len([line for line in told if "opens tunnels" in line]) == 1
    _, told = asked_for([PLAIN, TUNNEL], warm=True)
    assert told == []
