"""Every sample told and judged once for the whole test run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import GRE, Ether
from scapy.packet import Packet
from scapy.utils import PcapNgReader, PcapReader

from analyser.model.finding import Evidence, PortFinding, ReportDocument
from analyser.pipeline import judging
from samples.expect import Expect
from samples.renew import Case, cases

CASES = cases()
every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@dataclass(frozen=True, slots=True)
class Told:
    """A story as it was rendered now, file by file, and what it declares."""

    captures: dict[Path, bytes]
    expect: Expect


@cache
def told(case: Case) -> Told:
    """Tell a story."""
    story, expect = case.told()
    return Told({path: story.render(file) for file, path in story.captures(case.script).items()}, expect)


@cache
def judged(case: Case) -> ReportDocument:
    """Run the main job on a sample."""
    sample = told(case)
    return judging.check(
        [str(path) for path in sample.captures], site=case.site, at=sample.expect.at, vantage=sample.expect.vantage
    ).document


@cache
def packets(path: Path) -> list[Packet]:
    """Return the packets of a capture as scapy reads them; a packet that the end of the file cut is left out."""
    reader = PcapNgReader if path.suffix == ".pcapng" else PcapReader
    read = [packet for packet in reader(str(path)) if IP not in packet or len(packet[IP]) >= packet[IP].len]
    return [_mirrored(packet) for packet in read]


def _mirrored(packet: Packet) -> Packet:
    """Return the frame that a mirror wrapped, or the packet itself."""
    if UDP in packet and packet[UDP].dport == 4789:
        return Ether(bytes(packet[UDP].payload)[8:])
    if GRE in packet and packet[GRE].proto == 0x88BE:
        return Ether(bytes(packet[GRE].payload)[8:])
    return packet


@dataclass(frozen=True, slots=True)
class Claim:
    """What a report says of a port and shows frames for: whose port it is, in which case, and by which rule."""

    case: Case
    rule: str
    port: PortFinding

    @property
    def frames(self) -> list[Packet]:
        """The packets that are to prove it."""
        shown = sorted({(piece.capture, number) for piece in self.port.evidence for number in piece.frames})
        return [packets(Path(capture))[number - 1] for capture, number in shown]

    @property
    def name(self) -> str:
        """What the claim is called when it proves false."""
        cause = f"/{self.port.cause.value}" if self.port.cause else ""
        return f"{self.case.name}: {self.rule} port {self.port.port} {self.port.state.value}{cause}"


def claims(case: Case) -> list[Claim]:
    """Return everything that the verdicts of a report show frames for."""
    return [
        Claim(case, verdict.rule, port) for verdict in judged(case).verdicts for port in verdict.ports if port.evidence
    ]


def shown(case: Case) -> list[Evidence]:
    """Return every piece of evidence of a report."""
    pieces = [piece for claim in claims(case) for piece in claim.port.evidence]
    return pieces + [piece for odd in judged(case).unexpected for piece in odd.evidence]
