"""Packet counts and conversations of public captures agree with their truth; what differs is listed with its reason."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from analyser.capture import open_captures
from analyser.flows.reader import read_flows
from analyser.model.capture import ReadingFacts
from analyser.tables import FlowTables
from tests.conformance.truth import FOLDER, LINK_TYPES, disagreements, files, is_decoded, link_types

DIFFER = {
    # file: (conversations that differ, why)
    "OISF_suricata-verify/defrag__bug-6887-defrag-ipv6-tcp__frag-ip-tcp.pcap": (
        1, "later fragments are counted in their flow; the truth counts the reassembled packet once"),
    "ntop_nDPI/dns_fragmented.pcap": (
        7, "later fragments are counted in their flow; the truth counts the reassembled packet once"),
    "ntop_nDPI/fuzz-2006-06-26-2594.pcap": (
        2, "damaged on purpose: a TCP header longer than its packet is malformed here; a later fragment counts in its flow"),
    "ntop_nDPI/fuzz-2006-09-29-28586.pcap": (
        3, "damaged on purpose: two TCP headers longer than their packets; a SYN with the old number continues its flow"),
    "ntop_nDPI/fuzz-2021-06-07-c6c72a0a56.pcap": (
        1, "damaged on purpose: a datagram to GTP's port that holds no packet is an ordinary one; the truth calls it GTP"),
    "ntop_nDPI/ip_fragmented_garbage.pcap": (
        4, "first fragments of 8 bytes: no whole TCP header, hence no flow (counted as cut headers)"),
    "pevma_mrp/ip.pcap": (
        1, "made at random: IPv6 under IPv4's EtherType is malformed here; the truth goes by the packet's version"),
    "pevma_mrp/tcp.pcap": (
        193, "made at random: TCP headers shorter than 20 bytes or longer than their packets are malformed here"),
    "seladb_PcapPlusPlus/ip6_fragments.pcap": (
        2, "later fragments are counted in their flow; the truth counts the reassembled packets only"),
    "seladb_PcapPlusPlus/null_loopback.pcap": (
        1, "one frame whose family word is no address family (counted by name); the truth guesses an EtherType in it"),
    "the-tcpdump-group_tcpdump/tcp_header_heapoverflow.pcap": (
        1, "the TCP header is cut off after its ports: no flow (counted as a cut header)"),
    "the-tcpdump-group_tcpdump/vxlan_port_8472.pcap": (
        4, "the truth knows no VXLAN on the port that Linux uses and tells the datagrams outside"),
    "zeek_zeek/ipv4__fragmented-1.pcap": (
        1, "later fragments are counted in their flow; the truth counts the reassembled packet once"),
    "zeek_zeek/ipv6-fragmented-dns.pcap": (
        1, "later fragments are counted in their flow; the truth counts the reassembled packets only"),
}  # fmt: skip

REFUSED = {
    # file: (problem code, what the message must say); containers that are no captures all the same
    "the-tcpdump-group_libpcap/pcap-invalid-version-1.pcap": ("damaged-header", "version 1.4"),
}


@cache
def read(name: str) -> tuple[FlowTables, ReadingFacts]:
    opened = open_captures([str(FOLDER / name)])
    return read_flows(opened.sources, ports={}, watch={})


def readable() -> list[dict[str, Any]]:
    return [entry for entry in files() if entry["file"] not in REFUSED]


def test_packet_counts_agree() -> None:
    """Every readable file has as many packets as the truth says, whatever its link types."""
    wrong = []
    for entry in readable():
        _, facts = read(entry["file"])
        if facts.packets != entry["packets"]:
            wrong.append(f"{entry['file']}: truth {entry['packets']}, read {facts.packets}")
    assert wrong == []


def test_conversations_agree_or_are_listed_with_their_reason() -> None:
    """Ends and packets each way of TCP and UDP conversations agree; a listed file must still differ as it says."""
    found = {}
    for entry in readable():
        if is_decoded(entry):
            tables, _ = read(entry["file"])
            found[entry["file"]] = disagreements(entry, tables)
    unexpected = {name: lines for name, lines in found.items() if lines and name not in DIFFER}
    assert unexpected == {}
    assert {name: len(found.get(name, ())) for name in DIFFER} == {name: count for name, (count, _) in DIFFER.items()}


def test_other_link_types_are_counted_by_name() -> None:
    """Packets of link types that are not decoded make no flow, and every one of them is counted under a name."""
    others = [entry for entry in readable() if not set(link_types(entry)) & LINK_TYPES]
    assert others
    for entry in others:
        tables, facts = read(entry["file"])
        assert tables.flows.is_empty(), entry["file"]
        assert sum(facts.undecoded.values()) == entry["packets"], entry["file"]


def test_impossible_headers_are_refused() -> None:
    """A capture whose own header is impossible is refused with the reason."""
    files()
    for name, (code, says) in REFUSED.items():
        opened = open_captures([str(FOLDER / name), str(FOLDER / readable()[0]["file"])])
        assert [(problem.code, says in problem.detail) for _, problem in opened.rejected] == [(code, True)]


CONFORMANCE = "hadrielk_pcapng-test-generator"


def test_the_pcapng_conformance_set_is_read_as_its_authors_say() -> None:
    """Packets are the packet blocks (and custom blocks, which Wireshark numbers too), and nothing is lost or damaged."""
    chosen = [entry for entry in files() if entry["file"].startswith(CONFORMANCE)]
    assert len(chosen) > 20
    wrong = []
    for entry in chosen:
        listing = (FOLDER / "expected" / f"{entry['file']}.txt").read_text(encoding="utf-8")
        counts = {kind: int(n) for kind, n in re.findall(r"^\s+([A-Z]+): (\d+)$", listing, re.MULTILINE)}
        packets = sum(counts.get(kind, 0) for kind in ("EPB", "SPB", "PB", "OPB", "CB", "DCB"))
        _, facts = read(entry["file"])
        (file,) = facts.files
        if (file.packets, file.complete, file.problems) != (packets, True, []):
            wrong.append(f"{entry['file']}: {counts}, read {file}")
    assert wrong == []


def test_everything_at_once() -> None:
    """The whole folder as one timeline: nothing raises, every packet of every file is there, copies are read once."""
    entries = readable()
    opened = open_captures([str(FOLDER / "*" / "*")])
    by_path = {str(FOLDER / entry["file"]): entry["packets"] for entry in entries}
    _, facts = read_flows(opened.sources, ports={}, watch={})
    assert {Path(item.path): item.packets for item in facts.files} == {
        Path(source.path): by_path[source.path] for source in opened.sources
    }
    copies = sum(
        problem.count for source in opened.sources for problem in source.problems if problem.code == "same-file"
    )
    assert len(opened.sources) + copies == len(entries)
