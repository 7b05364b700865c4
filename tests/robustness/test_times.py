"""Clocks of every resolution and offset: what puts captures in order and what counts packets read the same time."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from analyser.capture import open_captures
from analyser.flows.reader import read_flows
from tests.robustness.mutants import block, interface, section

PACKET = bytes(12) + b"\x08\0" + bytes.fromhex("4500001c0001000040110000c0000201c0000202000100020008 0000")
MOMENT = 1_700_000_000


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("resolution", [0, 3, 6, 9, 10, 0x80, 0x81, 0x8A, 0x9F, 0xA1])
@pytest.mark.parametrize("offset", [0, -1_600_000_000, 1 << 32])
def test_a_time_is_the_same_everywhere(order: str, resolution: int, offset: int, tmp_path: Path) -> None:
    """The moment is the one meant, to the second, and reading the file gives the one that the peek had found."""
    per_second = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    ticks = MOMENT * per_second
    if ticks >> 64:
        pytest.skip("this clock cannot tell such a time")
    options = struct.pack(order + "HHB3x", 9, 1, resolution) + struct.pack(order + "HHq", 14, 8, offset)
    head = struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(PACKET), len(PACKET))
    path = tmp_path / "clock.pcapng"
    path.write_bytes(section(order) + interface(order, 1, options) + block(order, 6, head + PACKET))
    opened = open_captures([str(path)])
    tables, facts = read_flows(opened.sources)
    wanted = (MOMENT + offset) * 1_000_000_000
    assert (opened.sources[0].first_t, facts.files[0].first, tables.flows["ts"].to_list()) == (wanted, wanted, [wanted])
