"""The same traffic as others would have captured it: recordings of the lab rewritten, one packet at a time.

Knows the two file formats as far as it writes them; shares nothing with the analyser's reader. What a vantage can still show is
told by its ``limited`` and ``view``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.flows_properties.wraps import carries_frames, carries_packets, split
from tests.lab.conditions import View
from tests.lab.offload import joined


@dataclass(frozen=True)
class Packet:
    """A captured frame: its time (ns), and which of the recordings it is from."""

    t: int
    data: bytes
    length: int
    source: int


Rewrite = Callable[[Sequence[Sequence[Packet]], Path], list[Path]]


def read(path: Path, source: int) -> list[Packet]:
    """Return the packets of a pcap file of this machine (microseconds)."""
    data = path.read_bytes()
    assert data[:4] == struct.pack("=I", 0xA1B2C3D4), path
    found, at = [], 24
    while at + 16 <= len(data):
        seconds, micros, caught, length = struct.unpack_from("=IIII", data, at)
        found.append(Packet(10**9 * seconds + 1000 * micros, data[at + 16 : at + 16 + caught], length, source))
        at += 16 + caught
    return found


def pcap(path: Path, packets: Sequence[Packet], *, snap: int = 1 << 18, link: int = 1) -> Path:
    """Write a pcap file, in microseconds."""
    out = [struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snap, link)]
    for one in packets:
        caught = one.data[:snap]
        out += [struct.pack("=IIII", one.t // 10**9, one.t % 10**9 // 1000, len(caught), one.length), caught]
    path.write_bytes(b"".join(out))
    return path


def pcapng(path: Path, packets: Sequence[Packet], interfaces: int) -> Path:
    """Write a pcapng file with nanoseconds and an interface per recording."""

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        return struct.pack("=II", kind, len(body) + 12) + body + struct.pack("=I", len(body) + 12)

    out = [block(0x0A0D0D0A, struct.pack("=IHHq", 0x1A2B3C4D, 1, 0, -1))]
    resolution = struct.pack("=HHBxxxHH", 9, 1, 9, 0, 0)
    out += [block(1, struct.pack("=HHI", 1, 0, 0) + resolution)] * interfaces
    for one in packets:
        head = struct.pack("=IIIII", one.source, one.t >> 32, one.t & 0xFFFFFFFF, len(one.data), one.length)
        out.append(block(6, head + one.data))
    path.write_bytes(b"".join(out))
    return path


def _merged(recordings: Sequence[Sequence[Packet]]) -> list[Packet]:
    return sorted((one for several in recordings for one in several), key=lambda one: one.t)


def _changed(name: str, change: Callable[[Packet], Packet | None], *, snap: int = 1 << 18) -> Rewrite:
    """Return a rewrite of the first recording, packet by packet."""

    def rewrite(recordings: Sequence[Sequence[Packet]], folder: Path) -> list[Path]:
        packets = [made for one in recordings[0] if (made := change(one)) is not None]
        return [pcap(folder / f"{name}.pcap", packets, snap=snap)]

    return rewrite


def _framed(name: str, wrap: Callable[[bytes], bytes]) -> Rewrite:
    def change(one: Packet) -> Packet:
        data = wrap(one.data)
        return Packet(one.t, data, len(data), one.source)

    return _changed(name, change)


def _towards_router(one: Packet) -> bool:
    """Say whether a frame came in at the router's port: machines of the lab have odd numbers there (see ``network``)."""
    return one.data[6] == 0x02 and one.data[11] == 0x02


def _both_ports(recordings: Sequence[Sequence[Packet]], folder: Path) -> list[Path]:
    twice = [copy for one in recordings[0] for copy in (one, Packet(one.t + 20_000, one.data, one.length, one.source))]
    return [pcap(folder / "twice.pcap", sorted(twice, key=lambda one: one.t))]


def _trunk(recordings: Sequence[Sequence[Packet]], folder: Path) -> list[Path]:
    def tagged(one: Packet) -> Packet:
        head, kind, rest = split(one.data)
        data = head + struct.pack(">HHH", 0x8100, 10 + 10 * one.source, kind) + rest
        return Packet(one.t, data, len(data), one.source)

    return [pcap(folder / "trunk.pcap", [tagged(one) for one in _merged(recordings)])]


def _interfaces(recordings: Sequence[Sequence[Packet]], folder: Path) -> list[Path]:
    return [pcapng(folder / "interfaces.pcapng", _merged(recordings), len(recordings))]


def _rotated(recordings: Sequence[Sequence[Packet]], folder: Path) -> list[Path]:
    packets = recordings[0]
    third = len(packets) // 3
    parts = [packets[:third], packets[third : 2 * third], packets[2 * third :]]
    return [pcap(folder / f"ring-{number}.pcap", part) for number, part in enumerate(parts)]


def _cut(recordings: Sequence[Sequence[Packet]], folder: Path) -> list[Path]:
    packets = recordings[0]
    cut = pcap(folder / "cut.pcap", packets[: len(packets) * 2 // 3])
    cut.write_bytes(cut.read_bytes()[:-7])  # amid its last packet
    return [cut]


def _middle(recordings: Sequence[Sequence[Packet]], folder: Path) -> list[Path]:
    begun = recordings[0][len(recordings[0]) // 4].t  # most conversations have begun by then, many still go on
    return [pcap(folder / "middle.pcap", [one for one in recordings[0] if one.t >= begun])]


def _both_files(recordings: Sequence[Sequence[Packet]], folder: Path) -> list[Path]:
    return [pcap(folder / f"side-{number}.pcap", packets) for number, packets in enumerate(recordings)]


def _late(recordings: Sequence[Sequence[Packet]], folder: Path) -> list[Path]:
    """The responder's side by a clock that is 5 ms late, which is more than copies are apart."""
    late = [
        [Packet(one.t + 5_000_000 * number, one.data, one.length, one.source) for one in packets]
        for number, packets in enumerate(recordings)
    ]
    return _both_files(late, folder)


def _offloaded(one: Packet) -> Packet:
    """Leave the checksums of what the router's own port sends unfinished, as an offloading host's capture has them."""
    head, kind, rest = split(one.data)
    if _towards_router(one) or kind != 0x0800 or rest[9] not in (6, 17):
        return one
    at = 4 * (rest[0] & 15) + (16 if rest[9] == 6 else 6)
    data = head + struct.pack(">H", kind) + rest[:at] + b"\x12\x34" + rest[at + 2 :]
    return Packet(one.t, data, one.length, one.source)


def _joined(name: str, *, told: bool) -> Rewrite:
    """Return a rewrite into segments as large as a card is given them; ``told``: with their length."""

    def rewrite(recordings: Sequence[Sequence[Packet]], folder: Path) -> list[Path]:
        frames = joined(((one.t, one.data) for one in recordings[0]), told=told)
        return [pcap(folder / f"{name}.pcap", [Packet(t, data, len(data), 0) for t, data in frames])]

    return rewrite


@dataclass(frozen=True)
class Vantage:
    """A way to capture. ``view``: what of the truth it can show; ``limited``: less than that may be said."""

    name: str
    view: View
    rewrite: Rewrite
    limited: bool = False


VANTAGES: Final = (
    Vantage("both ports of a mirror, every packet twice", "initiator", _both_ports),
    Vantage("96 bytes of each packet", "initiator", _changed("snap", lambda one: one, snap=96), limited=True),
    Vantage("a VLAN trunk, routed copies included", "both", _trunk),
    Vantage("ERSPAN II", "initiator", _framed("erspan2", lambda data: carries_frames("erspan2", 4, 0, data))),
    Vantage("ERSPAN III", "initiator", _framed("erspan3", lambda data: carries_frames("erspan3", 4, 0, data))),
    Vantage("GRE", "initiator", _framed("gre", lambda data: carries_packets("gre", 4, 0, data))),
    Vantage("VXLAN", "initiator", _framed("vxlan", lambda data: carries_frames("vxlan", 4, 0, data))),
    Vantage("two interfaces of one pcapng, nanoseconds", "both", _interfaces),
    Vantage("both ports, two files, the responder's clock 5 ms late", "both", _late),
    Vantage("a rotated set of three files", "initiator", _rotated),
    Vantage("a host that leaves checksums to its card", "initiator", _changed("offload", _offloaded)),
    Vantage("a host that leaves cutting to its card, segments larger than the network's", "initiator", _joined("joined", told=True)),
    Vantage("the same, their length not told", "initiator", _joined("untold", told=False)),
    Vantage("what the initiator's side sends, only", "initiator", _changed("out", lambda one: one if _towards_router(one) else None), limited=True),
    Vantage("what the initiator's side hears, only", "initiator", _changed("in", lambda one: None if _towards_router(one) else one), limited=True),
    Vantage("started in the middle", "initiator", _middle, limited=True),
    Vantage("the last third cut off", "initiator", _cut, limited=True),
)  # fmt: skip
"""Beside the three places at which the lab is recorded itself."""
