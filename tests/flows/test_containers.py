"""Containers other than the usual pcap: the same packets come out of each, and what they say of drops."""

from __future__ import annotations

import struct
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from numpy.typing import NDArray

from analyser.flows import reader
from analyser.flows.memory import Limits, Memory
from analyser.flows.reader import _count
from tests.flows.test_damage import PACKETS, START, body
from tests.flows_properties.compare import differences, kernel_reads
from tests.reference.reader import read
from tests.robustness.mutants import block, interface, section


def modified(order: str) -> bytes:
    """Return a capture in Kuznetzov's format."""
    out = struct.pack(order + "IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 1)
    for number in range(PACKETS):
        data = body(number)
        out += struct.pack(order + "IIIIIHBB", START + number, number, len(data), len(data), 7, 0x800, 4, 0) + data
    return out


def snoop(padding: int = 0) -> bytes:
    """Return a snoop capture whose records are padded; each says how many packets were dropped so far."""
    out = b"snoop\0\0\0" + struct.pack(">II", 2, 4)
    for number in range(PACKETS):
        data = body(number)
        whole = 24 + len(data) + padding
        out += (
            struct.pack(">IIIIII", len(data), len(data), whole, number // 10, START + number, number)
            + data
            + bytes(padding)
        )
    return out


def old(order: str) -> bytes:
    """Return a pcap of version 2.2, in which the original length stands before the caught one."""
    out = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 2, 0, 0, 65535, 1)
    for number in range(PACKETS):
        data = body(number)
        out += struct.pack(order + "IIII", START + number, number, len(data) + 100, len(data)) + data
    return out


@pytest.mark.parametrize(
    "data", [modified("<"), modified(">"), snoop(), snoop(3)], ids=["le", "be", "snoop", "snoop-padded"]
)
@pytest.mark.parametrize("piece", [1 << 30, 11])
def test_the_reference_agrees_on_other_containers(data: bytes, piece: int) -> None:
    """Modified pcap and snoop give what the plain reader gives, in one piece or in drops."""
    tables, facts = kernel_reads([data], piece=piece)
    assert (facts.packets, facts.files[0].complete, facts.files[0].problems) == (PACKETS, True, [])
    assert differences(tables, read([data])) == []


@pytest.mark.parametrize("order", ["<", ">"])
def test_lengths_of_old_captures_stand_the_other_way_round(order: str) -> None:
    """Before version 2.3 the original length came first."""
    tables, facts = kernel_reads([old(order)])
    assert (facts.packets, tables.flows.height, facts.files[0].problems) == (PACKETS, PACKETS, [])


@pytest.mark.parametrize("data", [modified("<"), snoop(2)], ids=["modified", "snoop"])
def test_damage_in_other_containers_is_read_past(data: bytes) -> None:
    """A hole in the middle costs the packets that it hits."""
    tables, facts = kernel_reads([data[:2000] + data[2050:]])
    assert tables.flows.height >= PACKETS - 4
    assert [problem.code for problem in facts.files[0].problems] == ["damaged"]


def test_drops_are_told_by_whatever_says_them() -> None:
    """Snoop's running count, the drop count of packet blocks, and the field of old packet blocks."""
    assert kernel_reads([snoop()])[1].files[0].dropped == (PACKETS - 1) // 10
    data = body(1)
    head = struct.pack("<IIIII", 0, 0x60000, 5, len(data), len(data)) + data + bytes(-len(data) % 4)
    option = struct.pack("<HHQ", 4, 8, 21) + bytes(4)
    enhanced = section("<") + interface("<", 1) + block("<", 6, head + option) * 2
    assert kernel_reads([enhanced])[1].files[0].dropped == 42
    for drops, told in ((5, 5), (0xFFFF, None)):
        older = struct.pack("<HHIIII", 0, drops, 0x60000, 5, len(data), len(data)) + data
        assert kernel_reads([section("<") + interface("<", 1) + block("<", 2, older)])[1].files[0].dropped == told


@pytest.mark.parametrize("bogus", [0, 0xFFFFFFFF])
@pytest.mark.parametrize("limits", [{"batch": 1024}, {"batch": 4}])
def test_one_bogus_time_does_not_move_a_capture(bogus: int, limits: dict[str, int]) -> None:
    """Two halves of one conversation in two files: one packet of 1970 or 2106 neither holds its file up nor hurries it."""

    def half(side: int, clocks: list[int]) -> bytes:
        out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
        for number, seconds in enumerate(clocks):
            ends = [(b"\xc0\0\2\1", 40000), (b"\xc0\0\2\2", 80)]
            (src, sport), (dst, dport) = ends[side], ends[1 - side]
            tcp = struct.pack(">HHIIBBHHH", sport, dport, 1 + number, 1, 0x50, 0x10, 999, 0, 0) + b"x"
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), number + 1, 0, 64, 6, 0, src, dst)
            data = b"\2" * 12 + b"\x08\0" + ip + tcp
            out += struct.pack("<IIII", seconds, 0, len(data), len(data)) + data
        return out

    clocks = [START + 10 * number for number in range(40)]
    other = [clock + 5 for clock in clocks]
    order: list[int] = []

    def watching(packets: NDArray[Any], buffer: NDArray[np.uint8], at: int, end: int, memory: Memory) -> None:
        order.extend(packets["file"][at:end].tolist())
        _count(packets, buffer, at, end, memory)

    changed = clocks.copy()
    changed[17] = bogus
    with patch.object(reader, "_count", watching):
        kernel_reads([half(0, changed), half(1, other)], limits=Limits(**limits))
    assert len(order) == 80
    assert all(abs(order[:n].count(0) - order[:n].count(1)) <= 2 for n in range(81))
