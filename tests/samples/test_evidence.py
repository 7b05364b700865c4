"""The frames that a report shows really show what it claims, and Wireshark's filters find them.

Frames are read with scapy, filters with tshark: neither shares code with the analyser.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6TimeExceeded, IPv6
from scapy.packet import Packet, Raw

from samples.renew import Case
from tests.samples.running import CASES, Claim, claims, every_case, judged, packets, shown, told

SYN, RST, ACK = 0x02, 0x04, 0x10


def flags(packet: Packet) -> int:
    """Return a packet's TCP flags, 0 for others; a TCP header inside an ICMP error does not count."""
    return int(packet[TCP].flags) if TCP in packet and ICMP not in packet else 0


def spoken(packet: Packet) -> bytes:
    """Return the payload of a packet."""
    return bytes(packet[Raw].load) if Raw in packet else b""


def asks(packet: Packet, port: int | None) -> bool:
    """Tell whether a packet opens towards a port: a pure SYN, or a datagram to it."""
    if TCP in packet:
        return packet[TCP].dport == port and flags(packet) & (SYN | ACK) == SYN
    return UDP in packet and packet[UDP].dport == port


def answers(packet: Packet, port: int | None) -> bool:
    """Tell whether a packet comes from a port: a SYN-ACK, payload, or a datagram."""
    if TCP in packet:
        return packet[TCP].sport == port and (flags(packet) & (SYN | ACK) == SYN | ACK or bool(spoken(packet)))
    return UDP in packet and packet[UDP].sport == port


def complains(packet: Packet) -> bool:
    """Tell whether a packet is an ICMP error."""
    return (
        (ICMP in packet and packet[ICMP].type in (3, 11)) or ICMPv6DestUnreach in packet or ICMPv6TimeExceeded in packet
    )


def unheard(claim: Claim) -> bool:
    """Somebody asked, and no frame shown is an answer."""
    port = claim.port.port
    return any(asks(p, port) for p in claim.frames) and not any(answers(p, port) for p in claim.frames)


def answered(claim: Claim) -> bool:
    """The port answered; or, where its side was not captured, the initiator acknowledged what it must have said."""
    if claim.port.detail and ("inferred" in claim.port.detail or "receipt not shown" in claim.port.detail):
        return bool(claim.frames)
    return any(answers(packet, claim.port.port) for packet in claim.frames)


def reset(claim: Claim) -> bool:
    """A reset is shown."""
    return any(flags(packet) & RST for packet in claim.frames)


def told_by_icmp(claim: Claim) -> bool:
    """An ICMP error is shown, from the address that is blamed."""
    senders = {packet[IP if IP in packet else IPv6].src for packet in claim.frames if complains(packet)}
    return claim.port.by in senders


@pytest.mark.parametrize(
    ("name", "rule", "port", "line"),
    [
        ("ftp-data", "printer-to-server/ftp-passive-data", 50216, b"227 Entering Passive Mode (192,0,2,10,196,40)"),
        ("announced-ports", "server-to-printer/ftp-active-data", 50276, b"PORT 198,51,100,21,196,100"),
        ("announced-ports", "workstation-to-server/jmx-management", 41234, b"UnicastRef"),
        ("sql-browser", "other/sql-instance", 52101, b";tcp;52101;"),
    ],
)
def test_a_blocked_announced_port_shows_the_line_that_announced_it(
    name: str, rule: str, port: int, line: bytes
) -> None:
    """Beside the attempt that found no answer stands the packet that told the number."""
    (claim,) = [
        claim
        for claim in claims(Case(name))
        if claim.rule.endswith(rule) and claim.port.port == port and claim.port.state == "blocked"
    ]
    assert any(asks(frame, port) for frame in claim.frames)
    assert [line in spoken(frame) for frame in claim.frames].count(True) == 1


def alerted(claim: Claim) -> bool:
    """A TLS alert record is shown."""
    return any(spoken(packet)[:1] == b"\x15" for packet in claim.frames)


def nothing_said(claim: Claim) -> bool:
    """The end of a connection is shown."""
    return any(flags(packet) & (RST | 0x01) for packet in claim.frames)


def big_repeated(claim: Claim) -> bool:
    """The same payload is shown more than once."""
    said = [spoken(packet) for packet in claim.frames if spoken(packet)]
    return len(said) > len(set(said))


PROOFS: dict[str, Callable[[Claim], bool]] = {
    "open": answered,
    "wrong-protocol": answered,
    "probe-only": answered,
    "pending": unheard,
    "one-sided": unheard,
    "no-answer": unheard,
    "host-silent": unheard,
    "return-path": answered,
    "reset-by-responder": reset,
    "reset-in-path": reset,
    "tls-alert": alerted,
    "tls-stalled": lambda claim: any(spoken(packet)[:1] == b"\x16" for packet in claim.frames),
    "closed-without-data": nothing_said,
    "application-refused": answered,
    "dropped-after-handshake": big_repeated,
}
"""What must be seen, by cause, else by state."""


def proof_of(claim: Claim) -> Callable[[Claim], bool]:
    """Return the check for a claim; an intermittent port must show an answer beside the fault."""
    if claim.port.state.value == "intermittent":
        return answered
    cause = claim.port.cause.value if claim.port.cause else claim.port.state.value
    return told_by_icmp if cause.startswith("icmp-") else PROOFS[cause]


@every_case
def test_frames_show_what_is_claimed(case: Case) -> None:
    """A SYN is a SYN, a reset a reset, an alert an alert, and all of them belong to the port in question."""
    false = [claim.name for claim in claims(case) if not proof_of(claim)(claim)]
    assert false == []


def test_every_finding_against_somebody_has_evidence() -> None:
    """Whatever is said to have been seen can be looked at; nothing is shown for what was not."""
    for case in CASES:
        for verdict in judged(case).verdicts:
            for port in verdict.ports:
                unseen = port.state.value in ("not-attempted", "not-observable")
                assert bool(port.evidence) != unseen, Claim(case, verdict.rule, port).name


def test_wireshark_filters_find_their_frames(tmp_path: Path) -> None:
    """Each display filter is accepted by tshark and selects every frame of its evidence."""
    if shutil.which("tshark") is None or shutil.which("mergecap") is None:
        pytest.skip("tshark and mergecap are not installed")
    # All captures in one file, one tshark run: a process for each filter would take minutes.
    merged = tmp_path / "all.pcapng"
    filters: list[str] = []
    counts: list[int] = []
    before: dict[str, int] = {}
    read = 0
    usable = [case for case in CASES if told(case).expect.complete and all(map(packets, told(case).captures))]
    for case in usable:
        for path in told(case).captures:
            before[str(path)] = read
            read += len(packets(path))
        for piece in shown(case):
            numbers = " || ".join(f"frame.number=={before[piece.capture] + number}" for number in piece.frames)
            filters.append(f"({piece.filter}) && ({numbers})")
            counts.append(len(piece.frames))
    subprocess.run(["mergecap", "-a", "-w", str(merged), *before], check=True, capture_output=True)
    assert filters
    assert all("," not in text for text in filters)  # a comma would split the list that tshark is given
    found = hits(merged, filters)
    assert [text for text, hit, count in zip(filters, found, counts, strict=True) if hit != count] == []


def hits(capture: Path, filters: list[str]) -> list[int]:
    """Return how many frames each filter selects, as tshark's I/O statistics count them."""
    found: list[int] = []
    for start in range(0, len(filters), 100):
        chunk = filters[start : start + 100]
        command = ["tshark", "-n", "-r", str(capture), "-q", "-z", "io,stat,0," + ",".join(chunk)]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        (row,) = [line for line in result.stdout.splitlines() if "<>" in line]
        found += [int(number) for number in re.findall(r"\d+", row.split("|", 2)[2])[::2]]
    return found
