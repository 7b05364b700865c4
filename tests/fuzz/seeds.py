"""Where fuzzing begins: one frame of every kind that the kernel decodes, as captures of every format and link type."""

from __future__ import annotations

import random
import struct
import zipfile
from pathlib import Path
from typing import Final

from tests.flows_properties import packets as p
from tests.flows_properties.links import HEADERS
from tests.flows_properties.traffic import Timed, pcap, pcapng
from tests.robustness.mutants import wild_blocks

CORPUS: Final = Path(__file__).with_name("corpus.zip")
"""Inputs that reached something new, found by the instrumented run and kept small."""

UNKNOWN: Final = 9999
LINKS: Final = (1, *HEADERS, UNKNOWN)


WILD: Final = 40
"""Captures of blocks that nobody expects."""

SMALL: Final = 3000
"""Bytes of a sample that is small enough to be changed well."""


def frames(link: int) -> list[bytes]:
    """Return one frame of every kind that the kernel decodes."""
    if link == UNKNOWN:
        link = 101
    four, six = p.Route("192.0.2.1", "192.0.2.9", link), p.Route("2001:db8::1", "2001:db8::9", link)
    hello = b"\x16\x03\x01\x00\x30\x01\x00\x00\x2c\x03\x03" + bytes(40)
    out = [p.frame(four, p.arp(four, 1), 0x0806), p.frame(four, p.arp(four, 2), 0x0806)]
    for base in (four, six):
        v6 = base is six
        for route in (base, p.Route(base.src, base.dst, link, (7, 8), extended=True)):
            segments = [
                p.tcp(4000, 443, 1, 0, p.SYN, b""), p.tcp(4000, 443, 2, 9, p.ACK, hello), p.tcp(443, 4000, 9, 2, p.ACK, hello),
                p.tcp(443, 4000, 60, 2, p.ACK, b"\x17\x03\x03\x00\x10" + bytes(16)), p.tcp(4001, 21, 5, 1, p.ACK, b"USER x\r\n"),
                p.tcp(80, 4002, 5, 1, p.ACK, b"HTTP/1.1 401 No\r\n"), p.tcp(4000, 443, 9, 9, p.FIN | p.RST, b""),
            ]  # fmt: skip
            out += [p.frame(route, p.ip(route, 6, segment)) for segment in segments]
            datagram = p.ip(route, 17, p.udp(4000, 161, b"0123456789" * 4))
            out.append(p.frame(route, datagram))
            for kind, body in (
                (3 if not v6 else 1, bytes(4) + datagram), (8 if not v6 else 128, bytes(8)), (135, bytes(20)), (136, bytes(28)),
            ):  # fmt: skip
                out.append(p.frame(route, p.ip(route, 58 if v6 else 1, p.icmp(kind, 1, body))))
            for protocol in (0, 2, 4, 43, 44, 51, 60, 132):
                out.append(p.frame(route, p.ip(route, protocol, bytes([6, 1]) + bytes(30))))
            inner = p.ip(base, 6, p.tcp(4000, 443, 1, 0, p.SYN, b""))
            ethernet = p.frame(p.Route(base.src, base.dst), inner)
            ethertype = b"\x86\xdd" if v6 else b"\x08\x00"
            out += [p.frame(route, p.ip(route, protocol, body)) for protocol, body in (
                (41 if v6 else 4, inner), (47, bytes(2) + ethertype + inner), (47, b"\x00\x00\x65\x58" + ethernet),
                (47, b"\x10\x00\x88\xbe" + bytes(12) + ethernet), (17, p.udp(9, 4789, b"\x08" + bytes(7) + ethernet)),
                (17, p.udp(9, 6081, b"\x00\x00\x65\x58" + bytes(4) + ethernet)),
            )]  # fmt: skip
            out.append(p.frame(route, b"\x00\x01\x01\x40" + inner, 0x8847))
            out.append(
                p.frame(route, b"\x11\x00\x00\x01" + bytes(2) + (b"\x00\x57" if v6 else b"\x00\x21") + inner, 0x8864)
            )
    out.append(p.frame(four, p.ip(four, 17, p.udp(1, 161, bytes(30)), more=True)))
    out.append(p.frame(four, p.ip(four, 17, bytes(16), fragment=40)))
    return out


def modified(timed: Timed, order: str) -> bytes:
    """Return Kuznetzov's modified pcap: a record header has eight bytes more."""
    out = [struct.pack(order + "IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 1)]
    for t, data in timed:
        out.append(
            struct.pack(order + "IIIIIHBx", t // 10**9, t % 10**9 // 1000, len(data), len(data), 1, 0x800, 0) + data
        )
    return b"".join(out)


def snoop(timed: Timed) -> bytes:
    """Return a snoop capture of Ethernet (RFC 1761)."""
    out = [b"snoop\0\0\0" + struct.pack(">II", 2, 4)]
    for t, data in timed:
        body = data + bytes(-len(data) % 4)
        out.append(
            struct.pack(">IIIIII", len(data), len(data), 24 + len(body), 0, t // 10**9, t % 10**9 // 1000) + body
        )
    return b"".join(out)


def captures() -> list[bytes]:
    """Return small captures: each frame alone, all of a link type together, pcap and pcapng in both byte orders."""
    out = []
    for link in LINKS:
        every: Timed = [(n * 1_000_000, frame) for n, frame in enumerate(frames(link), 1_700_000_000_000)]
        for start in range(0, len(every), 6):
            part = every[start : start + 6]
            out.append(pcap(part, link, order="<>"[start // 6 % 2], nanoseconds=start % 4 == 0))
            if link in (1, 113):
                out.append(pcapng(part, link, order="<>"[start // 6 % 2], resolution=9 if start % 4 else 6))
    every = [(n * 1_000_000, frame) for n, frame in enumerate(frames(1)[:8], 1_700_000_000_000)]
    out += [modified(every, order) for order in "<>"] + [snoop(every)]
    for seed in range(WILD):
        blocks = bytes(wild_blocks(random.Random(seed), bytearray(pcap(every, 1))))
        out.append(blocks[:SMALL])
    for path in sorted((Path(__file__).parents[2] / "samples" / "pcaps").glob("*.pcap*")):
        if path.suffix in (".pcap", ".pcapng") and path.stat().st_size < SMALL:
            out.append(path.read_bytes())
    return out


def corpus() -> list[bytes]:
    """Return the inputs that earlier runs found worth keeping."""
    if not CORPUS.exists():
        return []
    with zipfile.ZipFile(CORPUS) as kept:
        return [kept.read(name) for name in kept.namelist()]


def keep(inputs: list[bytes]) -> None:
    """Write the corpus; the same inputs give the same file."""
    with zipfile.ZipFile(CORPUS, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as kept:
        for number, data in enumerate(sorted(set(inputs))):
            kept.writestr(zipfile.ZipInfo(f"{number:04}", (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
