"""Damaged captures: reading goes on behind the damage, and what is lost is told."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Callable

import numpy as np
import pytest

from analyser.flows.feed import Feed
from analyser.flows.layout import F_FIRST_T, F_LAST_T, F_TIMED, RESYNC_FOUND, RESYNC_MORE, RESYNC_NONE
from analyser.flows.memory import Limits, Memory
from analyser.machine.native import kernel
from analyser.model.capture import Problem
from tests.flows_properties.compare import MemorySource, kernel_reads
from tests.robustness.mutants import block, interface, section

PACKETS = 60
START = 1_700_000_000


def body(number: int) -> bytes:
    """Return a UDP datagram in Ethernet that says its number, of a length of its own."""
    payload = struct.pack(">I", number) * (1 + number % 20)
    udp = struct.pack(">HHHH", 40000 + number, 9, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0, b"\xc0\0\2\1", b"\xc0\0\2\2")
    return b"\2" * 12 + b"\x08\0" + ip + udp


def pcap(order: str = "<") -> tuple[bytes, list[int]]:
    """Return a capture and where its records begin."""
    out, places = bytearray(struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)), []
    for number in range(PACKETS):
        places.append(len(out))
        data = body(number)
        out += struct.pack(order + "IIII", START + number, number, len(data), len(data)) + data
    return bytes(out), places


def pcapng(order: str = "<") -> tuple[bytes, list[int]]:
    """Return a capture and where its packet blocks begin."""
    out, places = bytearray(section(order) + interface(order, 1)), []
    for number in range(PACKETS):
        places.append(len(out))
        data, ticks = body(number), (START + number) * 1_000_000
        head = struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
        out += block(order, 6, head + data)
    return bytes(out), places


Made = tuple[bytes, list[int]]
MAKERS: list[Callable[[], Made]] = [pcap, lambda: pcap(">"), pcapng, lambda: pcapng(">")]
NAMES = ["pcap", "pcap-be", "pcapng", "pcapng-be"]


def flows_and_problem(data: bytes, **how: int) -> tuple[set[int], list[Problem], bool]:
    """Return the numbers of the packets that were read, what is told, and whether the file is called complete."""
    limits = Limits(block=how["block"]) if "block" in how else Limits()
    tables, facts = kernel_reads([data], piece=how.get("piece", 1 << 30), limits=limits)
    (file,) = facts.files
    assert (
        tables.flows["orig_pkts"].sum() + sum(facts.undecoded.values()) + sum(facts.link_layer.values()) == file.packets
    )
    return {port - 40000 for port in tables.flows["id.orig_p"].to_list()}, file.problems, file.complete


@pytest.mark.parametrize("make", MAKERS, ids=NAMES)
@pytest.mark.parametrize("how", [{}, {"piece": 37, "block": 64}], ids=["whole", "pipe"])
@pytest.mark.parametrize("value", [0, 1, 4, 300, 60_000, 200_000, 0x7FFFFFFF, 0xFFFFFFFF])
@pytest.mark.parametrize("number", [0, 30, 59])
def test_a_wrong_length_costs_one_packet(
    make: Callable[[], Made], how: dict[str, int], value: int, number: int
) -> None:
    """Whatever a damaged length says: at most its own packet is lost, and the file is called incomplete."""
    data, places = make()
    changed = bytearray(data)
    ng = data[:4] == b"\n\r\r\n"
    order = (">" if data[8] == 0x1A else "<") if ng else (">" if data[0] == 0xA1 else "<")
    struct.pack_into(order + "I", changed, places[number] + (4 if ng else 8), value)
    read, problems, complete = flows_and_problem(bytes(changed), **how)
    assert read >= set(range(PACKETS)) - {number}
    assert not complete
    assert {problem.code for problem in problems} <= {"damaged", "cut-short"}


@pytest.mark.parametrize("make", MAKERS, ids=NAMES)
def test_holes_and_insertions_cost_what_they_hit(make: Callable[[], Made]) -> None:
    """Noise put in or bytes cut out: whole packets are read, but for two where the seam looks like headers by chance."""
    data, places = make()
    for seed in range(40):
        rng = random.Random(seed)
        at = rng.randrange(places[3], places[-8])
        if seed % 2:
            gone = rng.randint(1, 400)
            changed = data[:at] + data[at + gone :]
            hit = {
                n
                for n, (a, b) in enumerate(zip(places, [*places[1:], len(data)], strict=True))
                if a < at + gone and at < b
            }
        else:
            noise = rng.choice([rng.randbytes(300), bytes(777), b"GET / HTTP/1.1\r\n" * 9, b"\xff" * 50])
            changed = data[:at] + noise + data[at:]
            hit = {max(n for n, a in enumerate(places) if a <= at)}
        read, problems, complete = flows_and_problem(changed)
        assert len(set(range(PACKETS)) - hit - read) <= 2, seed
        assert not complete
        assert [problem.code for problem in problems] == ["damaged"], seed


def test_many_gaps_are_one_entry() -> None:
    """Gaps are counted and the first of them named: the list does not grow with the damage."""
    data, places = pcap()
    changed = bytearray(data)
    for number in range(4, PACKETS - 4, 6):
        struct.pack_into("<I", changed, places[number] + 8, 0xFFFFFFFF)
    read, (problem,), _ = flows_and_problem(bytes(changed))
    assert len(read) == PACKETS - 9
    assert (problem.code, problem.count) == ("damaged", sum(16 + len(body(n)) for n in range(4, PACKETS - 4, 6)))
    assert "9 damaged places" in problem.detail
    assert f"(at byte {places[4]}, {places[10]}," in problem.detail
    assert problem.detail.endswith("…)")


def test_lost_interfaces_are_counted_as_unreadable_blocks() -> None:
    """Where damage swallowed the interface, packets that name it are counted, none silently lost."""
    data, places = pcapng()
    changed = bytearray(data)
    struct.pack_into("<I", changed, places[0] - 16, 0xFFFFFFFF)  # the length of the interface block
    _, problems, complete = flows_and_problem(bytes(changed))
    assert not complete
    assert [(problem.code, problem.count) for problem in problems if problem.code == "bad-block"] == [
        ("bad-block", PACKETS)
    ]


def test_strange_times_and_lengths_of_whole_records_are_no_damage() -> None:
    """A writer that fills a field wrongly (fraction, original length) loses no packet and no completeness."""
    data, places = pcap()
    for offset, value in ((4, 0xFFFFFFFF), (12, 0), (12, 1), (0, 0), (0, 0xFFFFFFFF)):
        changed = bytearray(data)
        for place in places[::2]:
            struct.pack_into("<I", changed, place + offset, value)
        read, problems, complete = flows_and_problem(bytes(changed))
        assert (len(read), problems, complete) == (PACKETS, [], True), offset


def test_zeros_behind_a_capture_are_no_packets() -> None:
    """A file that was allocated and not filled ends in zeros; sixteen of them look like an empty record of 1970."""
    data, _ = pcap()
    read, (problem,), complete = flows_and_problem(data + bytes(100_000))
    assert (len(read), problem.code, problem.count, complete) == (PACKETS, "damaged", 100_000, False)


@pytest.mark.parametrize(
    "filler",
    [
        bytes(16), b"\xff", struct.pack("<IIII", START, 0, 1, 1) + b"x",
        (struct.pack("<IIII", START, 0, 1, 1) + b"x") * 4 + b"\xff" * 16,
        struct.pack("<IIII", START, 1, 200_000, 200_000), struct.pack("<IIII", START, 0xFFFFFFFF, 0, 0),
        block("<", 6, bytes(20)) * 3 + b"\xff" * 12,
    ],
    ids=["zeros", "ones", "chains", "short-chains", "long", "odd", "blocks"],
)  # fmt: skip
def test_hostile_fillings_are_read_in_time(filler: bytes) -> None:
    """Megabytes of what costs a searcher most: the time grows with the bytes, not with their square."""
    for start in (pcap()[0], pcapng()[0]):
        kernel_reads([start + filler * 20])  # compiled before the clock runs
        began = time.monotonic()
        _, facts = kernel_reads([start + filler * (3_000_000 // len(filler))])
        assert time.monotonic() - began < 20
        assert facts.packets >= PACKETS


@pytest.mark.parametrize("make", MAKERS, ids=NAMES)
def test_from_any_byte_the_next_record_is_found(make: Callable[[], Made]) -> None:
    """A file can be cut for two readers anywhere: the search ends at the next boundary, and asks for more where it must."""
    data, places = make()
    buffer = np.frombuffer(data, np.uint8).copy()
    feed = Feed(MemorySource(data), 0, 0, Memory(Limits(), {}))
    feed._state[[F_TIMED, F_FIRST_T, F_LAST_T]] = (
        1,
        START * 10**9,
        START * 10**9,
    )  # payload here looks like headers of 1970
    for start in range(places[0], places[-1] + 1):
        following = next(place for place in places if place >= start)
        assert kernel("resync")(buffer, start, -1, len(data), 1, feed._state) == (RESYNC_FOUND, following)
    assert kernel("resync")(buffer, places[-1] + 1, -1, len(data), 1, feed._state)[0] == RESYNC_NONE
    what, place = kernel("resync")(buffer, places[5] + 1, -1, places[7], 0, feed._state)
    assert (what, place) == (RESYNC_MORE, places[6])
