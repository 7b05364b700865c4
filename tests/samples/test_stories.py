"""The captures beside the scripts: reproducible, small, whole, and on addresses that belong to nobody."""

from __future__ import annotations

import ipaddress

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet

from samples.renew import HERE, Case
from tests.samples.running import CASES, every_case, packets, told

NOBODYS = [
    ipaddress.ip_network(text)
    for text in (
        "192.0.2.0/24",  # RFC 5737
        "198.51.100.0/24",
        "203.0.113.0/24",
        "2001:db8::/32",  # RFC 3849
        "233.252.0.0/24",  # RFC 6676
        "127.0.0.0/8",
        "224.0.0.251/32",  # mDNS itself (RFC 6762)
    )
]
MAC_PREFIX = "00:00:5e:00:53:"  # RFC 7042
LIMIT = 100_000


def test_there_are_enough_cases() -> None:
    """The issue asks for at least twenty-four stories."""
    assert len(CASES) >= 24


@every_case
def test_a_script_reproduces_its_capture(case: Case) -> None:
    """Telling a story again gives the stored file, byte for byte."""
    for path, data in told(case).captures.items():
        assert data == path.read_bytes(), path.name


@every_case
def test_a_case_is_complete_and_small(case: Case) -> None:
    """A case has capture, site and golden digest, and its capture stays under 100 kB."""
    assert case.site.is_file()
    assert case.golden.is_file()
    assert all(path.stat().st_size < LIMIT for path in told(case).captures)


def test_nothing_lies_about_without_its_script() -> None:
    """Every site, digest and capture belongs to a case."""
    names = {case.name for case in CASES}
    for folder in ("sites", "golden"):
        assert {path.stem for path in (HERE / folder).iterdir()} == names
    lying = set((HERE / "pcaps").rglob("*.pcap*"))
    assert lying == {path for case in CASES for path in told(case).captures}


@every_case
def test_only_documentation_addresses_appear(case: Case) -> None:
    """No packet carries an address that could be somebody's."""
    for packet in all_packets(case):
        for address in network_addresses(packet):
            assert any(ipaddress.ip_address(address) in network for network in NOBODYS), address
        for mac in hardware_addresses(packet):
            assert mac.startswith(MAC_PREFIX) or int(mac[:2], 16) & 1 or not mac.strip("0:"), mac


@every_case
def test_checksums_are_right(case: Case) -> None:
    """A packet that is built anew, checksums left to scapy, has the bytes of the captured one."""
    for packet in all_packets(case):
        if IP not in packet:
            continue
        again = packet[IP].copy()
        for layer in (again, again.payload):
            if "chksum" in layer.fields:
                del layer.chksum
        assert bytes(again) == bytes(packet[IP])


def all_packets(case: Case) -> list[Packet]:
    """Return the packets of every capture of a case."""
    return [packet for path in told(case).captures for packet in packets(path)]


def network_addresses(packet: Packet) -> list[str]:
    """Return the IP and ARP addresses of a packet."""
    found: list[str] = []
    for layer in (IP, IPv6):
        if layer in packet:
            found += [packet[layer].src, packet[layer].dst]
    if ARP in packet:
        found += [packet[ARP].psrc, packet[ARP].pdst]
    return found


def hardware_addresses(packet: Packet) -> list[str]:
    """Return the MAC addresses of a frame."""
    return [packet[Ether].src, packet[Ether].dst] if Ether in packet else []


def test_the_address_check_can_fail() -> None:
    """An address outside the documentation ranges would be noticed."""
    stranger = IP(src="192.0.2.1", dst="8.8.8.8")
    wrong = [a for a in network_addresses(stranger) if not any(ipaddress.ip_address(a) in n for n in NOBODYS)]
    assert wrong == ["8.8.8.8"]
    with pytest.raises(AssertionError):
        assert not wrong
