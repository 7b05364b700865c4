"""Each vantage of the lab is what its name says, so that the score of it counts what it claims to count."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from tests.flows_properties.wraps import split
from tests.lab.cases import Case
from tests.lab.run import Met
from tests.lab.vantages import VANTAGES, Packet, read

FRAME = 1514
"""The largest frame of the lab's network."""

Recorded = tuple[Path, list[Case], Met]


@pytest.fixture(scope="module")
def sources(recorded: Recorded) -> list[list[Packet]]:
    """The recordings on both sides of jobs, which are large, and of what a server installs."""
    folder, _, _ = recorded
    return [read(folder / f"{zone}.pcap", number) for number, zone in enumerate(("servers", "devices"))]


def seen(name: str, sources: Sequence[Sequence[Packet]], folder: Path) -> list[list[Packet]]:
    """Return what a vantage makes of recordings, by file."""
    vantage = next(one for one in VANTAGES if one.name.startswith(name))
    chosen = sources if vantage.view == "both" else sources[:1]
    return [read(path, 0) for path in vantage.rewrite(chosen, folder)]


def payload(packets: Sequence[Packet]) -> int:
    """Return how many bytes of TCP cross in IPv4, by what was captured."""
    total = 0
    for one in packets:
        head, kind, rest = split(one.data)
        if kind == 0x0800 and rest[9] == 6:
            tcp = 4 * (rest[0] & 15)
            whole = int.from_bytes(rest[2:4]) or one.length - len(head) - 2
            total += whole - tcp - 4 * (rest[tcp + 12] >> 4)
    return total


def test_a_mirror_of_both_ports_has_every_packet_twice(sources: list[list[Packet]], tmp_path: Path) -> None:
    """Of every packet there is a copy, a little later."""
    (packets,) = seen("both ports of a mirror", sources, tmp_path)
    assert len(packets) == 2 * len(sources[0])


def test_a_snap_length_leaves_the_heads(sources: list[list[Packet]], tmp_path: Path) -> None:
    """Nothing is longer than 96 bytes, and the lengths on the wire are kept."""
    (packets,) = seen("96 bytes", sources, tmp_path)
    assert max(len(one.data) for one in packets) == 96
    assert max(one.length for one in packets) == FRAME


def test_a_trunk_shows_a_packet_before_and_behind_the_router(sources: list[list[Packet]], tmp_path: Path) -> None:
    """Tagged copies of the same packet have two numbers of VLANs, and a TTL that differs by one."""
    (packets,) = seen("a VLAN trunk", sources, tmp_path)
    copies: dict[bytes, set[tuple[int, int]]] = {}
    for one in packets:
        assert one.data[12:14] == b"\x81\0"
        vlan, kind = struct.unpack_from(">HH", one.data, 14)
        if kind == 0x0800 and one.data[18 + 9] == 6:
            packet = one.data[18:]
            copies.setdefault(packet[4:6] + packet[12:], set()).add((vlan, packet[8]))
    routed = [sorted(found, key=lambda item: item[1]) for found in copies.values() if len(found) == 2]
    assert routed
    assert all(b[1] - a[1] == 1 and a[0] != b[0] for a, b in routed)


@pytest.mark.parametrize(
    ("name", "protocol", "at", "kind"),
    [("ERSPAN II", 47, 22, b"\x88\xbe"), ("ERSPAN III", 47, 22, b"\x22\xeb"), ("GRE", 47, 22, b"\x08\0"), ("VXLAN", 17, 22, b"\x12\xb5")],
)  # fmt: skip
def test_a_tunnel_is_of_its_kind(
    name: str, protocol: int, at: int, kind: bytes, sources: list[list[Packet]], tmp_path: Path
) -> None:
    """Outside is IPv4 with the protocol and the number that the tunnel is known by."""
    wanted = [one for one in VANTAGES if one.name == name]
    (path,) = wanted[0].rewrite(sources[:1], tmp_path)
    insides = [one.data[14:] for one in read(path, 0) if one.data[12:14] == b"\x08\0"]
    assert {packet[9] for packet in insides} == {protocol}
    assert kind in {packet[at : at + 2] for packet in insides}


def test_one_direction_is_one_and_both_are_all(sources: list[list[Packet]], tmp_path: Path) -> None:
    """What is sent and what is heard are different packets, and together all of them."""
    (out,), (heard,) = (seen(f"what the initiator's side {verb}", sources, tmp_path) for verb in ("sends", "hears"))
    assert out
    assert heard
    assert len(out) + len(heard) == len(sources[0])
    assert not {one.data[6:12] for one in out} & {one.data[6:12] for one in heard}


def test_a_rotated_set_and_a_cut_file(sources: list[list[Packet]], tmp_path: Path) -> None:
    """Three files hold every packet once, in their order; a cut one ends amid a packet."""
    parts = seen("a rotated set", sources, tmp_path)
    assert [len(part) > 0 for part in parts] == [True] * 3
    assert [one for part in parts for one in part] == sources[0]
    assert all(a[-1].t <= b[0].t for a, b in pairwise(parts))
    vantage = next(one for one in VANTAGES if one.name == "the last third cut off")
    (path,) = vantage.rewrite(sources[:1], tmp_path)
    packets = read(path, 0)
    assert packets[:-1] == sources[0][: len(packets) - 1]
    assert packets[-1] != sources[0][len(packets) - 1]


def test_two_interfaces_count_nanoseconds(sources: list[list[Packet]], tmp_path: Path) -> None:
    """The pcapng file has two interface blocks, each with a resolution of 10^-9 s."""
    vantage = next(one for one in VANTAGES if one.name.startswith("two interfaces"))
    (path,) = vantage.rewrite(sources, tmp_path)
    data, at, resolutions = path.read_bytes(), 0, []
    while at < len(data):
        kind, size = struct.unpack_from("=II", data, at)
        if kind == 1:
            resolutions.append(struct.unpack_from("=HHB", data, at + 16))
        at += size
    assert resolutions == [(9, 1, 9)] * 2


def test_joined_segments_are_larger_than_the_networks(sources: list[list[Packet]], tmp_path: Path) -> None:
    """A host with offloading shows fewer and larger segments with the same payload; some of no length, larger than it can tell."""
    (told,), (untold,) = (
        seen("a host that leaves cutting", sources, tmp_path),
        seen("the same, their", sources, tmp_path),
    )
    assert max(one.length for one in sources[0]) == FRAME
    assert FRAME < max(one.length for one in told) < 65_536 < max(one.length for one in untold)
    assert payload(told) == payload(untold) == payload(sources[0])
    large = [split(one.data)[2] for one in untold if one.length > FRAME]
    assert {int.from_bytes(packet[2:4]) for packet in large if packet[0] >> 4 == 4} == {0}
    assert {
        len(packet) - int.from_bytes(packet[2:4])
        for packet in (split(one.data)[2] for one in told)
        if packet[0] >> 4 == 4 and len(packet) > FRAME
    } == {0}
