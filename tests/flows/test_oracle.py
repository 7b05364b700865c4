"""The flow table against another reader: every packet of the samples as tshark takes it apart."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pyshark
import pytest

from analyser.pipeline import reading

SAMPLES = Path(__file__).parents[2] / "samples" / "pcaps"
NAMES = (
    "ricoh-install",
    "icmp-v4",
    "icmp-v6",
    "qinq",
    "cooked",
    "raw-ip",
    "big-endian",
    "two-interfaces",
    "reset-in-path",
)

Conversation = tuple[str, frozenset[tuple[str, int]]]


def by_tshark(path: Path) -> Counter[Conversation]:
    """Count packets per conversation from the fields of each packet; what an ICMP error quotes is no packet of its own."""
    counts: Counter[Conversation] = Counter()
    with pyshark.FileCapture(str(path), keep_packets=False) as capture:
        for packet in capture:
            network = packet.ip if "IP" in packet else packet.ipv6 if "IPV6" in packet else None
            if network is None or "ICMP" in packet or "ICMPV6" in packet:
                continue
            transport = packet.tcp if "TCP" in packet else packet.udp
            ends = frozenset({(network.src, int(transport.srcport)), (network.dst, int(transport.dstport))})
            counts["tcp" if "TCP" in packet else "udp", ends] += 1
    return counts


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("name", NAMES)
def test_packets_per_conversation_agree_with_tshark(name: str) -> None:
    """Whatever the link layer, byte order or tags: the same conversations with the same number of packets."""
    path = next(SAMPLES.glob(f"{name}.pcap*"))
    ours: Counter[Conversation] = Counter()
    for row in reading.flows([str(path)]).whole().frame.iter_rows(named=True):
        packets = row["orig_pkts"] + row["resp_pkts"] + row["orig_dups"] + row["resp_dups"]
        if row["proto"] in {"tcp", "udp"} and packets:
            ends = frozenset({(row["id.orig_h"], row["id.orig_p"]), (row["id.resp_h"], row["id.resp_p"])})
            ours[row["proto"], ends] += packets
    assert ours == by_tshark(path)
    assert ours
