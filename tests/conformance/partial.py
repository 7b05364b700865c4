"""Captures that show less than the whole: one direction, cut packets, a lost or late segment, a start in the middle.

Which frame belongs to which conversation is asked of tshark, so that no mistake of ours hides another.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from tests.reference.container import read_file

SNAPLEN = 96


@dataclass(frozen=True)
class Piece:
    """One frame: time (ns), bytes, length on the wire, conversation ("" if none), sent by the one who spoke first, payload."""

    t: int
    data: bytes
    length: int
    stream: str
    forth: bool
    payload: int


@cache
def pieces(path: Path) -> tuple[int, list[Piece]]:
    """Return link type and frames of a capture that has one link type."""
    frames = read_file(path.read_bytes(), 0).frames
    asked = [
        "frame.number",
        "tcp.stream",
        "udp.stream",
        "ip.src",
        "ipv6.src",
        "tcp.srcport",
        "udp.srcport",
        "tcp.len",
        "udp.length",
    ]
    words = [word for name in asked for word in ("-e", name)]
    done = subprocess.run(
        ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=l", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    told = {int(row[0]): row[1:] for line in done.stdout.splitlines() if (row := line.split("\t"))[0].isdigit()}
    speakers: dict[str, tuple[str, ...]] = {}
    out = []
    for frame in frames:
        tcp, udp, v4, v6, tcp_port, udp_port, tcp_len, udp_len = told.get(frame.number, [""] * 8)
        stream = f"tcp{tcp}" if tcp else f"udp{udp}" if udp else ""
        speaker = (v4, v6, tcp_port, udp_port)
        forth = speakers.setdefault(stream, speaker) == speaker
        payload = int(tcp_len or 0) if tcp else int(udp_len or 8) - 8
        out.append(Piece(frame.t, frame.data, len(frame.data), stream, forth, payload))
    return frames[0].link if frames else 1, out


def written(link: int, those: Iterable[Piece]) -> bytes:
    """Return a pcap (nanoseconds) of the frames in their order."""
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link)]
    for one in those:
        seconds, rest = divmod(one.t, 10**9)
        out.append(
            struct.pack("<IIII", seconds % (1 << 32), rest, len(one.data), max(one.length, len(one.data))) + one.data
        )
    return b"".join(out)


def one_side(those: list[Piece], *, forth: bool) -> list[Piece]:
    """Return what one side said."""
    return [one for one in those if one.forth is forth]


def cut(those: list[Piece]) -> list[Piece]:
    """Return all frames cut at the snap length."""
    return [replace(one, data=one.data[:SNAPLEN]) for one in those]


def _nth_payload(those: list[Piece], nth: int) -> dict[tuple[str, bool], int]:
    """Return the place of the nth frame with payload, by conversation and side."""
    seen: dict[tuple[str, bool], int] = {}
    places: dict[tuple[str, bool], int] = {}
    for place, one in enumerate(those):
        side = one.stream, one.forth
        if one.payload > 0:
            seen[side] = seen.get(side, 0) + 1
            if seen[side] == nth:
                places[side] = place
    return places


def first_lost(those: list[Piece]) -> list[Piece]:
    """Return all but the first frame with payload of each conversation."""
    firsts: dict[str, int] = {}
    for (stream, _), place in _nth_payload(those, 1).items():
        firsts[stream] = min(place, firsts.get(stream, place))
    gone = set(firsts.values())
    return [one for place, one in enumerate(those) if place not in gone]


def first_late(those: list[Piece]) -> list[Piece]:
    """Return all frames, the first two with payload of each TCP side in each other's place and time."""
    out = list(those)
    seconds = _nth_payload(those, 2)
    for side, first in _nth_payload(those, 1).items():
        second = seconds.get(side)
        if second is not None and side[0].startswith("tcp"):
            out[first], out[second] = (
                replace(those[second], t=those[first].t),
                replace(those[first], t=those[second].t),
            )
    return out


def middle(those: list[Piece]) -> list[Piece]:
    """Return what comes after the first eight frames of each conversation."""
    seen: dict[str, int] = {}
    out = []
    for one in those:
        seen[one.stream] = seen.get(one.stream, 0) + 1
        if seen[one.stream] > 8:
            out.append(one)
    return out


VARIANTS: dict[str, Callable[[list[Piece]], list[Piece]]] = {
    "one side, who spoke first": lambda those: one_side(those, forth=True),
    "one side, who answered": lambda those: one_side(those, forth=False),
    "snap length 96": cut,
    "first segment lost": first_lost,
    "first segment late": first_late,
    "from the middle": middle,
}
