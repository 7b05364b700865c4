"""What looks like a tunnel and is none, and what is one although it looks odd."""

from __future__ import annotations

import struct
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from numpy.typing import NDArray
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet

from analyser.flows import reader
from analyser.flows.feed import Feed
from tests.flows.build import only_flow, payload, pcap, read

CLIENT, SERVER, ROUTER = "198.51.100.21", "192.0.2.10", "192.0.2.1"
ONE, OTHER = "00:00:5e:00:53:01", "00:00:5e:00:53:02"
OUTSIDE = Ether(src=OTHER, dst=ONE) / IP(src="203.0.113.1", dst="203.0.113.2")


def frame(**ip: Any) -> Packet:
    """Make a SYN of the client in its Ethernet frame, whose address begins with four bits of zeros."""
    return Ether(src=ONE, dst=OTHER) / IP(src=CLIENT, dst=SERVER, **ip) / TCP(sport=40000, dport=9100, flags="S")


LABEL = payload(struct.pack(">I", 77 << 12 | 0x1FF))
CONTROL_WORD = payload(bytes(4))


@pytest.mark.parametrize("tagged", [False, True])
@pytest.mark.parametrize("word", [False, True])
def test_a_pseudo_wire_is_opened_with_and_without_a_control_word(word: bool, tagged: bool) -> None:
    """An MPLS pseudo wire's frame is found although its MAC address begins like a control word (RFC 4928)."""
    inside = frame()
    if tagged:
        inside = Ether(src=ONE, dst=OTHER) / Dot1Q(vlan=9) / inside[IP]
    around = Ether(src=OTHER, dst=ONE, type=0x8847) / LABEL / (CONTROL_WORD / inside if word else inside)
    row = only_flow([(0, around)])
    assert (row["id.orig_h"], row["id.resp_h"], row["tunnel_parents"]) == (CLIENT, SERVER, "mpls id 77")
    assert row["vlan"] == (9 if tagged else 0)


def test_neighbours_in_a_pseudo_wire_are_told() -> None:
    """ARP in a pseudo wire without control word is a question like any other."""
    asked = Ether(src=ONE, dst="00:00:00:00:00:00") / ARP(psrc=CLIENT, pdst=SERVER)
    tables, _ = read(pcap([(0, Ether(src=OTHER, dst=ONE, type=0x8847) / LABEL / asked)]))
    assert tables.neighbours["target"].to_list() == [SERVER]


def test_a_segment_that_is_yet_to_be_cut_up_is_found_in_vxlan() -> None:
    """Total length 0, as a sender's own capture shows large segments, does not hide a packet in its tunnel."""
    segment = bytes(frame(len=0) / payload(b"x" * 3000))
    around = OUTSIDE / UDP(sport=50000, dport=4789) / payload(b"\x08\0\0\0\0\0\x4d\0" + segment)
    row = only_flow([(0, around)])
    assert (row["id.orig_h"], row["orig_bytes"], row["tunnel_parents"]) == (
        CLIENT, 3000, "vxlan 203.0.113.1>203.0.113.2 id 77",
    )  # fmt: skip


def test_ipv6_under_the_ethertype_of_ipv4_makes_no_tunnel() -> None:
    """A datagram to VXLAN's port is an ordinary one where EtherType and version inside contradict each other."""
    inside = bytes(Ether(src=ONE, dst=OTHER, type=0x0800)) + b"\x60" + bytes(60)
    row = only_flow([(0, OUTSIDE / UDP(sport=50000, dport=4789) / payload(b"\x08" + bytes(7) + inside))])
    assert (row["id.orig_h"], row["id.resp_p"], row["tunnel_parents"]) == ("203.0.113.1", 4789, None)


@pytest.mark.parametrize("port", [2152, 4789, 4790, 6081, 6635, 8472])
def test_an_error_about_a_client_on_a_tunnels_port_is_evidence(port: int) -> None:
    """Any client may have such a port: an ICMP error that quotes its request speaks of the flow; to the port, of a tunnel."""
    request = Ether(src=ONE, dst=OTHER) / IP(src=CLIENT, dst=SERVER) / UDP(sport=port, dport=161) / payload(b"abc")
    carrier = Ether(src=ONE, dst=OTHER) / IP(src=CLIENT, dst=SERVER) / UDP(sport=50000, dport=port)
    about = [
        Ether(src=OTHER, dst=ONE) / IP(src=SERVER, dst=CLIENT) / ICMP(type=3, code=3) / bytes(quoted[IP])[:28]
        for quoted in (request, carrier)
    ]
    tables, facts = read(pcap([(0, request), (0.1, about[0]), (0.2, about[1])]))
    assert tables.flows.select("id.orig_p", "id.resp_p", "icmp_errors").rows() == [(port, 161, 1)]
    assert facts.link_layer == {"icmp about a tunnel": 1}


class Dirty(Feed):
    """A feed whose records hold anything but zeros before they are filled."""

    def decode(self, packets: NDArray[Any]) -> int:
        """Decode into records that held something else."""
        packets.view(np.uint8)[:] = 0xC0
        return super().decode(packets)


def test_what_a_record_held_before_does_not_matter() -> None:
    """A datagram to the port of MPLS that holds no labels is an ordinary one, whatever stood in its record."""
    datagram = OUTSIDE / UDP(sport=50000, dport=6635) / payload(bytes(40))
    with patch.object(reader, "Feed", Dirty):
        row = only_flow([(0, datagram)])
    assert (row["id.resp_p"], row["orig_bytes"], row["tunnel_parents"]) == (6635, 40, None)
